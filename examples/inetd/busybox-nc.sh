#!/bin/sh
# SPDX-License-Identifier: MIT
# One lb a connection under busybox's nc, which every busybox has. It listens on all addresses; lb serves this machine only.
exec busybox nc -ll -p "${PORT:-9000}" -e lb "$@"
