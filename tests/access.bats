# SPDX-License-Identifier: MIT
# The access lines of lb-listen: what each says, and that nothing waits for one.

load helper

setup() {
	common_setup
	SCRIPT=$FIXTURES/access.replay
}
teardown() { common_teardown; }

# begun NAME: waits until the lb-listen of that name listens; its port is $PORT.
begun() {
	wait_for 100 grep -q "listening on 127" "$T/$1.err" || { cat "$T/$1.err"; return 1; }
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/$1.err" | head -n 1)
}

# pipeline OPTION...: a whole lb; its port is $PORT, its pid $KEEPER.
pipeline() {
	start provider lb-listen -l 127.0.0.1:0 -- lb-replay "$SCRIPT"
	begun provider
	jq -n --arg base "http://127.0.0.1:$PORT" '{ '"${PING-}"'
		providers: {p1: {base_url: $base, dialect: "anthropic", key: "env:P_KEY"}, p2: {base_url: $base, dialect: "anthropic"}},
		routes: [
			{model: "failover", targets: [{provider: "p1", model: "busy"}, {provider: "p2", model: "good"}]},
			{model: "none", targets: [{provider: "p1", model: "busy"}, {provider: "p2", model: "busy"}]},
			{model: "*", targets: [{provider: "p1"}]}]}' >"$T/lb.json"
	P_KEY=p-secret start lb lb -c "$T/lb.json" -l 127.0.0.1:0 "$@"
	KEEPER=$PID
	begun lb
}

# edge OPTION...: an lb-listen with lb-replay behind it; likewise.
edge() {
	# What an earlier one has said is not this one's.
	rm -f "$T/lb.err" "$T/lb.out"
	start lb lb-listen -l 127.0.0.1:0 "$@" -- lb-replay "$SCRIPT"
	KEEPER=$PID
	begun lb
}

# post MODEL STREAM [CURL-OPTION...]
post() {
	local body='{"model":"'$1'","max_tokens":9,"stream":'$2',"messages":[{"role":"user","content":"prompt-secret"}]}'
	shift 2
	curl -sN --max-time 30 "http://127.0.0.1:$PORT/v1/messages?key=query-secret" -H 'x-api-key: client-secret' \
		-H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' "$@" -d "$body" || true
}

get() { curl -s --max-time 30 "http://127.0.0.1:$PORT${1-/ok}"; }
raw() { python3 "$ROOT/tests/tools/raw.py" "$PORT" "$@"; }
lines() { wc -l <"$1"; }
has_lines() { [ -e "$1" ] && [ "$(lines "$1")" -ge "$2" ]; }

# line N [FILE]: waits until there are so many, and is the last of them.
line() {
	wait_for 100 has_lines "${2-$T/log}" "$1" || return 1
	sed -n "$1p" "${2-$T/log}"
}

stop() {
	kill "$KEEPER"
	wait_for 100 gone "$KEEPER"
}

# check N FILTER [JQ-OPTION...]: line N is so, and says otherwise what it is.
check() {
	local n=$1 filter=$2 text
	shift 2
	text=$(line "$n") || { echo "there is no line $n" >&2; return 1; }
	jq -e "$@" "$filter" >/dev/null <<<"$text" || { echo "line $n is not: $filter: $text" >&2; return 1; }
}

@test "a whole stream: every member" {
	pipeline --access-log "$T/log"
	before=$(date +%s)
	post failover true >"$T/out"
	check 1 'keys == (["time", "request_id", "peer", "method", "path", "provider", "attempt", "model", "attempts",
		"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "result", "status",
		"first_ms", "total_ms", "bytes_in", "bytes_out"] | sort)'
	check 1 '.method == "POST" and .path == "/v1/messages" and .provider == "p2" and .attempt == 2 and .model == "good" and
		.result == "complete" and .status == 200 and (.peer | test("^127\\.0\\.0\\.1:[0-9]+$"))'
	check 1 '.input_tokens == 25 and .output_tokens == 15 and .cache_read_input_tokens == 7 and
		.cache_creation_input_tokens == 3'
	check 1 '(.attempts | map(keys)) == [["ms", "provider", "result", "status"], ["ms", "provider", "result", "status"]] and
		(.attempts | map([.provider, .status, .result])) == [["p1", 529, "upstream-error"], ["p2", 200, "complete"]]'
	check 1 '.first_ms <= .total_ms and .total_ms < 30000 and .bytes_in > 300 and .bytes_out > ($body | tonumber)' \
		--arg body "$(wc -c <"$T/out")"
	check 1 '(.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")) and
		(.time[:19] + "Z" | fromdate | . >= ($before | tonumber) and . < ($before | tonumber) + 30)' --arg before "$before"
	# The id is the one of error answers.
	curl -s "http://127.0.0.1:$PORT/nowhere" >"$T/out"
	check 2 '.request_id == $id' --arg id "$(jq -r .request_id "$T/out")"
	# Nothing of a header, a body, a query or a key.
	run ! grep -q secret "$T/log"
	[ "$(stat -c %a "$T/log")" = 640 ]
}

@test "JSON, errors of providers and of lb, a broken stream, a mended one" {
	pipeline --access-log "$T/log"
	post json false >/dev/null
	check 1 '.result == "complete" and .status == 200 and .provider == "p1" and .attempt == 1 and .model == "json" and
		.first_ms >= 0 and .input_tokens == 25 and .output_tokens == 15 and .cache_read_input_tokens == 7 and
		.cache_creation_input_tokens == 3'
	post none true >/dev/null
	check 2 '.status >= 500 and .result == "upstream-error" and (.attempts | length) == 2 and (.error | test("p1: .*529")) and
		.bytes_out > 100'
	post cut true >/dev/null
	check 3 '.status == 200 and .result == "truncated" and .provider == "p1" and (.error | test("p1")) and .first_ms >= 0'
	post unended true >/dev/null
	check 4 '.result == "complete" and .repairs == {"message-stop": 1} and .output_tokens == 15'
	curl -s "http://127.0.0.1:$PORT/health" >/dev/null
	check 5 '.method == "GET" and .path == "/health" and .status == 200 and .result == "complete" and
		(has("provider") or has("model") or has("attempts") or has("first_ms") or has("error") | not)'
	curl -s "http://127.0.0.1:$PORT/nowhere" >/dev/null
	check 6 '.status == 404 and .result == "refused"'
	# The model as the client wrote it, read back as what it means.
	post 'a\"\n\u0000b\\\u00e9' false >/dev/null
	check 7 '.model == "a\"\n\u0000b\\é"'
}

@test "an answer whose provider is not known at its head has it all the same" {
	PING='"first_ping_ms": 100,' pipeline --access-log "$T/log"
	post late true >"$T/out"
	grep -q 'event: ping' "$T/out"
	check 1 '.provider == "p1" and .attempt == 1 and .model == "late" and .result == "complete" and
		.first_ms >= 300 and .first_ms <= .total_ms'
}

@test "what the edge refuses has its line, what is no request has none" {
	edge --access-log "$T/log" --max-body 1K --head-timeout 1 --body-timeout 1
	raw end 'fin' >/dev/null &
	raw 'send=GET /o' close >/dev/null
	raw 'send=GET /a HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n' end >/dev/null
	check 1 '.status == 400 and .result == "refused" and .method == "GET" and .path == "/a" and (.error | test("white space")) and
		.bytes_in == 35 and .bytes_out > 100 and .total_ms >= 0 and (has("request_id") | not) and (.peer | test("^127"))'
	raw 'send=GET /"\x01 HTTP/1.1\r\n\r\n' end >/dev/null
	check 2 '.status == 400 and (has("path") | not)'
	raw 'send=secret-of-a-body\r\n\r\n' end >/dev/null
	raw "send=PUT /%22%0d%0a'();\$ HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n" end >/dev/null
	check 3 '.status == 400 and (has("method") or has("path") | not)'
	check 4 '.status == 413 and .method == "PUT" and .path == "/%22%0d%0a'"'"'();$" and (.request_id | test("^req_"))'
	raw 'send=GET / HTTP/1.1\r\nHost: x\r\nA: ' 'many=a*70000' end >/dev/null
	check 5 '.status == 431 and .bytes_in >= 65536'
	raw 'send=GET / HTTP/1.1\r\nHost' end >/dev/null
	check 6 '.status == 408 and .result == "timeout" and .total_ms >= 900 and (.peer | test("^127")) and (has("path") | not)'
	raw 'send=POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel' end >/dev/null
	check 7 '.status == 408 and .result == "timeout" and .path == "/b" and .bytes_in == 51'
	# Its client went within its body: no answer, no status.
	raw 'send=POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel' fin end >/dev/null
	check 8 '.result == "cancelled" and .path == "/c" and .bytes_in == 51 and .bytes_out == 0 and (has("status") | not)'
	# Three on one connection, the last two sent at once.
	get='GET /ok HTTP/1.1\r\nHost: x\r\n\r\n'
	raw "send=$get" until=fine "send=$get$get" until=fine until=fine >/dev/null
	for n in 9 10 11; do check $n '.status == 200 and .bytes_in == 29 and .bytes_out > 100 and .result == "complete"'; done
	[ "$(jq -r .request_id "$T/log" | sort -u | grep -c req_)" -eq 6 ]
	stop
	[ "$(lines "$T/log")" -eq 11 ]
	run ! grep secret "$T/log"
}

@test "a client that leaves, a stage that dies" {
	pipeline --access-log "$T/log"
	post hang true --max-time 1 >"$T/out"
	check 1 '.result == "cancelled" and .status == 200 and .provider == "p1" and .model == "hang" and .first_ms >= 0 and
		.bytes_out > 100 and (.error | test("client"))'
	# What lb-fetch and lb-sse say at its end is there too.
	check 1 '(.attempts | map([.provider, .result])) == [["p1", "cancelled"]] and .input_tokens == 25'
	post hang true >"$T/out" 3>&- &
	CLIENT=$!
	wait_for 100 grep -q content_block_start "$T/out"
	kill -9 "$(pgrep -P "$KEEPER" -x lb-sse)"
	wait "$CLIENT"
	check 2 '.result == "truncated" and .status == 200 and .provider == "p1" and (.error | test("stage")) and
		(has("attempts") | not)'
}

# Of 300 KB a Unix socket holds some 200: the edge has the rest when the client goes.
@test "an answer that the client did not take to its end is not complete" {
	edge --access-log "$T/log" -l "unix:$T/s"
	PORT=$T/s raw 'send=GET /large HTTP/1.1\r\nHost: x\r\n\r\n' until=zzz "touch=$T/began" "await=$T/go" reset >/dev/null 3>&- &
	wait_for 100 test -e "$T/began"
	# What comes after it in the pipeline is there: so is all of it.
	get >/dev/null
	check 1 '.path == "/ok"'
	touch "$T/go"
	check 2 '.path == "/large" and .result == "cancelled" and .status == 200 and .peer == "unix" and (.error | test("client")) and
		.bytes_out > 10000 and .bytes_out < 300000'
	PORT=$T/s raw 'send=GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' end >"$T/out"
	check 3 '.result == "complete" and (has("error") | not) and .bytes_out > 300000'
}

@test "one in N" {
	edge --access-log "$T/log" --access-every 5
	curl -s "http://127.0.0.1:$PORT/ok?[1-50]" >/dev/null
	stop
	[ "$(lines "$T/log")" -eq 10 ]
	jq -e . "$T/log" >/dev/null
	# One that comes in many pieces is one.
	rm "$T/log"
	edge --access-log "$T/log" --access-every 5
	head -c 3000000 /dev/zero >"$T/body"
	curl -s -o /dev/null -T "$T/body" "http://127.0.0.1:$PORT/ok?[1-10]"
	stop
	[ "$(lines "$T/log")" -eq 2 ]
}

@test "off, standard output, standard error" {
	edge --access-log "$T/log" --access-log off
	get >/dev/null
	stop
	[ ! -e "$T/log" ]
	edge --access-log -
	get >/dev/null
	line 1 "$T/lb.out" | jq -e '.path == "/ok"'
	stop
	edge --access-log stderr
	get >/dev/null
	wait_for 100 grep -q '^{' "$T/lb.err"
	[ "$(grep '^{' "$T/lb.err" | jq -r .path)" = /ok ]
	stop
	# The flags of what others write to, too, stay as they are.
	python3 - "$SCRIPT" <<-'END'
		import fcntl, os, subprocess, sys, re, urllib.request
		r, w = os.pipe()
		p = subprocess.Popen(["lb-listen", "-l", "127.0.0.1:0", "--access-log", "stderr", "--", "lb-replay", sys.argv[1]], stderr=w)
		err = os.fdopen(r)
		line = err.readline()
		urllib.request.urlopen("http://" + re.search("[0-9.]+:[0-9]+$", line)[0] + "/ok").read()
		assert '"path":"/ok"' in err.readline()
		assert not fcntl.fcntl(w, fcntl.F_GETFL) & os.O_NONBLOCK
		p.terminate()
		p.wait()
	END
}

@test "a log that cannot be opened is told at the start, and the sockets are not left" {
	run lb-listen -l "unix:$T/s" --access-log "$T/none/log" -- cat
	[ "$status" -eq 111 ]
	[ "$output" = "lb-listen: fatal: unable to open the access log $T/none/log: No such file or directory" ]
	[ ! -e "$T/s" ]
	local mistake
	for mistake in "--access-every 0" "--access-every 1x" "--access-every 1000001" "--access-log="; do
		run lb-listen $mistake -- cat </dev/null
		[ "$status" -eq 100 ] || { echo "$mistake: $status $output"; false; }
	done
}

@test "under a super-server: neither - nor stderr is the client's connection" {
	cat >"$T/inetd.py" <<-'END'
		import socket, subprocess, sys
		l = socket.create_server(("127.0.0.1", 0))
		c = socket.create_connection(l.getsockname()); s = l.accept()[0]
		p = subprocess.Popen(["lb-listen", "--access-log", sys.argv[2], "--", "lb-replay", sys.argv[1]],
		    stdin=s, stdout=s, stderr=s if sys.argv[3] == "s" else subprocess.PIPE)
		s.close()
		try:
		    c.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		    got = b""
		    while piece := c.recv(65536): got += piece
		except OSError: pass
		print(p.wait(20), got.decode()[-4:], p.stderr.read().decode() if p.stderr else "")
	END
	run python3 "$T/inetd.py" "$SCRIPT" "$T/log" p
	[ "$output" = "0 fine " ]
	check 1 '.path == "/ok" and .status == 200'
	run python3 "$T/inetd.py" "$SCRIPT" - p
	[[ $output == "100 "*"--access-log -: standard output is the socket's here; name a file"* ]]
	run python3 "$T/inetd.py" "$SCRIPT" stderr s
	[[ $output == "111 "* ]]
	run python3 "$T/inetd.py" "$SCRIPT" stderr p
	[[ $output == "0 fine {"*'"path":"/ok"'* ]]
}

@test "SIGUSR1 opens the file again; a failure to do so keeps the old one" {
	edge --access-log "$T/log"
	get /1 >/dev/null
	line 1 >/dev/null
	mv "$T/log" "$T/old"
	# Renamed, it is written on.
	get /2 >/dev/null
	line 2 "$T/old" >/dev/null
	# Sent to the whole unit, it is the keeper's alone.
	kill -USR1 $(pgrep -P "$KEEPER") "$KEEPER"
	wait_for 100 test -e "$T/log"
	reopened() { get /3 >/dev/null; [ -s "$T/log" ]; }
	wait_for 100 reopened
	run ! grep warning "$T/lb.err"
	[ "$(lines "$T/old")" -eq 2 ] || [ "$(sed -n '3,$p' "$T/old" | jq -r .path | sort -u)" = /3 ]
	mv "$T/log" "$T/old"
	mkdir "$T/log"
	kill -USR1 "$KEEPER"
	wait_for 100 grep -q "unable to open the access log $T/log again: Is a directory; lines still go to the old one" "$T/lb.err"
	before=$(lines "$T/old")
	get /4 >/dev/null
	line $((before + 1)) "$T/old" | jq -e '.path == "/4"'
	# An edge that is new writes on where the old one did.
	kill -9 "$(pgrep -P "$KEEPER" -x lb-edge)"
	again() { [ "$(get /5)" = fine ]; }
	wait_for 100 again
	line $((before + 2)) "$T/old" | jq -e '.path == "/5"'
}

@test "a full disk drops lines, never requests" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	edge --access-log /dev/full
	for n in 1 2 3; do [ "$(get)" = fine ]; done
	[ "$(grep -c 'access lines are dropped, 1 so far: No space left on device' "$T/lb.err")" -eq 1 ]
	stop
	# A file that is full within a line: what is there are lines, and the next one says how many are missing.
	rm "$T/lb.err"
	start lb bash -c 'ulimit -S -f 4; exec "$@"' bash lb-listen -l 127.0.0.1:0 --access-log "$T/log" -- lb-replay "$SCRIPT"
	KEEPER=$PID
	begun lb
	[ "$(curl -s "http://127.0.0.1:$PORT/ok?[1-60]")" = "$(printf 'fine%.0s' {1..60})" ]
	[ "$(stat -c %s "$T/log")" -eq 4096 ]
	prlimit --pid "$(pgrep -P "$KEEPER" -x lb-edge)" --fsize=unlimited || skip "no prlimit"
	get /last >/dev/null
	last_is_there() { tail -n 1 "$T/log" | grep -q /last; }
	wait_for 100 last_is_there
	there=$(jq -s length "$T/log")
	[ $((there + $(tail -n 1 "$T/log" | jq .dropped))) -eq 61 ]
}

# More requests, each answered, than what waits for a reader has room for.
served_all() {
	[ "$(curl -s --max-time 60 "http://127.0.0.1:$PORT/ok?[1-2500]" | wc -c)" -eq 10000 ]
}

@test "a named pipe that nobody reads drops lines, never requests; its reader may come later" {
	mkfifo "$T/pipe"
	edge --access-log "$T/pipe"
	served_all
	grep -q 'access lines are dropped, 1 so far: their reader is too slow' "$T/lb.err"
	cat "$T/pipe" >"$T/lines" 3>&- &
	STARTED+=($!)
	later=0
	told() {
		get /later >/dev/null
		later=$((later + 1))
		grep -q /later "$T/lines"
	}
	wait_for 100 told
	stop
	wait_for 100 gone "${STARTED[-1]}"
	jq -e . "$T/lines" >/dev/null
	# Each request has a line or is counted.
	[ "$(jq -s '[.[] | select(.path == "/ok")] | length' "$T/lines")" -gt 500 ]
	[ "$(jq -s 'length + ([.[].dropped // 0] | add)' "$T/lines")" -eq $((2500 + later)) ]
}

@test "a standard error that nobody reads drops lines, never requests" {
	mkfifo "$T/pipe"
	exec 8<>"$T/pipe"
	PORT=$(free_port)
	start lb sh -c 'exec "$@" 2>"$0"' "$T/pipe" lb-listen -l "127.0.0.1:$PORT" --access-log stderr -- lb-replay "$SCRIPT" 8>&-
	KEEPER=$PID
	wait_for 100 listening "$PORT"
	# To the last octet: there is no room for a warning either.
	python3 - "$T/pipe" <<-'END'
		import os, sys
		pipe = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
		for size in (4096, 1):
		    try:
		        while True: os.write(pipe, b"x" * size)
		    except BlockingIOError: pass
	END
	served_all
	stop 8>&-
	exec 8>&-
}

@test "a reader that has gone drops lines, never requests" {
	PORT=$(free_port)
	start lb bash -c 'exec "$@" > >(head -n 1)' bash lb-listen -l "127.0.0.1:$PORT" --access-log - -- lb-replay "$SCRIPT"
	KEEPER=$PID
	wait_for 100 listening "$PORT"
	for n in 1 2 3 4; do [ "$(get)" = fine ]; done
	dropped() { get >/dev/null; grep -q 'access lines are dropped, .*: Broken pipe' "$T/lb.err"; }
	wait_for 100 dropped
	[ "$(get)" = fine ]
}

@test "lines of many clients at once are whole, in a file and in a pipe" {
	for log in "$T/log" -; do
		edge --access-log "$log"
		[ "$log" = - ] && log=$T/lb.out
		for client in 1 2 3 4 5 6; do
			curl -s "http://127.0.0.1:$PORT/ok?[1-100]" >/dev/null 3>&- &
		done
		wait $(jobs -p | grep -vx "$KEEPER")
		stop
		[ "$(jq -r 'select(.status == 200 and .result == "complete") | .request_id' "$log" | sort -u | wc -l)" -eq 600 ]
	done
}

@test "lb passes the options on" {
	pipeline --access-log="$T/log" --access-every 2
	curl -s "http://127.0.0.1:$PORT/health?[1-4]" >/dev/null
	stop
	[ "$(lines "$T/log")" -eq 2 ]
}
