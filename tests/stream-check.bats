# SPDX-License-Identifier: MIT
# The checker of what clients get: it takes good streams, and no stream that breaks one of the rules.
load helper

setup() {
	common_setup
	cd "$T"
	CHECK=$ROOT/tests/stream-check
	SSE=$FIXTURES/sse
}
teardown() { common_teardown; }

# broken WHY SED-SCRIPT: good.sse, changed so, is broken, for that reason.
broken() {
	sed "$2" "$SSE/good.sse" >changed
	! cmp -s changed "$SSE/good.sse" || { echo "nothing changed: $2"; false; }
	run "$CHECK" changed
	[ "$status" -eq 1 ] && [[ $output == "broken: "*"$1"* ]] || { echo "$2: $output, not $1"; false; }
}

@test "a good stream is whole, one that ends in an error is an error" {
	run "$CHECK" "$SSE/good.sse"
	[ "$status" -eq 0 ]
	[ "$output" = whole ]
	run "$CHECK" <"$SSE/error.want"
	[ "$status" -eq 0 ]
	[ "$output" = 'error: overloaded_error: Overloaded' ]
	run "$CHECK" -i < <(printf 'HTTP/1.1 200 OK\r\nx: y\r\n\r\n'; cat "$SSE/good.sse")
	[ "$output" = whole ]
	run "$CHECK" "$SSE/good.sse" "$SSE/error.sse"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == *"good.sse: whole" ]]
	[[ ${lines[1]} == *"error.sse: broken: "* ]]
	run -111 "$CHECK" absent
	run -100 "$CHECK" --nonsense
}

@test "each rule is checked" {
	broken 'no event in the one form' 's/$/\r/'
	broken 'no event in the one form' 's/^data: /data:/'
	broken 'no event in the one form' '/^event: ping/d'
	broken 'no event in the one form' '$d'
	broken 'its name is not its type' 's/^event: ping/event: pong/'
	broken 'not JSON' 's/"ping"}/"ping",}/'
	broken 'member twice' 's/{"type": "ping"}/{"type":"ping","type":"ping"}/'
	broken 'before message_start' '/^event: message_start/,/^$/d'
	broken 'message_start without id' 's/"id":"msg_1",//'
	broken 'usage without input_tokens' 's/"input_tokens":25,//'
	broken 'is no count' 's/"input_tokens":25/"input_tokens":null/'
	broken 'is no count' 's/"output_tokens":15/"output_tokens":1.5/'
	broken 'block 2 in place of 1' 's/"index":1/"index":2/'
	broken 'begins within another' '/^event: content_block_stop/,/^$/d'
	broken 'without an empty input' 's/,"input":{}//'
	broken 'without id and name' 's/"name":"f",//'
	broken 'begins without its text' 's/"thinking":"",//'
	broken 'outside its block' '/^event: content_block_start/,/^$/d'
	broken 'in a thinking block' 's/thinking_delta/text_delta/'
	broken 'without its text' 's/"partial_json":"}"/"json":"}"/'
	broken 'ends in the middle' 's/"partial_json":"}"/"partial_json":""/'
	broken 'without stop_reason' 's/"stop_reason":"tool_use"/"stop_reason":null/'
	broken 'message_stop before message_delta' '/^event: message_delta/,/^$/d'
	broken 'a second message_delta' 's/^event: message_stop/event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"x"},"usage":{"output_tokens":1}}\n\n&/'
	broken 'behind the last event' '$a event: ping\ndata: {"type":"ping"}\n'
	broken 'without message_stop' '/^event: message_stop/,$d'
	broken 'an error without' '/^event: message_stop/,$c event: error\ndata: {"type":"error","error":"x"}\n'
	broken 'without message_stop' 1,40d
}

@test "records: each answer is checked, and its end against its body" {
	"$ROOT/tests/sse-records" cut "$SSE/good.sse" >good.rec
	"$ROOT/tests/sse-records" cut -r truncated "$SSE/error.want" | sed 's/"id":1/"id":2/' >error.rec
	run "$CHECK" -r < <(cat good.rec error.rec)
	[ "$status" -eq 0 ]
	[ "$output" = '1 whole, 1 error, 0 broken' ]
	run "$CHECK" -r < <(sed 's/"complete"/"truncated"/' good.rec)
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = '1: broken: it is whole, its end says truncated' ]
	run "$CHECK" -r < <(sed '$d' good.rec)
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = '1: broken: no end' ]
}
