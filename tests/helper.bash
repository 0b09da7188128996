# SPDX-License-Identifier: MIT
# What the bats files share. Each test gets a folder of its own, $T, and everything it started is ended with it.
# Programs are on PATH; $LB_OUT is the build's folder.

bats_require_minimum_version 1.5.0

common_setup() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/lb-test.XXXXXX")
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	FIXTURES=$ROOT/tests/fixtures
	STARTED=()
	# Never the user's own.
	export LB_STATE=$T/health
}

common_teardown() {
	local pid
	for pid in "${STARTED[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	# Asked twice, lb-listen does not wait for open answers.
	for pid in "${STARTED[@]}"; do
		wait_for 3 gone "$pid" || kill "$pid" 2>/dev/null || true
	done
	for pid in "${STARTED[@]}"; do
		wait_for 100 gone "$pid" || kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$T"
}

# wait_for TENTHS COMMAND...: tries until the command succeeds, at most so many tenths of a second; tests poll for the
# thing they wait for, and never sleep instead.
wait_for() {
	local left=$1
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

# Whether a process has ended (a zombie has).
gone() {
	local state
	state=$(ps -o state= -p "$1" 2>/dev/null) || return 0
	case $state in Z*) return 0 ;; esac
	return 1
}

# start NAME COMMAND...: runs it in the background, its stderr in $T/NAME.err and stdout in $T/NAME.out; its pid is $PID.
# (fd 3 is bats' own and must not be kept open.)
start() {
	local name=$1
	shift
	"$@" >"$T/$name.out" 2>"$T/$name.err" </dev/null 3>&- &
	PID=$!
	STARTED+=("$PID")
}

# A port of 127.0.0.1 that was free just now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

listening() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Fails with a difference if two files differ.
same() {
	diff -u "$1" "$2"
}

# page_examples PAGE LEAST: runs the literal blocks of a page's EXAMPLES and DIAGNOSTICS in $T, at least so many commands:
# `$ cat FILE` is followed by the file, which is written, any other `$ command` by what it prints.
page_examples() {
	local command= line count=0
	cd "$T" || return
	awk '/^\.Sh/ { here = $2 == "EXAMPLES" || $2 == "DIAGNOSTICS" }
		/^\.Ed/ { literal = 0 }
		literal && here { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }
		/^\.Bd -literal/ { literal = 1 }
		END { print "$ :" }' "$ROOT/man/$1" >page
	: >want
	while IFS= read -r line; do
		case $line in
		'$ '*) ;;
		*) printf '%s\n' "$line" >>want && continue ;;
		esac
		case $command in
		'') ;;
		'cat '*) cp want "${command#cat }" ;;
		*)
			bash -c "$command" >got 2>&1 || true
			same want got || { echo "# of: $command"; return 1; }
			;;
		esac
		: >want
		command=${line#'$ '}
		count=$((count + 1))
	done <page
	[ "$count" -gt "$2" ]
}
