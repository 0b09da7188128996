#!/bin/sh
# SPDX-License-Identifier: MIT
# The four programs by themselves, for any super-server: one request, then the connection is closed.
lb-listen | lb-route "$@" | lb-fetch "$@" | lb-sse -H
