#!/bin/sh
# SPDX-License-Identifier: MIT
# One lb a connection under tcpserver, at most 256 at once; without the look-ups that would wait for somebody's DNS.
exec tcpserver -c 256 -H -R -l 0 127.0.0.1 "${PORT:-9000}" lb "$@"
