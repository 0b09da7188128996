#!/bin/sh
# SPDX-License-Identifier: MIT
# Claude Code through lb. The token only satisfies Claude Code: lb sends the providers' own keys.
ANTHROPIC_BASE_URL=${ANTHROPIC_BASE_URL:-http://localhost:9000} ANTHROPIC_AUTH_TOKEN=unused exec claude "$@"
