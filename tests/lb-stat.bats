#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lb-stat: the health table, shown.

load helper

setup() { common_setup; }
teardown() { common_teardown; }

@test "the examples of the page are what happens" {
	page_examples lb-stat.1 2
}

@test "options that do not go together, and a table that cannot be had" {
	run lb-stat --reset a --json
	[ "$status" -eq 100 ]
	run lb-stat more
	[ "$status" -eq 100 ]
	mkdir "$T/health"
	run lb-stat
	[ "$status" -eq 111 ]
	[[ $output == "lb-stat: warning: unable to use the health table $T/health: "* ]]
	[ "${lines[1]}" = "lb-stat: fatal: unable to show the health table: there is none" ]
	LB_STATE=/dev/null run lb-stat
	[ "$output" = "lb-stat: fatal: unable to show the health table: there is none" ]
}

@test "--watch goes on, until nobody reads it" {
	[ "$(timeout 20 lb-stat --watch | head -2 | cut -d' ' -f1 | tr '\n' ' ')" = "PROVIDER PROVIDER " ]
	run timeout 20 bash -c 'lb-stat --watch --prometheus | grep -m 3 "^# TYPE lb_target_requests_total"'
	[ "${#lines[@]}" -eq 3 ]
}

@test "--prometheus is what promtool takes" {
	command -v promtool >/dev/null || skip "promtool is missing"
	lb-stat --prometheus | promtool check metrics
}

# provider NAME FIXTURE: starts a provider that plays it; its port is $PORT.
provider() {
	PORT=$(free_port)
	start "$1" lb-listen -l "127.0.0.1:$PORT" -- lb-replay "$2"
	wait_for 100 listening "$PORT"
}

# configure NAME=PORT…: these providers, in this order, for every model; each asked for `theirs` with a key of its own.
configure() {
	printf '%s\n' "$@" | jq -Rn '[inputs / "=" | {name: .[0], url: "http://127.0.0.1:\(.[1])"}] | {
		providers: map({key: .name, value: {base_url: .url, dialect: "anthropic", key: "env:K_\(.name)"}}) | from_entries,
		routes: [{model: "*", targets: map({provider: .name, model: "theirs"})}]}' >"$T/lb.json"
	printf 'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s' \
		"${#BODY}" "$BODY" >"$T/request.http"
}

BODY='{"model":"asked","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"2+2?"}]}'

# ask: a request through a pipeline of its own; the answer's end is printed.
ask() {
	env K_a=secret-a K_b=secret-b sh -c 'lb-listen <"$1/request.http" | lb-route -c "$1/lb.json" | lb-fetch -c "$1/lb.json" |
		lb-sse' sh "$T" 2>>"$T/log" | grep -a '"type":"end"'
}

# stat FILTER: the table through jq.
stat() { lb-stat --json | jq -sc "$1"; }

@test "what lb-fetch and lb-sse saw is shown" {
	provider a "$FIXTURES/replay/429-retry-after.replay"
	local limited=$PORT
	provider b "$FIXTURES/replay/good.replay"
	configure "a=$limited" "b=$PORT"
	ask | jq -e '.result == "complete"'
	[ "$(stat 'map([.provider, .model, .key, .state, .why, .requests, .in_flight])')" = \
		'[["a","theirs","env:K_a","cooling","limited",1,0],["b","theirs","env:K_b","clear",null,1,0]]' ]
	# The provider asked for 7 s, whatever the clocks say.
	stat '.[0] | .until - .failed_at, .faults.limited, .failed_status' | tr '\n' ' ' | grep -x '7000 1 429 '
	[ "$(stat '.[1] | [.answers.complete, .tokens.input, .tokens.output, .first_content_ms.counts[][1]] | [.[0:3][], (.[3:] | add)]')" = '[1,25,15,1]' ]
	# No key and no word of the request is in it.
	grep -qa -e secret -e '2+2' "$LB_STATE" && return 1
	[ "$(lb-stat | wc -l)" -eq 3 ]
	lb-stat --prometheus | grep -qxF 'lb_target_tokens_total{provider="b",model="theirs",key="env:K_b",kind="output"} 15'
	lb-stat --reset a/other && return 1
	lb-stat --reset a/theirs
	[ "$(stat 'map(.state)')" = '["clear","clear"]' ]
}

@test "the head names the row" {
	provider a "$FIXTURES/replay/good.replay"
	configure "a=$PORT"
	K_a=k sh -c 'lb-listen <"$1/request.http" | lb-route -c "$1/lb.json" | lb-fetch -c "$1/lb.json" >"$1/answer"' sh "$T"
	[ "$(grep -a '"type":"head"' "$T/answer" | jq -r .row)" = "$(stat '.[0].row' | tr -d '"')" ]
	# lb-sse alone, without lb-fetch beside it.
	[ "$(stat '.[0].answers.complete')" = 0 ]
	lb-sse <"$T/answer" >/dev/null
	[ "$(stat '.[0].answers.complete')" = 1 ]
}

@test "a provider that breaks every answer off is not healthy" {
	provider a "$FIXTURES/replay/cut-mid-event.replay"
	configure "a=$PORT"
	for i in 1 2 3; do
		[ "$(stat 'map(select(.state != "clear")) | length')" = 0 ]
		ask | jq -e '.result == "truncated"'
	done
	[ "$(stat 'map([.state, .why, .faults.cut, .answers.truncated, .failures])')" = '[["cooling","cut",3,3,3]]' ]
}

@test "lb-fetch that is killed leaves nothing in flight" {
	provider a "$FIXTURES/replay/silence-mid-event.replay"
	configure "a=$PORT"
	K_a=k start line sh -c 'lb-listen <"$1/request.http" | lb-route -c "$1/lb.json" |
		sh -c "echo \$\$ >$1/pid; exec lb-fetch -c $1/lb.json" | lb-sse' sh "$T"
	in_flight() { [ "$(stat 'map(.in_flight)')" = "[$1]" ]; }
	wait_for 100 in_flight 1
	kill -9 "$(cat "$T/pid")"
	wait_for 100 in_flight 0
}

@test "twenty pipelines at once count as one" {
	provider a "$FIXTURES/replay/good.replay"
	configure "a=$PORT"
	for i in $(seq 20); do
		start "line$i" env K_a=k sh -c 'lb-listen <"$1/request.http" | lb-route -c "$1/lb.json" | lb-fetch -c "$1/lb.json" | lb-sse' sh "$T"
	done
	for pid in "${STARTED[@]:1}"; do wait "$pid"; done
	[ "$(stat 'map([.requests, .answers.complete, .tokens.output, .in_flight])')" = '[[20,20,300,0]]' ]
}
