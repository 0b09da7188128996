# SPDX-License-Identifier: MIT
# The benchmark works, and its client notices what is not whole.
load helper

setup() {
	common_setup
	RUN=("$ROOT/tests/bench/run" --rounds 1 --ms 100 --paced-rounds 1 --streams 20 --connections 2)
	BENCH=$LB_OUT/tests/bench
}

teardown() { common_teardown; }

# The provider, on $PORT.
start_provider() {
	start provider "$BENCH/provider"
	wait_for 100 test -s "$T/provider.out"
	PORT=$(cat "$T/provider.out")
}

@test "bench: its smallest form prints the tables and ends with 0" {
	run --separate-stderr "${RUN[@]}"
	[ "$status" -eq 0 ] || { echo "$output$stderr"; false; }
	[[ $output == *"requests/s, 32 connections"* ]]
	[[ $output == *"20 streams at once"* ]]
	[[ $output == *"record_parse"* ]]
	[[ $output != *failed* ]]
}

@test "bench: a stream that breaks off is reported, with exit code 1" {
	run --separate-stderr "${RUN[@]}" --only '' --no-micro --cut
	[ "$status" -eq 1 ]
	[[ $output == *"answers were not whole: the connection ended in the middle of the answer"* ]]
}

@test "bench: the client counts events, demands message_stop, and sees cut streams" {
	start_provider
	run "$BENCH/load" -n 3 -m stream -e 20 "$PORT"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.requests, .failed, .reconnected]' <<<"$output")" = '[3,0,0]' ]
	run "$BENCH/load" -n 3 -m stream -e 21 "$PORT"
	[ "$status" -eq 1 ]
	[ "$(jq -r .why <<<"$output")" = "the stream has 19 events" ]
	run "$BENCH/load" -n 3 -m json -e 20 "$PORT"
	[ "$status" -eq 1 ]
	[ "$(jq -r .why <<<"$output")" = "the stream does not end with message_stop" ]
	run "$BENCH/load" -n 3 -c 3 -m cut -e 20 "$PORT"
	[ "$status" -eq 1 ]
	[ "$(jq -c '[.requests, .failed]' <<<"$output")" = '[3,3]' ]
}

@test "bench: streams of 50 events come paced, a body of 1 MB is read whole" {
	start_provider
	run "$BENCH/load" -n 5 -c 5 -m paced -e 50 -o "$PORT"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = open ]
	# 49 gaps of 20 ms each; the last event can only come late.
	jq -e '.total_p50 > 900000' <<<"${lines[1]}"
	run "$BENCH/load" -n 3 -m json -b 1000000 "$PORT"
	[ "$status" -eq 0 ]
}
