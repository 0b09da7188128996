# SPDX-License-Identifier: MIT
# lb-listen: the filter, the listening sockets, one connected socket; keeper, edge and stages.

load helper

setup() { common_setup; }
teardown() { common_teardown; }

# serve [OPTION...] -- STAGE...: lb-listen on a free port, which is $PORT; its pid is $KEEPER.
serve() {
	start listen lb-listen -l 127.0.0.1:0 "$@"
	KEEPER=$PID
	wait_for 100 grep -q "listening on 127" "$T/listen.err" || { cat "$T/listen.err"; return 1; }
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err" | head -n 1)
}

raw() { python3 "$ROOT/tests/tools/raw.py" "$PORT" "$@"; }

# A script in which each path behaves in a way of its own.
script() {
	cat "$FIXTURES/listen.replay"
}

# How many answers with 200 the input has.
answers() { grep -o 'HTTP/1.1 200' | wc -l; }

edge() { pgrep -P "$KEEPER" -x lb-edge; }
children() { pgrep -P "$KEEPER" || true; }
two_children() { [ "$(children | wc -w)" -eq 2 ]; }
not_listening() { ! listening "$PORT"; }
all_gone() { for pid in "$@"; do gone "$pid" || return 1; done; }
refute() { ! "$@"; }
has() { grep -qF -- "$1" "$2"; }

GET='GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n'

# --- the filter

@test "filter: a request becomes a record" {
	printf 'POST /v1/messages?beta=true HTTP/1.1\r\nHost: localhost:9000\r\nAnthropic-Beta: a\r\nanthropic-beta: b\r\nContent-Length: 5\r\n\r\nhello' >"$T/request"
	lb-listen <"$T/request" >"$T/record"
	head -n 1 "$T/record" | jq -e '.type == "request" and .id == 1 and .method == "POST" and .bytes == 5
		and .target == "/v1/messages?beta=true" and .version == "1.1" and .close == false
		and .headers["anthropic-beta"] == "a, b" and .headers.host == "localhost:9000" and (.request_id | startswith("req_"))'
	[ "$(tail -n 1 "$T/record")" = hello ]
}

@test "filter: a refused request becomes an answer" {
	printf 'GET / HTTP/1.1\r\nHost : x\r\n\r\n' | lb-listen >"$T/record"
	[ "$(grep '^{"type":"[hde]' "$T/record" | jq -r .type | head -n 2 | tr '\n' ' ')" = "head data " ]
	[ "$(tail -n 1 "$T/record")" = '{"type":"end","id":1,"result":"refused"}' ]
	grep -q '"status":400' "$T/record"
	grep -q '"type":"invalid_request_error"' "$T/record"
}

@test "filter: an input that ends within the request is told, exit 1" {
	run --separate-stderr bash -c "printf 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel' | lb-listen"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = "lb-listen: fatal: unable to read the request: the input ends in its body" ]
	run --separate-stderr bash -c ": | lb-listen"
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
}

@test "filter: a 10 MB body passes unchanged" {
	head -c 10000000 /dev/urandom >"$T/body"
	{ printf 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n'; cat "$T/body"; } | lb-listen | tail -n +2 | head -c 10000000 | cmp - "$T/body"
}

@test "filter: a dead reader is a normal end, a failed write is not" {
	printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >"$T/request"
	run bash -c "set -o pipefail; lb-listen <'$T/request' | :"
	[ "$status" -eq 0 ]
	run bash -c "lb-listen <'$T/request' >/dev/full"
	[ "$status" -eq 111 ]
	[[ $output == "lb-listen: fatal: unable to write the request's record: "* ]]
}

@test "filter: on a client's socket 100 Continue is sent, and a FIN is a cancel" {
	client() { python3 "$ROOT/tests/tools/filter_client.py" "$T/out" "$@"; }
	run client 'send=POST /v1/messages HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n' \
		'until=100 Continue\r\n\r\n' send=hello 'record=\nhello\n' send=more fin 'record="cancel"' -- lb-listen
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "exit 0" ]
	[ "$(tail -n 1 "$T/out")" = '{"type":"cancel","id":1}' ]
	# One that goes within its request, or before it, leaves no record.
	run client 'send=POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe' fin -- lb-listen
	[ "${lines[-1]}" = "exit 0" ]
	[ ! -s "$T/out" ]
	run client reset -- lb-listen
	[ "${lines[-1]}" = "exit 0" ]
	[ ! -s "$T/out" ]
	run client 'send=GET / HT' 'record="status":408' -- lb-listen --head-timeout 1
	[ "$status" -eq 0 ]
}

# --- the command line

@test "options: help, version, mistakes" {
	run lb-listen --help
	[ "$status" -eq 0 ]
	[[ $output == usage:* ]]
	run lb-listen --version
	[[ $output == "lb-listen "* ]]
	local mistake
	for mistake in "--bad" "-n 0" "-n x" "--max-body 0" "--max-body 2G" "--max-body 1k" "--head-timeout -1" "--idle-timeout 0x1" \
		"--socket-mode 8" "--socket-mode 1777" "-l 127.0.0.1:1" "-l 127.0.0.1:65536 -- cat" "-l nowhere:1 -- cat" \
		"-l 127.0.0.1 -- cat" "-l unix: -- cat" "-- |" "-- cat | | cat"; do
		run lb-listen $mistake </dev/null
		[ "$status" -eq 100 ] || { echo "$mistake: $status $output"; false; }
	done
}

@test "options: more stages than there is room for" {
	local words=(cat) i
	for ((i = 1; i < 17; i++)); do words+=('|' cat); done
	run timeout 20 lb-listen -l 127.0.0.1:0 -- "${words[@]}"
	[ "$status" -eq 100 ]
	[[ $output == "lb-listen: fatal: 17 stages are too many: at most 16"* ]]
}

@test "options: an address that other machines reach needs --open" {
	run lb-listen -l 0.0.0.0:0 -- cat
	[ "$status" -eq 100 ]
	[[ $output == *"--open"* ]]
	run lb-listen -l '[::]:0' -- cat
	[ "$status" -eq 100 ]
	start listen lb-listen --open -l 0.0.0.0:0 -- cat
	wait_for 100 has "listening on 0.0.0.0:" "$T/listen.err"
}

# --- listening sockets

@test "sockets: the default is both loopback addresses, port 9000" {
	unshare -rn true 2>/dev/null || skip "no network namespaces here"
	# In a network of its own, which is up once lo is.
	start listen unshare -rn sh -c 'ip link set lo up; exec lb-listen -- cat'
	wait_for 100 has "listening on [::1]:9000" "$T/listen.err"
	has "listening on 127.0.0.1:9000" "$T/listen.err"
}

@test "sockets: several at once, a Unix socket with its mode, removed at the end" {
	script >"$T/script"
	serve -l "unix:$T/a.sock" -l "unix:$T/b.sock" --socket-mode 0640 -- lb-replay "$T/script"
	[ "$(stat -c %a "$T/a.sock")" = 640 ]
	[ "$(curl -s --unix-socket "$T/a.sock" http://localhost/ok)" = fine ]
	[ "$(curl -s --unix-socket "$T/b.sock" http://localhost/ok)" = fine ]
	[ "$(curl -s "http://127.0.0.1:$PORT/ok")" = fine ]
	kill "$KEEPER"
	wait "$KEEPER"
	[ ! -e "$T/a.sock" ] && [ ! -e "$T/b.sock" ]
}

@test "sockets: a Unix socket that nobody serves is replaced, one in use is not" {
	script >"$T/script"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/a.sock"
	serve -l "unix:$T/a.sock" -- lb-replay "$T/script"
	[ "$(curl -s --unix-socket "$T/a.sock" http://localhost/ok)" = fine ]
	run lb-listen -l "unix:$T/a.sock" -- cat
	[ "$status" -eq 111 ]
	[[ $output == *"Address already in use"* ]]
}

@test "sockets: LISTEN_FDS hands over several; one that is not loopback needs --open" {
	script >"$T/script"
	local one=$(free_port) two=$(free_port)
	start activate systemd-socket-activate -l "127.0.0.1:$one" -l "127.0.0.1:$two" lb-listen -- lb-replay "$T/script"
	wait_for 100 listening "$one"
	[ "$(curl -s "http://127.0.0.1:$one/ok")" = fine ]
	[ "$(curl -s "http://127.0.0.1:$two/ok")" = fine ]
	run python3 - <<-END
	import os, socket
	s = socket.socket(); s.bind(("0.0.0.0", 0)); s.listen()
	os.dup2(s.fileno(), 3, inheritable=True)
	os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
	os.execvp("lb-listen", ["lb-listen", "--", "cat"])
	END
	[ "$status" -eq 100 ]
	[[ $output == *"--open"* ]]
}

@test "sockets: one that is blocking, as its owner gave it, stays so and serves many at once" {
	cat >"$T/owner.py" <<-'END'
	import fcntl, os, socket, sys, time
	s = socket.create_server(("127.0.0.1", 0))
	if os.fork() == 0:
	    while not os.path.exists(sys.argv[2] + ".ask"): time.sleep(0.05)
	    open(sys.argv[2], "w").write("%d" % (fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK))
	    os._exit(0)
	os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
	os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
	os.execvp("lb-listen", ["lb-listen", "--", "lb-replay", sys.argv[1]])
	END
	start listen python3 "$T/owner.py" "$FIXTURES/listen.replay" "$T/flags"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	local i
	for i in 1 2 3 4 5 6 7 8; do raw "send=$GET" until=fine >"$T/$i" 3>&- & done
	wait $(jobs -p | tail -n 8)
	[ "$(cat "$T"/[1-8] | answers)" -eq 8 ]
	touch "$T/flags.ask"
	wait_for 100 test -s "$T/flags"
	[ "$(cat "$T/flags")" = 0 ]
}

@test "sockets: with closed standard descriptors all is as usual" {
	start listen sh -c 'exec lb-listen -l "unix:$1" -- lb-replay "$2" <&- >&- 2>&-' sh "$T/a.sock" "$FIXTURES/listen.replay"
	served() { [ "$(curl -s --unix-socket "$T/a.sock" http://localhost/ok)" = fine ]; }
	wait_for 100 served
	kill "$PID"
	wait "$PID"
}

@test "service manager: READY=1 once the pipeline works, STOPPING=1 at the end" {
	script >"$T/script"
	start notified python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
for i in range(2): print(s.recv(100).decode())' "$T/notify.sock"
	wait_for 100 test -S "$T/notify.sock"
	NOTIFY_SOCKET=$T/notify.sock serve -- lb-replay "$T/script"
	wait_for 100 has READY=1 "$T/notified.out"
	kill "$KEEPER"
	wait_for 100 has STOPPING=1 "$T/notified.out"
}

@test "the descriptor limit is raised to the hard one" {
	script >"$T/script"
	ulimit -Sn 300
	serve -- lb-replay "$T/script"
	local limits=$(grep 'Max open files' "/proc/$(edge)/limits")
	[ "$(echo $limits | cut -d' ' -f4)" = "$(echo $limits | cut -d' ' -f5)" ]
}

# --- HTTP/1.1

@test "http: keep-alive, pipelining, connection: close, HTTP/1.0" {
	script >"$T/script"
	serve -- lb-replay "$T/script"
	run raw "send=$GET" "until=fine" "send=$GET" "until=fine" "send=$GET$GET" "until=fine" "until=fine"
	[[ $output == *"<OPEN>" ]]
	[ "$(answers <<<"$output")" -eq 4 ]
	run raw "send=GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" end
	[[ $output == *"connection: close"*fine*"<EOF>" ]]
	run raw "send=GET /ok HTTP/1.0\r\n\r\n" end
	[[ $output == *fine*"<EOF>" ]]
	run raw "send=GET /ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" until=fine "send=GET /ok HTTP/1.0\r\n\r\n" end
	[ "$(answers <<<"$output")" -eq 2 ]
	[[ $output == *"<EOF>" ]]
}

@test "http: HEAD has the head only" {
	script >"$T/script"
	serve -- lb-replay "$T/script"
	run raw "send=HEAD /ok HTTP/1.1\r\nHost: x\r\n\r\n" "until=\r\n\r\n" "send=$GET" until=fine
	[ "$(grep -c fine <<<"$output")" -eq 1 ]
	[ "$(answers <<<"$output")" -eq 2 ]
}

@test "http: expect: 100-continue, chunked bodies, octet by octet" {
	start listen lb-listen -l 127.0.0.1:0 -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	run raw 'send=POST /ok HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n' 'until=100 Continue\r\n\r\n' send=hello until=fine
	[[ $output == *"<OPEN>" ]]
	run raw 'bytewise=POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwor\r\n2;x\r\nld\r\n0\r\nT: t\r\n\r\n' until=fine
	[[ $output == *"<OPEN>" ]]
	grep -qx hello "$T/records"
	grep -qx world "$T/records"
}

@test "http: what is refused, with which status, and that the connection ends" {
	serve --max-body 100 -- lb-replay "$FIXTURES/listen.replay"
	local code request
	while read -r code request; do
		run raw "send=$request" end
		[[ $output == "HTTP/1.1 $code "*"connection: close"*"<EOF>" ]] || { echo "$code $request: $output"; false; }
	done <<'END'
400 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n
400 GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n
400 GET / HTTP/1.1\nHost: x\n\n
400 GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n
400 GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n
400 GET / HTTP/1.1\r\nHost : x\r\n\r\n
400 GET / HTTP/1.1\r\n\r\n
400 GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3 3\r\n\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n
400 POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX
413 POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n
413 POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n
501 POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n
505 GET / HTTP/2.0\r\nHost: x\r\n\r\n
END
	run raw 'send=GET /' 'many=a*70000' 'send= HTTP/1.1\r\nHost: x\r\n\r\n' end
	[[ $output == "HTTP/1.1 414 "* ]]
	run raw 'send=GET / HTTP/1.1\r\nHost: x\r\nA: ' 'many=a*70000' 'send=\r\n\r\n' end
	[[ $output == "HTTP/1.1 431 "* ]]
}

@test "http: the limits on the head, a stalled body and an idle connection" {
	serve --head-timeout 1 --body-timeout 1 --idle-timeout 1 -- lb-replay "$FIXTURES/listen.replay"
	run raw 'send=GET / HT' end
	[[ $output == "HTTP/1.1 408 "*"<EOF>" ]]
	run raw 'send=POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel' end
	[[ $output == "HTTP/1.1 408 "*"<EOF>" ]]
	run raw "send=$GET" end
	[[ $output == "HTTP/1.1 200 "*fine*"<EOF>" ]]
	run raw end
	[[ $output == *"<EOF>" ]]
	# An answer that is long in coming is no idle connection.
	run raw 'send=GET /late HTTP/1.1\r\nHost: x\r\n\r\n' until=late
	[[ $output == "HTTP/1.1 200 "*late*"<OPEN>" ]]
}

@test "http: a broken answer does not end cleanly" {
	serve -- lb-replay "$FIXTURES/listen.replay"
	run curl -sN "http://127.0.0.1:$PORT/cut"
	[ "$status" -eq 18 ]
	run curl -sN "http://127.0.0.1:$PORT/reset"
	[ "$status" -eq 56 ]
	run raw 'send=GET /cut HTTP/1.0\r\n\r\n' end
	[[ $output == *"<RST>" ]]
}

@test "http: a client that closes is a cancel at once, also behind 100 KB that wait" {
	start listen lb-listen -l 127.0.0.1:0 -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun fin end
	wait_for 50 has '{"type":"cancel","id":1}' "$T/records"
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun reset
	wait_for 50 has '{"type":"cancel","id":2}' "$T/records"
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun 'many=x*100000' fin end
	wait_for 50 has '{"type":"cancel","id":3}' "$T/records"
}

@test "http: an answer that ends with cancel is taken back from the stages before, and the connection goes on" {
	serve -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay" '|' \
		sed -u 's/"result":"complete"/&,"cancel":true/'
	run curl -sN "http://127.0.0.1:$PORT/ok" "http://127.0.0.1:$PORT/ok" -w '%{num_connects}'
	[ "$output" = fine1fine0 ]
	wait_for 50 has '{"type":"cancel","id":2}' "$T/records"
	[ "$(grep -c '"type":"cancel"' "$T/records")" -eq 2 ]
}

@test "http: more than may wait stays with the system until the answer is done" {
	serve -- lb-replay "$FIXTURES/listen.replay"
	run raw 'send=GET /late HTTP/1.1\r\nHost: x\r\n\r\n' 'many=x*300000' end
	[[ $output == "HTTP/1.1 200 "*late*"HTTP/1.1 414 "*"<EOF>" ]]
}

@test "http: a slow reader is paused, and gets everything" {
	start listen lb-listen -l 127.0.0.1:0 -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	raw 'send=GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "await=$T/go" end >"$T/large" 3>&- &
	wait_for 100 has '{"type":"pause","id":1}' "$T/records"
	touch "$T/go"
	wait $!
	has '{"type":"resume","id":1}' "$T/records"
	[ "$(tr -cd z <"$T/large" | wc -c)" -eq 16000000 ]
}

@test "http: the idle time begins when the answer is sent, however slowly it is read" {
	serve -l "unix:$T/a.sock" --idle-timeout 1 -- lb-replay "$FIXTURES/listen.replay"
	run python3 - "$T/a.sock" <<-'END'
	import socket, sys, time
	s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(20)
	s.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	got = 0
	# All but what the edge and the system hold is read at once, then little by little.
	while got < 16000000 and (piece := s.recv(65536 if got < 15300000 else 16384)):
	    got += piece.count(b"z")
	    if got > 15300000: time.sleep(0.1)
	print(got)
	END
	[ "$output" = 16000000 ]
}

# --- keeper, edge, stages

@test "hello goes before the first request" {
	start listen lb-listen -l 127.0.0.1:0 -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	[ "$(curl -s "http://127.0.0.1:$PORT/ok")" = fine ]
	[ "$(head -n 1 "$T/records")" = '{"type":"hello"}' ]
}

@test "a killed stage: open requests are told at once, and a new pipeline serves" {
	serve -- lb-replay "$FIXTURES/listen.replay" '|' cat
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/1" end >"$T/chunked" 3>&- &
	raw 'send=GET /events HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/2" end >"$T/events" 3>&- &
	raw 'send=GET /never HTTP/1.1\r\nHost: x\r\n\r\n' end >"$T/never" 3>&- &
	wait_for 100 test -e "$T/1" -a -e "$T/2"
	kill -9 "$(pgrep -P "$KEEPER" -x cat)"
	wait_for 100 has '<EOF>' "$T/chunked"
	wait_for 100 has '<EOF>' "$T/events"
	wait_for 100 has '<EOF>' "$T/never"
	refute grep -q '^0' "$T/chunked"
	grep -q '^event: error' "$T/events"
	refute grep -q '^0' "$T/events"
	grep -q '^HTTP/1.1 502 ' "$T/never"
	has 'cat was killed by signal 9' "$T/listen.err"
	[ "$(curl -s "http://127.0.0.1:$PORT/ok")" = fine ]
}

@test "a stage that writes no records counts as a crash" {
	serve -- sh -c 'read -r hello; echo "$hello"; read -r request; echo "no record"; cat >/dev/null'
	run curl -s -o "$T/body" -w '%{http_code}' "http://127.0.0.1:$PORT/"
	[ "$output" = 502 ]
	has 'pipeline 1 failed' "$T/listen.err"
}

@test "two pipelines share the requests" {
	serve -n 2 -- sh -c "echo \$\$ >>$T/pids; exec lb-replay $FIXTURES/listen.replay"
	two_pids() { [ "$(cat "$T/pids" 2>/dev/null | wc -l)" -eq 2 ]; }
	wait_for 100 two_pids
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/1" end >"$T/a" 3>&- &
	wait_for 100 test -e "$T/1"
	raw 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/2" end >"$T/b" 3>&- &
	wait_for 100 test -e "$T/2"
	kill -9 "$(head -n 1 "$T/pids")"
	# One of the two is told, the other goes on.
	one_ended() { [ "$(cat "$T/a" "$T/b" | grep -c '<EOF>')" -eq 1 ]; }
	wait_for 100 one_ended
}

@test "a pipeline that cannot start ends lb-listen with the stage's reason" {
	run timeout 20 lb-listen -l 127.0.0.1:0 -- "$T/nothing"
	[ "$status" -eq 111 ]
	[[ $output == *"unable to start $T/nothing: No such file or directory"* ]]
	run timeout 20 lb-listen -l 127.0.0.1:0 -- cat '|' sh -c 'exit 100'
	[ "$status" -eq 100 ]
}

@test "a stage that dies leaves no process behind" {
	serve -- sh -c 'sleep 1000 & echo $! >"$0"; exec cat' "$T/pid" '|' lb-replay "$FIXTURES/listen.replay"
	local left=$(cat "$T/pid")
	kill -9 "$(pgrep -P "$KEEPER" -x cat)"
	wait_for 100 gone "$left"
}

@test "out of descriptors: connections wait, and a pipeline that dies is still replaced" {
	ulimit -n 60
	serve -- lb-replay "$FIXTURES/listen.replay"
	python3 - "$PORT" "$T/go" >"$T/client" 3>&- <<-'END' &
	import os, socket, sys, time
	many = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(50)]
	while not os.path.exists(sys.argv[2]): time.sleep(0.05)
	many[0].sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
	many[0].settimeout(20)
	print(many[0].recv(1000).decode())
	for s in many[:40]: s.close()
	many[49].sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
	many[49].settimeout(20)
	print(many[49].recv(1000).decode())
	END
	wait_for 100 has "unable to accept a connection: Too many open files" "$T/listen.err"
	kill -9 "$(pgrep -P "$KEEPER" -x lb-replay)"
	wait_for 100 has "lb-replay was killed" "$T/listen.err"
	touch "$T/go"
	wait $!
	[ "$(answers <"$T/client")" -eq 2 ]
	refute has "unable to take up" "$T/listen.err"
}

@test "SIGTERM with no pipeline left: what waits for one is told at once" {
	serve -- sh -c '[ -e "$0" ] && exit 1; touch "$0"; exec lb-replay "$1"' "$T/once" "$FIXTURES/listen.replay"
	kill -9 "$(pgrep -P "$KEEPER" -x lb-replay)"
	wait_for 100 has "exited with 1" "$T/listen.err"
	raw "send=$GET" "touch=$T/sent" end >"$T/out" 3>&- &
	wait_for 100 test -e "$T/sent"
	local begin=$SECONDS
	kill "$KEEPER"
	wait "$KEEPER"
	wait_for 100 has '<EOF>' "$T/out"
	[ $((SECONDS - begin)) -lt 8 ]
	grep -q '^HTTP/1.1 503 ' "$T/out" || [ "$(cat "$T/out")" = $'\n<EOF>' ]
}

@test "SIGTERM: no new connection, the open answer finishes, exit 0, nobody left" {
	serve -- cat '|' lb-replay "$FIXTURES/listen.replay"
	local all="$(children)"
	raw 'send=GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/1" end >"$T/slow" 3>&- &
	raw "send=$GET" until=fine "touch=$T/2" end >"$T/idle" 3>&- &
	wait_for 100 test -e "$T/1" -a -e "$T/2"
	kill -TERM "$KEEPER"
	wait_for 100 has '<EOF>' "$T/idle"
	wait_for 100 not_listening
	local code=0
	wait "$KEEPER" || code=$?
	[ "$code" -eq 0 ]
	wait_for 100 has '<EOF>' "$T/slow"
	grep -q finished "$T/slow"
	wait_for 100 all_gone $all
}

@test "SIGINT to the whole group, as a terminal sends it: the open answer finishes" {
	start listen setsid lb-listen -l 127.0.0.1:0 -- cat '|' lb-replay "$FIXTURES/listen.replay"
	wait_for 100 grep -q "listening on" "$T/listen.err"
	PORT=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\)$/\1/p' "$T/listen.err")
	raw 'send=GET /slow HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/1" end >"$T/slow" 3>&- &
	wait_for 100 test -e "$T/1"
	[ "$(ps -o pgid= -p "$PID" | tr -d ' ')" = "$PID" ]
	kill -INT -- "-$PID"
	wait "$PID"
	wait_for 100 has '<EOF>' "$T/slow"
	grep -q finished "$T/slow"
}

@test "SIGINT twice, or the drain limit: open answers end with an error, exit 0" {
	serve -- lb-replay "$FIXTURES/listen.replay"
	raw 'send=GET /events HTTP/1.1\r\nHost: x\r\n\r\n' until=begun "touch=$T/1" end >"$T/events" 3>&- &
	wait_for 100 test -e "$T/1"
	kill -INT "$KEEPER"
	wait_for 100 not_listening
	kill -INT "$KEEPER"
	wait "$KEEPER"
	wait_for 100 has '<EOF>' "$T/events"
	grep -q '^event: error' "$T/events"

	serve --drain-timeout 1 -- tee "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	raw 'send=GET /never HTTP/1.1\r\nHost: x\r\n\r\n' end >"$T/never" 3>&- &
	wait_for 100 has '"target":"/never"' "$T/records"
	kill -TERM "$KEEPER"
	wait "$KEEPER"
	wait_for 100 has '<EOF>' "$T/never"
	grep -q '^HTTP/1.1 503 ' "$T/never"
}

@test "the edge killed: the sockets stay, a new one serves; the keeper killed: all end" {
	serve -- lb-replay "$FIXTURES/listen.replay"
	kill -9 "$(edge)"
	[ "$(curl -s --retry 5 --retry-connrefused --retry-all-errors "http://127.0.0.1:$PORT/ok")" = fine ]
	# The stage of the edge that was killed takes a moment to end.
	wait_for 100 two_children
	local all="$(children)"
	kill -9 "$KEEPER"
	wait_for 100 all_gone $all
}

@test "keys are in the environment of keeper and lb-fetch alone" {
	printf '#!/bin/sh\nexec cat\n' >"$T/lb-fetch"
	chmod +x "$T/lb-fetch"
	export MINIMAX_API_KEY=key-of-the-test SOME_SECRET=secret-of-the-test LB_SOMETHING=for-stages
	serve -- tee /dev/null '|' "$T/lb-fetch" '|' lb-replay "$FIXTURES/listen.replay"
	local pid name with=""
	for pid in $(children); do
		name=$(tr '\0' ' ' <"/proc/$pid/cmdline")
		if grep -qz -e key-of-the-test -e secret-of-the-test "/proc/$pid/environ"; then with+="$name;"; fi
		case $name in lb-listen*) ;; *) grep -qz 'LB_PRESETS=minimax' "/proc/$pid/environ"; grep -qz LB_SOMETHING "/proc/$pid/environ" ;; esac
	done
	# The wrapper that is named lb-fetch has become cat.
	[ "$with" = "cat ;" ]
}

@test "descriptors: a stage has the standard three and no others" {
	serve -- sh -c 'ls /proc/self/fd | wc -l >"$0"; exec cat' "$T/count" '|' lb-replay "$FIXTURES/listen.replay"
	# ls itself has one more, for the folder that it reads.
	[ "$(cat "$T/count")" -le 4 ]
}

# --- one connected socket

@test "inetd: one connected socket with stages as children keeps alive and ends with the client" {
	PORT=$(free_port)
	script >"$T/script"
	start activate systemd-socket-activate --accept --inetd -l "127.0.0.1:$PORT" lb-listen -- lb-replay "$T/script"
	wait_for 100 grep -q "Listening on" "$T/activate.err"
	run raw "send=$GET" until=fine "send=GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" end
	[ "$(answers <<<"$output")" -eq 2 ]
	[[ $output == *"<EOF>" ]]
	none_left() { ! pgrep -f "^lb-replay $T/script" >/dev/null; }
	wait_for 100 none_left
}

@test "inetd: a client that has gone already, one that idles, and a broken answer, also where the socket is stderr too" {
	client() { python3 "$ROOT/tests/tools/filter_client.py" socket "$@"; }
	run client reset -- lb-listen -- lb-replay "$FIXTURES/listen.replay"
	[ "${lines[-1]}" = "exit 0" ]
	run client "send=$GET" until=fine end -- lb-listen --idle-timeout 1 -- lb-replay "$FIXTURES/listen.replay"
	[[ $output == *"fine<EOF>"* ]]
	[ "${lines[-1]}" = "exit 0" ]
	run client 'send=GET /cut HTTP/1.0\r\n\r\n' end -- lb-listen -- lb-replay "$FIXTURES/listen.replay"
	[[ $output == *"<RST>"* ]]
	[ "${lines[-1]}" = "exit 0" ]
}

@test "inetd: a FIN before the answer is done is a cancel" {
	# At the end all readers go at once, and tee would die by SIGPIPE before it wrote its file: -p.
	run python3 "$ROOT/tests/tools/filter_client.py" "$T/records" 'send=GET /hang HTTP/1.1\r\nHost: x\r\n\r\n' until=begun fin \
		'record={"type":"cancel","id":1}' end -- lb-listen -- tee -p "$T/records" '|' lb-replay "$FIXTURES/listen.replay"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "exit 0" ]
}

@test "inetd: a client that goes within a large body leaves no half a record and no complaint" {
	run python3 - "$FIXTURES/listen.replay" <<-'END'
	import socket, subprocess, sys
	l = socket.create_server(("127.0.0.1", 0))
	c = socket.create_connection(l.getsockname()); s = l.accept()[0]
	p = subprocess.Popen(["lb-listen", "--", "sh", "-c", "read -r hello; echo $hello; sleep 0.5; exec lb-replay $0", sys.argv[1]],
	    stdin=s, stdout=s, stderr=subprocess.PIPE)
	s.close()
	c.sendall(b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + b"z" * 5000000)
	c.close()
	err = p.communicate(timeout=20)[1]
	print(p.returncode, err.decode())
	END
	[ "$output" = "0 " ]
}

# --- pages

@test "the examples of the page give what the page says" {
	page_examples lb-listen.1 3
}

@test "the example of lb-record(5) has every type, and a stage reads it" {
	awk '/^Every type/ { wanted = 1 } /^\.Ed/ { if (taking) exit } taking { print } wanted && /^\.Bd/ { taking = 1 }' "$ROOT/man/lb-record.5" >"$T/records"
	[ "$(grep -o '^{"type":"[a-z]*' "$T/records" | cut -d'"' -f4 | sort -u | tr '\n' ' ')" = "cancel data end head hello open pause request resume " ]
	lb-sse <"$T/records" >"$T/out"
	[ "$(tail -n 1 "$T/out")" = '{"type":"end","id":1,"result":"cancelled"}' ]
}
