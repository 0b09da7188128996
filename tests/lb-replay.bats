# SPDX-License-Identifier: MIT
load helper

setup() {
	common_setup
	cd "$T"
}
teardown() { common_teardown; }

# request ID METHOD TARGET [BODY [HEADERS]]: a request record.
request() {
	printf '{"type":"request","id":%s,"request_id":"req_%s","method":"%s","target":"%s","version":"1.1","close":false' \
		"$1" "$1" "$2" "$3"
	printf ',"headers":%s,"bytes":%s}\n%s\n' "${5:-{\}}" "$(printf %s "${4-}" | wc -c)" "${4-}"
}

# The payloads of the data records on stdin, one after the other; written in awk's terms of lines, for text only.
payloads() {
	python3 -c '
import json, sys
while line := sys.stdin.buffer.readline():
    record = json.loads(line)
    payload = sys.stdin.buffer.read(record.get("bytes", 0))
    if "bytes" in record: sys.stdin.buffer.read(1)
    if record["type"] == "data": sys.stdout.buffer.write(payload)'
}

# The headers of the records on stdin, without their payloads.
records() {
	python3 -c '
import json, sys
while line := sys.stdin.buffer.readline():
    record = json.loads(line)
    if "bytes" in record: sys.stdin.buffer.read(record["bytes"] + 1)
    sys.stdout.write(line.decode())'
}

@test "help and version go to stdout, wrong usage is 100" {
	run --separate-stderr lb-replay --help
	[ "$status" -eq 0 ]
	[[ "$output" == "usage: lb-replay "* ]]
	[ -z "$stderr" ]
	run lb-replay --version
	[ "$status" -eq 0 ]
	[[ "$output" == "lb-replay "[0-9]* ]]
	run -100 lb-replay
	run -100 lb-replay a b
	run -100 lb-replay --nonsense a
	run -100 lb-replay -r
	printf 'on * *\n\tanswer 200\n' >script
	run -111 lb-replay -r /nonexistent/x script
	# Wrong usage leaves no file behind.
	run -100 lb-replay -r log
	run -100 lb-replay -r log nowhere.replay
	[ ! -e log ]
}

@test "a script that cannot be read is 100" {
	run -100 lb-replay nowhere.replay
	[[ "$output" == "nowhere.replay:1: unable to read the script: No such file or directory" ]]
}

@test "a block is found by method, path, model, stream and header; the first one counts" {
	cat >s.replay <<'END'
on GET /v1/models
	answer 201
on POST /v1/*/count_tokens
	answer 202
on POST /v1/messages model=claude-*-4* stream=true
	answer 203
on POST /v1/messages model=claude-* stream=false
	answer 204
on * * header=X-Api-Key:sk-*
	answer 205
on * * header=x-api-key
	answer 206
on HEAD /
	answer 207
END
	{
		request 1 GET /v1/models
		request 2 POST /v1/messages/count_tokens
		request 3 POST '/v1/messages?beta=true' '{"stream":true,"model":"claude-opus-4-8"}'
		request 4 POST /v1/messages '{"model":"claude-opus-4-8"}'
		request 5 POST /v1/messages '{"\u006dodel":"cl\u0061ude-3","stream":false}'
		request 6 POST /x '' '{"x-api-key":"sk-1"}'
		request 7 POST /x '' '{"x-api-key":"other"}'
		request 8 HEAD /
		request 9 POST /v1/models
		request 10 GET /v1/models/x
		request 11 POST /v1/messages '{"model":"minimax","stream":true}'
	} >in.rec
	lb-replay s.replay <in.rec | records | jq -r 'select(.type == "head") | "\(.id) \(.status)"' >got
	printf '%s\n' '1 201' '2 202' '3 203' '4 204' '5 204' '6 205' '7 206' '8 207' '9 404' '10 404' '11 404' >want
	same want got
}

@test "a request that no block matches gets 404 in its dialect, which names the script" {
	printf 'on GET /x\n\tanswer 200\n' >s.replay
	request 1 POST /v1/messages '{"model":"mini\"max"}' | lb-replay s.replay | payloads >got
	jq -e '.type == "error" and .error.type == "not_found_error" and .request_id == "req_1" and .error.message ==
		"lb-replay: no block of s.replay matches POST /v1/messages with the model mini\"max"' got
	request 1 POST /v1/chat/completions | lb-replay s.replay | payloads >got
	jq -e '.error.code == null and (.error.message | test("^lb-replay: no block of s.replay"))' got
	request 1 POST /v1/messages | lb-replay s.replay | tail -n 1 >got
	jq -e '.type == "end" and .result == "refused"' got
}

@test "answers are used in turn, then the last again, or all again with cycle" {
	cat >s.replay <<'END'
on GET /last
	answer 529
	answer 503
	answer 200
on GET /cycle
	cycle
	answer 429
		header x-count: no. ${count}
	answer 200
END
	for id in 1 2 3 4 5; do request $id GET /last; done >in.rec
	for id in 6 7 8; do request $id GET /cycle; done >>in.rec
	lb-replay s.replay <in.rec | jq -r 'select(.type == "head") | [.status, .headers["x-count"]] | join(" ")' | tr '\n' ,  >got
	[ "$(cat got)" = '529 ,503 ,200 ,200 ,200 ,429 no. 1,200 ,429 no. 3,' ]
}

@test "events, data, octets, lines, files, line ends and substitutions are sent as the page says" {
	cat >s.replay <<'END'
	# blanks and comments mean nothing

on POST /
	answer 200
		newline lf
		event {"type":"message_start","model":"${model}"}
		event ping {"n":${count}}
		newline crlf
		data {"cost":"$5 $${model} $$ $"}
		newline cr
		event x y
		repeat 2
			repeat 2
				send <${round}>
			end
			send \n\r\t\\\x00\xff${round};
		end
		newline crlf
		body <<the end
  # no comment
${model}
the end 

the end
		file sub/raw
		file raw2
END
	mkdir sub
	printf '${model}\0\n' >sub/raw
	: >raw2
	request 1 POST / '{"model":"mi\"ni\u006dax"}' | lb-replay s.replay | payloads >got
	{
		printf 'event: message_start\ndata: {"type":"message_start","model":"mi\\"ni\\u006dax"}\n\n'
		printf 'event: ping\ndata: {"n":1}\n\n'
		printf 'data: {"cost":"$5 ${model} $$ $"}\r\n\r\n'
		printf 'event: x\rdata: y\r\r'
		printf '<1><2>\n\r\t\\\0\3771;<1><2>\n\r\t\\\0\3772;'
		printf '  # no comment\r\nmi\\"ni\\u006dax\r\nthe end \r\n\r\n'
		printf '${model}\0\n'
	} >want
	cmp want got
	# The script is found, and its files from it, wherever it is called.
	mkdir elsewhere
	(cd elsewhere && request 1 POST / '{"model":"mi\"ni\u006dax"}' | lb-replay ../s.replay | payloads) >got
	cmp want got
}

@test "content-type and content-length are told as the page says" {
	cat >s.replay <<'END'
on GET /json
	answer 200
		body <<E
{"model":"${count}"}
E
		send x
on GET /events
	answer 200
		event a b
on GET /typed
	answer 200
		header Content-Type: text/html
		length 12345
		send x
on GET /none
	answer 200
		length none
		send x
on GET /cut
	answer 200
		send x
		cut
on GET /empty
	answer 200
on HEAD /json
	answer 200
		send 12345
END
	{
		request 1 GET /json
		request 2 GET /events
		request 3 GET /typed
		request 4 GET /none
		request 5 GET /cut
		request 6 GET /empty
		request 7 HEAD /json
	} | lb-replay s.replay | records >got
	jq -r 'select(.type == "head") | .headers | [.["content-type"], .["content-length"]] | join(" ")' got >heads
	printf '%s\n' 'application/json 15' 'text/event-stream ' 'text/html 12345' 'application/json ' 'application/json ' \
		'application/json 0' 'application/json 5' >want
	same want heads
	[ "$(jq -r 'select(.id == 7) | .type' got | tr '\n' ,)" = head,end, ]
}

@test "gzip: the body decodes, and as far as it has come at every piece" {
	cat >s.replay <<'END'
on GET /
	answer 200
		gzip
		split 7
		event {"type":"a","text":"héllo"}
		file big
		send end\n
on GET /cut
	answer 200
		gzip
		send abc
		cut
on GET /empty
	answer 200
		gzip
END
	head -c 200000 /dev/urandom >big
	request 1 GET / | lb-replay s.replay >out
	records <out | head -n 1 | jq -e '.headers["content-encoding"] == "gzip" and (.headers | has("content-length") | not)'
	payloads <out | gzip -dc >got
	{
		printf 'event: a\ndata: {"type":"a","text":"héllo"}\n\n'
		cat big
		printf 'end\n'
	} >want
	cmp want got
	request 1 GET /cut | lb-replay s.replay | payloads >part
	python3 -c '
import sys, zlib
assert zlib.decompressobj(31).decompress(open("part", "rb").read()) == b"abc"'
	request 1 GET /empty | lb-replay s.replay | payloads | gzip -dc >got
	[ ! -s got ]
}

@test "split sends records of at most so many octets" {
	printf 'on GET /\n\tanswer 200\n\t\tsplit 3\n\t\tsend 12345678\n\t\tsplit none\n\t\tsend 12345678\n' >s.replay
	request 1 GET / | lb-replay s.replay | records | jq -r 'select(.type == "data") | .bytes' | tr '\n' , >got
	[ "$(cat got)" = 3,3,2,8, ]
}

@test "pauses: answers go on at once, each at its own pace, nothing is held back" {
	cat >s.replay <<'END'
on GET /slow
	answer 200
		send first
		pause 300ms
		send last
on GET /quick
	answer 200
		pause 100ms
		send quick
END
	{
		request 1 GET /slow
		request 2 GET /quick
	} >in.rec
	python3 - <<'END'
import subprocess, time
replay = subprocess.Popen(["lb-replay", "s.replay"], stdin=open("in.rec"), stdout=subprocess.PIPE)
seen = {}
for line in replay.stdout:
    seen.setdefault(line.decode().strip(), time.monotonic())
assert replay.wait() == 0
assert seen["first"] < seen["quick"] < seen["last"], seen
assert seen["quick"] - seen["first"] >= 0.05, seen
assert seen["last"] - seen["first"] >= 0.25, seen
END
}

@test "cut, reset and hang end as truncated, with their line" {
	cat >s.replay <<'END'
on GET /cut
	answer 200
		send ab
		cut
on GET /reset
	answer 200
		head
		reset
on GET /early
	answer 200
		cut
on GET /hang
	answer 200
		hang
END
	{
		request 1 GET /cut
		request 2 GET /reset
		request 3 GET /early
		request 4 GET /hang
	} | lb-replay s.replay | records >got
	[ "$(jq -r 'select(.type == "end") | "\(.id) \(.result) \(.reset)"' got | sort | tr '\n' ,)" = \
		'1 truncated null,2 truncated true,3 truncated null,4 truncated null,' ]
	[ "$(jq -r 'select(.type == "end" and .id == 1) | .error' got)" = 'cut at s.replay:4' ]
	[ "$(jq -r 'select(.type == "head") | .id' got | sort | tr '\n' ,)" = 1,2, ]
}

@test "cut and reset after an octet, wherever that is in the body" {
	cat >s.replay <<'END'
on GET /cut
	answer 200
		cut after 4
		send ab
		pause 1ms
		send cdef
on GET /reset
	answer 200
		reset after 65537
		split 40000
		repeat 2
			file large
		end
on GET /none
	answer 200
		cut after 0
		send ab
on GET /fewer
	answer 200
		cut after 3
		length 3
		send ab
on HEAD /cut
	answer 200
		cut after 1
		send ab
END
	head -c 50000 /dev/zero >large
	{
		request 1 GET /cut
		request 2 GET /reset
		request 3 GET /none
		request 4 GET /fewer
		request 5 HEAD /cut
	} | lb-replay s.replay | records >got
	[ "$(jq -r 'select(.type == "end") | "\(.id) \(.result) \(.reset)"' got | sort | tr '\n' ,)" = \
		'1 truncated null,2 truncated true,3 truncated null,4 complete null,5 complete null,' ]
	[ "$(jq -r 'select(.type == "data") | "\(.id) \(.bytes)"' got | sort | tr '\n' ,)" = \
		'1 2,1 2,2 10000,2 15537,2 40000,4 2,' ]
	[ "$(jq -r 'select(.type == "end" and .id == 1) | .error' got)" = 'cut at s.replay:3' ]
	[ "$(jq -r 'select(.type == "head") | "\(.id) \(.headers["content-length"])"' got | sort | tr '\n' ,)" = \
		'1 null,2 null,3 null,4 3,5 null,' ]
}

# For what happens in the middle of an answer: a running lb-replay with its input at fd 9; its output in $T/r.out.
begin_running() {
	mkfifo in
	start r sh -c 'exec lb-replay "$@" <in' sh "$@"
	exec 9>in
}

@test "cancel ends an answer at once, be it hanging or waiting; an unknown number is ignored" {
	cat >s.replay <<'END'
on GET /hang
	answer 200
		send hanging
		hang
on GET /slow
	answer 200
		send slow
		pause 1000s
END
	begin_running s.replay
	request 1 GET /hang >&9
	request 2 GET /slow >&9
	wait_for 100 grep -q slow r.out
	wait_for 100 grep -q hanging r.out
	printf '{"type":"cancel","id":%s}\n' 99 1 2 1 >&9
	wait_for 100 grep -q '"id":2,"result":"cancelled"' r.out
	grep -q '"id":1,"result":"cancelled"' r.out
	[ "$(grep -c '"type":"end"' r.out)" -eq 2 ]
	exec 9>&-
	wait "$PID"
}

@test "pause stops an answer, resume lets it go on; the others are not stopped" {
	cat >s.replay <<'END'
on GET /a
	answer 200
		repeat 1000
			send a${round}\n
			pause 10ms
		end
on GET /b
	answer 200
		repeat 30
			send b${round}\n
			pause 10ms
		end
END
	begin_running s.replay
	request 1 GET /a >&9
	wait_for 100 grep -q '^a2$' r.out
	printf '{"type":"pause","id":1}\n' >&9
	# Once this has passed the pause has, too.
	printf '{"type":"hello"}\n' >&9
	wait_for 100 grep -q hello r.out
	count=$(grep -c '^a' r.out)
	request 2 GET /b >&9
	wait_for 100 grep -q '"id":2,"result":"complete"' r.out
	[ "$(grep -c '^a' r.out)" -eq "$count" ]
	printf '{"type":"resume","id":1}\n' >&9
	wait_for 100 grep -q "^a$((count + 2))\$" r.out
	printf '{"type":"cancel","id":1}\n' >&9
	exec 9>&-
	wait "$PID"
}

@test "hello and what is none of its business pass unchanged, payloads too" {
	printf 'on GET /\n\tanswer 200\n' >s.replay
	printf '%s\n' '{"type":"hello"}' '{"type":"head","id":5,"status":200,"headers":{}}' \
		'{ "type" : "data","id":5,"x":1e400,"bytes":3}' 'a
b' '{"type":"end","id":5,"result":"complete"}' '{"type":"novel","k":null}' >in.rec
	lb-replay s.replay <in.rec >got
	same in.rec got
}

@test "-r appends every record as it came" {
	printf 'on * *\n\tanswer 200\n' >s.replay
	{
		echo '{"type":"hello"}'
		request 1 POST /x '{"model":"a","n":12345678901234567890}' '{"x-api-key":"k"}'
		echo '{"type":"cancel","id":1}'
	} >in.rec
	lb-replay -r log s.replay <in.rec >/dev/null
	same in.rec log
	[ "$(stat -c %a log)" = 600 ]
	lb-replay -r log s.replay <in.rec >/dev/null
	[ "$(wc -c <log)" -eq $((2 * $(wc -c <in.rec))) ]
}

@test "what is no record is 101; a number that is in use is, too" {
	printf 'on * *\n\tanswer 200\n\t\thang\n' >s.replay
	echo nonsense >in.rec
	run -101 lb-replay s.replay <in.rec
	[[ "$output" == "lb-replay: fatal: unable to read a record: "* ]]
	request 1 GET / | head -c 40 >in.rec
	run -101 lb-replay s.replay <in.rec
	{
		request 1 GET /
		request 1 GET /
	} >in.rec
	run -101 lb-replay s.replay <in.rec
	[[ "$output" == *"a request has the number of another that is not done"* ]]
}

@test "a reader that goes away is a normal end, for one that waits too" {
	printf 'on * *\n\tanswer 200\n\t\thang\n' >s.replay
	begin_running s.replay
	mkfifo in2 out2
	start q sh -c 'exec lb-replay s.replay <in2 >out2'
	exec 8>in2 7<out2
	exec 7<&-
	wait_for 100 gone "$PID"
	wait "$PID"
	exec 8>&- 9>&-
}

@test "a full disk for the records is 111" {
	[ -w /dev/full ] || skip "no /dev/full"
	printf 'on * *\n\tanswer 200\n' >s.replay
	request 1 GET / >in.rec
	run -111 bash -c 'lb-replay s.replay <in.rec >/dev/full'
	run -111 lb-replay -r /dev/full s.replay <in.rec
}

@test "a thousand answers at once, and 10 MB through split pieces" {
	cat >s.replay <<'END'
on GET /
	answer 200
		repeat 5
			event {"type":"a","n":${count}}
			pause 50ms
		end
on GET /big
	answer 200
		split 60000
		file big
END
	head -c 10000000 /dev/urandom >big
	for id in $(seq 1000); do echo '{"type":"request","id":'"$id"',"method":"GET","target":"/","headers":{}}'; done >in.rec
	lb-replay s.replay <in.rec | records >got
	[ "$(grep -c '"type":"data"' got)" -eq 5000 ]
	[ "$(grep -c '"result":"complete"' got)" -eq 1000 ]
	request 1 GET /big | lb-replay s.replay | payloads | cmp - big
}

@test "every mistake of a script is told, each at its line" {
	cat >s.replay <<'END'
answer 200
cycle
bogus
on
	answer
on GET x
on GET / color=red stream=maybe header=:x
	answer 199
	cycle
	answer 200
		header nothing
		header a: ${model}
		header A: 2
		header transfer-encoding: chunked
		header content-length: 5
		length ten
		length 3 
		gzip now
		head now
		header late: 1
		event
		event {"a":1}
		event x
		data ${other} ${
		send \q
		send ${round}
		body END
		file
		file nowhere.txt
		newline unix
		split 0
		pause 5
		pause 2d
		repeat 0
			repeat 2
		end
		cut now
		send x
	answer 200
		end
	answer 200
		cut after
		reset after 5
		reset after x
		send x
		cut after 5
	answer 200
		body <<NEVER
END
	run -100 lb-replay s.replay
	sed -n 's/^s.replay:\([0-9]*\): .*/\1/p' <<<"$output" | sort -n | uniq | tr '\n' , >got
	[ "$(cat got)" = 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,30,31,32,33,34,37,38,40,42,43,44,46,48, ]
	# Files are looked for once the script is understood.
	printf 'on GET /\n\tanswer 200\n\t\tfile nowhere.txt\n\tanswer 200\n\t\tfile .\n' >s.replay
	run -100 lb-replay s.replay
	[ "${lines[0]}" = 's.replay:3: unable to read nowhere.txt: No such file or directory' ]
	[ "${lines[1]}" = 's.replay:5: unable to read .: Is a directory' ]
	: >empty.replay
	run -100 lb-replay empty.replay
	[ "$output" = 'empty.replay:1: the script has no `on`' ]
}

@test "the examples of the page give what the page says" {
	# Literal blocks: `$ cat FILE` is followed by the file, any other `$ command` by its output.
	awk '/^\.Sh/ { examples = $2 == "EXAMPLES" }
		/^\.Ed/ { literal = 0 }
		literal && examples { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print }
		/^\.Bd -literal/ { literal = 1 }' "$ROOT/man/lb-replay.1" >examples
	[ "$(grep -c '^\$ ' examples)" -ge 8 ]
	check() {
		case $command in
		'') ;;
		cat\ *) cp want "${command#cat }" ;;
		*)
			bash -c "$command" >got 2>&1 || true
			same want got || { echo "# of: $command"; return 1; }
			;;
		esac
		: >want
	}
	command=
	: >want
	while IFS= read -r line; do
		case $line in
		'$ '*) check || return; command=${line#'$ '} ;;
		*) printf '%s\n' "$line" >>want ;;
		esac
	done <examples
	check
	# And the script in the description is one.
	awk '/^\.Sh THE SCRIPT/ { here = 1 }
		/^\.Ed/ { here = 0 }
		literal && here { print }
		/^\.Bd/ { literal = 1 }' "$ROOT/man/lb-replay.1" >s.replay
	grep -q message_stop s.replay
	lb-replay s.replay </dev/null
}

@test "the page names every directive, and no other" {
	sed -n 's/^	{ "\([a-z]*\)", \(ANYWHERE\|IN_BLOCK\|IN_ANSWER\), .*/\1/p' "$ROOT/lib/replay/parse.c" | sort >code
	[ "$(wc -l <code)" -ge 20 ]
	awk '/^\.Sh/ { here = /THE SCRIPT/ }
		here && /^\.It Ic/ { for (i = 2; i < NF; i++) if ($i == "Ic") print $(i + 1) }' "$ROOT/man/lb-replay.1" | sort -u >page
	same code page
}

@test "the recorded provider streams a whole answer, for any model, and says that it is a recording" {
	request 1 POST '/v1/messages?beta=true' '{"model":"claude-x","stream":true}' >in.rec
	lb-replay "$ROOT/examples/recorded.replay" <in.rec | payloads >got
	sed -n 's/^data: //p' got >data
	sed -n 's/^event: //p' got >events
	jq -r .type data >types
	same events types
	[ "$(grep -v 'content_block_delta\|ping' types | tr '\n' ,)" = \
		message_start,content_block_start,content_block_stop,message_delta,message_stop, ]
	jq -js 'map(.delta.text // empty) | add' data >text
	grep -q "^This is a recorded answer from lb-replay, not a model's: set MINIMAX_API_KEY, .* LB_CONFIG.*claude-x" text
	request 1 POST /v1/messages '{"model":"claude-x"}' | lb-replay "$ROOT/examples/recorded.replay" | payloads >got
	jq -e '.model == "claude-x" and .stop_reason == "end_turn" and .usage.output_tokens > 0' got
	[ "$(jq -r '.content[0].text' got)" = "$(cat text)" ]
	{
		request 1 POST /v1/messages/count_tokens '{}'
		request 2 GET /v1/models
		request 3 POST /v1/chat/completions '{}'
	} | lb-replay "$ROOT/examples/recorded.replay" | tee out | payloads | jq -s -e \
		'.[0].input_tokens > 0 and .[1].data[0].id == "recorded" and .[2].error.type == "not_found_error"'
	records <out | jq -s -e 'map(select(.type == "head").status) == [200, 200, 404]'
}

@test "every fault script of the fixtures is one, and answers with what its name says" {
	request 1 POST /v1/messages '{"model":"m","stream":true}' >in.rec
	for script in "$FIXTURES"/replay/*.replay; do
		lb-replay "$script" </dev/null || { echo "# $script"; return 1; }
	done
	fault() { lb-replay "$FIXTURES/replay/$1.replay" <in.rec; }
	fault good | payloads | sed -n 's/^data: //p' | jq -s -e 'map(.type)[0, -1] | . == "message_start" or . == "message_stop"'
	fault 429-retry-after | head -n 1 | jq -e '.status == 429 and .headers["retry-after"] == "7"'
	fault bom | payloads | head -c 3 | cmp - <(printf '\xef\xbb\xbf')
	fault crlf | payloads | python3 -c 'import sys; s = sys.stdin.buffer.read(); assert s.count(b"\n") == s.count(b"\r\n") > 9'
	fault cr | payloads | python3 -c 'import sys; s = sys.stdin.buffer.read(); assert s.count(b"\r") > 9 and b"\n" not in s'
	fault cut-mid-utf8 | payloads | tail -c 1 | cmp - <(printf '\xc3')
	fault bigints | payloads | grep -q 'id\\": 12345678901234567890.*"seen":9007199254740993'
	fault ndjson | payloads | jq -s -e '.[0].type == "message_start"'
	fault reset-mid-event | tail -n 1 | jq -e '.reset'
	[ "$(fault big | payloads | wc -c)" -gt 10000000 ]
}
