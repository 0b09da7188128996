#!/bin/sh
# SPDX-License-Identifier: MIT
# One lb a connection under busybox's tcpsvd (Alpine: busybox-extras), at most 256 at once.
exec busybox tcpsvd -c 256 127.0.0.1 "${PORT:-9000}" lb "$@"
