# SPDX-License-Identifier: MIT
# lb-route: request records in, records with plans or answers out.
load helper

setup() {
	common_setup
	cd "$T"
	cat >lb.json <<-'END'
		{
		  "providers": {
		    "a": { "base_url": "http://a.example/anthropic", "dialect": "anthropic", "key": "env:A_KEY" },
		    "o": { "base_url": "http://o.example/v1", "dialect": "openai", "key": "env:O_KEY" },
		    "both": { "base_url": { "anthropic": "http://both", "openai": "http://both/v1" }, "idle_ms": 5 }
		  },
		  "routes": [
		    { "model": "minimax", "targets": [ { "provider": "both", "model": "MiniMax-M3" }, { "provider": "a" } ] },
		    { "model": "claude-*", "targets": [ { "provider": "a" }, { "provider": "o" }, { "provider": "both" } ] },
		    { "model": "gpt-*", "targets": [ { "provider": "o" } ] }
		  ],
		  "origins": [ "https://app.example" ],
		  "hosts": [ "lb.example" ]
		}
	END
}

teardown() { common_teardown; }

# request ID METHOD TARGET [BODY [HEADERS]]: a request record; HEADERS are members of the object.
request() {
	printf '{"type":"request","id":%d,"request_id":"req_%d","method":"%s","target":"%s","version":"1.1","close":false,' \
		"$1" "$1" "$2" "$3"
	printf '"headers":{%s},"peer":"127.0.0.1:50000","at":1763821234567,"bytes":%d}\n%s\n' \
		"${5-"\"host\":\"localhost:9000\""}" "$(printf %s "${4-}" | wc -c)" "${4-}"
}

# The plan of the one request given.
plan() { request 1 "$@" | lb-route -c lb.json | head -n 1 | jq -c .plan; }

# The answer to the one request given: status and body.
answer() { request 1 "$@" | lb-route -c lb.json | jq -rc 'if .type == "head" then .status elif .type == "data" or .type == "end" then empty else . end'; }

@test "a request gets its plan, and every other byte of it stays what it was" {
	body='{ "model" : "minimax", "n": 12345678901234567890, "f": 1.0, "e": 1e400, "u": "caf\u00e9", "stream": true }'
	request 7 POST '/v1/messages?beta=true' "$body" >in.rec
	lb-route -c lb.json <in.rec >out.rec
	[ "$(head -n 1 out.rec | jq -c 'del(.plan)')" = "$(head -n 1 in.rec | jq -c .)" ]
	[[ $(head -n 1 out.rec) == "$(head -n 1 in.rec | sed 's/}$//')",\"plan\":\{*\} ]]
	tail -n +2 in.rec >in.body
	tail -n +2 out.rec >out.body
	cmp in.body out.body
	head -n 1 out.rec | jq -S .plan >got
	jq -S . >want <<-'END'
		{ "dialect": "anthropic", "stream": true, "model": "minimax", "model_at": [12, 9], "route": "minimax",
		  "policy": "failover", "reasons": [ "route 'minimax' is the first that matches the model" ],
		  "attempts": [
		    { "provider": "both", "dialect": "anthropic", "url": "http://both/v1/messages?beta=true", "model": "MiniMax-M3",
		      "connect_ms": 10000, "first_byte_ms": 120000, "idle_ms": 5, "total_ms": 3600000, "not_before": 0 },
		    { "provider": "a", "dialect": "anthropic", "url": "http://a.example/anthropic/v1/messages?beta=true",
		      "key": "env:A_KEY", "connect_ms": 10000, "first_byte_ms": 120000, "idle_ms": 120000, "total_ms": 3600000,
		      "not_before": 0 } ] }
	END
	same want got
	# And that is where the model stands.
	[ "$(tail -c +13 out.body | head -c 9)" = '"minimax"' ]
}

@test "the first route that matches decides, in the client's dialect, and what cannot serve is left out with a reason" {
	[ "$(plan POST /v1/messages '{"model":"claude-x"}' | jq -c '[.attempts[].provider]')" = '["a","both"]' ]
	[[ $(plan POST /v1/messages '{"model":"claude-x"}' | jq -c .reasons) == *"o is left out: it does not speak anthropic"* ]]
	[ "$(plan POST /v1/chat/completions '{"model":"claude-x"}' | jq -c '[.attempts[].url]')" = \
		'["http://o.example/v1/chat/completions","http://both/v1/chat/completions"]' ]
	[ "$(plan POST /v1/messages/count_tokens '{"model":"minimax"}' | jq -r '.attempts[0].url')" = \
		http://both/v1/messages/count_tokens ]
	run answer POST /v1/messages '{"model":"gpt-x"}'
	[ "${lines[0]}" = 400 ]
	[[ ${lines[1]} == *"speaks the anthropic dialect: o speaks openai"* ]]
}

@test "other paths below /v1/ go to the first provider of their dialect, whatever the body" {
	p=$(plan DELETE '/v1/files/f?x=1' 'no JSON')
	[ "$(jq -r '.attempts[].url' <<<"$p")" = 'http://o.example/v1/files/f?x=1' ]
	[ "$(jq -c '[.model,.model_at,.stream]' <<<"$p")" = '[null,null,false]' ]
	[ "$(plan GET /v1/files '' '"anthropic-version":"2023-06-01"' | jq -r '.attempts[].provider')" = a ]
	for path in /v1/../x /v1//x /v1/x%2fy /v1/%2E%2E/x /v1/x/./y /v1/x%5Cy; do
		run answer GET "$path"
		[ "${lines[0]}" = 400 ] || { echo "$path: $output"; false; }
	done
}

@test "bad bodies are 400 in the client's dialect" {
	for body in '' '[]' 'x' '{' '{}' '{"model":1}' '{"model":""}' '{"model":"minimax","model":"minimax"}' \
		'{"model":"minimax","\\u006dodel":"x"}' '{"model":"minimax","stream":1}' \
		'{"model":"minimax","stream":true,"stream":true}' '{"model":"minimax"} {}'; do
		run answer POST /v1/messages "$(printf "$body")"
		[ "${lines[0]}" = 400 ] || { echo "$body: $output"; false; }
		[ "$(jq -c '[.type,.error.type,.request_id]' <<<"${lines[1]}")" = '["error","invalid_request_error","req_1"]' ]
		run answer POST /v1/chat/completions "$(printf "$body")"
		[ "${lines[0]}" = 400 ]
		[ "$(jq -c '[.error.type,.error.code]' <<<"${lines[1]}")" = '["invalid_request_error",null]' ]
	done
}

@test "404 lists the models, 405 says what is allowed, elsewhere nothing is there" {
	run answer POST /v1/messages '{"model":"other"}'
	[ "${lines[0]}" = 404 ]
	[ "$(jq -r .error.message <<<"${lines[1]}")" = "no route is for the model 'other'; there are: minimax, claude-*, gpt-*" ]
	[ "$(request 1 GET /v1/messages | lb-route -c lb.json | jq -rc 'select(.status) | [.status, .headers.allow]')" = '[405,"POST"]' ]
	[ "$(request 1 PUT /health | lb-route -c lb.json | jq -rc 'select(.status) | [.status, .headers.allow]')" = '[405,"GET, HEAD"]' ]
	for path in /x //v1/messages /v1 /v1/v1/messages; do
		run answer GET "$path"
		[ "${lines[0]}" = 404 ] || { echo "$path: $output"; false; }
	done
}

@test "lb's own paths: /health, /ready, /, /v1/models in both shapes; HEAD has the length and no body" {
	run answer GET /health
	[ "$output" = $'200\n{"status":"ok"}' ]
	run answer GET /ready
	[ "${lines[0]}" = 200 ]
	run answer GET /v1/models
	[ "$(jq -c '[.object,[.data[].id]]' <<<"${lines[1]}")" = '["list",["minimax"]]' ]
	run answer GET /v1/models '' '"anthropic-version":"2023-06-01"'
	[ "$(jq -c '[.data[0].type,.data[0].id,.has_more,.first_id,.last_id]' <<<"${lines[1]}")" = \
		'["model","minimax",false,"minimax","minimax"]' ]
	run answer GET /v1/models/claude-5
	[ "$(jq -r .id <<<"${lines[1]}")" = claude-5 ]
	run answer GET /v1/models/other
	[ "${lines[0]}" = 404 ]
	request 4 HEAD / | lb-route -c lb.json >got
	[ "$(jq -c '[.type,.id,.status,.result]' got | tr '\n' ' ')" = '["head",4,200,null] ["end",4,null,"complete"] ' ]
	[ "$(jq -r 'select(.headers) | .headers["content-length"]' got)" -gt 0 ]
	! jq -e 'select(.provider)' got
}

@test "an answer is refused or complete, and has its length" {
	request 5 GET /health | lb-route -c lb.json | head -n 1 | jq -e '.headers["content-length"] == "15"'
	[ "$(request 5 GET /health | lb-route -c lb.json | tail -n 1)" = '{"type":"end","id":5,"result":"complete"}' ]
	[ "$(request 6 GET /nothing | lb-route -c lb.json | tail -n 1)" = '{"type":"end","id":6,"result":"refused"}' ]
}

@test "web pages are kept out: Origin and Host" {
	b='{"model":"minimax"}'
	run answer POST /v1/messages "$b" '"host":"localhost","origin":"https://evil.example"'
	[ "${lines[0]}" = 403 ]
	[[ ${lines[1]} == *"'origins'"* ]]
	[ "$(jq -r .error.type <<<"${lines[1]}")" = permission_error ]
	run answer GET /health '' '"host":"evil.example:9000"'
	[ "${lines[0]}" = 403 ]
	[[ ${lines[1]} == *"'hosts'"* ]]
	run answer GET /v1/models '' '"host":"localhost","origin":"null"'
	[ "${lines[0]}" = 403 ]
	plan POST /v1/messages "$b" '"host":"lb.example:9000","origin":"https://app.example"' | jq -e .attempts
	plan POST /v1/messages "$b" '"host":"[::1]:9000"' | jq -e .attempts
	plan POST /v1/messages "$b" '' | jq -e .attempts
	request 1 GET /health '' '"host":"any.example"' | sed 's/127.0.0.1:50000/unix/' | lb-route -c lb.json | jq -se '.[0].status == 200'
}

@test "records that are none of its business pass unchanged and in order" {
	{
		echo '{"type":"hello"}'
		request 1 POST /v1/messages '{"model":"minimax"}'
		echo '{"type":"cancel","id":1}'
		echo '{ "type" : "pause" , "id":2, "x": 1.0 }'
		printf '{"type":"later","bytes":4}\na\nb\n\n'
		echo '{"type":"resume","id":2}'
	} >in.rec
	lb-route -c lb.json <in.rec | sed 's/,"plan":.*}$/}/' >out.rec
	same in.rec out.rec
}

@test "what it is given it works on at once: hello comes back while the input stays open" {
	mkfifo in
	lb-route -c lb.json <in >out 2>err 3>&- &
	STARTED+=($!)
	exec 4>in
	echo '{"type":"hello"}' >&4
	wait_for 100 grep -q hello out
	request 1 GET /health >&4
	wait_for 100 grep -q '"end"' out
	exec 4>&-
	wait "${STARTED[0]}"
}

@test "a body of 10 MB passes byte for byte" {
	python3 - >in.rec <<-'END'
		body = b'{"messages":["' + b'caf\\u00e9 \xc3\xa9 9007199254740993 ' * 400000 + b'", 9007199254740993],"model":"minimax"}'
		print('{"type":"request","id":1,"method":"POST","target":"/v1/messages","headers":{},"bytes":%d}' % len(body), flush=True)
		import sys
		sys.stdout.buffer.write(body + b"\n")
	END
	[ "$(wc -c <in.rec)" -gt 10000000 ]
	lb-route -c lb.json <in.rec >out.rec
	cmp <(tail -n +2 in.rec) <(tail -n +2 out.rec)
	at=$(head -n 1 out.rec | jq '.plan.model_at[0]')
	[ "$(tail -n +2 out.rec | tail -c +$((at + 1)) | head -c 9)" = '"minimax"' ]
}

@test "--explain tells a person, and ends with 1 if nobody can serve" {
	{
		request 1 POST '/v1/messages?beta=true' '{"model":"claude-x","stream":true}'
		echo '{"type":"cancel","id":1}'
		request 2 GET /health
	} >in.rec
	lb-route -c lb.json --explain <in.rec >got
	cat >want <<-'END'
		request 1: POST "/v1/messages?beta=true"
		  wants: model 'claude-x', a stream, the anthropic dialect
		  because: route 'claude-*' is the first that matches the model
		  because: o is left out: it does not speak anthropic
		  1. a, with env:A_KEY: http://a.example/anthropic/v1/messages?beta=true
		  2. both: http://both/v1/messages?beta=true
		request 2: GET "/health"
		  lb answers: 200
	END
	same want got
	request 3 POST /v1/messages '{"model":"\u001b[31m"}' >in.rec
	run -1 lb-route -c lb.json --explain <in.rec
	[ "${lines[1]}" = "  lb answers: 404, no route is for the model '\\u001b[31m'; there are: minimax, claude-*, gpt-*" ]
}

@test "without providers it says what to do; mistakes stand in lines of their own" {
	run -100 --separate-stderr lb-route </dev/null
	[[ $stderr == *LB_CONFIG*MINIMAX_API_KEY* ]]
	[ -z "$output" ]
	printf '{\n"providers": {},\n"x": 1\n}' >bad.json
	run -100 --separate-stderr lb-route -c bad.json </dev/null
	[ "${stderr_lines[0]}" = "bad.json:2: 'providers' is empty" ]
	[ "${stderr_lines[1]}" = "bad.json:3: unknown key 'x'" ]
	[[ ${stderr_lines[2]} == "lb-route: fatal: "* ]]
	LB_CONFIG=bad.json run -100 --separate-stderr lb-route </dev/null
	[ "${stderr_lines[0]}" = "bad.json:2: 'providers' is empty" ]
}

@test "a record that is none, or a request that is none, is a bug: 101" {
	run -101 lb-route -c lb.json <<<'{"type":"request","id":1}'
	[[ $output == *"it has no method or no target"* ]]
	run -101 lb-route -c lb.json <<<'x'
	request 1 POST /v1/messages '{"model":"minimax"}' | lb-route -c lb.json >twice.rec
	run -101 lb-route -c lb.json <twice.rec
	[[ $output == *"it has a plan already"* ]]
	# What came before it has been answered all the same.
	{ request 1 GET /health; echo x; } >in.rec
	run -101 --separate-stderr lb-route -c lb.json <in.rec
	[[ $output == *'"result":"complete"}' ]]
}

@test "a reader that has gone is a normal end, a failed write is not" {
	request 1 GET /health >in.rec
	run -0 bash -c 'lb-route -c lb.json <in.rec 2>err | true; exit ${PIPESTATUS[0]}'
	run -111 bash -c 'lb-route -c lb.json <in.rec >/dev/full'
	# Noticed while it waits for input, too.
	mkfifo in
	start route bash -c 'lb-route -c lb.json <in | true; echo ${PIPESTATUS[0]}'
	exec 4>in
	wait_for 100 gone "$PID"
	exec 4>&-
	[ "$(cat route.out)" = 0 ]
	run -111 bash -c 'lb-route --help >/dev/full'
}

@test "options" {
	run -0 lb-route --help
	[ "${lines[0]}" = 'usage: lb-route [-c FILE] [--explain]' ]
	run -0 lb-route --version
	[ "$output" = "lb-route $(sed -n 's/.*LB_VERSION "\(.*\)"/\1/p' "$ROOT/lib/base/version.h")" ]
	run -100 lb-route -x
	run -100 lb-route -c
	run -100 lb-route lb.json
	# The page has the same options as --help.
	lb-route --help | grep -o -- '--[a-z]*' | sort -u >want
	sed -n 's/^\.It .*Fl -\([a-z]*\).*/--\1/p' "$ROOT/man/lb-route.1" | sort -u >got
	same want got
}

@test "the examples of the page give what the page says" {
	page_examples lb-route.1 8
}
