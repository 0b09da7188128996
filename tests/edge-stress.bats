# SPDX-License-Identifier: MIT
# lb-listen under clients of all manners at once, before stages of all manners: nobody is left without an answer, and
# nothing is left behind. Bounded to some seconds; tests/tools/stress.py takes other counts and seeds.

load helper

setup() { common_setup; }
teardown() { common_teardown; }

SEED=1

serve() {
	start listen lb-listen -l 127.0.0.1:0 -n 2 "$@" -- cat '|' python3 "$ROOT/tests/tools/fickle_stage.py" "$SEED"
	KEEPER=$PID
	wait_for 200 grep -q "listening on 127" "$T/listen.err" || { cat "$T/listen.err"; return 1; }
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err" | head -n 1)
}

stress() { python3 "$ROOT/tests/tools/stress.py" "$PORT" "$@"; }
edge() { pgrep -P "$KEEPER" -x lb-edge; }
descriptors() { ls "/proc/$(edge)/fd" | wc -l; }
as_before() { [ "$(descriptors)" -le "$BEFORE" ]; }
no_report() { ! grep -E 'Sanitizer|runtime error|the edge (exited|was)' "$T/listen.err"; }
all_gone() { for pid in "$@"; do gone "$pid" || return 1; done; }

# end_well CODE: lb-listen ends with it, and nobody is left.
end_well() {
	local all="$(pgrep -P "$KEEPER")" code=0
	kill "$KEEPER"
	wait "$KEEPER" || code=$?
	[ "$code" -eq "$1" ]
	wait_for 50 all_gone $all
}

@test "each client that behaves gets whole answers, and its descriptors come back" {
	serve
	# One descriptor is opened at the first need and stays: the watch for a FIN behind octets that are not read.
	BEFORE=$(($(descriptors) + 1))
	stress 400 150 "$SEED"
	wait_for 100 as_before
	no_report
	refute_warning() { ! grep warning "$T/listen.err"; }
	refute_warning
	end_well 0
}

@test "stages that die or write nonsense: whole answers, one clear error, or a visible break, and then all is well" {
	serve
	BEFORE=$(($(descriptors) + 1))
	stress 250 100 "$SEED" stormy
	wait_for 100 as_before
	no_report
	# Whatever pause the pipelines had come to, one comes up again.
	answered() { [ "$(curl -s "http://127.0.0.1:$PORT/echo/5")" = zzzzz ]; }
	wait_for 200 answered
	end_well 0
}

@test "edge and stages killed under load: they come again; stopped under load: nobody is left" {
	serve --drain-timeout 1
	stress 300 100 "$SEED" stormy >"$T/first" 3>&- &
	local clients=$! name
	for name in python3 lb-edge cat lb-edge; do
		wait_for 100 pgrep -P "$KEEPER" -x "$name"
		kill -9 "$(pgrep -P "$KEEPER" -x "$name" | head -n 1)" || true
	done
	wait $clients
	answered() { [ "$(curl -s "http://127.0.0.1:$PORT/echo/5")" = zzzzz ]; }
	wait_for 200 answered
	stress 300 100 "$SEED" stormy >"$T/second" 3>&- &
	clients=$!
	some_connections() { [ "$(descriptors)" -gt 30 ]; }
	wait_for 100 some_connections
	end_well 0
	wait $clients
	! grep -E 'Sanitizer|runtime error' "$T/listen.err"
}
