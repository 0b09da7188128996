# SPDX-License-Identifier: MIT
# The faults of providers that gateways get wrong, each played through the real programs: tests/fixtures/faults.want says
# what the client has to get, tests/tools/faults.py plays them all, and here each kind is a test, with its part of the table.
load helper

setup_file() {
	python3 "$BATS_TEST_DIRNAME/tools/faults.py" -v "$BATS_FILE_TMPDIR" >"$BATS_FILE_TMPDIR/table" \
		2>"$BATS_FILE_TMPDIR/err" || { tail -30 "$BATS_FILE_TMPDIR/err" >&2; return 1; }
}

# line NUMBER LEAST: that part of the table, which has at least so many lines, and none that failed.
line() {
	local table=$BATS_FILE_TMPDIR/table
	awk -F '\t' -v n="$1" '$2 == n { print "# " $2 ". " ($1 == "ok" ? "" : $1 ": ") $3 }' "$table" >&3
	awk -F '\t' -v n="$1" '$2 == n && $1 == "not ok" { print $3; bad = 1 } END { exit bad }' "$table"
	[ "$(awk -F '\t' -v n="$1" '$2 == n && $1 == "ok"' "$table" | wc -l)" -ge "$2" ]
}

@test "1. no connection, no head, no body: the next provider answers, unseen" { line 1 11; }
@test "2. an error status, with JSON, HTML or nothing: the next provider answers, unseen" { line 2 15; }
@test "3. 200 without content: an error, a page, a message_start and no more: the next provider answers, unseen" { line 3 20; }
@test "4. errors in JSON: the next provider answers where it may do better, and is not asked where it cannot" { line 4 10; }
@test "5. broken off in the middle, by close, reset, silence or end: one error, last, and no clean end" { line 5 20; }
@test "6. an error, something malformed or something behind the end among good events" { line 6 11; }
@test "7. chunks without the last, a length that is wrong" { line 7 4; }
@test "8. framing: the dialect's own, whatever came" { line 8 14; }
@test "9. the wrong kind of answer: JSON for a stream, a stream for none, gzip" { line 9 15; }
@test "10. blocks, deltas, usage and the ends of them: whole, or one error" { line 10 44; }
@test "11. numbers, size and depth stay as they are" { line 11 8; }
@test "12. thinking of another provider: asked once more without it, and not a third time" { line 12 2; }
@test "13. the client gone, the provider's connection is closed within 100 ms, and nobody else is asked" { line 13 6; }
@test "in the records each answer has one head and one end, which says what it is" { line records 2; }
