#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lb: the front door.

load helper
setup() { common_setup; }
teardown() { common_teardown; }

# A copy of lb beside an lb-listen that only tells how it was called.
fake_installation() {
	mkdir -p "$T/bin" "$T/share/lb"
	cp "$LB_BIN/lb" "$T/bin/lb"
	cat >"$T/bin/lb-listen" <<-'END'
		#!/bin/sh
		printf '%s\n' "$0" "$@"
		echo "LB_PRESETS=$LB_PRESETS REPLAY_BASE_URL=$REPLAY_BASE_URL LISTEN_FDS=$LISTEN_FDS"
	END
	chmod +x "$T/bin/lb-listen"
	echo '{"providers":{"local":{"base_url":"http://127.0.0.1:1/v1","dialect":"openai"}}}' >"$T/lb.json"
}

@test "it executes lb-listen with the stages, which stand beside it" {
	fake_installation
	touch "$T/bin/lb-route" "$T/bin/lb-fetch"
	chmod +x "$T/bin/lb-route"
	run --separate-stderr "$T/bin/lb" -c "$T/lb.json" -l 127.0.0.1:9 -l "unix:$T/s" --open
	[ "$status" -eq 0 ]
	# lb-fetch cannot be executed and lb-sse is not there: PATH has to have them.
	[ "${output%LB_PRESETS*}" = "$T/bin/lb-listen
-l
127.0.0.1:9
-l
unix:$T/s
--open
--
$T/bin/lb-route
-c
$T/lb.json
|
lb-fetch
-c
$T/lb.json
|
lb-sse
" ]
	[ "$stderr" = "lb: info: serving http://127.0.0.1:9 and unix:$T/s with provider local" ]
}

@test "every option of lb-listen is taken, and passed on" {
	fake_installation
	run "$T/bin/lb" -c "$T/lb.json" -n 3 --open --socket-mode 0660 --max-body=5M --head-timeout 1 --body-timeout 2 \
		--idle-timeout 3 --drain-timeout 4
	[ "$status" -eq 0 ]
	[ "$(grep '^--[a-z]' <<<"$output" | tr '\n' ' ')" = "--pipelines=3 --open --socket-mode=0660 --max-body=5M --head-timeout=1 --body-timeout=2 --idle-timeout=3 --drain-timeout=4 " ]
	local name
	for name in $(lb-listen --help | sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p'); do
		lb --help | grep -q -- "--$name" || { echo "lb has no --$name"; return 1; }
	done
}

@test "lb-listen is found by PATH when it does not stand beside" {
	fake_installation
	mkdir "$T/elsewhere"
	mv "$T/bin/lb-listen" "$T/elsewhere/"
	PATH=$T/elsewhere:/usr/bin:/bin run "$T/bin/lb" -c "$T/lb.json"
	[ "$status" -eq 0 ]
	[[ $output == *"$T/elsewhere/lb-listen"* ]]
	PATH=/usr/bin:/bin run "$T/bin/lb" -c "$T/lb.json"
	[ "$status" -eq 111 ]
	[[ $output == *"lb: fatal: unable to execute lb-listen: No such file or directory" ]]
}

@test "the providers of the environment are named, and the demo is left alone" {
	fake_installation
	MINIMAX_API_KEY=one ANTHROPIC_API_KEY=two run "$T/bin/lb" --demo
	[ "$status" -eq 0 ]
	[[ $output == *"lb: info: serving http://127.0.0.1:9000 with providers anthropic, minimax"* ]]
	[[ $output == *"LB_PRESETS= REPLAY_BASE_URL= "* ]]
	[[ $output != *one* && $output != *two* ]]
}

@test "without a provider it says what to set" {
	LB_CONFIG= run lb
	[ "$status" -eq 100 ]
	[[ $output == "lb: fatal: no provider is configured: set a key variable, such as ANTHROPIC_API_KEY"* ]]
	[[ $output == *LB_CONFIG* && $output == *--demo* ]]
	run lb check
	[ "$status" -eq 100 ]
	run lb --demo check
	[ "$status" -eq 100 ]
}

@test "a demo without its recording is refused" {
	fake_installation
	run "$T/bin/lb" --demo
	[ "$status" -eq 111 ]
	[ "$output" = "lb: fatal: unable to find recorded.replay beside this program" ]
}

@test "check reports every mistake at its line" {
	cat >"$T/bad.json" <<-'END'
		{
		  "providers": {
		    "a": { "preset": "nothing-such" },
		    "b": { "base_url": "ftp://example.com", "dialect": "anthropic" }
		  }
		}
	END
	run lb -c "$T/bad.json" check
	[ "$status" -eq 100 ]
	[[ $output == *"$T/bad.json:3: "* ]]
	[[ $output == *"$T/bad.json:4: "* ]]
	LB_CONFIG=$T/bad.json run lb
	[ "$status" -eq 100 ]
	[[ $output == *"$T/bad.json:4: "* ]]
}

@test "check tells where each key is, and never the key" {
	echo sk-in-the-file >"$T/key"
	mkdir "$T/credentials"
	echo sk-credential >"$T/credentials/there"
	: >"$T/empty"
	cat >"$T/lb.json" <<-END
		{ "providers": {
		  "a": { "preset": "anthropic", "keys": ["env:KEY_A", "env:KEY_B", "file:$T/key", "file:$T/none", "file:$T/empty"] },
		  "b": { "base_url": "https://example.com", "dialect": "anthropic", "keys": ["credential:there", "credential:gone"] },
		  "c": { "base_url": "http://127.0.0.1:1/v1", "dialect": "openai" }
		}, "routes": [ { "model": "claude-*", "targets": [ { "provider": "a" },
		  { "provider": "b", "model": "other", "context": 200000 } ] } ],
		  "hold_bytes": 100000, "ping_ms": 5000, "first_ping_ms": 0 }
	END
	KEY_A=sk-in-the-environment CREDENTIALS_DIRECTORY=$T/credentials run lb check -c "$T/lb.json"
	[ "$status" -eq 0 ]
	cat >"$T/want" <<-END
		configuration: $T/lb.json
		held of an answer: 100000 octets
		no pings before an answer
		pings within an answer: after 5000 ms
		provider a
		    anthropic: https://api.anthropic.com
		    openai: https://api.anthropic.com/v1
		    key env:KEY_A: set
		    key env:KEY_B: not set
		    key file:$T/key: found
		    key file:$T/none: No such file or directory
		    key file:$T/empty: empty
		provider b
		    anthropic: https://example.com
		    key credential:there: found
		    key credential:gone: No such file or directory
		provider c
		    openai: http://127.0.0.1:1/v1
		    no key
		route claude-*
		    a: the model as asked for
		    b: other, context of 200000 tokens
	END
	echo "$output" >"$T/got"
	same "$T/want" "$T/got"
}

@test "a failed write of the summary is no success" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	fake_installation
	run bash -c 'lb -c "$0" check >/dev/full' "$T/lb.json"
	[ "$status" -eq 111 ]
}

@test "wrong usage" {
	for arguments in --nothing chek "check again" -l; do
		run lb $arguments
		[ "$status" -eq 100 ]
		[[ $output == *"see 'lb --help'"* ]]
	done
}

# The process that serves the recording: the child of $1 that is no stage.
demo_child() {
	ps -o pid=,args= --ppid "$1" | sed -n 's/^ *\([0-9]*\) .*recorded\.replay$/\1/p'
}

@test "the demo streams a recording that says so, and ends with lb" {
	port=$(free_port)
	start lb lb --demo -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	grep -q '^lb: info: no provider is configured, so every answer is a recording' "$T/lb.err"
	curl -sSN "http://127.0.0.1:$port/v1/messages" -H 'content-type: application/json' -H 'x-api-key: fake-key' \
		-H 'anthropic-version: 2023-06-01' -o "$T/answer" -w '%{http_code} %{content_type}\n' \
		-d '{"model":"minimax","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"2+2?"}]}' >"$T/status"
	[ "$(cat "$T/status")" = "200 text/event-stream" ]
	grep -q 'recorded' "$T/answer"
	[ "$(grep '^event: ' "$T/answer" | sed -n '1p;$p' | tr '\n' ' ')" = "event: message_start event: message_stop " ]
	child=$(demo_child "$PID")
	[ -n "$child" ]
	kill -INT "$PID"
	wait_for 100 gone "$PID"
	code=0
	wait "$PID" || code=$?
	[ "$code" -eq 0 ]
	wait_for 100 gone "$child"
	[ "$(grep -c 'fatal\|warning' "$T/lb.err")" -eq 0 ]
}

@test "the demo's child does not outlive an lb that is killed" {
	port=$(free_port)
	start lb lb --demo -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	child=$(demo_child "$PID")
	[ -n "$child" ]
	kill -KILL "$PID"
	wait_for 100 gone "$child"
}

# The literal blocks of lb.7's examples, as a person sees them.
front_page_examples() {
	awk '/^\.Sh/ { here = $2 == "EXAMPLES" } /^\.Ed/ { literal = 0 }
		here && literal { gsub(/\\e/, "\\"); print }
		here && /^\.Dl \$/ { print substr($0, 5) }
		/^\.Bd -literal/ { literal = 1 }' "$ROOT/man/lb.7"
}

@test "the examples of the front page" {
	cd "$T"
	port=$(free_port)
	front_page_examples >examples
	grep -qx '\$ lb --demo &' examples
	start lb lb --demo -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	sed -n '/^\$ curl/,/2+2/p' examples | sed -e 's/^\$ //' -e "s/localhost:9000/127.0.0.1:$port/" >curl
	bash ./curl >answer 2>/dev/null
	grep -q '^event: message_stop' answer

	echo '{"providers":{"minimax":{"preset":"minimax"}}}' >lb.json
	printf 'POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19\r\n\r\n{"model":"minimax"}' >request.http
	sed -n 's/^\$ \(lb-listen < request.http.*\)/\1/p' examples >explain
	[ -s explain ]
	bash ./explain >why
	grep -q "minimax, as 'MiniMax-M3', with env:MINIMAX_API_KEY" why
}
