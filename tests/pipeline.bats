# SPDX-License-Identifier: MIT
# The whole line on real processes, from a client's socket to a provider's, in each wiring: `shared`, one pipeline for all
# connections; `filters`, a pipeline of four filters for each; `children`, lb-listen with its stages for each.
load helper

setup() { common_setup; }
teardown() { common_teardown; }

# provider NAME SCRIPT: starts the provider that SCRIPT plays; its port is $PORT, what it was asked is in
# $T/NAME.rec.
provider() {
	begin_provider "$@"
	wait_for 100 listening "$PORT"
}

begin_provider() {
	local name=$1 script=$2
	PORT=$(free_port)
	start "$name" lb-listen -l "127.0.0.1:$PORT" --max-body 64M -- lb-replay -r "$T/$name.rec" "$script"
}

# configure PORT...: providers p1, p2… on these ports, in this order for every model, asked for `theirs`.
configure() {
	local n=0 providers= targets= port
	for port; do
		n=$((n + 1))
		providers+="${providers:+,}\"p$n\":{\"base_url\":\"http://127.0.0.1:$port\",\"dialect\":\"anthropic\"}"
		targets+="${targets:+,}{\"provider\":\"p$n\",\"model\":\"theirs\"}"
	done
	printf '{"providers":{%s},"routes":[{"model":"*","targets":[%s]}]}' "$providers" "$targets" >"$T/lb.json"
}

# configure_faults FALLBACK FAULT...: a provider for each, played by the fixture of its name; a model of each FAULT's name,
# which is asked of that provider first and of FALLBACK (none: -) then.
configure_faults() {
	local fallback=$1 name port providers= routes= names= ports=
	[ "$fallback" = - ] || names=$fallback
	shift
	for name in $names "$@"; do
		begin_provider "$name" "$FIXTURES/replay/$name.replay"
		ports+=" $PORT"
		providers+="${providers:+,}\"$name\":{\"base_url\":\"http://127.0.0.1:$PORT\",\"dialect\":\"anthropic\"}"
	done
	for name; do
		routes+="${routes:+,}{\"model\":\"$name\",\"targets\":[{\"provider\":\"$name\"}"
		[ "$fallback" = - ] || routes+=",{\"provider\":\"$fallback\",\"model\":\"theirs\"}"
		routes+=']}'
	done
	printf '{"providers":{%s},"routes":[%s]}' "$providers" "$routes" >"$T/lb.json"
	for port in $ports; do
		wait_for 100 listening "$port"
	done
}

# serve WIRING: lb with $T/lb.json; its port is $LB.
serve() {
	local pass=(-E PATH -E LB_STATE -E ASAN_OPTIONS -E UBSAN_OPTIONS)
	[ "$1" = shared ] || command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate"
	LB=$(free_port)
	case $1 in
	shared)
		start lb lb-listen -l "127.0.0.1:$LB" --max-body 64M -- ${STAGE-} lb-route -c "$T/lb.json" '|' \
			lb-fetch -c "$T/lb.json" '|' lb-sse
		;;
	filters)
		start lb systemd-socket-activate "${pass[@]}" --accept --inetd -l "127.0.0.1:$LB" sh -c \
			'lb-listen --max-body 64M | lb-route -c "$1" | lb-fetch -c "$1" | lb-sse -H' sh "$T/lb.json"
		;;
	children)
		start lb systemd-socket-activate "${pass[@]}" --accept --inetd -l "127.0.0.1:$LB" \
			lb-listen --max-body 64M -- lb-route -c "$T/lb.json" '|' lb-fetch -c "$T/lb.json" '|' lb-sse
		;;
	esac
	LB_PID=$PID
	wait_for 100 listening "$LB"
}

# post PATH BODY [CURL-OPTION...]: as an SDK does.
post() {
	local path=$1 body=$2
	shift 2
	curl -sN --max-time 60 "http://127.0.0.1:$LB$path" -H 'content-type: application/json' -H 'x-api-key: client-key' \
		-H 'anthropic-version: 2023-06-01' -H 'anthropic-beta: a-1,b-2' "$@" --data-binary "$body"
}

STREAM='{"model":"asked","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"2+2?"}]}'

# payloads TYPE [N]: the payloads of the records of that type on stdin, or of the Nth of them (from 1).
payloads() {
	python3 -c '
import json, sys
records, seen = sys.stdin.buffer, 0
while line := records.readline():
    record = json.loads(line)
    payload = records.read(record["bytes"] + 1)[:-1] if "bytes" in record else b""
    if record["type"] != sys.argv[1]: continue
    seen += 1
    if len(sys.argv) < 3 or int(sys.argv[2]) == seen: sys.stdout.buffer.write(payload)' "$@"
}

# Whether the stream in a file is what good.replay plays for the model `theirs`, byte for byte but for the message's number.
is_good() {
	local body='{"model":"theirs"}'
	printf '{"type":"request","id":1,"method":"POST","target":"/v1/messages","headers":{},"bytes":%s}\n%s\n' \
		"${#body}" "$body" | lb-replay "$FIXTURES/replay/good.replay" | payloads data |
		sed 's/Fault[0-9]*/Fault/' >"$T/good.want"
	sed 's/Fault[0-9]*/Fault/' "$1" >"$T/good.got"
	diff -u "$T/good.want" "$T/good.got"
}

stream_arrives() {
	provider p "$FIXTURES/replay/good.replay"
	configure "$PORT"
	serve "$1"
	post '/v1/messages?beta=true' "$STREAM" -D "$T/head" >"$T/got"
	is_good "$T/got"
	head -n 1 "$T/head" | grep -q '^HTTP/1.1 200 '
	grep -qi '^content-type: text/event-stream' "$T/head"
	grep -qi '^cache-control: no-cache' "$T/head"
	# What the provider was sent: the body but for the model, end-to-end headers, the query; not the client's key.
	payloads request 1 <"$T/p.rec" >"$T/body"
	[ "$(cat "$T/body")" = "${STREAM/asked/theirs}" ]
	jq -s -e 'map(select(.type == "request"))[0] | .target == "/v1/messages?beta=true" and
		.headers["anthropic-version"] == "2023-06-01" and .headers["anthropic-beta"] == "a-1,b-2" and
		(.headers | has("x-api-key") or has("authorization") | not)' "$T/p.rec"
	! grep -q client-key "$T/p.rec"
}

@test "shared: a stream arrives byte for byte" { stream_arrives shared; }
@test "filters: a stream arrives byte for byte" { stream_arrives filters; }
@test "children: a stream arrives byte for byte" { stream_arrives children; }

large_body() {
	provider p "$FIXTURES/replay/bigints-json.replay"
	configure "$PORT"
	serve "$1"
	python3 - "$T/sent" "$T/want" <<'END'
import sys
body = '{ "max_tokens":9, "big":[' + ",".join(str(2**53 + n * 12345678901) for n in range(600000)) + "],\n"
body += '\t"exact":[1.0,1e400,-0.0,12345678901234567890123], "twice":{"a":1,"a":2}, "model" :  "asked","é":"\\u00e9"}'
open(sys.argv[1], "w").write(body)
open(sys.argv[2], "w").write(body.replace('"asked"', '"theirs"'))
END
	[ "$(wc -c <"$T/sent")" -gt 10000000 ]
	post /v1/messages "@$T/sent" >"$T/got"
	payloads request 1 <"$T/p.rec" | cmp - "$T/want"
	grep -q '"input":{"id":12345678901234567890,"n":-9007199254740993,"f":1.0,"e":1e400}' "$T/got"
}

@test "shared: a body of 10 MB with integers beyond 2^53 arrives unchanged" { large_body shared; }
@test "filters: a body of 10 MB with integers beyond 2^53 arrives unchanged" { large_body filters; }
@test "children: a body of 10 MB with integers beyond 2^53 arrives unchanged" { large_body children; }

# The provider sends an event every 300 ms; a busy machine may spoil a try, a buffer spoils all of them.
keeps_rhythm() {
	cat >"$T/rhythm.replay" <<'END'
on POST /v1/messages
	answer 200
		event {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}
		event {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
		repeat 5
			pause 300ms
			event {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${round}"}}
		end
		pause 300ms
		event {"type":"content_block_stop","index":0}
		event {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}
		event {"type":"message_stop"}
END
	provider p "$T/rhythm.replay"
	configure "$PORT"
	serve "$1"
	local try
	for try in 1 2 3; do
		python3 "$ROOT/tests/tools/arrivals.py" "$LB" >"$T/gaps"
		cat "$T/gaps"
		# Four gaps, each between half and twice their mean, which is no less than the provider's by more than a tenth.
		awk '{ gap[NR] = $1; sum += $1 }
			END {
				mean = sum / NR
				for (i in gap) bad += gap[i] < mean / 2 || gap[i] > mean * 2
				exit !(NR == 4 && mean >= 270 && !bad)
			}' "$T/gaps" && return
	done
	false
}

@test "shared: events are seen in the provider's rhythm" { keeps_rhythm shared; }
@test "filters: events are seen in the provider's rhythm" { keeps_rhythm filters; }
@test "children: events are seen in the provider's rhythm" { keeps_rhythm children; }

client_gone() {
	local port
	port=$(free_port)
	configure "$port"
	serve "$1"
	python3 "$ROOT/tests/tools/gone.py" "$port" "$LB" 5 >"$T/gone" 2>"$T/gone.err" || { cat "$T/gone.err"; return 1; }
	cat "$T/gone"
	[ "$(wc -l <"$T/gone")" -eq 3 ]
	awk -F ': ' '$2 == "never" || $2 >= 100 { bad = 1 } END { exit bad }' "$T/gone"
}

@test "shared: the client gone, the provider's connection is closed within 100 ms" { client_gone shared; }
@test "filters: the client gone, the provider's connection is closed within 100 ms" { client_gone filters; }
@test "children: the client gone, the provider's connection is closed within 100 ms" { client_gone children; }

@test "what fails before anything was passed on goes to the next provider, unseen by the client" {
	faults=(429 429-retry-after 500 502 503 504 529 html-503 reset-before-head)
	configure_faults good "${faults[@]}"
	# And one that does not listen at all.
	sed -i "s|\"providers\":{|&\"refused\":{\"base_url\":\"http://127.0.0.1:$(free_port)\",\"dialect\":\"anthropic\"},|
		s|\"routes\":\[|&{\"model\":\"refused\",\"targets\":[{\"provider\":\"refused\"},{\"provider\":\"good\",\"model\":\"theirs\"}]},|" \
		"$T/lb.json"
	serve shared
	for fault in "${faults[@]}" refused; do
		post /v1/messages "${STREAM/asked/$fault}" -w '%{http_code}\n' -o "$T/got" >"$T/code" || { echo "# $fault"; return 1; }
		[ "$(cat "$T/code")" = 200 ] && is_good "$T/got" || { echo "# $fault"; cat "$T/got"; return 1; }
		[ "$fault" = refused ] || [ "$(grep -c '^{"type":"request"' "$T/$fault.rec")" -eq 1 ]
	done
	[ "$(grep -c '^{"type":"request"' "$T/good.rec")" -eq 10 ]
}

@test "filters, children: a 529 goes to the next provider" {
	provider good "$FIXTURES/replay/good.replay"
	good=$PORT
	provider busy "$FIXTURES/replay/529.replay"
	configure "$PORT" "$good"
	for wiring in filters children; do
		serve $wiring
		post /v1/messages "$STREAM" >"$T/got"
		is_good "$T/got"
	done
}

@test "what is the request's own fault goes to no other provider: status, body and safe headers pass" {
	provider good "$FIXTURES/replay/good.replay"
	good=$PORT
	provider bad "$FIXTURES/replay/400.replay"
	configure "$PORT" "$good"
	serve shared
	post /v1/messages "$STREAM" -w '%{http_code}\n' -o "$T/got" >"$T/code"
	[ "$(cat "$T/code")" = 400 ]
	jq -e '.error.message == "messages.0.content: Field required"' "$T/got"
	[ ! -s "$T/good.rec" ] || ! grep -q '"type":"request"' "$T/good.rec"
}

# Thinking of another provider in the history: the same provider is asked once more without it, and the client is told.
other_thinking() {
	local history='{"role":"user","content":"1+1?"},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s"},{"type":"text","text":"2"}]},'
	local body=${STREAM/'"messages":['/'"messages":['$history} want
	provider p "$FIXTURES/replay/thinking-signature.replay"
	configure "$PORT"
	serve "$1"
	post /v1/messages "$body" -D "$T/head" >"$T/got"
	is_good "$T/got"
	want=${body/asked/theirs}
	[ "$(payloads request 1 <"$T/p.rec")" = "$want" ]
	[ "$(payloads request 2 <"$T/p.rec")" = "${want/'{"type":"thinking","thinking":"","signature":"s"},'/}" ]
	[ "$(tr -d '\r' <"$T/head" | grep -i '^x-lb-' | sort)" = 'x-lb-attempts: 2
x-lb-provider: p1
x-lb-reason: failover; thinking-stripped; p1: answered 400' ]
}

@test "shared: thinking of another provider is left out where it is refused, and the answer says so" { other_thinking shared; }
@test "filters: thinking of another provider is left out where it is refused, and the answer says so" { other_thinking filters; }

@test "x-lb-*: also on errors and on what is made a stream, not on lb-route's own answers" {
	provider p "$FIXTURES/replay/json-to-stream.replay"
	json=$PORT
	configure "$(free_port)" "$json"
	serve shared
	post /v1/messages "$STREAM" -D "$T/head" >"$T/got"
	grep -q '^event: message_stop' "$T/got"
	tr -d '\r' <"$T/head" | grep -i '^x-lb-provider: p2$'
	tr -d '\r' <"$T/head" | grep -i '^x-lb-attempts: 2$'
	tr -d '\r' <"$T/head" | grep -i '^x-lb-reason: failover; p1: .*connect'
	curl -s -D "$T/head" "http://127.0.0.1:$LB/v1/models" >"$T/got"
	grep -q '^HTTP/1.1 200' "$T/head"
	run -1 grep -i '^x-lb-' "$T/head"
	kill "$LB_PID"
	configure "$(free_port)"
	serve shared
	post /v1/messages "$STREAM" -D "$T/head" >"$T/got"
	[ "$(tr -d '\r' <"$T/head" | grep -i '^x-lb-a')" = 'x-lb-attempts: 1' ]
	tr -d '\r' <"$T/head" | grep -i '^x-lb-reason: failover; p1: '
	run -1 grep -i '^x-lb-provider' "$T/head"
}

@test "when all have failed the client gets an error that says what each said" {
	configure "$(free_port)" "$(free_port)"
	serve shared
	post /v1/messages "$STREAM" -w '%{http_code}\n' -o "$T/got" >"$T/code"
	[ "$(cat "$T/code")" -ge 500 ]
	jq -e '.type == "error" and (.error.message | contains("p1") and contains("p2"))' "$T/got" ||
		{ cat "$T/got"; return 1; }
}

# The stream breaks off after content: exactly one `event: error`, at the end, and no clean end of the connection's.
breaks_off() {
	local faults=(cut-mid-event reset-mid-event cut-mid-utf8 cut-mid-tool-json) fault code
	configure_faults - "${faults[@]}"
	serve "$1"
	for fault in "${faults[@]}"; do
		code=0
		post /v1/messages "${STREAM/asked/$fault}" >"$T/got" || code=$?
		[ "$code" -ne 0 ] || { echo "# $fault ended cleanly"; return 1; }
		[ "$(grep -c '^event: error$' "$T/got")" -eq 1 ] || { echo "# $fault"; cat "$T/got"; return 1; }
		[ "$(grep '^event:' "$T/got" | tail -n 1)" = 'event: error' ]
		[ "$(tail -n 1 "$T/got")" = '' ]
		sed -n 's/^data: //p' "$T/got" | tail -n 1 | jq -e '.type == "error" and (.error.message | type == "string")'
		# All that came before is whole.
		sed -n 's/^data: //p' "$T/got" | jq -e . >"$T/json"
		grep -q content_block_delta "$T/got"
	done
}

@test "shared: a stream that breaks off ends in one event: error, and not cleanly" { breaks_off shared; }
@test "filters: a stream that breaks off ends in one event: error, and not cleanly" { breaks_off filters; }
@test "children: a stream that breaks off ends in one event: error, and not cleanly" { breaks_off children; }

# A provider that leaves its connection open behind message_stop: the client's answer ends all the same, long before any
# time limit, and the provider's connection is closed.
stays_open() {
	{ cat "$FIXTURES/replay/good.replay"; echo "		hang"; } >"$T/open.replay"
	provider p "$T/open.replay"
	configure "$PORT"
	serve "$1"
	SECONDS=0
	post /v1/messages "$STREAM" >"$T/got"
	[ "$SECONDS" -lt 20 ]
	is_good "$T/got"
	wait_for 100 grep -q '"type":"cancel"' "$T/p.rec"
	[ "$1" = filters ] || post /v1/messages "${STREAM/true/false}" | jq -e '.content[0].text == "Two and two make four: naïve, but whole. 四"'
}

@test "shared: the answer ends though the provider stays open behind message_stop" { stays_open shared; }
@test "filters: the answer ends though the provider stays open behind message_stop" { stays_open filters; }
@test "children: the answer ends though the provider stays open behind message_stop" { stays_open children; }

# A provider that is silent until it dies: the client is pinged as long as it is, and gets what the next one says, be it an
# error.
pinged() {
	local silent silent_pid good client code=0
	printf 'on POST /v1/messages\n\tanswer 200\n\t\thang\n' >"$T/silent.replay"
	provider good "$FIXTURES/replay/good.replay"
	good=$PORT
	for others in "$good" ""; do
		provider silent "$T/silent.replay"
		silent_pid=$PID
		configure "$PORT" $others
		sed -i 's/^{/{"ping_ms":50,"first_ping_ms":50,/' "$T/lb.json"
		serve "$1"
		rm -f "$T/got"
		post /v1/messages "$STREAM" -D "$T/head" >"$T/got" 3>&- &
		client=$!
		STARTED+=("$client")
		wait_for 100 grep -q '^event: ping$' "$T/got"
		kill -9 "$silent_pid"
		wait "$client" || code=$?
		head -n 1 "$T/head" | grep -q '^HTTP/1.1 200 '
		grep -qi '^content-type: text/event-stream' "$T/head"
		[ "$(head -n 1 "$T/got")" = 'event: ping' ]
		run -1 grep -i '^x-lb-' "$T/head"
		"$ROOT/tests/stream-check" "$T/got" >"$T/verdict"
		cat "$T/verdict"
		if [ -n "$others" ]; then
			[ "$code" -eq 0 ] && grep -qx whole "$T/verdict"
		else
			[ "$code" -ne 0 ] && grep -q '^error: api_error: ' "$T/verdict"
		fi
	done
}

@test "shared: a client that waits is pinged, and then gets a stream or an error" { pinged shared; }
@test "filters: a client that waits is pinged, and then gets a stream or an error" { pinged filters; }
@test "children: a client that waits is pinged, and then gets a stream or an error" { pinged children; }

@test "framing: whatever line ends, blanks and names came, the client gets the dialect's own" {
	faults=(crlf cr mixed-line-ends bom no-space no-event-lines ndjson done-leak gzip-unasked after-stop)
	configure_faults - "${faults[@]}"
	sed -i 's/{"provider":"[^"]*"/&,"model":"theirs"/g' "$T/lb.json"
	serve shared
	for fault in "${faults[@]}"; do
		post /v1/messages "${STREAM/asked/$fault}" >"$T/got"
		is_good "$T/got" || { echo "# $fault"; return 1; }
	done
}

refusals() {
	local want got
	provider p "$FIXTURES/replay/good-json.replay"
	configure "$PORT"
	# One model only, so that there is one that no route is for.
	sed -i 's/"model":"\*"/"model":"asked"/' "$T/lb.json"
	serve "$1"
	status() { curl -s --max-time 20 -o "$T/got" -D "$T/head" -w '%{http_code}' "$@" "http://127.0.0.1:$LB$TARGET"; }
	TARGET=/v1/messages
	[ "$(status -d '{"model":"asked","messages":[]}')" = 200 ]
	jq -e '.type == "message"' "$T/got"
	for body in '{"model":"asked"' '[]' '{"messages":[]}' '{"model":"asked","model":"asked"}' '{"model":7}'; do
		[ "$(status -d "$body")" = 400 ] || { echo "# $body"; return 1; }
		jq -e '.type == "error" and .error.type == "invalid_request_error"' "$T/got"
	done
	[ "$(status -d '{"model":"other"}')" = 404 ]
	jq -e '.error.type == "not_found_error" and (.error.message | contains("asked"))' "$T/got"
	[ "$(status -X PUT -d '{"model":"asked"}')" = 405 ]
	grep -qi '^allow:.*POST' "$T/head"
	[ "$(status -d '{"model":"asked"}' -H 'content-length: 99999999')" = 413 ]
	[ "$(status -d x -H 'transfer-encoding: gzip, chunked')" = 501 ]
	TARGET=/nowhere
	[ "$(status)" = 404 ]
	TARGET=/health
	[ "$(status)" = 200 ]
	# The pipeline is none the worse for it.
	TARGET=/v1/messages
	[ "$(status -d '{"model":"asked","messages":[]}')" = 200 ]
}

@test "shared: 400, 404, 405, 413, 501, /health" { refusals shared; }
@test "filters: 400, 404, 405, 413, 501, /health" { refusals filters; }
@test "children: 400, 404, 405, 413, 501, /health" { refusals children; }

@test "shared, children: two requests on one connection; filters: one, and it says so" {
	provider p "$FIXTURES/replay/good.replay"
	configure "$PORT"
	for wiring in shared children; do
		serve $wiring
		post /v1/messages "$STREAM" -o "$T/1" -w '%{num_connects}\n' "http://127.0.0.1:$LB/v1/messages" -o "$T/2" >"$T/n"
		printf '%s\n' 1 0 >"$T/want"
		same "$T/want" "$T/n"
		is_good "$T/1"
		is_good "$T/2"
	done
	serve filters
	post /v1/messages "$STREAM" -o "$T/1" -D "$T/head"
	grep -qi '^connection: close' "$T/head"
}

@test "fifty streams at once, each whole" {
	provider p "$FIXTURES/replay/good.replay"
	configure "$PORT"
	serve shared
	for n in $(seq 50); do
		post /v1/messages "$STREAM" >"$T/got.$n" 3>&- &
	done
	wait $(jobs -p | grep -v "^\($(IFS='|'; echo "${STARTED[*]}" | sed 's/|/\\|/g')\)\$")
	is_good "$T/got.1"
	for n in $(seq 50); do
		sed 's/Fault[0-9]*/Fault/' "$T/got.$n" | cmp - "$T/good.got"
	done
}

@test "examples/log-model: a stage in shell passes every record on as it came" {
	python3 - >"$T/in.rec" <<'END'
import os, sys
def record(header, payload=None):
    if payload is not None: header = header[:-1] + b',"bytes":%d}' % len(payload)
    sys.stdout.buffer.write(header + b"\n" + (payload + b"\n" if payload is not None else b""))
record(b'{"type":"hello"}')
record(b'{"type":"request","id":1,"headers":{"x":"\\\\n \\u00e9  %s *"}}', os.urandom(2000000))
record(b'{"type":"request","id":2,"headers":{}}', b'{"model":"a b","n":12345678901234567890}')
record(b'{"type":"request","id":3}', b"")
record(b'{"type":"request","id":4}')
record(b'{ "x":1e400, "type":"cancel","id":1}')
record(b'{"type":"data","id":2}', b"\n\0\n\n")
END
	"$ROOT/examples/log-model" <"$T/in.rec" >"$T/out.rec" 2>"$T/err"
	cmp "$T/in.rec" "$T/out.rec"
	cat "$T/in.rec" | "$ROOT/examples/log-model" 2>/dev/null | cmp - "$T/in.rec"
	grep -q '^request 2: model "a b"$' "$T/err"
	[ "$(grep -cv '^#' "$ROOT/examples/log-model")" -le 20 ]
}

@test "examples/log-model works in the pipeline" {
	provider p "$FIXTURES/replay/good.replay"
	configure "$PORT"
	STAGE="$ROOT/examples/log-model |"
	serve shared
	post /v1/messages "$STREAM" >"$T/got"
	is_good "$T/got"
	python3 -c 'print("{\"model\":\"large\",\"stream\":true,\"x\":\"" + "é" * 500000 + "\"}", end="")' >"$T/large"
	post /v1/messages "@$T/large" >"$T/got"
	is_good "$T/got"
	payloads request 2 <"$T/p.rec" | cmp - <(sed 's/"large"/"theirs"/' "$T/large")
	grep -q '^request 1: model "asked"$' "$T/lb.err"
	grep -q '^request 2: model "large"$' "$T/lb.err"
}
