#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The systemd units, as they are installed.

load helper

setup() {
	common_setup
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is missing"
	# Their programs' paths must exist to be verified.
	make -s -C "$ROOT" --no-print-directory OUT="${LB_OUT#"$ROOT/"}" BIN="${LB_BIN#"$ROOT/"}" PREFIX="$T/lb" \
		install-files
	units=$T/lb/lib/systemd/system
}
teardown() { common_teardown; }

@test "systemd-analyze verify finds nothing to say" {
	for unit in "$units"/*; do
		run systemd-analyze verify --man=no "$unit"
		echo "$unit: $output"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	[ "$(ls "$units" | wc -l)" -eq 4 ]
}

@test "systemd-analyze security gives at most 2.0" {
	for unit in "$units"/*.service; do
		run systemd-analyze security --no-pager --offline=true --threshold=20 "$unit"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	# The threshold is in tenths: it would say no.
	run systemd-analyze security --no-pager --offline=true --threshold=2 "$units/lb.service"
	[ "$status" -ne 0 ]
}

# Whether a unit has that line.
has() {
	grep -qx -e "$2" "$units/$1" || { echo "$1: no $2"; return 1; }
}

@test "each kind of service has the settings that it needs" {
	for unit in lb.service lb-per-connection@.service; do
		for setting in User=lb ProtectSystem=strict CapabilityBoundingSet= NoNewPrivileges=yes KillMode=mixed \
			RuntimeDirectory=lb RuntimeDirectoryPreserve=yes LoadCredential=anthropic:lb.anthropic \
			MemoryDenyWriteExecute=yes 'LimitNOFILE=[0-9]*'; do
			has "$unit" "$setting"
		done
	done
	for setting in Type=notify NonBlocking=yes; do has lb.service "$setting"; done
	has lb-per-connection@.service CollectMode=inactive-or-failed
	has lb-per-connection@.service StandardInput=socket
	has lb-per-connection@.service StandardError=journal
	has lb-per-connection.socket Accept=yes
	has lb-per-connection.socket 'MaxConnections=[0-9]*'
	has lb-per-connection.socket TriggerLimitIntervalSec=0
}

# Longer than lb-listen gives the open answers, or systemd would cut them off.
@test "the time to stop is above the drain limit" {
	drain=$(lb-listen --help | sed -n 's/.*--drain-timeout.*default \([0-9]*\)).*/\1/p')
	[ "$drain" -gt 0 ]
	for unit in "$units"/*.service; do
		stop=$(sed -n 's/^TimeoutStopSec=//p' "$unit")
		[ "$stop" -gt "$drain" ]
	done
}

@test "the user is one that systemd-sysusers can make" {
	command -v systemd-sysusers >/dev/null || skip "systemd-sysusers is missing"
	mkdir -p "$T/root/etc"
	: >"$T/root/etc/passwd"
	: >"$T/root/etc/group"
	[ "$(id -u)" -eq 0 ] || skip "only root can make users, even in another root"
	systemd-sysusers --root="$T/root" "$T/lb/lib/sysusers.d/lb.conf"
	grep -q '^lb:' "$T/root/etc/passwd"
}

# What the units do but for the sandbox: systemd-socket-activate hands over sockets as systemd does.
@test "the shared service, with its sockets handed over" {
	port=$(free_port)
	start lb systemd-socket-activate -l "127.0.0.1:$port" -E PATH -E LB_STATE lb --demo
	wait_for 100 listening "$port"
	curl -sS "http://127.0.0.1:$port/v1/messages" -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \
		-d '{"model":"any","max_tokens":9,"messages":[]}' >"$T/answer"
	jq -e '.content[0].text | contains("recorded")' "$T/answer"
	grep -q 'lb: info: serving the sockets it was given with provider replay' "$T/lb.err"
}
