#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The lines of examples/inetd/, each under its real super-server, against a recorded provider.

load helper

setup() {
	common_setup
	cd "$T"
	provider_port=$(free_port)
	cat >recorded.replay <<-'END'
		on POST /v1/messages stream=true
			answer 200
				event {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"any","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}
				event {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
				pause 20ms
				event {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"recorded"}}
				event {"type":"content_block_stop","index":0}
				event {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}
				event {"type":"message_stop"}
		on POST /v1/messages
			answer 200
				body <<BODY
		{"type":"message","content":[{"type":"text","text":"recorded"}]}
		BODY
	END
	start provider lb-listen -l "127.0.0.1:$provider_port" -- lb-replay recorded.replay
	wait_for 100 listening "$provider_port"
	cat >lb.json <<-END
		{ "providers": { "recorded": { "base_url": "http://127.0.0.1:$provider_port", "dialect": "anthropic" } } }
	END
	echo '{"providers": nonsense}' >bad.json
	port=$(free_port)
}
teardown() { common_teardown; }

# An example's configuration file, for this port, user and build.
adapted() {
	sed -e "s/\b9000\b/$port/" -e "s|/usr/local/bin|$LB_BIN|g" -e "s|/etc/lb/lb.json|$T/lb.json|g" \
		-e "/^[^#]/s| lb /| $(id -un) /|" -e "s/\(user *= \)lb/\1$(id -un)/" "$ROOT/examples/inetd/$1"
}

ask() {
	curl -sSN "http://127.0.0.1:$port/v1/messages" -H 'content-type: application/json' -H 'x-api-key: fake-key' \
		-H 'anthropic-version: 2023-06-01' "$@"
}
stream='{"model":"any","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hello"}]}'
whole='{"model":"any","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}'

# A stream and a whole answer, the second one on the connection of the first where `again` is said, and two at once.
serves() {
	local again=$1
	wait_for 100 listening "$port"
	ask -d "$stream" >stream.sse
	[ "$(grep '^event: ' stream.sse | sed -n '1p;$p' | tr '\n' ' ')" = "event: message_start event: message_stop " ]
	grep -q recorded stream.sse
	ask -d "$whole" -o one.json --next -sS "http://127.0.0.1:$port/v1/messages" -H 'content-type: application/json' \
		-H 'anthropic-version: 2023-06-01' -d "$whole" -o two.json -w '%{num_connects}' >connects
	jq -e '.content[0].text | contains("recorded")' one.json two.json
	[ "$again" = closed ] || [ "$(cat connects)" = 0 ]
	ask -d "$stream" >first.sse &
	ask -d "$stream" >second.sse
	wait $!
	for file in first.sse second.sse; do
		grep -q '^event: message_stop' $file
	done
}

# What a client gets, to the last octet, when lb cannot start: nothing. Diagnostics are for the log.
tells_the_client_nothing() {
	wait_for 100 listening "$port"
	ask -d "$whole" >got 2>curl.err || true
	[ ! -s got ]
	python3 - "$port" >raw <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		try:
		    s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
		    while data := s.recv(65536):
		        sys.stdout.buffer.write(data)
		except ConnectionError:
		    pass
	END
	[ ! -s raw ]
}

@test "systemd-socket-activate: one lb a connection" {
	command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is missing"
	PORT=$port start server "$ROOT/examples/inetd/systemd-socket-activate.sh" -c "$T/lb.json"
	serves kept
}

@test "systemd-socket-activate: the line of four programs" {
	command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is missing"
	start server systemd-socket-activate -l "127.0.0.1:$port" --accept --inetd -E "PATH=$PATH" -E LB_STATE \
		"$ROOT/examples/inetd/one-request.sh" -c "$T/lb.json"
	serves closed
	# One request, said so, and the connection is closed.
	ask -d "$whole" -D head -o answer
	grep -qi '^connection: close' head
}

@test "tcpserver" {
	command -v tcpserver >/dev/null || skip "tcpserver is missing"
	PORT=$port start server "$ROOT/examples/inetd/tcpserver.sh" -c "$T/lb.json"
	serves kept
}

@test "busybox nc" {
	command -v busybox >/dev/null || skip "busybox is missing"
	PORT=$port start server "$ROOT/examples/inetd/busybox-nc.sh" -c "$T/lb.json"
	serves kept
}

@test "busybox tcpsvd" {
	busybox --list 2>/dev/null | grep -qx tcpsvd || skip "this busybox has no tcpsvd"
	PORT=$port start server "$ROOT/examples/inetd/busybox-tcpsvd.sh" -c "$T/lb.json"
	serves kept
}

@test "inetd" {
	PATH=$PATH:/usr/sbin
	command -v inetd >/dev/null || skip "inetd is missing"
	adapted inetd.conf >inetd.conf
	start server inetd -i "$T/inetd.conf"
	serves kept
}

@test "xinetd" {
	PATH=$PATH:/usr/sbin
	command -v xinetd >/dev/null || skip "xinetd is missing; an installed one would serve at once"
	adapted xinetd.conf >xinetd.conf
	start server xinetd -dontfork -filelog "$T/xinetd.log" -f "$T/xinetd.conf" -pidfile "$T/xinetd.pid"
	serves kept
}

# These two give the client's socket to all three descriptors.
@test "inetd: a client is not told what the administrator is" {
	PATH=$PATH:/usr/sbin
	command -v inetd >/dev/null || skip "inetd is missing"
	adapted inetd.conf | sed 's|lb\.json|bad.json|' >inetd.conf
	start server inetd -i "$T/inetd.conf"
	tells_the_client_nothing
}

@test "systemd-socket-activate: a client is not told what the administrator is" {
	command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is missing"
	start server systemd-socket-activate -l "127.0.0.1:$port" --accept --inetd -E "PATH=$PATH" -E LB_STATE \
		bash -c 'exec "$@" 2>&0' bash lb -c "$T/bad.json"
	tells_the_client_nothing
}

@test "the line of four programs: a client is not told what the administrator is" {
	command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is missing"
	start server systemd-socket-activate -l "127.0.0.1:$port" --accept --inetd -E "PATH=$PATH" -E LB_STATE \
		bash -c 'exec "$@" 2>&0' bash "$ROOT/examples/inetd/one-request.sh" -c "$T/bad.json"
	wait_for 100 listening "$port"
	ask -d "$whole" >got 2>curl.err || true
	run grep -e fatal -e bad.json got
	[ -z "$output" ]
}

@test "a mistake is told to the administrator" {
	command -v tcpserver >/dev/null || skip "tcpserver is missing"
	PORT=$port start server "$ROOT/examples/inetd/tcpserver.sh" -c "$T/bad.json"
	tells_the_client_nothing
	grep -q "bad.json:1: " server.err
}
