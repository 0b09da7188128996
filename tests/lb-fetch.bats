# SPDX-License-Identifier: MIT
# lb-fetch against real servers (tests/tools/provider.py): records in, records out.

bats_require_minimum_version 1.5.0
load helper

setup() { common_setup; }
teardown() {
	exec 7>&- 2>/dev/null || true
	common_teardown
}

records() { python3 "$ROOT/tests/tools/records.py" "$@"; }

# provider NAME [OPTION...]: starts one and puts its port into $PORT; what it tells is in $T/NAME.out.
provider() {
	local name=$1
	shift
	start "$name" python3 "$ROOT/tests/tools/provider.py" "$@"
	wait_for 300 grep -qs '"port"' "$T/$name.out"
	PORT=$(jq -r 'select(.event == "listening").port' "$T/$name.out" | head -1)
}

# told NAME FILTER: what a provider told, through jq.
told() { jq -c "$2" "$T/$1.out"; }

# config [JSON]: p and q on $PORT, refused where nobody listens; with what more is said.
config() {
	jq -n --arg base "http://127.0.0.1:$PORT" --argjson more "${1:-"{}"}" '{providers: ({
		p: {base_url: $base, dialect: "anthropic", key: "env:P_KEY"},
		q: {base_url: $base, dialect: "anthropic", key: "env:Q_KEY", auth: "bearer"},
		refused: {base_url: "http://127.0.0.1:1", dialect: "anthropic"}} + $more)}' >"$T/lb.json"
	export P_KEY=p-secret Q_KEY=q-secret
}

# attempt PROVIDER PATH [JSON]: an attempt at $PORT.
attempt() {
	jq -cn --arg provider "$1" --arg url "http://127.0.0.1:$PORT$2" --argjson more "${3:-"{}"}" '{provider: $provider,
		url: $url, dialect: "anthropic", connect_ms: 20000, first_byte_ms: 20000, idle_ms: 20000, total_ms: 60000,
		not_before: 0} + $more'
}

# ask ID JSON ATTEMPT...: a request record that names a model, `m`; JSON is added to it.
ask() {
	local id=$1 more=$2
	shift 2
	request "$id" "$(jq -cn --argjson more "$more" '{plan: {model: "m", model_at: [9, 3]}} * $more')" '{"model":"m"}' "$@"
}

refused() { attempt refused / '{"url": "http://127.0.0.1:1/v1/messages"}'; }

# request ID JSON BODY ATTEMPT...: a request record; JSON is added to it, its `plan` to the plan.
request() {
	local id=$1 more=$2 body=$3
	shift 3
	printf '%s' "$body" >"$T/request-body"
	printf '%s\n' "$@" | jq -csM --argjson id "$id" --argjson more "$more" --argjson bytes "$(wc -c <"$T/request-body")" '
		{type: "request", id: $id, request_id: "req_\($id)", method: "POST", target: "/v1/messages", version: "1.1",
		close: false, headers: {host: "localhost:9000", "content-type": "application/json"},
		plan: ({dialect: "anthropic", stream: false, attempts: .} + ($more.plan // {}))} + ($more | del(.plan)) +
		{bytes: $bytes}'
	printf '%s\n' "$body"
}

# answer NAME STATUS TYPE BODY [FIELD]: makes $T/answers/NAME, what the scenario /file:NAME sends, and its body $T/NAME. An
# event stream has no length.
answer() {
	printf '%b' "$4" >"$T/$1"
	{
		printf 'HTTP/1.1 %s X\r\nContent-Type: %s\r\n' "$2" "$3"
		[ "$3" = text/event-stream ] || printf 'Content-Length: %s\r\n' "$(wc -c <"$T/$1")"
		printf '%b\r\n' "${5-}"
		cat "$T/$1"
	} >"$T/answers/$1"
}

# event TYPE MEMBERS: an event of Anthropic's.
event() { printf 'event: %s\ndata: {"type":"%s"%s}\n\n' "$1" "$1" "${2:+,$2}"; }

# answers: those that the tests share.
answers() {
	local start content stop good error html json sse=text/event-stream js=application/json
	mkdir "$T/answers"
	start=$(event message_start '"message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}')$'\n\n'
	content=$(event content_block_start '"index":0,"content_block":{"type":"text","text":""}')$'\n\n'
	content+=$(event content_block_delta '"index":0,"delta":{"type":"text_delta","text":"4"}')$'\n\n'
	stop=$(event message_stop)$'\n\n'
	good=": a comment"$'\n\n'$start$(event ping)$'\n\n'$content$(event content_block_stop '"index":0')$'\n\n'
	good+=$(event message_delta '"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}')$'\n\n'$stop
	error=$(event error '"error":{"type":"overloaded_error","message":"Overloaded"}')$'\n\n'
	html='<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n<body>no</body></html>\n'
	json='{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"4"}],"stop_reason":"end_turn","usage":{"input_tokens":25,"output_tokens":15,"cache_read_input_tokens":7}}'
	answer good 200 $sse "$good"
	answer good-as-json 200 $js "$good"
	answer error 200 $sse "$error"
	answer start-error 200 $sse "$start$error"
	answer long-error 200 $sse "$(printf ': %02000d\\n\\n' {1..30})$start$error"
	answer start-only 200 $sse "$start"
	answer start-content 200 $sse "$start$content"
	answer start-twice 200 $sse "$start$start$content"
	answer stop-only 200 $sse "$start$stop"
	answer malformed 200 $sse "$start"'event: content_block_start\ndata: {"type":\n\n'
	answer openai-error 200 $sse 'data: {"error":{"message":"no","code":502}}\n\n'
	answer html 200 text/html "$html"
	answer html-503 503 text/html "$html"
	answer json-good 200 $js "$json"
	answer json-half 200 $js "${json%???}"
	answer long-half 200 $js "$(printf '%060000d' 0 | tr 0 ' ')${json%???}"
	answer json-error 200 $js '{"type":"error","error":{"type":"api_error","message":"no"}}'
	answer json-flat 200 $js '{"error":"no","code":500}'
	answer garbage 200 text/plain 'OK'
	answer sound 200 audio/mpeg 'ID3'
	answer limited-7 429 $js '{"type":"error","error":{"type":"rate_limit_error","message":"slow\\ndown"}}' 'retry-after: 7\r\n'
	answer limited-3 429 $js '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}' 'retry-after: 2.5\r\n'
	answer no-model 404 $js '{"type":"error","error":{"type":"not_found_error","message":"model: m"}}'
	answer unchanged 304 $js ''
	answer flat-400 400 $js '{"error":"bad field"}'
	answer too-long 400 $js '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}'
	answer too-long-o 400 $js '{"error":{"message":"too many tokens","type":"invalid_request_error","code":"context_length_exceeded"}}'
	answer key-400 400 $js '{"type":"error","error":{"type":"invalid_request_error","message":"what is p-secret?"}}'
	answer key-401 401 $js '{"type":"error","error":{"type":"authentication_error","message":"not p-secret"}}'
	answer key-event 200 $sse "$(event error '"error":{"type":"authentication_error","message":"not p-secret"}')"$'\n\n'
	answer key-late 200 $sse "$start$content$(event error '"error":{"type":"authentication_error","message":"not p-secret"}')"$'\n\n'
	answer key-said 200 $sse "$start${content/4/p-secret}$stop"
	answer key-client 401 $js '{"type":"error","error":{"type":"authentication_error","message":"not clients-own"}}'
}

# fetch RECORDS...: what lb-fetch says to these, in $T/out.
fetch() {
	cat >"$T/in"
	lb-fetch -c "$T/lb.json" <"$T/in" >"$T/out" 2>"$T/err"
}

# fetch_live: starts one whose input is what is written to fd 7 until it is closed.
fetch_live() {
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	lb-fetch -c "$T/lb.json" <"$T/pipe" >"$T/out" 2>"$T/err" 3>&- &
	PID=$!
	STARTED+=("$PID")
	exec 7>"$T/pipe"
}

out_has() { grep -aqs "$1" "$T/out"; }
head_of() { records head "$1" <"$T/out"; }
end_of() { records end "$1" <"$T/out"; }
body_of() { records body "$1" <"$T/out"; }
is_at_least() { [ "$("${@:2}")" -ge "$1" ]; }

@test "usage: --help, --version, wrong options" {
	run -0 lb-fetch --help
	[[ $output == usage:* ]]
	run -0 lb-fetch --version
	[[ $output == "lb-fetch "* ]]
	run -100 lb-fetch --nonsense
	run -100 lb-fetch extra
	run -100 lb-fetch -c "$T/absent" </dev/null
}

@test "hello and records of others pass, unchanged and in order" {
	PORT=1 config
	printf '%s\n' '{"type":"hello"}' '{"type":"head","id":7, "status":400,"x":1e400}' '{"type":"data","id":7,"bytes":3}' \
	    $'a\nb' '{"type":"new","bytes":1,"id":9}' 'z' >"$T/want"
	fetch <"$T/want"
	same "$T/want" "$T/out"
}

@test "an answer: open, head, data, end" {
	provider one
	config
	request 5 '{}' '{"model":"m"}' "$(attempt p /json/v1/messages '{"key":"env:P_KEY"}')" | fetch
	[ "$(records types <"$T/out" | tr '\n' ,)" = "open 5,head 5,data 5,end 5," ]
	[ "$(head -1 "$T/out")" = '{"type":"open","id":5,"request_id":"req_5","method":"POST","version":"1.1","close":false,"dialect":"anthropic","stream":false}' ]
	[ "$(head_of 5)" = '{"type": "head", "id": 5, "status": 200, "headers": {"content-type": "application/json", "content-length": "70", "x-lb-provider": "p", "x-lb-attempts": "1"}, "provider": "p", "attempt": 1, "dialect": "anthropic"}' ]
	[ "$(body_of 5)" = '{"id":"msg_1","type":"message","content":[{"type":"text","text":"4"}]}' ]
	end_of 5 | jq -e '.result == "complete" and .error == null and .first_ms >= 0 and .total_ms >= .first_ms and
		(.attempts | length) == 1 and (.attempts[0] | .provider == "p" and .status == 200 and .result == "complete")'
	[ ! -s "$T/err" ]
}

@test "the request's header: what goes to the provider, and nothing else" {
	provider one
	config
	request 1 '{"headers":{"host":"localhost:9000","content-type":"application/json","content-length":"13",
		"accept":"application/json","user-agent":"client/1","anthropic-version":"2023-06-01","anthropic-beta":"a-1, b-2",
		"x-claude-code-session-id":"s","idempotency-key":"i","x-empty":"","x-latin":"\u00e9","x-api-key":"client-secret",
		"authorization":"Bearer client-secret","api-key":"client-secret","x-goog-api-key":"client-secret",
		"proxy-authorization":"Basic client-secret","accept-encoding":"gzip, br","expect":"100-continue","cookie":"c=1",
		"origin":"http://o","referer":"http://r","connection":"keep-alive, X-Hop","x-hop":"1","keep-alive":"timeout=5",
		"te":"trailers","trailer":"x","upgrade":"h2c","transfer-encoding":"chunked","x-forwarded-for":"1.2.3.4",
		"forwarded":"for=1.2.3.4","bad name":"x","x-inject":"a\r\nx-injected: 1"}}' '{"model":"m"}' \
	    "$(attempt p /echo/v1/messages?beta=true '{"key":"env:P_KEY"}')" | fetch
	body_of 1 | jq -c 'sort[]' >"$T/sent"
	cat >"$T/want" <<-'END'
		["accept","application/json"]
		["accept-encoding","identity"]
		["anthropic-beta","a-1, b-2"]
		["anthropic-version","2023-06-01"]
		["content-length","13"]
		["content-type","application/json"]
		["host","127.0.0.1:PORT"]
		["idempotency-key","i"]
		["user-agent","client/1"]
		["x-api-key","p-secret"]
		["x-claude-code-session-id","s"]
		["x-empty",""]
		["x-latin","é"]
	END
	sed -i "s/PORT/$PORT/" "$T/want"
	same "$T/want" "$T/sent"
	[ "$(told one 'select(.event == "request").target')" = '"/echo/v1/messages?beta=true"' ]
}

@test "the key: as bearer, none, or the client's own; nothing is added that the client did not send" {
	provider one
	config '{"open":{"base_url":"http://127.0.0.1:'"$PORT"'","dialect":"anthropic","key":"client"}}'
	{
		request 1 '{"headers":{"x-api-key":"mine"}}' '{}' "$(attempt q /echo/x '{"key":"env:Q_KEY"}')"
		request 2 '{"headers":{"x-api-key":"mine"}}' '{}' "$(attempt p /echo/x)"
		request 3 '{"headers":{"x-api-key":"mine","authorization":"Bearer mine","proxy-authorization":"x"}}' '{}' \
		    "$(attempt open /echo/x '{"key":"client"}')"
	} | fetch
	[ "$(body_of 1 | jq -c 'sort | map(.[0])')" = '["accept-encoding","authorization","content-length","host"]' ]
	[ "$(body_of 1 | jq -r '.[] | select(.[0] == "authorization")[1]')" = "Bearer q-secret" ]
	[ "$(body_of 2 | jq -c 'sort | map(.[0])')" = '["accept-encoding","content-length","host"]' ]
	[ "$(body_of 3 | jq -c 'sort')" = '[["accept-encoding","identity"],["authorization","Bearer mine"],["content-length","2"],["host","127.0.0.1:'"$PORT"'"],["x-api-key","mine"]]' ]
}

@test "a key goes nowhere but below its provider's base URL, and only as the configuration has it" {
	provider one
	config '{"keyless":{"base_url":"http://127.0.0.1:'"$PORT"'/json","dialect":"anthropic","key":"env:ABSENT_KEY"}}'
	request 1 '{}' '{}' \
	    "$(attempt unknown /echo/x '{"key":"env:P_KEY"}')" \
	    "$(attempt p /echo/x '{"key":"env:HOME"}')" \
	    "$(attempt p /echo/x '{"key":"file:/etc/hostname"}')" \
	    "$(attempt p /echo/x '{"key":"client"}')" \
	    "$(attempt p /echo/x '{"key":"env:P_KEY","url":"http://127.0.0.1:'"$PORT"'0/echo/x"}')" \
	    "$(attempt p /echo/x '{"key":"env:P_KEY","url":"http://127.0.0.1:'"$PORT"'@127.0.0.1/echo/x"}')" \
	    "$(attempt keyless /echo/x '{"key":"env:ABSENT_KEY"}')" \
	    "$(attempt keyless /json/../echo/x)" \
	    "$(attempt keyless /json/%2E./echo/x)" \
	    "$(attempt keyless /json/x '{"key":"env:ABSENT_KEY"}')" | fetch
	[ -z "$(told one 'select(.event == "request")')" ]
	head_of 1 | jq -e '.status == 502 and .provider == null'
	end_of 1 | jq -e '.result == "upstream-error" and (.attempts | length) == 10 and (.attempts | all(.result == "refused"))'
	body_of 1 | jq -e '.error.message | test("unknown: not in the configuration") and test("p: the plan.s URL") and
		test("p: the plan.s key") and test("keyless: its key is missing")'
	grep -q "warning: unable to get key env:ABSENT_KEY of provider keyless: it is not set" "$T/err"
	! grep -aq secret "$T/out" "$T/err"
}

@test "keys from a file and from systemd's credentials, without the line's end" {
	provider one
	config '{"f":{"base_url":"http://127.0.0.1:'"$PORT"'","dialect":"anthropic","key":"file:'"$T"'/key"},
		"c":{"base_url":"http://127.0.0.1:'"$PORT"'","dialect":"anthropic","key":"credential:name"}}'
	printf 'from-file\r\n' >"$T/key"
	printf 'from-credential\n' >"$T/name"
	export CREDENTIALS_DIRECTORY=$T
	{
		request 1 '{}' '{}' "$(attempt f /echo/x '{"key":"file:'"$T"'/key"}')"
		request 2 '{}' '{}' "$(attempt c /echo/x '{"key":"credential:name"}')"
	} | fetch
	[ "$(body_of 1 | jq -r '.[] | select(.[0] == "x-api-key")[1]')" = from-file ]
	[ "$(body_of 2 | jq -r '.[] | select(.[0] == "x-api-key")[1]')" = from-credential ]
}

@test "the body: only the model's value changes, for each attempt its own, and the client's own again" {
	mkdir "$T/bodies"
	provider one --bodies "$T/bodies"
	config
	body='{ "n":12345678901234567890,"model" : "m\u0061x",  "x":[1.0,1e400,"é"] }'
	request 1 '{"plan":{"model":"m\u0061x","model_at":[37,10]}}' "$body" \
	    "$(attempt p /status:500/x '{"model":"a-much-longer-name-than-before"}')" \
	    "$(attempt p /status:500/x '{"model":"s"}')" \
	    "$(attempt p /json/x)" | fetch
	printf '%s' "$body" >"$T/want3"
	sed 's/m\\u0061x/a-much-longer-name-than-before/' "$T/want3" >"$T/want1"
	sed 's/m\\u0061x/s/' "$T/want3" >"$T/want2"
	for i in 1 2 3; do same "$T/want$i" "$T/bodies/$i"; done
	# What was asked for there is told with the answer.
	head_of 1 | jq -e '.provider == "p" and .attempt == 3 and .model == "max"'
	end_of 1 | jq -e '.provider == "p" and .attempt == 3 and .model == "max" and (.attempts | length) == 3'
	request 2 '{"plan":{"model":"m\u0061x","model_at":[37,10]}}' "$body" "$(attempt p /status:400/x '{"model":"s"}')" | fetch
	[ "$(head_of 2 | jq -c '[.status, .attempt, .model]') $(end_of 2 | jq -c '[.result, .attempt, .model]')" = \
		'[400,1,"s"] ["upstream-error",1,"s"]' ]
}

@test "a body of 10 MB arrives as it was" {
	mkdir "$T/bodies"
	provider one --bodies "$T/bodies"
	config
	python3 - "$T" <<-'END'
		import sys
		body = b'{"x":[' + b'9007199254740993,' * 600000 + b'1.0],"model":"mine"}'
		open(sys.argv[1] + "/body", "wb").write(body)
		open(sys.argv[1] + "/want", "wb").write(body.replace(b'"mine"', b'"theirs"'))
	END
	size=$(wc -c <"$T/body")
	request 1 '{"plan":{"model_at":['$((size - 7))',6]}}' '' "$(attempt p /json/x '{"model":"theirs"}')" | head -1 |
	    jq -c ".bytes = $size" >"$T/record"
	{ cat "$T/record" "$T/body"; echo; } | fetch
	end_of 1 | jq -e '.result == "complete"'
	cmp "$T/want" "$T/bodies/1"
}

@test "a model's place that is none is answered with 500" {
	PORT=1 config
	{
		request 1 '{"plan":{"model_at":[8,3]}}' '{"model":"m"}' "$(attempt p /json/x '{"model":"n"}')"
		request 2 '{"plan":{"model_at":[9,4000]}}' '{"model":"m"}' "$(attempt p /json/x '{"model":"n"}')"
		request 3 '{"plan":{"attempts":7}}' '{}' '{}'
		echo '{"type":"request","id":4,"method":"GET","target":"/v1/x","headers":{}}'
	} | fetch
	for i in 1 2 3 4; do
		head_of $i | jq -e '.status == 500 and .provider == null'
		end_of $i | jq -e '.result == "refused"'
	done
	body_of 1 | jq -e '.type == "error" and (.error.message | test("model_at")) and .request_id == "req_1"'
	body_of 4 | jq -e '.error.message | test("lb-route")'
}

@test "before anything was passed on, a failure goes to the next attempt, unseen" {
	provider one
	config
	short='{"first_byte_ms":300}'
	scenarios="reset close halfhead nobytes status:408 status:429 status:500 status:502 status:503 status:504 status:529
		hugeerror slowerror nohead nobody"
	id=0
	for scenario in $scenarios; do
		id=$((id + 1))
		request $id '{}' '{}' "$(attempt p "/$scenario/x" "$short")" "$(attempt q /json/x)"
	done >"$T/many"
	request 100 '{}' '{}' "$(refused)" "$(attempt q /json/x)" >>"$T/many"
	request 101 '{}' '{}' "$(attempt p /x '{"url":"http://127.0.0.1:'"$PORT"'/close/x"}')" "$(refused)" "$(attempt q /json/x)" >>"$T/many"
	fetch <"$T/many"
	for i in $(seq 1 $id) 100; do
		head_of "$i" | jq -e '.status == 200 and .provider == "q" and .attempt == 2'
		end_of "$i" | jq -e '.result == "complete" and (.attempts | length) == 2 and .attempts[0].result != "complete" and
			.attempts[0].error != null'
		[ "$(records types <"$T/out" | grep -c " $i$")" = 4 ]
	done
	head_of 101 | jq -e '.attempt == 3'
	records end 14 <"$T/out" | jq -e '.attempts[0] | .result == "timeout" and (.error | test("first byte"))'
	records end 15 <"$T/out" | jq -e '.attempts[0] | .result == "timeout" and (.error | test("first byte"))'
}

@test "a provider that is no TLS server, or that nobody vouches for, is a failure like others" {
	provider one
	config '{"tls":{"base_url":"https://127.0.0.1:'"$PORT"'","dialect":"anthropic"}}'
	request 1 '{}' '{}' "$(attempt tls /json/x '{"url":"https://127.0.0.1:'"$PORT"'/json/x"}')" "$(attempt q /json/x)" | fetch
	head_of 1 | jq -e '.status == 200 and .attempt == 2'
}

@test "a connection has its own time limit, TLS included" {
	provider one
	start silent python3 -uc 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])
while True: s.accept()[0].detach()'
	wait_for 300 test -s "$T/silent.out"
	local url=https://127.0.0.1:$(cat "$T/silent.out")
	config '{"silent":{"base_url":"'$url'","dialect":"anthropic"}}'
	request 1 '{}' '{}' "$(attempt silent / '{"url":"'$url'/x","connect_ms":300,"first_byte_ms":200000,"total_ms":200000}')" \
	    "$(attempt q /json/x)" | fetch
	head_of 1 | jq -e '.provider == "q"'
	end_of 1 | jq -e '.attempts[0] | .result == "timeout" and .ms < 100000'
}

@test "an empty 200 is an answer where no model was asked for, and none else" {
	provider one
	config
	{
		ask 1 '{"plan":{"stream":true}}' "$(attempt p /empty/x)" "$(attempt q /json/x)"
		ask 2 '{}' "$(attempt p /empty/x)" "$(attempt q /json/x)"
		request 3 '{}' '{}' "$(attempt p /empty/x)" "$(attempt q /json/x)"
		ask 4 '{"plan":{"stream":true}}' "$(attempt p /empty/x)"
	} | fetch
	for i in 1 2; do head_of $i | jq -e '.provider == "q"'; done
	head_of 3 | jq -e '.provider == "p" and .headers["content-length"] == "0"'
	[ -z "$(body_of 3)" ]
	head_of 4 | jq -e '.status == 502 and .provider == null'
	end_of 4 | jq -e '.attempts[0].status == 200 and (.error | test("p: .*empty|without"))'
}

@test "a stream goes on from its first content: what is wrong before that goes to the next attempt, unseen" {
	answers
	provider one --answers "$T/answers"
	config
	local bad=(error start-error start-only start-twice stop-only malformed html json-error json-flat openai-error)
	id=0
	for name in "${bad[@]}"; do
		id=$((id + 1))
		ask $id '{"plan":{"stream":true}}' "$(attempt p "/file:$name/x")" "$(attempt q "/file:good/x")"
		id=$((id + 1))
		ask $id '{"plan":{"stream":true}}' "$(attempt p "/drip:$name/x")" "$(attempt q "/drip:good/x")"
	done >"$T/many"
	fetch <"$T/many"
	for i in $(seq 1 $id); do
		head_of "$i" | jq -e '.status == 200 and .provider == "q" and .attempt == 2 and
			.headers["content-type"] == "text/event-stream"' || { sed -n "$(((i + 1) / 2))p" <<<"$(printf '%s\n' "${bad[@]}")"; return 1; }
		body_of "$i" >"$T/got"
		same "$T/good" "$T/got"
		end_of "$i" | jq -e '.result == "complete" and (.attempts | length) == 2 and .attempts[0].status == 200 and
			.attempts[0].result == "upstream-error" and .attempts[0].error != null'
	done
	[ "$(grep -c 'warning: req_.*: provider p: ' "$T/err")" = $id ]
	end_of 1 | jq -e '.attempts[0].error | test("Overloaded")'
}

@test "a stream has its time until the first content, however much comes before" {
	answers
	provider one --answers "$T/answers"
	config
	{
		ask 1 '{"plan":{"stream":true}}' "$(attempt p /hang:start-only/x '{"first_byte_ms":300}')" "$(attempt q /file:good/x)"
		ask 2 '{"plan":{"stream":true}}' "$(attempt p /pings:start-only/x '{"first_byte_ms":300}')" "$(attempt q /file:good/x)"
		ask 3 '{"plan":{"stream":true}}' "$(attempt p /hang:good/x '{"first_byte_ms":200000,"idle_ms":300}')" "$(attempt q /file:good/x)"
		ask 4 '{"plan":{"stream":true}}' "$(attempt p /pings:start-only/x '{"first_byte_ms":300}')"
		ask 5 '{"plan":{"stream":true}}' "$(attempt p /hang:start-only/x '{"first_byte_ms":200000,"idle_ms":300}')" "$(attempt q /file:good/x)"
		ask 6 '{"plan":{"stream":true}}' "$(attempt p /pings:start-content/x '{"first_byte_ms":300,"total_ms":900}')"
	} | fetch
	for i in 1 2; do
		head_of $i | jq -e '.provider == "q"'
		end_of $i | jq -e '.attempts[0] | .result == "timeout" and (.error | test("no content in time"))'
	done
	# Once something has come it is silence, too, that has a limit.
	head_of 5 | jq -e '.provider == "q"'
	end_of 5 | jq -e '.attempts[0] | .result == "timeout" and (.error | test("silent"))'
	# The time until the content is none for what follows.
	head_of 6 | jq -e '.provider == "p"'
	end_of 6 | jq -e '.result == "timeout" and (.error | test("p: no end")) and .total_ms >= 900'
	# From the content on there is no other attempt.
	head_of 3 | jq -e '.provider == "p"'
	end_of 3 | jq -e '.result == "timeout" and (.error | test("silent")) and (.attempts | length) == 1'
	head_of 4 | jq -e '.status == 504'
	body_of 4 | jq -e '.type == "error" and .error.type == "timeout_error" and (.error.message | test("p: no content"))'
}

@test "what is no stream is held to its end: errors in a 200, pages, halves go to the next attempt" {
	answers
	provider one --answers "$T/answers"
	config
	local bad=(html json-error json-flat json-half garbage error start-only)
	id=0
	for name in "${bad[@]}"; do
		id=$((id + 1))
		ask $id '{}' "$(attempt p "/file:$name/x")" "$(attempt q /json/x)"
	done >"$T/many"
	ask 50 '{}' "$(attempt p /short/x)" "$(attempt q /json/x)" >>"$T/many"
	ask 51 '{}' "$(attempt p /trailers/x)" >>"$T/many"
	ask 52 '{}' "$(attempt p /drip:json-good/x)" >>"$T/many"
	ask 53 '{}' "$(attempt p /file:good/x)" >>"$T/many"
	ask 54 '{"plan":{"stream":true}}' "$(attempt p /file:good-as-json/x)" >>"$T/many"
	ask 55 '{}' "$(attempt p /large:160000/x)" "$(attempt q /file:sound/x)" >>"$T/many"
	fetch <"$T/many"
	for i in $(seq 1 $id) 50; do
		head_of "$i" | jq -e '.status == 200 and .provider == "q" and .attempt == 2' || { echo "# $i"; return 1; }
	done
	# The length of one that came in chunks is known once it is whole.
	head_of 51 | jq -e '.headers["content-length"] == "70"'
	[ "$(body_of 51)" = '{"id":"msg_1","type":"message","content":[{"type":"text","text":"4"}]}' ]
	head_of 52 | jq -e '.headers["content-length"] == "'"$(wc -c <"$T/json-good")"'"'
	body_of 52 >"$T/got"
	same "$T/json-good" "$T/got"
	end_of 52 | jq -e '.usage == {"input_tokens":25,"output_tokens":15,"cache_read_input_tokens":7}'
	# A stream that nobody asked for is one all the same, and called by its name.
	head_of 53 | jq -e '.headers["content-type"] == "text/event-stream" and .provider == "p"'
	head_of 54 | jq -e '.headers["content-type"] == "text/event-stream" and .provider == "p"'
	body_of 54 >"$T/got"
	same "$T/good" "$T/got"
	head_of 55 | jq -e '.provider == "q" and .headers["content-type"] == "audio/mpeg"'
}

@test "more than hold_bytes is not held, but passed on" {
	answers
	provider one --answers "$T/answers"
	config
	jq '.hold_bytes = 100' "$T/lb.json" >"$T/lb2.json"
	mv "$T/lb2.json" "$T/lb.json"
	{
		# Longer than what is read at once, so that the limit is reached before the end is seen.
		ask 1 '{"plan":{"stream":true}}' "$(attempt p /file:long-error/x)" "$(attempt q /file:good/x)"
		ask 2 '{}' "$(attempt p /file:long-half/x)" "$(attempt q /json/x)"
		ask 3 '{}' "$(attempt p /file:json-half/x)" "$(attempt q /json/x)"
	} | fetch
	head_of 1 | jq -e '.provider == "p" and .attempt == 1'
	body_of 1 | grep -q '"type":"error"'
	head_of 2 | jq -e '.provider == "p"'
	# One that is there at once need not be held.
	head_of 3 | jq -e '.provider == "q"'
}

@test "an error goes to the next attempt unless it is the request's own; redirects are not followed" {
	answers
	provider one --answers "$T/answers"
	config
	id=0
	for status in 401 402 403 408 429 500 502 503 504 529; do
		id=$((id + 1))
		ask $id '{}' "$(attempt p /status:$status/x)" "$(attempt q /json/x)"
	done >"$T/many"
	ask 30 '{}' "$(attempt p /file:html-503/x)" "$(attempt q /json/x)" >>"$T/many"
	ask 31 '{}' "$(attempt p /redirect/x '{"key":"env:P_KEY"}')" "$(attempt q /json/x)" >>"$T/many"
	ask 32 '{}' "$(attempt p /file:no-model/x)" "$(attempt q /json/x)" >>"$T/many"
	ask 33 '{}' "$(attempt p /file:flat-400/x)" "$(attempt q /json/x)" >>"$T/many"
	for status in 400 404 413 422; do
		ask $status '{}' "$(attempt p /status:$status/x)" "$(attempt q /json/x)" >>"$T/many"
	done
	fetch <"$T/many"
	for i in $(seq 1 $id) 30 31 32; do
		head_of "$i" | jq -e '.status == 200 and .provider == "q" and .attempt == 2' || { echo "# $i"; return 1; }
	done
	# The client's own fault: what was said passes as it is where the API has that status.
	for status in 400 404 413; do
		head_of $status | jq -e ".status == $status and .provider == \"p\" and .attempt == 1"
		body_of $status | jq -e '.error.message == "because" and .request_id == null'
		end_of $status | jq -e '.result == "upstream-error" and (.attempts | length) == 1 and
			.error == "the request was refused: p: answered '$status': because"'
	done
	# So it does not where the words are the provider's own.
	head_of 33 | jq -e '.status == 400 and .provider == null'
	body_of 33 | jq -e '.type == "error" and .error.message == "the request was refused: p: answered 400: bad field"'
	head_of 422 | jq -e '.status == 400 and .provider == null'
	body_of 422 | jq -e '.error.type == "invalid_request_error" and .request_id == "req_422" and
		.error.message == "the request was refused: p: answered 422: because"'
	[ "$(told one 'select(.event == "request").target' | grep -c '"/json')" = $((id + 3)) ]
	run -1 grep "req_4[0-9][0-9]: " "$T/err"
}

@test "of the provider's header fields only the safe ones come back" {
	provider one
	config
	request 1 '{}' '{}' "$(attempt p /status:400/x)" | fetch
	[ "$(head_of 1 | jq -cS .headers)" = '{"anthropic-ratelimit-requests-remaining":"0","content-length":"77","content-type":"application/json","request-id":"req_theirs","retry-after":"60","x-lb-attempts":"1","x-lb-provider":"p","x-lb-reason":"p: answered 400","x-ratelimit-limit":"1, 2","x-should-retry":"true"}' ]
}

@test "when all have failed: the status that helps the client most, what each said, and the shortest wait" {
	answers
	provider one --answers "$T/answers"
	config
	local late='{"first_byte_ms":200}'
	{
		ask 1 '{}' "$(attempt p /file:limited-7/x)" "$(attempt q /file:limited-3/x)"
		ask 2 '{}' "$(attempt p /status:429/x)"
		ask 3 '{}' "$(attempt p /file:limited-3/x)" "$(attempt q /status:529/x)"
		ask 4 '{"plan":{"stream":true}}' "$(attempt p /file:error/x)" "$(attempt q /status:503/x)"
		ask 5 '{}' "$(attempt p /file:limited-3/x)" "$(attempt q /status:500/x)"
		ask 6 '{}' "$(attempt p /nohead/x "$late")" "$(attempt q /nohead/x "$late")"
		ask 7 '{}' "$(refused)" "$(attempt p /nohead/x "$late")"
		ask 8 '{}' "$(attempt p /status:403/x)" "$(attempt q /status:401/x)"
		ask 9 '{}' "$(attempt p /status:401/x)" "$(attempt q /status:529/x)"
		ask 10 '{}' "$(attempt p /file:html-503/x)" "$(refused)"
		ask 11 '{}' "$(attempt p /file:no-model/x)" "$(attempt q /file:no-model/x)"
		ask 12 '{}' "$(attempt p /hugeerror/x)" "$(attempt p /slowerror/x)"
		ask 13 '{}' "$(attempt p /redirect/x)"
		ask 14 '{"plan":{"dialect":"openai"}}' "$(attempt p /status:529/x)"
		ask 15 '{}'
	} | fetch
	is() { # ID STATUS TYPE RETRY-AFTER MESSAGE
		head_of "$1" | jq -e --argjson status "$2" --argjson wait "$4" '.status == $status and .provider == null and
			.headers["retry-after"] == $wait and .headers["content-type"] == "application/json"' &&
			body_of "$1" | jq -e --arg type "$3" --arg text "$5" '.type == "error" and .error.type == $type and
			(.error.message | test($text)) and .request_id == "req_'"$1"'"' ||
			{ echo "# $1: $(head_of "$1") $(body_of "$1")"; return 1; }
	}
	is 1 429 rate_limit_error '"3"' '^Rate limited: no provider could answer: p: answered 429: slow down; q: answered 429: slow down$'
	is 2 429 rate_limit_error '"60"' 'p: answered 429: because$'
	is 3 529 overloaded_error '"3"' '^Overloaded: no provider could answer: p: answered 429: slow down; q: answered 529: because$'
	is 4 529 overloaded_error '"60"' '^Overloaded: .*p: .*Overloaded; q: answered 503: because$'
	is 5 502 api_error null '^no provider could answer: p: answered 429: slow down; q: answered 500: because$'
	is 6 504 timeout_error null 'p: no first byte in time .*; q: no first byte'
	is 7 502 api_error null 'refused: .*; p: no first byte'
	is 8 403 permission_error null 'p: answered 403: because; q: answered 401: because'
	is 9 529 overloaded_error '"60"' 'p: answered 401: because; q: answered 529: because'
	is 10 502 api_error null 'p: answered 503 with an HTML page .503 Service Temporarily Unavailable.; refused: '
	is 12 529 overloaded_error '"7"' 'p: answered 503, and its body did not come whole; p: answered 503, and'
	is 13 502 api_error null 'p: answered 302, a redirect, which is not followed$'
	is 15 502 api_error null 'the plan names no provider to ask'
	end_of 6 | jq -e '.result == "timeout"'
	end_of 7 | jq -e '.result == "upstream-error" and (.attempts | map(.result)) == ["upstream-error", "timeout"]'
	# That the model is not there is the client's to know, in the words of the last one.
	head_of 11 | jq -e '.status == 404 and .provider == "q" and .attempt == 2'
	body_of 11 | jq -e '.error.message == "model: m"'
	body_of 14 | jq -e '.error | .type == "service_unavailable_error" and (.message | test("^Overloaded: ")) and has("param")'
	run -1 grep -ai '<html\|<title' "$T/out"
}

@test "a prompt that is too long goes on to a larger context only" {
	answers
	provider one --answers "$T/answers"
	config
	long() { attempt "$1" /file:too-long/x "$2"; }
	{
		ask 1 '{}' "$(long p '{}')" "$(attempt q /json/x)"
		ask 2 '{}' "$(long p '{}')" "$(attempt q /json/x '{"context":200000}')"
		ask 3 '{}' "$(long p '{"context":200000}')" "$(attempt q /close/x '{"context":200000}')" \
		    "$(attempt p /close/x '{"context":400000}')" "$(attempt q /close/x)" "$(attempt q /json/x '{"context":300000}')"
		ask 4 '{}' "$(long p '{"context":9}')" "$(attempt q /close/x '{"context":10}')"
		ask 5 '{"plan":{"dialect":"openai"}}' "$(long p '{}')"
		ask 6 '{}' "$(attempt q /status:401/x)" "$(attempt p /file:too-long-o/x)"
	} | fetch
	# What its context is worth is not known: the client can shorten its prompt.
	head_of 1 | jq -e '.status == 400 and .provider == "p"'
	body_of 1 | jq -e '.error.message == "prompt is too long: 208310 tokens > 200000 maximum"'
	end_of 1 | jq -e '.result == "upstream-error" and (.attempts | map(.result)) == ["upstream-error", "refused"]'
	head_of 2 | jq -e '.status == 200 and .provider == "q"'
	head_of 3 | jq -e '.status == 200 and .provider == "q" and .attempt == 5'
	end_of 3 | jq -e '.attempts | map(.result) == ["upstream-error", "refused", "upstream-error", "refused", "complete"]'
	head_of 4 | jq -e '.status == 502'
	body_of 5 | jq -e '.error | .code == "context_length_exceeded" and (.message | test("^prompt is too long: p: "))'
	head_of 5 | jq -e '.status == 400 and .provider == null'
	body_of 6 | jq -e '.error | .type == "invalid_request_error" and (.message | test("^prompt is too long: q: .*; p: "))'
	# What was too long for one request is nothing to the next.
	fetch_live
	ask 7 '{}' "$(long p '{"context":9}')" >&7
	wait_for 100 out_has '"type":"end","id":7'
	ask 8 '{}' "$(refused)" "$(attempt q /json/x)" >&7
	wait_for 100 out_has '"type":"end","id":8'
	head_of 8 | jq -e '.provider == "q"'
	ask 9 '{}' "$(refused)" >&7
	wait_for 100 out_has '"type":"end","id":9'
	ask 10 '{}' "$(long p '{}')" >&7
	wait_for 100 out_has '"type":"end","id":10'
	head_of 10 | jq -e '.status == 400'
}

# thinker ID JSON MORE ATTEMPT...: a request whose history has two thinking blocks; MORE are messages behind it.
thinker() {
	local body='{"model":"m", "thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":[
 {"type":"thinking","thinking":"Hm","signature":"c2ln"} , {"type":"tool_use","id":"t","name":"f","input":{"n":1e400}},{"type":"redacted_thinking","data":"x"}]}'
	local id=$1 more=$2
	body+=$3']}'
	shift 3
	request "$id" "$(jq -cn --argjson more "$more" '{plan: {policy: "failover", model: "m", model_at: [9, 3]}} * $more')" "$body" "$@"
}

@test "thinking that another provider has signed is cut out, and the same provider asked again, once" {
	mkdir "$T/bodies"
	answers
	local error='{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}'
	answer signature 400 application/json "$error"
	answer signature-event 200 text/event-stream "event: error\ndata: $error\n\n"
	answer missing 400 application/json '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`."}}'
	provider one --answers "$T/answers" --bodies "$T/bodies"
	config "$(jq -cn --arg base "http://127.0.0.1:$PORT" '{o: {base_url: $base, dialect: "openai"}}')"
	local signed=/signed:signature/x user=',{"role":"user","content":"go on"}' model='{"model":"theirs"}'
	{
		thinker 1 '{}' "$user" "$(attempt p $signed "$model")" "$(attempt q /json/x)"
		thinker 2 '{}' "$user" "$(attempt p /status:529/x "$model")" "$(attempt q /signed:signature-event/x)"
		thinker 3 '{}' "$user" "$(attempt p /file:signature/x)" "$(attempt q /json/x)"
		thinker 4 '{}' "$user" "$(attempt p $signed "$model")"
		thinker 5 '{}' "$user" "$(attempt p /file:missing/x)" "$(attempt q /json/x)"
		ask 6 '{}' "$(attempt p /file:signature/x)" "$(attempt q /json/x)"
		thinker 7 '{}' "$user" "$(attempt o $signed '{"dialect":"openai"}')"
		thinker 8 '{"plan":{"dialect":"openai"}}' "$user" "$(attempt p $signed)"
	} >"$T/many"
	# One after the other, so that the bodies' order is known.
	fetch_live
	for id in 1 2 3 4 5 6 7 8; do
		python3 -c 'import sys
records = open(sys.argv[1], "rb").read().split(b"{\"type\":\"request\",")
sys.stdout.buffer.write(b"{\"type\":\"request\"," + records[int(sys.argv[2])])' "$T/many" $id >&7
		wait_for 100 out_has '"type":"end","id":'$id, || { echo "# $id"; return 1; }
	done
	head_of 1 | jq -e '.status == 200 and .provider == "p" and .attempt == 2 and .headers["x-lb-provider"] == "p" and
		.headers["x-lb-attempts"] == "2" and .headers["x-lb-reason"] == "failover; thinking-stripped; p: answered 400"'
	end_of 1 | jq -e '.result == "complete" and .stripped == 2 and (.attempts | map([.provider, .status])) == [["p", 400], ["p", 200]]'
	thinker 1 '{}' "$user" | tail -n +2 | sed 's/"m"/"theirs"/' | head -c -1 >"$T/want1"
	same "$T/want1" "$T/bodies/1"
	python3 - "$T" <<-'END'
		import sys
		body = open(sys.argv[1] + "/want1").read()
		body = body.replace('{"type":"thinking","thinking":"Hm","signature":"c2ln"} , ', "")
		open(sys.argv[1] + "/want2", "w").write(body.replace(',{"type":"redacted_thinking","data":"x"}', ""))
	END
	same "$T/want2" "$T/bodies/2"
	# Behind another one; an error event before any content is an error as any.
	head_of 2 | jq -e '.provider == "q" and .attempt == 3 and .headers["x-lb-attempts"] == "3" and
		(.headers["x-lb-reason"] | startswith("failover; thinking-stripped; p: answered 529; q: "))'
	end_of 2 | jq -e '.stripped == 2'
	# The second such error passes, and goes to nobody else.
	head_of 3 | jq -e '.status == 400 and .provider == "p" and .attempt == 2 and
		.headers["x-lb-reason"] == "failover; thinking-stripped; p: answered 400; p: answered 400"'
	[ "$(body_of 3)" = "$error" ]
	end_of 3 | jq -e '.result == "upstream-error" and .stripped == 2 and (.attempts | length) == 2'
	head_of 4 | jq -e '.status == 200'
	# What would not help is not tried: no such error, nothing to cut, another dialect.
	for id in 5 6 7 8; do
		head_of $id | jq -e '.status == 400 and .headers["x-lb-attempts"] == "1"' || { echo "# $id"; return 1; }
		end_of $id | jq -e '(.attempts | length) == 1 and .stripped == null' || { echo "# $id"; return 1; }
	done
	[ "$(told one 'select(.event == "request").target' | wc -l)" = 13 ]
	run -1 grep -q thinking "$T/err"
}

@test "after a copy without thinking has failed too, the next provider gets the body as it was" {
	mkdir "$T/bodies"
	answers
	answer signature 400 application/json '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0.thinking.signature: Field required"}}'
	provider one --answers "$T/answers" --bodies "$T/bodies"
	config
	# The provider that refused it is gone when it is asked again.
	python3 - "$T" <<-'END' 3>&- &
		import socket, sys
		server = socket.create_server(("127.0.0.1", 0))
		open(sys.argv[1] + "/port.new", "w").write(str(server.getsockname()[1]))
		import os
		os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
		answer = open(sys.argv[1] + "/answers/signature", "rb").read()
		for reply in (answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1), b""):
		    client = server.accept()[0]
		    data = b""
		    while not data.endswith(b"]}"):
		        data += client.recv(65536)
		    client.sendall(reply)
		    client.close()
	END
	STARTED+=("$!")
	wait_for 100 test -s "$T/port"
	config '{"once":{"base_url":"http://127.0.0.1:'"$(cat "$T/port")"'","dialect":"anthropic"}}'
	thinker 1 '{}' '' "$(attempt once / '{"url":"http://127.0.0.1:'"$(cat "$T/port")"'/v1/messages","model":"theirs"}')" \
	    "$(attempt q /signed:signature/x)" >"$T/one"
	thinker 2 '{}' '' "$(attempt q /json/x)" >>"$T/one"
	fetch <"$T/one"
	# Once a request: what that one says of the body as it was passes.
	end_of 1 | jq -e '.stripped == 2 and (.attempts | map(.status)) == [400, null, 400]'
	head_of 1 | jq -e '.status == 400 and .provider == "q" and .attempt == 3 and
		(.headers["x-lb-reason"] | test("^failover; once: answered 400; once: .*; q: answered 400$"))'
	cmp "$T/bodies/1" "$T/bodies/2"
}

@test "a large history loses its thinking and nothing else" {
	mkdir "$T/bodies"
	answers
	answer signature 400 application/json '{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}'
	provider one --answers "$T/answers" --bodies "$T/bodies"
	config
	python3 "$ROOT/tests/tools/history.py" make "$T/body" "$T/model-at"
	[ "$(wc -c <"$T/body")" -gt 1000000 ]
	request 1 '{"plan":{"model":"mine","model_at":'"$(cat "$T/model-at")"'}}' '' \
	    "$(attempt p /signed:signature/x '{"model":"a-longer-name"}')" | head -1 | jq -c ".bytes = $(wc -c <"$T/body")" >"$T/record"
	{ cat "$T/record" "$T/body"; echo; } | fetch
	head_of 1 | jq -e '.status == 200'
	python3 "$ROOT/tests/tools/history.py" check "$T/bodies/1" "$T/bodies/2" "$(end_of 1 | jq .stripped)"
}

@test "every answer says who gave it, after how many attempts, and why" {
	answers
	provider one --answers "$T/answers"
	config
	local plan='{"plan":{"policy":"sticky","reasons":["route m","r is left out: it cools down for 3 s (limited)"]}}'
	{
		ask 1 "$plan" "$(attempt p /json/x)"
		ask 2 "$plan" "$(attempt nobody /json/x)" "$(attempt p /status:529/x)" "$(attempt q /status:401/x)" "$(attempt p /close/x)" \
		    "$(attempt q /json/x)"
		ask 3 "$plan" "$(attempt p /status:529/x)" "$(attempt nobody /json/x)"
		ask 4 "$plan" "$(attempt p /file:key-401/x)" "$(attempt p /file:key-event/x)"
		ask 5 "$(jq -cn --argjson plan "$plan" '$plan * {plan: {stream: true}}')" "$(attempt p /file:good/x)"
		ask 6 '{"plan":{"attempts":1}}'
		request 7 "$plan" '{}' "$(attempt p /empty/x)"
		request 8 '{"method":"HEAD","plan":{"policy":"failover"}}' '' "$(attempt p /json/x)"
	} | fetch
	says() { # ID PROVIDER ATTEMPTS REASON
		[ "$(head_of "$1" | jq -r '.headers | .["x-lb-provider"], .["x-lb-attempts"], .["x-lb-reason"]')" = "$2
$3
$4" ] || { head_of "$1"; return 1; }
	}
	local out='r is left out: it cools down for 3 s (limited)'
	says 1 p 1 "sticky; $out"
	head_of 2 | jq -e '.headers["x-lb-provider"] == "q" and .headers["x-lb-attempts"] == "4" and (.headers["x-lb-reason"] | test(
		"^sticky; nobody: not in the configuration of lb-fetch; p: answered 529; q: answered 401; p: .*; r is left out: "))' ||
		{ head_of 2; return 1; }
	says 3 null 1 "sticky; p: answered 529; nobody: not in the configuration of lb-fetch; $out"
	head_of 4 | jq -e '.headers["x-lb-reason"] | test("^sticky; p: answered 401; p: .*not \\[key\\]; r is left out")'
	run -1 grep -a p-secret "$T/out"
	says 5 p 1 "sticky; $out"
	says 6 null 0 null
	says 7 p 1 "sticky; $out"
	says 8 p 1 failover
}

@test "a key that a provider repeats goes neither to the client nor to the log" {
	answers
	provider one --answers "$T/answers"
	config '{"open":{"base_url":"http://127.0.0.1:'"$PORT"'","dialect":"anthropic","key":"client"}}'
	{
		ask 1 '{}' "$(attempt p /file:key-400/x '{"key":"env:P_KEY"}')"
		ask 2 '{}' "$(attempt p /file:key-401/x '{"key":"env:P_KEY"}')"
		ask 3 '{"plan":{"stream":true}}' "$(attempt p /file:key-event/x '{"key":"env:P_KEY"}')"
		ask 4 '{"headers":{"authorization":"Bearer clients-own"}}' "$(attempt open /file:key-client/x '{"key":"client"}')" \
		    "$(attempt q /json/x)"
		ask 5 '{"plan":{"stream":true}}' "$(attempt p /file:key-late/x '{"key":"env:P_KEY"}')"
		ask 6 '{"plan":{"stream":true}}' "$(attempt p /file:key-said/x '{"key":"env:P_KEY"}')"
	} | fetch
	head_of 1 | jq -e '.status == 400 and .provider == null'
	body_of 1 | jq -e '.error.message == "the request was refused: p: answered 400: what is [key]?"'
	for i in 2 3; do body_of $i | jq -e '.error.message | test("\\[key\\]")'; done
	# A wrong key of the client's own is the client's to mend: nobody else is asked.
	head_of 4 | jq -e '.status == 401'
	body_of 4 | jq -e '.error.message | test("open: answered 401: not .key.$")'
	end_of 4 | jq -e '.attempts | length == 1'
	body_of 5 | grep -q '"message":"not \[key\]"'
	# A model may speak of a key: what is no error passes as it is.
	body_of 6 | grep -q '"text":"p-secret"'
	[ "$(grep -c 'warning: req_[234]: provider .*\[key\]' "$T/err")" = 3 ]
	[ "$(grep -ah 'p-secret\|clients-own' "$T/out" "$T/err" | grep -vc '"text":"p-secret"')" = 0 ]
}

@test "each attempt gets the whole request, whatever came of those before" {
	answers
	mkdir "$T/bodies"
	provider one --answers "$T/answers" --bodies "$T/bodies"
	config
	ask 1 '{"plan":{"stream":true}}' "$(attempt p /drip:start-error/x '{"model":"first"}')" \
	    "$(attempt q /file:html/x)" "$(attempt q /status:529/x '{"model":"third"}')" "$(attempt p /file:good/x)" | fetch
	head_of 1 | jq -e '.attempt == 4 and .provider == "p"'
	[ "$(cat "$T"/bodies/{1,2,3,4} | tr -d '\n')" = '{"model":"first"}{"model":"m"}{"model":"third"}{"model":"m"}' ]
}

@test "before the content: a cancel ends it, a pause waits until there is something to pass on" {
	answers
	provider one --answers "$T/answers"
	config
	fetch_live
	ask 1 '{"plan":{"stream":true}}' "$(attempt p /pings:start-only/x)" >&7
	wait_for 100 grep -q '"request"' "$T/one.out"
	echo '{"type":"cancel","id":1}' >&7
	wait_for 100 out_has '"type":"end","id":1,"result":"cancelled"'
	wait_for 100 grep -q '"closed"' "$T/one.out"
	run -1 out_has '"type":"head"'
	end_of 1 | jq -e '.attempts == [.attempts[0] | select(.result == "cancelled")]'
	ask 2 '{"plan":{"stream":true}}' "$(attempt p /pings:start-content/x '{"not_before":'$(($(date +%s%N) / 1000000 + 300))'}')" >&7
	echo '{"type":"pause","id":2}' >&7
	wait_for 100 out_has '"type":"data","id":2'
	request 3 '{"plan":{"stream":true}}' '{}' "$(attempt p /stream:60/x)" >&7
	wait_for 100 out_has '"type":"end","id":3'
	before=$(events_of 2)
	[ "$before" -lt 20 ]
	echo '{"type":"resume","id":2}' >&7
	caught_up() { [ "$(events_of 2)" -gt $((before + 30)) ]; }
	wait_for 100 caught_up
	echo '{"type":"pause","id":2}' >&7
	echo '{"type":"cancel","id":2}' >&7
	wait_for 100 out_has '"type":"end","id":2'
	# Of that nothing is left to the next requests, nor of these.
	ask 5 '{}' "$(attempt p /file:json-good/x)" >&7
	wait_for 100 out_has '"type":"end","id":5,"result":"complete"'
	ask 4 '{"plan":{"stream":true}}' "$(attempt p /drip:good/x)" >&7
	wait_for 100 out_has '"type":"end","id":4,"result":"complete"'
	end_of 5 | jq -e '.usage.output_tokens == 15'
	end_of 4 | jq -e '.usage == null'
	exec 7>&-
	wait_for 100 gone "$PID"
}

@test "after the first octet a failure is told at the end, and no other provider is asked" {
	provider one
	config
	{
		request 1 '{}' '{}' "$(attempt p /short/x)" "$(attempt q /json/x)"
		request 2 '{"plan":{"stream":true}}' '{}' "$(attempt p /cutchunk/x)" "$(attempt q /json/x)"
		request 3 '{"plan":{"stream":true}}' '{}' "$(attempt p /stall:2/x '{"idle_ms":300}')" "$(attempt q /json/x)"
		request 4 '{"plan":{"stream":true}}' '{}' "$(attempt p /forever/x '{"total_ms":500}')" "$(attempt q /json/x)"
	} | fetch
	for i in 1 2 3 4; do
		head_of $i | jq -e '.status == 200 and .provider == "p"'
		end_of $i | jq -e '(.error | startswith("p: ")) and (.attempts | length) == 1 and .attempts[0].status == 200'
	done
	head_of 1 | jq -e '.headers["content-length"] == "100"'
	[ "$(body_of 1)" = 0123456789 ]
	end_of 1 | jq -e '.result == "truncated"'
	end_of 2 | jq -e '.result == "truncated"'
	end_of 3 | jq -e '.result == "timeout" and .total_ms >= 300 and (.error | test("silent"))'
	end_of 4 | jq -e '.result == "timeout" and .total_ms >= 500 and (.error | test("no end"))'
	[ "$(body_of 2 | grep -c 'event: ping')" = 2 ]
}

@test "a compressed answer is decoded although none was asked for" {
	provider one
	config
	id=0
	for coding in gzip deflate br zstd; do
		id=$((id + 1))
		request $id '{}' '{}' "$(attempt p /coded:$coding/x)"
	done >"$T/many"
	fetch <"$T/many"
	for i in 1 2 3 4; do
		[ "$(body_of $i)" = hello ]
		[ "$(head_of $i | jq -c .headers)" = '{"content-type":"text/plain","x-lb-provider":"p","x-lb-attempts":"1"}' ]
		end_of $i | jq -e '.result == "complete"'
	done
}

@test "interim heads and trailers are not the head; a length beside chunks is none" {
	provider one
	config
	{
		request 1 '{}' '{}' "$(attempt p /interim/x)"
		request 2 '{}' '{}' "$(attempt p /trailers/x)"
	} | fetch
	local own='"x-lb-provider":"p","x-lb-attempts":"1"'
	[ "$(head_of 1 | jq -c '[.status, .headers]')" = '[200,{"content-type":"application/json","content-length":"70",'"$own"'}]' ]
	[ "$(head_of 2 | jq -c '[.status, .headers]')" = '[200,{"content-type":"application/json",'"$own"'}]' ]
	end_of 2 | jq -e '.result == "complete"'
}

@test "methods: GET and DELETE without a body, HEAD with a length and no data" {
	answers
	provider one --answers "$T/answers"
	config
	{
		request 1 '{"method":"GET","headers":{}}' '' "$(attempt p /echo/x)"
		request 2 '{"method":"DELETE","headers":{}}' '' "$(attempt p /json/x)"
		request 3 '{"method":"HEAD","headers":{}}' '' "$(refused)"
		request 4 '{"method":"GET","headers":{}}' '' "$(attempt p /file:unchanged/x)" "$(refused)"
		request 5 '{"method":"GET","headers":{}}' '' "$(attempt p /file:no-model/x)" "$(attempt q /json/x)"
		ask 6 '{"method":"HEAD"}' "$(attempt p /file:json-good/x)" "$(refused)"
	} | fetch
	head_of 4 | jq -e '.status == 304 and .provider == "p"'
	end_of 4 | jq -e '.result == "complete"'
	# What is not there is not the model where none was asked for.
	head_of 5 | jq -e '.status == 404 and .provider == "p"'
	end_of 5 | jq -e '.attempts | length == 1'
	head_of 6 | jq -e '.status == 200 and .provider == "p" and (.headers["content-length"] | tonumber) > 100'
	end_of 6 | jq -e '.result == "complete"'
	[ -z "$(body_of 6)" ]
	[ "$(body_of 1 | jq -c 'sort | map(.[0])')" = '["accept-encoding","host"]' ]
	[ "$(told one 'select(.event == "request").method' | sort | tr '\n' ,)" = '"DELETE","GET","GET","GET","HEAD",' ]
	head_of 3 | jq -e '.status == 502 and (.headers["content-length"] | tonumber) > 0'
	[ -z "$(body_of 3)" ]
}

@test "an attempt waits for its time" {
	provider one
	config
	now=$(($(date +%s%N) / 1000000))
	request 1 '{}' '{}' "$(attempt p /json/x '{"not_before":'$((now + 700))'}')" | fetch
	end_of 1 | jq -e '.result == "complete"'
	[ "$(told one 'select(.event == "request").at')" -ge $((now + 700)) ]
}

@test "connections are used again, and 200 streams go at once" {
	provider one
	config
	fetch_live
	for i in 1 2 3; do
		request $i '{}' '{}' "$(attempt p /json/x)" >&7
		wait_for 100 out_has '"type":"end","id":'$i
	done
	[ "$(told one 'select(.event == "connection")' | wc -l)" = 1 ]
	request 0 '{"plan":{"stream":true}}' '{}' "$(attempt p /stream:20/x)" >"$T/one"
	for i in $(seq 11 210); do sed "1s/\"id\":0/\"id\":$i/" "$T/one"; done >&7
	exec 7>&-
	wait_for 600 gone "$PID"
	[ "$(grep -ac '"result":"complete","attempts"' "$T/out")" = 203 ]
	for i in 11 99 210; do [ "$(body_of $i | grep -c 'event: ping')" = 20 ]; done
}

# cancelled_within MS: starts a stream, cancels it; whether its connection was closed in that time.
cancelled_within() {
	local id=$1 ms=$2 at
	request "$id" '{"plan":{"stream":true}}' '{}' "$(attempt p /$3/x)" >&7
	wait_for 100 is_at_least "$id" grep -c '"request"' "$T/one.out"
	[ "$3" = nohead ] || wait_for 100 out_has '"type":"data","id":'"$id"
	at=$(($(date +%s%N) / 1000000))
	echo '{"type":"cancel","id":'"$id"'}' >&7
	wait_for 100 is_at_least "$id" grep -c '"closed"' "$T/one.out"
	wait_for 100 out_has '"type":"end","id":'"$id"',"result":"cancelled"'
	[ $(($(told one 'select(.event == "closed").at' | tail -1) - at)) -le "$ms" ]
}

@test "a cancel closes that transfer's connection at once, in mid-stream and before the head" {
	provider one
	config
	fetch_live
	# On a machine that is busy with other things one may come late; not each of several.
	id=0
	for scenario in forever nohead; do
		in_time=false
		for try in 1 2 3 4 5; do
			id=$((id + 1))
			cancelled_within $id 100 $scenario && in_time=true && break
		done
		[ $in_time = true ]
	done
	echo '{"type":"cancel","id":4711}' >&7
	exec 7>&-
	wait_for 100 gone "$PID"
	end_of 1 | jq -e '.result == "cancelled" and .error != null and .attempts[0].result == "cancelled"'
}

events_of() { body_of "$1" | grep -c 'event: ping' || true; }

@test "a pause stops that transfer alone, its idle limit too; EOF on stdin lets all go on" {
	provider one
	config
	fetch_live
	request 1 '{"plan":{"stream":true}}' '{}' "$(attempt p /forever/x '{"idle_ms":600}')" >&7
	wait_for 100 out_has '"type":"data","id":1'
	echo '{"type":"pause","id":1}' >&7
	request 2 '{}' '{}' "$(attempt p /json/x)" >&7
	wait_for 100 out_has '"type":"end","id":2'
	before=$(events_of 1)
	request 3 '{"plan":{"stream":true}}' '{}' "$(attempt p /stream:60/x)" >&7
	wait_for 100 out_has '"type":"end","id":3'
	[ "$(events_of 3)" = 60 ]
	[ "$(events_of 1)" = "$before" ]
	run -1 out_has '"type":"end","id":1'
	echo '{"type":"resume","id":1}' >&7
	# Those that came meanwhile are there, too: the sockets held them.
	caught_up() { [ "$(events_of 1)" -gt $((before + 60)) ]; }
	wait_for 100 caught_up
	echo '{"type":"cancel","id":1}' >&7
	request 4 '{"plan":{"stream":true}}' '{}' "$(attempt p /stream:30/x)" >&7
	wait_for 100 out_has '"type":"data","id":4'
	echo '{"type":"pause","id":4}' >&7
	exec 7>&-
	wait_for 300 gone "$PID"
	[ "$(events_of 4)" = 30 ]
	end_of 4 | jq -e '.result == "complete"'
}

@test "a reader that has gone ends it, also while it only waits" {
	PORT=1 config
	mkfifo "$T/pipe" "$T/output"
	lb-fetch -c "$T/lb.json" <"$T/pipe" >"$T/output" 2>"$T/err" 3>&- 7>&- &
	PID=$!
	STARTED+=("$PID")
	exec 7>"$T/pipe"
	exec 8<"$T/output"
	echo '{"type":"hello"}' >&7
	read -r line <&8
	[ "$line" = '{"type":"hello"}' ]
	exec 8<&-
	wait_for 100 gone "$PID"
	wait "$PID"
}

@test "what is no record, and an id that is open already, end it with 101" {
	provider one
	config
	echo '{"type":"request"}' >"$T/in"
	run -101 lb-fetch -c "$T/lb.json" <"$T/in"
	printf '{"type":"hello"' >"$T/in"
	run -101 lb-fetch -c "$T/lb.json" <"$T/in"
	{
		request 1 '{}' '{}' "$(attempt p /nohead/x)"
		request 1 '{}' '{}' "$(attempt p /json/x)"
	} >"$T/in"
	run -101 lb-fetch -c "$T/lb.json" <"$T/in"
}

# A throw-away authority, and a certificate of it for 127.0.0.1.
certificates() {
	command -v openssl >/dev/null || skip "openssl is not there"
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test authority" \
		    -keyout "$T/ca.key" -out "$T/ca.pem"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=provider" -keyout "$T/tls.key" \
		    -out "$T/tls.csr"
		printf 'subjectAltName=IP:127.0.0.1\n' >"$T/tls.ext"
		openssl x509 -req -in "$T/tls.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 \
		    -extfile "$T/tls.ext" -out "$T/tls.pem"
	} 2>"$T/openssl.err"
	export SSL_CERT_FILE=$T/ca.pem
}

tls_config() {
	config '{"t":{"base_url":"https://127.0.0.1:'"$PORT"'","dialect":"anthropic"},
		"h2":{"base_url":"https://127.0.0.1:'"$PORT"'","dialect":"anthropic","http2":true}}'
}

tls_attempt() { attempt "$1" / '{"url":"https://127.0.0.1:'"$PORT$2"'"}'; }

@test "TLS: sessions are used again, and the authorities are read once, not for each connection" {
	certificates
	provider one --tls "$T/tls.pem" "$T/tls.key"
	tls_config
	fetch_live
	request 1 '{}' '{}' "$(tls_attempt t /json/x)" >&7
	wait_for 100 out_has '"type":"end","id":1,"result":"complete"'
	rm "$T/ca.pem"
	# Two at once: one on the open connection, one on a new one.
	{
		request 2 '{}' '{}' "$(tls_attempt t /stream:20/x)"
		request 3 '{}' '{}' "$(tls_attempt t /stream:20/x)"
	} >&7
	exec 7>&-
	wait_for 200 gone "$PID"
	end_of 2 | jq -e '.result == "complete"'
	end_of 3 | jq -e '.result == "complete"'
	[ "$(told one 'select(.event == "tls") | [.resumed, .alpn]' | tr '\n' ' ')" = '[false,"http/1.1"] [true,"http/1.1"] ' ]
}

@test "TLS: a certificate that nobody vouches for is refused" {
	certificates
	provider one --tls "$T/tls.pem" "$T/tls.key"
	tls_config
	unset SSL_CERT_FILE
	request 1 '{}' '{}' "$(tls_attempt t /json/x)" | fetch
	head_of 1 | jq -e '.status == 502'
	body_of 1 | jq -e '.error.message | test("certificate")'
}

@test "HTTP/2 where it is asked for: a cancel resets that stream alone, and that of the last one too" {
	certificates
	provider one --tls "$T/tls.pem" "$T/tls.key" --h2
	tls_config
	fetch_live
	request 1 '{"plan":{"stream":true}}' '{}' "$(tls_attempt h2 /x)" >&7
	wait_for 100 out_has '"type":"data","id":1'
	request 2 '{"plan":{"stream":true}}' '{}' "$(tls_attempt h2 /x)" >&7
	wait_for 100 out_has '"type":"data","id":2'
	[ "$(told one 'select(.event == "connection")' | wc -l)" = 1 ]
	echo '{"type":"cancel","id":1}' >&7
	wait_for 100 grep -q '"event": "reset"' "$T/one.out"
	[ "$(told one 'select(.event == "reset").stream')" = "$(told one 'select(.event == "stream").stream' | head -1)" ]
	now=$(events_of 2)
	more_events() { [ "$(events_of 2)" -gt $((now + 3)) ]; }
	wait_for 100 more_events
	# Within 100 ms: a machine that is busy with other things may spoil a try, not each of several.
	in_time=false
	for id in 11 12 13 14 15; do
		request $id '{"plan":{"stream":true}}' '{}' "$(tls_attempt h2 /x)" >&7
		wait_for 100 out_has '"type":"data","id":'$id
		resets=$(grep -c '"event": "reset"' "$T/one.out")
		at=$(($(date +%s%N) / 1000000))
		echo '{"type":"cancel","id":'$id'}' >&7
		wait_for 100 is_at_least $((resets + 1)) grep -c '"event": "reset"' "$T/one.out"
		if [ $(($(told one 'select(.event == "reset").at' | tail -1) - at)) -le 100 ]; then in_time=true; break; fi
	done
	[ $in_time = true ]
	[ "$(told one 'select(.event == "connection")' | wc -l)" = 1 ]
	resets=$(told one 'select(.event == "closed" or .event == "reset")' | wc -l)
	echo '{"type":"cancel","id":2}' >&7
	ended() { [ "$(told one 'select(.event == "closed" or .event == "reset")' | wc -l)" -gt "$resets" ]; }
	wait_for 100 ended
	exec 7>&-
	wait_for 100 gone "$PID"
}

@test "HTTP/2: streams that begin at once share one connection" {
	certificates
	provider one --tls "$T/tls.pem" "$T/tls.key" --h2
	tls_config
	fetch_live
	for i in 1 2 3; do request $i '{"plan":{"stream":true}}' '{}' "$(tls_attempt h2 /x)"; done >"$T/many"
	cat "$T/many" >&7
	for i in 1 2 3; do wait_for 100 out_has '"type":"data","id":'$i; done
	[ "$(told one 'select(.event == "connection")' | wc -l)" = 1 ]
	for i in 1 2 3; do echo '{"type":"cancel","id":'$i'}'; done >&7
	exec 7>&-
	wait_for 100 gone "$PID"
}

@test "proxies: as http_proxy, HTTPS_PROXY and NO_PROXY say, and their answers are not the provider's" {
	certificates
	provider proxy
	local proxy=$PORT
	provider tls --tls "$T/tls.pem" "$T/tls.key"
	config '{"t":{"base_url":"https://127.0.0.1:'"$PORT"'","dialect":"anthropic","key":"env:P_KEY"},
		"far":{"base_url":"http://provider.example","dialect":"anthropic"},
		"out":{"base_url":"https://127.0.0.1:1","dialect":"anthropic"}}'
	export http_proxy=http://127.0.0.1:$proxy HTTPS_PROXY=http://127.0.0.1:$proxy
	{
		request 1 '{}' '{}' "$(attempt t / '{"url":"https://127.0.0.1:'"$PORT"'/json/x","key":"env:P_KEY"}')"
		request 2 '{}' '{}' "$(attempt far / '{"url":"http://provider.example/json/x"}')"
	} | fetch
	for i in 1 2; do head_of $i | jq -e '.status == 200 and .headers["request-id"] == null'; done
	[ "$(told proxy 'select(.event == "request") | [.method, .target]' | sort | tr '\n' ' ')" = \
		'["CONNECT","127.0.0.1:'"$PORT"'"] ["POST","http://provider.example/json/x"] ' ]
	run -1 grep p-secret "$T/proxy.out"
	NO_PROXY=127.0.0.1 fetch < <(request 3 '{}' '{}' "$(attempt t / '{"url":"https://127.0.0.1:'"$PORT"'/json/x"}')")
	head_of 3 | jq -e '.status == 200'
	[ "$(told proxy 'select(.event == "request")' | wc -l)" = 2 ]
	# A proxy that refuses is no answer of the provider's.
	fetch < <(request 4 '{}' '{}' "$(attempt out / '{"url":"https://127.0.0.1:1/x"}')")
	head_of 4 | jq -e '.status == 502 and .provider == null and .headers["request-id"] == null'
}

@test "HTTP/1.1 where HTTP/2 is not asked for, whatever the provider could" {
	certificates
	provider one --tls "$T/tls.pem" "$T/tls.key" --h2
	tls_config
	request 1 '{}' '{}' "$(tls_attempt t /json/x)" | fetch
	end_of 1 | jq -e '.result == "complete"'
	[ "$(told one 'select(.event == "tls").alpn')" = '"http/1.1"' ]
}

@test "no Expect, and no wait for one, before a large body" {
	provider one
	config
	head -c 3000000 /dev/zero | tr '\0' x >"$T/body"
	request 1 '{}' '' "$(attempt p /echo/x)" | head -1 | jq -c '.bytes = 3000000' >"$T/record"
	{ cat "$T/record" "$T/body"; echo; } | fetch
	body_of 1 | jq -e 'map(.[0]) | index("expect") == null'
}

@test "only http and https" {
	PORT=1 config
	request 1 '{}' '{}' "$(attempt p / '{"url":"file:///etc/hostname"}')" | fetch
	head_of 1 | jq -e '.status == 502'
	for base in file:///etc ftp://127.0.0.1 gopher://127.0.0.1 127.0.0.1:1; do
		config '{"other":{"base_url":"'$base'","dialect":"anthropic"}}'
		run -100 lb-fetch -c "$T/lb.json" </dev/null
		[[ $output == *"base_url"* ]]
	done
}

@test "a resolver that never answers stalls nobody, nor does leaving it" {
	unshare -rnm true 2>/dev/null || skip "no namespaces here"
	printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:2\n' >"$T/resolv.conf"
	printf 'hosts: dns\n' >"$T/nsswitch.conf"
	# The network is the test's own, with a name server that reads nothing, so any port is free.
	PORT=8080
	config '{"lost":{"base_url":"http://never.example","dialect":"anthropic"}}'
	cat >"$T/inside.py" <<-'END'
		import fcntl, os, socket, struct, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS, IFF_UP
		s.bind(("127.0.0.1", 53))
		s.set_inheritable(True)
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	cat >"$T/inside" <<-'END'
		mount --bind "$T/resolv.conf" /etc/resolv.conf && mount --bind "$T/nsswitch.conf" /etc/nsswitch.conf || exit
		python3 "$ROOT/tests/tools/provider.py" --port 8080 >"$T/one.out" &
		exec lb-fetch -c "$T/lb.json" <"$T/pipe" >"$T/out" 2>"$T/err"
	END
	mkfifo "$T/pipe"
	export T ROOT
	start inside unshare -rnm --kill-child --fork --pid --mount-proc python3 "$T/inside.py" bash "$T/inside"
	exec 7>"$T/pipe"
	wait_for 300 grep -qs '"port"' "$T/one.out"
	request 1 '{}' '{}' "$(attempt lost / '{"url":"http://never.example/x","connect_ms":200000}')" >&7
	request 2 '{"plan":{"stream":true}}' '{}' "$(attempt p /stream:20/x)" >&7
	wait_for 200 out_has '"type":"end","id":2,"result":"complete"'
	run -1 out_has '"type":"end","id":1'
	echo '{"type":"cancel","id":1}' >&7
	request 3 '{}' '{}' "$(attempt lost / '{"url":"http://never.example/x","connect_ms":300,
		"first_byte_ms":200000,"total_ms":200000}')" "$(attempt p /json/x)" >&7
	# The resolver gives up after a minute; nobody waits for that.
	wait_for 200 out_has '"type":"end","id":1,"result":"cancelled"'
	wait_for 200 out_has '"type":"end","id":3,"result":"complete"'
	end_of 3 | jq -e '.attempts[0].result == "timeout"'
	exec 7>&-
	wait_for 200 gone "$PID"
}
