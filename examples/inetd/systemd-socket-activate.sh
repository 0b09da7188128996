#!/bin/sh
# SPDX-License-Identifier: MIT
# One lb a connection under systemd-socket-activate, which hands on those variables only that are named.
exec systemd-socket-activate -l "127.0.0.1:${PORT:-9000}" --accept --inetd \
    -E PATH -E LB_CONFIG -E LB_STATE -E XDG_RUNTIME_DIR lb "$@"
