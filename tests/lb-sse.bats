# SPDX-License-Identifier: MIT
load helper

setup() {
	common_setup
	cd "$T"
	RECORDS=$ROOT/tests/sse-records
	CHECK=$ROOT/tests/stream-check
	SSE=$FIXTURES/sse
}
teardown() { common_teardown; }

# open ID [MEMBERS]: an open record of a stream request; MEMBERS in place of dialect and stream.
open() {
	echo '{"type":"open","id":'"$1"',"request_id":"req_'"$1"'","method":"POST","version":"1.1","close":false,'"${2:-"\"dialect\":\"anthropic\",\"stream\":true"}"'}'
}

# head ID [HEADERS]: a provider's head, by default of an event stream.
head_of() {
	echo '{"type":"head","id":'"$1"',"status":200,"headers":'"${2:-"{\"content-type\":\"text/event-stream\"}"}"',"provider":"acme","attempt":1}'
}

# data ID TEXT: a data record; printf's escapes hold in TEXT.
data() {
	local text
	printf -v text '%b.' "$2"
	text=${text%.}
	printf '{"type":"data","id":%s,"bytes":%s}\n%s\n' "$1" "$(printf %s "$text" | wc -c)" "$text"
}

# end ID RESULT [MEMBERS]
end_of() {
	echo '{"type":"end","id":'"$1"',"result":"'"$2"'"'"${3:+,$3}"'}'
}

PLAIN='"dialect":"anthropic","stream":false'
START='event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
REASON='event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}\n\n'
STOP='event: message_stop\ndata: {"type":"message_stop"}\n\n'
STREAM=$START$REASON$STOP

# reframed FILE WANT END [OPTION...]: FILE, cut in every way, becomes the body WANT and an end as in END.
reframed() {
	local file=$1 want=$2 end=$3
	shift 3
	"$RECORDS" cut "$@" "$file" | lb-sse >out.rec || return
	"$RECORDS" join <out.rec >body && same body "$want" || return
	"$RECORDS" join -e <out.rec >end && same end "$end"
}

@test "help and version go to stdout, wrong usage is 100" {
	run --separate-stderr lb-sse --help
	[ "$status" -eq 0 ]
	[[ $output == "usage: lb-sse "* ]]
	[ -z "$stderr" ]
	run lb-sse --version
	[ "$status" -eq 0 ]
	[[ $output == "lb-sse "[0-9]* ]]
	run -100 lb-sse --nonsense
	run -100 lb-sse file
}

@test "the examples of the page give what the page says; it has a line for each repair" {
	page_examples lb-sse.1 3
	sed -n 's/^\.It Sy //p' "$ROOT/man/lb-sse.1" | sort >page
	sed -n 's/^	\[REPAIR_[A-Z_]*\] = "\(.*\)",$/\1/p' "$ROOT/lib/stream/repair.c" | sort >code
	[ -s code ]
	same code page
}

@test "each stream comes out as it must, wherever it was cut" {
	local file name want
	for file in "$SSE"/*.sse; do
		name=${file%.sse} want=$name.want
		[ -f "$want" ] || want=$file
		case $name in
		*/cut) reframed "$file" "$want" "$name.end" -a -r truncated -e 'acme: connection reset by peer' ;;
		*) reframed "$file" "$want" "$name.end" -a ;;
		esac || { echo "$name"; false; }
		run "$CHECK" "$want"
		[ "$status" -eq 0 ]
	done
}

@test "a good stream with CRLF, CR, mixed line ends or a byte order mark comes out with LF alone" {
	awk -v RS= -v ORS='\n\n' '/: message_/ || (/"index":0/ && !/signature_delta/)' "$SSE/good.sse" >good
	sed 's/$/\r/' good >crlf
	tr '\n' '\r' <good >cr
	awk '{ printf "%s%s", $0, NR % 3 == 0 ? "\r" : NR % 3 == 1 ? "\r\n" : "\n" }' good >mixed
	{ printf '\357\273\277'; cat good; } >bom
	events=$(grep -c ^event good)
	for kind in crlf cr mixed bom; do
		repairs='"line-ends":'$events
		[ $kind = bom ] && repairs='"bom":1'
		sed "s/}\$/,\"repairs\":{$repairs}}/" "$SSE/good.end" >want.end
		reframed $kind good want.end -a
	done
}

@test "a record of well-formed events goes out as it came, many events or one" {
	"$RECORDS" cut "$SSE/good.sse" >in.rec
	lb-sse <in.rec >out.rec
	sed -e 1d -e 's/\("text.event-stream"\)/\1,"cache-control":"no-cache"/' \
		-e '/"type":"end"/s/}$/,"usage":{"input_tokens":25,"output_tokens":15}}/' in.rec >want.rec
	same out.rec want.rec
	{ open 1; head_of 1; data 1 "$START"; data 1 "${REASON}event: message_st"; data 1 'op\ndata: {"type":"message_stop"}\n\n'; end_of 1 complete; } |
		lb-sse | grep -c '"data"' >count
	[ "$(cat count)" -eq 2 ]
}

@test "the head of a stream: its content-type, no caching, no length; all else stays" {
	{ open 1; head_of 1 '{"content-length":"3","x-a":"b","content-type":"Text/Event-Stream;charset=UTF-8","cache-control":"max-age=3"}'; end_of 1 cancelled; } |
		lb-sse >out.rec
	run sed -n 1p out.rec
	[ "$output" = '{"type":"head","id":1,"status":200,"headers":{"content-type":"text/event-stream","x-a":"b","cache-control":"no-cache"},"provider":"acme","attempt":1}' ]
}

@test "what is no stream from a provider passes byte for byte" {
	{
		echo '{"type":"hello"}'
		echo '{"type":"novelty","id":9,"bytes":3,"x":[1.0,{}]}'
		printf 'a\nb\n'
		open 1 "$PLAIN"
		open 2 '"dialect":"openai","stream":false'
		open 3
		open 4
		open 5
		open 6 '"later":true'
		head_of 1 '{"content-type":"application/json","content-length":"7"}'
		head_of 2
		data 2 'data:{}\r\n'
		data 1 '{"a":1}'
		end_of 1 complete '"x":{"y":1.0}'
		echo '{"type":"head","id":3,"status":200,"headers":{"content-type":"text/event-stream"}}'
		data 3 'data:{}\r\n'
		echo '{"type":"head","id":4,"status":529,"headers":{"content-type":"text/event-stream"},"provider":"acme"}'
		data 4 'data:{}\r\n'
		end_of 4 upstream-error
		end_of 3 complete
		end_of 2 truncated
		end_of 5 cancelled
		head_of 6
		data 6 x
		end_of 6 complete
		head_of 7
		data 7 x
		end_of 7 refused
	} >in.rec
	grep -v '"open"' in.rec >want.rec
	lb-sse <in.rec >out.rec
	same out.rec want.rec
}

@test "an OpenAI stream gets cache-control, and passes otherwise" {
	printf 'data: {"x":1}\n\n: c\n\ndata: [DONE]\n\n' >openai
	"$RECORDS" cut -d openai -s 5 -r truncated openai >in.rec
	lb-sse <in.rec >out.rec
	sed -e 1d -e 's/\("text.event-stream"\)/\1,"cache-control":"no-cache"/' in.rec >want.rec
	same out.rec want.rec
}

# error_of RESULT [MEMBERS]: the error event and the end of a stream that ends so.
error_of() {
	{ open 1; head_of 1; data 1 "$START"; end_of 1 "$@"; } | lb-sse | sed 1,6d | grep '^data\|"end"'
}

@test "how a stream ended tells its error, and the end keeps what lb-fetch said" {
	run error_of truncated
	[ "${lines[0]}" = 'data: {"type":"error","error":{"type":"api_error","message":"acme broke its answer off; the answer is incomplete"},"request_id":"req_1"}' ]
	[ "${lines[1]}" = '{"type":"end","id":1,"result":"truncated","error":"acme broke its answer off","usage":{"input_tokens":3,"output_tokens":1}}' ]
	run error_of timeout '"error":"acme: \"silent\" for 5 s","total_ms":5'
	[ "${lines[0]}" = 'data: {"type":"error","error":{"type":"timeout_error","message":"acme: \"silent\" for 5 s; the answer is incomplete"},"request_id":"req_1"}' ]
	[ "${lines[1]}" = '{"type":"end","id":1,"result":"timeout","error":"acme: \"silent\" for 5 s","total_ms":5,"usage":{"input_tokens":3,"output_tokens":1}}' ]
	run error_of upstream-error '"error":"it broke"'
	[ "${lines[1]}" = '{"type":"end","id":1,"result":"upstream-error","error":"it broke","usage":{"input_tokens":3,"output_tokens":1}}' ]
	run error_of cancelled
	[[ ${lines[1]} == '{"type":"end","id":1,"result":"cancelled",'* ]]
	run error_of novelty
	[[ ${lines[1]} == '{"type":"end","id":1,"result":"truncated",'* ]]
}

@test "message_stop makes an answer complete, whatever came behind" {
	for result in truncated cancelled timeout complete; do
		{ open 1; head_of 1; data 1 "$STREAM"; end_of 1 $result '"error":"reset","x":1'; } | lb-sse >out.rec
		run tail -n 1 out.rec
		[ "$output" = '{"type":"end","id":1,"result":"complete","x":1,"usage":{"input_tokens":3,"output_tokens":2}}' ]
		run -1 grep 'event: error' out.rec
	done
}

@test "streams keep apart, many at once" {
	for i in $(seq 200); do open $i; head_of $i; done >in.rec
	for i in $(seq 200); do data $i "event: ping\ndata: {\"type\":\"ping\","; done >>in.rec
	for i in $(seq 200 -1 1); do data $i "\"n\":$i}\n\n"; done >>in.rec
	for i in $(seq 200); do data $i "$STREAM"; end_of $i complete; done >>in.rec
	lb-sse <in.rec >out.rec
	[ "$(grep -c '"complete"' out.rec)" -eq 200 ]
	for i in 1 77 200; do
		grep -A2 "^{\"type\":\"data\",\"id\":$i," out.rec | grep -qx "data: {\"type\":\"ping\",\"n\":$i}"
	done
}

@test "when the input ends in mid-answer each answer gets its end" {
	{ open 1; open 2; head_of 2; data 2 "$START"; data 2 'event: half'; open 3; end_of 3 complete; } | lb-sse >out.rec
	run grep -c '"result":"truncated"' out.rec
	[ "$output" -eq 2 ]
	run grep -c 'event: error' out.rec
	[ "$output" -eq 1 ]
}

@test "an event goes out as soon as it is whole" {
	mkfifo in
	start sse sh -c 'exec lb-sse <in'
	exec 7>in
	{ open 1; head_of 1; data 1 "$START"'event: x\n'; } >&7
	wait_for 100 grep -q message_start sse.out
	for i in 1 2 3; do
		data 1 'data: {"type":"x","n":'$i'}\n\nevent: x\n' >&7
		wait_for 100 grep -q '"n":'$i'}' sse.out
	done
	exec 7>&-
	wait_for 100 gone "$PID"
}

@test "a reader that has gone is a normal end, noticed while waiting too" {
	mkfifo in
	start sse bash -c 'lb-sse <in | true; echo ${PIPESTATUS[0]}'
	exec 7>in
	wait_for 100 gone "$PID"
	exec 7>&-
	[ ! -s sse.err ]
	[ "$(cat sse.out)" = 0 ]
}

@test "what is no record is a bug: 101, and it is said" {
	run --separate-stderr -101 lb-sse <<<'no record'
	[[ $stderr == "lb-sse: fatal: unable to read a record: "* ]]
	run --separate-stderr -101 lb-sse <<<"$(open 1; open 1)"
	[[ $stderr == *"open already"* ]]
}

# A whole stream of one text, the message that it is, and the records of either as a body of type $1 for an `open` of $2.
TEXT='event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}}\n\nevent: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
MESSAGE_START='event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
MESSAGE_END='event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}\n\n'"$STOP"
WHOLE=$MESSAGE_START$TEXT$MESSAGE_END
MESSAGE='{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":15}}'
JSON='{"content-type":"application/json","x-a":"b"}'
PINGED='"dialect":"anthropic","stream":true,"ping_ms":20,"first_ping_ms":20'
ERROR='{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"req_1"}'

# feeding [OPTION...]: lb-sse with these, whose records are written to descriptor 7.
feeding() {
	rm -f in
	mkfifo in
	start sse bash -c 'lb-sse "$@" <in; echo "exit $?" >code' - "$@"
	exec 7>in
}

# Whether at least N pings have come.
pings() {
	[ "$(grep -c '^event: ping' sse.out)" -ge "$1" ]
}

@test "a client that waits is pinged: behind a head, never within an event, and not behind the last one" {
	feeding
	open 1 "$PINGED" >&7
	wait_for 100 pings 2
	[ "$(sed -n 1p sse.out)" = '{"type":"head","id":1,"status":200,"headers":{"content-type":"text/event-stream","cache-control":"no-cache"}}' ]
	{ head_of 1; data 1 "$MESSAGE_START"'event: content_bl'; } >&7
	seen=$(grep -c '^event: ping' sse.out)
	wait_for 100 pings $((seen + 3))
	[ "$(grep -c '"head"' sse.out)" -eq 1 ]
	{ data 1 "${TEXT#event: content_bl}"; data 1 ': a comment\n'; } >&7
	wait_for 100 grep -q '^: a comment' sse.out
	seen=$(grep -c '^event: ping' sse.out)
	wait_for 100 pings $((seen + 2))
	data 1 '\n'"$MESSAGE_END" >&7
	wait_for 100 grep -q '"cancel":true' sse.out
	exec 7>&-
	wait_for 100 gone "$PID"
	"$CHECK" -r sse.out
	"$RECORDS" join <sse.out >body
	[ "$("$CHECK" body)" = whole ]
	[ "$(tail -n 3 body)" = "$(printf 'event: message_stop\ndata: {"type":"message_stop"}\n\n')" ]
}

@test "a ping that is due when the end, or the end of the input, comes does not follow it" {
	local pid last
	for last in complete ''; do
		feeding
		open 1 '"dialect":"anthropic","stream":true,"ping_ms":1,"first_ping_ms":1' >&7
		wait_for 100 pings 2
		# While it stands still a ping becomes due, and all the rest comes.
		pid=$(pgrep -P "$PID" -x lb-sse)
		kill -STOP "$pid"
		{ head_of 1; data 1 "$WHOLE"; [ -z "$last" ] || end_of 1 $last; } >&7
		exec 7>&-
		kill -CONT "$pid"
		wait_for 100 gone "$PID"
		"$CHECK" -r sse.out
		[[ "$(tail -n 1 sse.out)" = '{"type":"end","id":1,'* ]]
	done
}

@test "behind its last event an answer is ended after a second, with cancel, and what still comes is dropped" {
	feeding
	{ open 1; head_of 1; data 1 "$WHOLE"; open 2 "$PLAIN"; head_of 2; data 2 "$WHOLE"; } >&7
	wait_for 100 grep -q '"id":2,"result"' sse.out
	wait_for 100 grep -q '"id":1,"result"' sse.out
	[ "$(grep -c '"result":"complete","provider":"acme","attempt":1.*"cancel":true}$' sse.out)" -eq 2 ]
	cp sse.out before
	{ data 1 "$WHOLE"; end_of 1 cancelled; data 2 x; end_of 2 cancelled; echo '{"type":"hello"}'; } >&7
	wait_for 100 grep -q '"type":"hello"' sse.out
	exec 7>&-
	{ cat before; echo '{"type":"hello"}'; } >want
	same want sse.out
}

@test "JSON to who asked for a stream becomes a stream, a stream to who asked for JSON becomes that" {
	{ open 1; head_of 1 "$JSON"; data 1 "$MESSAGE"; end_of 1 complete; } | lb-sse >out.rec
	"$CHECK" -r out.rec
	"$RECORDS" join <out.rec >body
	[ "$("$CHECK" body)" = whole ]
	head -n 1 out.rec | jq -e '.status == 200 and .headers == {"content-type":"text/event-stream","x-a":"b","cache-control":"no-cache"}'
	tail -n 1 out.rec | jq -e '.result == "complete" and .converted == "stream"'
	{ open 1 "$PLAIN"; head_of 1; data 1 "$WHOLE"; end_of 1 complete; } | lb-sse >out.rec
	"$RECORDS" join <out.rec >body
	[ "$(cat body)" = "$MESSAGE" ]
	head -n 1 out.rec | jq -e '.status == 200 and .headers == {"content-type":"application/json","content-length":"'${#MESSAGE}'"}'
	tail -n 1 out.rec | jq -e '.result == "complete" and .converted == "message"'
}

@test "what cannot be converted is an error with a status, and its end is not complete" {
	local body
	for body in '' '{' '[]' '<html>' '{"id":1}'; do
		{ open 1; head_of 1 "$JSON"; data 1 "$body"; end_of 1 complete; } | lb-sse >out.rec
		"$CHECK" -r out.rec
		head -n 1 out.rec | jq -e '.status == 502 and .headers["content-type"] == "application/json"'
		"$RECORDS" join <out.rec | jq -e '.error.type == "api_error" and (.error.message | startswith("acme sent an answer that is no message: "))'
		tail -n 1 out.rec | jq -e '.result == "upstream-error"'
	done
	{ open 1 "$PLAIN"; head_of 1; data 1 "$MESSAGE_START"'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n'; end_of 1 complete; } |
		lb-sse >out.rec
	head -n 1 out.rec | jq -e '.status == 529'
	[ "$("$RECORDS" join <out.rec)" = '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}' ]
	{ open 1 "$PLAIN"; head_of 1; data 1 "$MESSAGE_START"; end_of 1 timeout; } | lb-sse >out.rec
	head -n 1 out.rec | jq -e '.status == 504'
	tail -n 1 out.rec | jq -e '.result == "timeout"'
	# What the client has to change itself is no 5xx, upon which it would ask again.
	{
		open 1 "$PLAIN"
		head_of 1
		data 1 "$MESSAGE_START"'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}\n\n'
		data 1 'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}\n\n'
		data 1 'data: {"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}\n\n'
		end_of 1 complete
	} | lb-sse >out.rec
	head -n 1 out.rec | jq -e '.status == 400'
	"$RECORDS" join <out.rec | jq -e '.error.type == "invalid_request_error" and (.error.message | contains("raise max_tokens"))'
	tail -n 1 out.rec | jq -e '.result == "truncated"'
	# Who has gone is told nothing.
	{ open 1; head_of 1 "$JSON"; data 1 '{'; end_of 1 cancelled; } | lb-sse >out.rec
	[ "$(cat out.rec)" = '{"type":"end","id":1,"result":"cancelled"}' ]
}

@test "an answer that is too large to be converted ends at once, with cancel" {
	{
		open 1
		head_of 1 "$JSON"
		for i in $(seq 17); do
			echo '{"type":"data","id":1,"bytes":1048576}'
			head -c 1048576 /dev/zero | tr '\0' ' '
			echo
		done
		echo '{"type":"hello"}'
		end_of 1 cancelled
	} | lb-sse >out.rec
	run tail -n 2 out.rec
	[[ ${lines[0]} == '{"type":"end","id":1,"result":"upstream-error","error":"acme sent an answer larger than 16 MiB",'*'"cancel":true}' ]]
	[ "${lines[1]}" = '{"type":"hello"}' ]
	head -n 1 out.rec | jq -e '.status == 502'
}

@test "an error after a ping becomes the last event, and its end is not complete" {
	feeding
	open 1 "$PINGED" >&7
	wait_for 100 pings 1
	{ echo '{"type":"head","id":1,"status":429,"headers":{"retry-after":"9"}}'; data 1 "$ERROR"; end_of 1 complete '"x":1'; } >&7
	exec 7>&-
	wait_for 100 gone "$PID"
	"$CHECK" -r sse.out
	[ "$(grep '^data: {"type":"error"' sse.out)" = "data: $ERROR" ]
	[ "$(tail -n 1 sse.out)" = '{"type":"end","id":1,"result":"upstream-error","error":"slow down","x":1}' ]
}

# http [RECORDS]: the records on stdin as HTTP, without the date; its exit code is the function's.
http() {
	lb-sse -H >http.out
	local code=$?
	tr -d '\r' <http.out | grep -v '^date: '
	return $code
}

@test "-H: a stream in chunks, whole" {
	run --separate-stderr http < <(echo '{"type":"hello"}'; open 1; head_of 1; data 1 "$STREAM"; end_of 1 complete; open 2)
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	printf '%b' "$STREAM" >body
	{
		printf '%s\n' 'HTTP/1.1 200 OK' 'content-type: text/event-stream' 'cache-control: no-cache' \
			'transfer-encoding: chunked' 'connection: close' '' "$(printf %x "$(wc -c <body)")"
		cat body
		printf '\n0\n\n'
	} >want
	http <<<"$(echo '{"type":"hello"}'; open 1; head_of 1; data 1 "$STREAM"; end_of 1 complete; open 2)" >got
	same got want
	[ "$(tail -c 5 http.out | od -An -c | tr -d ' ')" = '0\r\n\r\n' ]
}

@test "-H: a stream that breaks off has its error, no last chunk, and exit code 1" {
	run http < <(open 1; head_of 1; data 1 "$START"; end_of 1 truncated)
	[ "$status" -eq 1 ]
	[[ $output == *'event: error'* ]]
	[ "$(tail -n 1 <<<"$output")" != 0 ]
	run http < <(open 1; head_of 1; data 1 "$START")
	[ "$status" -eq 1 ]
	[[ $output == *'event: error'*'lb-fetch ended before the answer did'* ]]
	[ "$(tail -n 1 <<<"$output")" != 0 ]
}

@test "-H: HTTP/1.0, HEAD, and answers with a length" {
	run http < <(open 1 '"version":"1.0","dialect":"openai","stream":true' | sed 's/"version":"1.1",//'; head_of 1; data 1 x; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == *$'connection: close\n\nx' ]]
	[[ $output != *chunked* ]]
	json='{"content-type":"application/json","content-length":"3"}'
	run http < <(open 1 | sed s/POST/HEAD/; head_of 1 "$json"; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == *'content-length: 3'* ]]
	run http < <(open 1 "$PLAIN"; head_of 1 "$json"; data 1 abc; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == *$'content-length: 3\nconnection: close\n\nabc' ]]
	run http < <(open 1 "$PLAIN"; head_of 1 "$json"; data 1 ab; end_of 1 truncated)
	[ "$status" -eq 1 ]
	run http < <(echo '{"type":"head","id":1,"status":404,"headers":{"content-length":"2"}}'; data 1 no; end_of 1 refused)
	[ "$status" -eq 0 ]
	[[ $output == 'HTTP/1.1 404 Not Found'*no ]]
}

@test "-H: without an answer the client gets a 502 in its dialect, and the exit code is 1" {
	run http </dev/null
	[ "$status" -eq 1 ]
	[[ $output == 'HTTP/1.1 502 Bad Gateway'*'{"type":"error",'* ]]
	run http < <(open 1 '"dialect":"openai","stream":true')
	[ "$status" -eq 1 ]
	[[ $output == 'HTTP/1.1 502 Bad Gateway'*'{"error":{"message":'* ]]
	run http < <(open 1; end_of 1 timeout)
	[ "$status" -eq 1 ]
	[[ $output == 'HTTP/1.1 502 Bad Gateway'*'"request_id":"req_1"'* ]]
	run --separate-stderr http < <(echo nonsense)
	[ "$status" -eq 101 ]
	[[ $output == 'HTTP/1.1 502 Bad Gateway'* ]]
}

@test "-H: a reader that has gone is no, quietly" {
	mkfifo in
	start sse bash -c 'lb-sse -H <in | true; echo ${PIPESTATUS[0]}'
	exec 7>in
	wait_for 100 gone "$PID"
	exec 7>&-
	[ ! -s sse.err ]
	[ "$(cat sse.out)" = 1 ]
}

@test "-H: pings, an error behind them, an answer that does not end, and conversions" {
	feeding -H
	open 1 "$PINGED" >&7
	wait_for 100 pings 2
	head -n 1 sse.out | grep -q '^HTTP/1.1 200 OK'
	{ echo '{"type":"head","id":1,"status":429,"headers":{}}'; data 1 "$ERROR"; end_of 1 refused; } >&7
	wait_for 100 gone "$PID"
	exec 7>&-
	[ "$(cat code)" = 'exit 1' ]
	grep -qx "data: $ERROR"$'\r*' sse.out
	[ "$(tail -n 1 sse.out)" != 0 ]

	feeding -H
	{ open 1; head_of 1; data 1 "$WHOLE"; } >&7
	wait_for 100 gone "$PID"
	exec 7>&-
	[ "$(cat code)" = 'exit 0' ]
	[ "$(tail -c 5 sse.out | od -An -c | tr -d ' ')" = '0\r\n\r\n' ]

	run http < <(open 1 "$PLAIN"; head_of 1; data 1 "$WHOLE"; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == $'HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: '${#MESSAGE}$'\nconnection: close\n\n'"$MESSAGE" ]]
	run http < <(open 1; head_of 1 "$JSON"; data 1 "$MESSAGE"; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == *'content-type: text/event-stream'*'event: message_stop'* ]]
	# An error with its status is a whole answer.
	run http < <(open 1; head_of 1 "$JSON"; data 1 'no'; end_of 1 complete)
	[ "$status" -eq 0 ]
	[[ $output == 'HTTP/1.1 502 Bad Gateway'* ]]
}

# to_socket: the records on stdin as HTTP on a TCP connection; prints what the client got, and how it ended.
to_socket() {
	cat >in.rec
	python3 - <<-'END'
		import socket, subprocess
		server = socket.create_server(("127.0.0.1", 0))
		client = socket.create_connection(server.getsockname(), timeout=30)
		connection, _ = server.accept()
		keeps = connection.dup()
		process = subprocess.Popen(["lb-sse", "-H"], stdin=open("in.rec", "rb"), stdout=connection)
		connection.close()
		# Only a shutdown can tell the end while another process still has the socket.
		if process.wait() == 1:
		    keeps.close()
		got = b""
		try:
		    while piece := client.recv(65536):
		        got += piece
		    print(got.decode().replace("\r", ""), "EOF")
		except (ConnectionResetError, TimeoutError) as error:
		    print("RESET" if isinstance(error, ConnectionResetError) else "OPEN")
	END
}

@test "-H: on a socket a whole answer ends with a shutdown, one that only closing would end with a reset" {
	run to_socket < <(open 1; head_of 1; data 1 "$STREAM"; end_of 1 complete)
	[[ $output == *$'\n0\n\n EOF' ]]
	run to_socket < <(open 1 | sed s/1.1/1.0/; head_of 1; data 1 "$START"; end_of 1 truncated)
	[ "$output" = RESET ]
	run to_socket < <(open 1 | sed s/1.1/1.0/; head_of 1; data 1 "$START")
	[ "$output" = RESET ]
	run to_socket < <(open 1; head_of 1; data 1 "$START"; end_of 1 truncated '"reset":true')
	[ "$output" = RESET ]
}
