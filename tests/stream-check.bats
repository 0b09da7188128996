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

# broken WHY SED-SCRIPT [FILE]: good.sse, or FILE, changed so, is broken, for that reason.
broken() {
	local file=${3:-$SSE/good.sse}
	sed "$2" "$file" >changed
	! cmp -s changed "$file" || { echo "nothing changed: $2"; false; }
	run "$CHECK" changed
	[ "$status" -eq 1 ] && [[ $output == "broken: "*"$1"* ]] || { echo "$2: $output, not $1"; false; }
}

# whole SED-SCRIPT: good.sse, changed so, is still whole.
whole() {
	sed "$1" "$SSE/good.sse" >changed
	! cmp -s changed "$SSE/good.sse" || { echo "nothing changed: $1"; false; }
	run "$CHECK" changed
	[ "$status" -eq 0 ] && [ "$output" = whole ] || { echo "$1: $output"; false; }
}

@test "a good stream is whole, one that ends in an error is an error" {
	run "$CHECK" "$SSE/good.sse"
	[ "$status" -eq 0 ]
	[ "$output" = whole ]
	run "$CHECK" <"$SSE/error.want"
	[ "$status" -eq 0 ]
	[ "$output" = 'error: overloaded_error: Overloaded' ]
	run "$CHECK" "$SSE/good.sse" "$SSE/error.sse"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == *"good.sse: whole" ]]
	[[ ${lines[1]} == *"error.sse: broken: "* ]]
	run -111 "$CHECK" absent
	run -100 "$CHECK" --nonsense
}

@test "what the contract leaves open is no fault" {
	whole 's/,"model":"m"//'
	whole 's/"stop_reason":null,//'
	whole 's/"output_tokens":15}/"output_tokens":15,"server_tool_use":{"web_search_requests":null},"service_tier":null}/'
	whole 's/^event: message_stop/event: later\ndata: {"type":"later","x":1,"x":2}\n\n: comment\n\n&/'
	whole 's/{"type": "ping"}/{"type":"ping","index":7,"index":8}/'
	whole '/^data: {"type":"content_block_delta","index":1/s/.*/data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}/'
	whole 's/signature_delta/later_delta/'
	whole 's/"partial_json":"}"/"partial_json":",\\"x\\":2}"/'
	whole 's/"stop_reason":"tool_use"/"stop_reason":"later"/'
	# One error may come anywhere, even first, and before an open block has been closed.
	for after in 1 3 5 9 13; do
		{ awk -v RS= -v ORS='\n\n' -v n="$after" 'NR < n' "$SSE/good.sse"
			printf 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"}}\n\n'; } >changed
		run "$CHECK" changed
		[ "$status" -eq 0 ]
		[ "$output" = 'error: api_error: x' ] || { echo "$after: $output"; false; }
	done
}

@test "each rule is checked: framing" {
	broken 'no event in the one form' 's/$/\r/'
	broken 'no event in the one form' 's/^data: /data:/'
	broken 'no event in the one form' 's/^event: /event:/'
	broken 'no event in the one form' '/^event: ping/d'
	broken 'no event in the one form' '$d'
	broken 'no event in the one form' '1s/^/\xef\xbb\xbf/'
	broken 'no event in the one form' 's/^data: {"type": "ping"}/&\ndata: /'
	broken 'no event in the one form' 's/^event: ping/id: 1\n&/'
	broken 'no event in the one form' 's/{"type": "ping"}/["ping"]/'
	broken 'no event in the one form' 's/{"type": "ping"}/[DONE]/'
	broken 'no event in the one form' 's/^event: ping/\n&/'
	broken 'its name is not its type' 's/^event: ping/event: pong/'
	broken 'its name is not its type' 's/{"type": "ping"}/{}/'
	broken 'not JSON' 's/"ping"}/"ping",}/'
	broken 'not JSON' 's/"ping"}/"ping","x":NaN}/'
	broken 'type stands twice' 's/{"type": "ping"}/{"type":"ping","type":"ping"}/'
	broken 'index stands twice' 's/"index":1,/"index":1,"index":2,/'
}

@test "each rule is checked: the message" {
	broken 'before message_start' '/^event: message_start/,/^$/d'
	broken 'a second message_start' '/^data: {"type":"message_start/{p;s/.*/\nevent: message_start/p;x;s/.*//;x;s/.*/data: {"type":"message_start"}/}'
	broken 'message_start without message' 's/"message":{/"massage":{/'
	broken 'its type is not message' 's/"type":"message",//'
	broken 'the role is not assistant' 's/"role":"assistant",//'
	broken 'message_start without id' 's/"id":"msg_1",//'
	broken 'message_start without id' 's/"id":"msg_1"/"id":""/'
	broken 'the model is no text' 's/"model":"m"/"model":null/'
	broken 'content is no empty list' 's/"content":\[\],//'
	broken 'content is no empty list' 's/"content":\[\]/"content":[{"type":"text","text":"x"}]/'
	broken 'has a stop_reason' 's/"stop_reason":null/"stop_reason":"end_turn"/'
	broken 'message_start without usage' 's/"usage":{"input_tokens":25,"output_tokens":1}/"usage":null/'
	broken 'usage without input_tokens' 's/"input_tokens":25,//'
	broken 'usage without output_tokens' 's/,"output_tokens":1}/}/'
	broken 'is no count' 's/"input_tokens":25/"input_tokens":null/'
	broken 'is no count' 's/"input_tokens":25/"input_tokens":25.0/'
	broken 'is no count' 's/"input_tokens":25/"input_tokens":-1/'
	broken 'is no count' 's/"input_tokens":25/"input_tokens":true/'
	broken 'is no count' 's/"input_tokens":25/&,"cache_read_input_tokens":null/'
}

@test "each rule is checked: blocks" {
	broken "index 2 is not the next block's, 1" 's/"index":1/"index":2/'
	broken "index None is not the next block's, 0" 's/"index":0,//'
	broken "index False is not the next block's, 0" 's/"index":0,/"index":false,/'
	broken "index 5 is not the open block's, 1" '/content_block_delta/s/"index":1/"index":5/'
	broken "index 5 is not the open block's, 1" '/content_block_stop/s/"index":1/"index":5/'
	broken 'begins within another' '/^event: content_block_stop/,/^$/d'
	broken 'a block without a type' 's/"content_block":{"type":"thinking",/"content_block":{/'
	broken 'a block without a type' 's/"content_block":{.*}}/"content_block":7}/'
	broken 'without an empty input' 's/,"input":{}//'
	broken 'without an empty input' 's/"input":{}/"input":null/'
	broken 'without an empty input' 's/"input":{}/"input":{"n":1}/'
	broken 'without an empty input' 's/"tool_use","id"/"server_tool_use","id"/;s/,"input":{}//'
	broken 'without id and name' 's/"name":"f",//'
	broken 'without id and name' 's/"id":"toolu_1",//'
	broken 'without id and name' 's/"id":"toolu_1"/"id":""/'
	broken 'does not begin with an empty text' 's/"thinking":"",//'
	broken 'does not begin with an empty text' 's/{"type":"thinking","thinking":""/{"type":"text","text":null/'
	broken 'does not begin with an empty text' 's/{"type":"thinking","thinking":""/{"type":"text","text":"a"/'
	broken 'a delta outside any block' '/^event: content_block_start/,/^$/d'
	broken 'a stop of no open block' '/^event: content_block_stop/{h;N;N;p}'
	broken 'a delta without a type' 's/{"type":"thinking_delta",/{/'
	broken 'in a thinking block' 's/thinking_delta/text_delta/'
	broken 'in a tool_use block' 's/input_json_delta/citations_delta/'
	broken 'without its partial_json' 's/"partial_json":"}"/"json":"}"/'
	broken 'without its thinking' 's/"thinking":"Größe 😀"/"thinking":null/'
	broken 'without its signature' 's/"signature":"c2ln"/"signature":7/'
	broken 'ends in the middle' 's/"partial_json":"}"/"partial_json":""/'
	broken 'or is no JSON' 's/"partial_json":"}"/"partial_json":"}}"/'
	broken 'or is no JSON' 's/1e400/NaN/'
	broken 'is no object' 's/"partial_json":"{.*e400"/"partial_json":"["/;s/"partial_json":"}"/"partial_json":"]"/'
	sed 's/"type":"tool_use"/"type":"server_tool_use"/' "$SSE/good.sse" >server.sse
	broken 'ends in the middle' 's/"partial_json":"}"/"partial_json":""/' server.sse
}

@test "each rule is checked: the end" {
	broken 'message_delta within a block' '/^event: content_block_stop/{N;N;/"index":1/d}'
	broken 'without stop_reason' 's/"stop_reason":"tool_use"/"stop_reason":null/'
	broken 'without stop_reason' 's/"delta":{"stop_reason":"tool_use","stop_sequence":null},//'
	broken 'message_delta without usage' 's/,"usage":{"output_tokens":15}//'
	broken 'usage without output_tokens' 's/"usage":{"output_tokens":15}/"usage":{}/'
	broken 'is no count' 's/"output_tokens":15/"output_tokens":1.5/'
	broken 'is no count' 's/"output_tokens":15/&,"input_tokens":null/'
	broken 'a second message_delta' 's/^event: message_stop/event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"x"},"usage":{"output_tokens":1}}\n\n&/'
	broken 'a block behind message_delta' 's/^event: message_stop/event: content_block_start\ndata: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}\n\n&/'
	broken 'message_stop before message_delta' '/^event: message_delta/,/^$/d'
	broken 'message_stop within a block' '/^event: content_block_stop/,/^event: message_stop/{/^event: message_stop/!d}'
	broken 'behind the last event' '$a event: ping\ndata: {"type":"ping"}\n'
	broken 'behind the last event' '$a : comment\n'
	broken 'behind the last event' '$a event: message_stop\ndata: {"type":"message_stop"}\n'
	broken 'behind the last event' '$a event: error\ndata: {"type":"error","error":{"type":"x","message":"y"}}\n'
	broken 'behind the last event' 's/^event: ping/event: error\ndata: {"type":"error","error":{"type":"x","message":"y"}}\n\n&/'
	broken 'without message_stop' '/^event: message_stop/,$d'
	broken 'without message_stop' 1,40d
	broken 'an error without' '/^event: message_stop/,$c event: error\ndata: {"type":"error","error":"x"}\n'
	broken 'an error without' '/^event: message_stop/,$c event: error\ndata: {"type":"error","error":{"message":"x"}}\n'
	broken 'an error without' '/^event: message_stop/,$c event: error\ndata: {"type":"error","error":{"type":"x","message":null}}\n'
}

# answer STATUS CONTENT-TYPE BODY: the verdict on an answer with its head.
answer() {
	run "$CHECK" -i < <(printf 'HTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 %s OK\r\nX: y\r\nContent-Type:%s\r\n\r\n%s' "$1" "$2" "$3")
}

@test "an answer with its head: a stream, a message, an error" {
	message='{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"n":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}'
	error='{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
	answer 200 ' text/event-stream; charset=utf-8' "$(cat "$SSE/good.sse")"$'\n\n'
	[ "$status $output" = '0 whole' ]
	answer 200 ' application/json' "$message"
	[ "$status $output" = '0 whole' ]
	answer 529 ' application/json' "$error"
	[ "$status $output" = '0 status 529: overloaded_error: Overloaded' ]
	for change in 's/"role":"assistant",//' 's/"id":"msg_1",//' 's/"type":"message",//' 's/"content":.*}}],//' \
		's/"stop_reason":"tool_use"/"stop_reason":null/' 's/"usage":{.*}/"usage":null/' 's/,"output_tokens":2//' \
		's/"input":{"n":1}/"input":"{}"/' 's/"name":"f",//' 's/}$//' 's/"input_tokens":1/"input_tokens":1.0/'; do
		answer 200 ' application/json' "$(sed "$change" <<<"$message")"
		[ "$status" -eq 1 ] && [[ $output == broken:* ]] || { echo "$change: $output"; false; }
	done
	answer 200 ' application/json' "$error"
	[ "$status" -eq 1 ]
	answer 529 ' text/event-stream' "event: error"$'\n'"data: $error"$'\n\n'
	[ "$status" -eq 1 ]
	answer 502 ' text/html' '<html>'
	[ "$status" -eq 1 ]
	answer 502 ' application/json' '{"error":{"message":"x"}}'
	[ "$status" -eq 1 ]
	answer 302 ' application/json' "$error"
	[ "$status" -eq 1 ]
	run "$CHECK" -i <<<nonsense
	[ "$status" -eq 1 ]
}

@test "records: each answer has one head and one end, is what its head says, and its end says what it is" {
	"$ROOT/tests/sse-records" cut "$SSE/good.sse" >good.rec
	"$ROOT/tests/sse-records" cut -r truncated "$SSE/error.want" | sed 's/"id":1/"id":2/' >error.rec
	verdict() {
		run "$CHECK" -r < <(cat "$@")
		[ "$status" -eq 1 ]
		echo "# ${lines[0]}"
	}
	run "$CHECK" -r < <(cat good.rec error.rec)
	[ "$status" -eq 0 ]
	[ "$output" = '1 whole, 1 error, 0 broken' ]
	sed 's/"complete"/"truncated"/' good.rec >changed
	verdict changed
	[ "${lines[0]}" = '1: broken: it is whole, its end says truncated' ]
	sed 's/"truncated"/"complete"/' error.rec >changed
	verdict changed
	[ "${lines[0]}" = '2: broken: it is error: overloaded_error: Overloaded, its end says complete' ]
	sed '$d' good.rec >changed
	verdict changed
	[ "${lines[0]}" = '1: broken: no end' ]
	verdict good.rec <(grep -a '"type":"end"' good.rec)
	[ "${lines[0]}" = '1: broken: end behind its end' ]
	verdict <(grep -a '"type":"head"' good.rec) good.rec
	[ "${lines[0]}" = '1: broken: a second head' ]
	verdict <(grep -av '"type":"head"' good.rec)
	[ "${lines[0]}" = '1: broken: data before its head' ]
	verdict <(grep -a '"type":"end"' good.rec)
	[ "${lines[0]}" = '1: broken: an end without a head' ]
	sed 's/"headers":{/&"content-length":"7",/' good.rec >changed
	verdict changed
	[[ ${lines[0]} == '1: broken: content-length 7, and '*' octets' ]]
	sed 's/event-stream/html/' good.rec >changed
	verdict changed
	[ "${lines[0]}" = "1: broken: content-type 'text/html'" ]
	# Nobody waits for the answer to a request that was cancelled before its head.
	run "$CHECK" -r <<<'{"type":"end","id":1,"result":"cancelled"}'
	[ "$status" -eq 0 ]
}
