# SPDX-License-Identifier: MIT
# Damaged streams through lb-sse (tests/tools/mutate.py). MUTATIONS is how many, SEED another run's seed.
load helper

setup() { common_setup; }
teardown() { common_teardown; }

@test "damaged streams: each answer comes out whole or ends in one error, and none is called whole that lost something" {
	mkdir -p "$LB_OUT/mutated"
	run python3 "$ROOT/tests/tools/mutate.py" ${SEED:+-s "$SEED"} -o "$LB_OUT/mutated" "${MUTATIONS:-5000}"
	echo "# ${lines[-1]}" >&3
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	# There were answers of every kind: each of them came out whole at times, and failed at times.
	for kind in stream sse-to-plain json-to-stream; do
		[[ $output == *"$kind: "*": whole: "* ]] && [[ $output == *"$kind: "*": "[es]*": "* ]]
	done
}

@test "the same seed makes the same streams" {
	for n in 1 2 3; do
		python3 "$ROOT/tests/tools/mutate.py" -s 7 -n $n >"$T/first"
		python3 "$ROOT/tests/tools/mutate.py" -s 7 -n $n >"$T/again"
		cmp "$T/first" "$T/again"
		[ -s "$T/first" ]
	done
	run ! cmp -s "$T/first" <(python3 "$ROOT/tests/tools/mutate.py" -s 8 -n 3)
}

@test "what breaks the contract is found: a copy of the input in place of lb-sse, one that ends everything well" {
	mkdir "$T/bin"
	printf '#!/bin/sh\nexec grep -av "^{.type.: .open"\n' >"$T/bin/lb-sse"
	chmod +x "$T/bin/lb-sse"
	PATH=$T/bin:$PATH run python3 "$ROOT/tests/tools/mutate.py" -s 7 -o "$T" 300
	[ "$status" -eq 1 ]
	[ "$(ls "$T"/mutated-7-*.rec | wc -l)" -eq 20 ]
	# Such a file is one answer, and lb-sse makes of it what it should.
	for file in "$T"/mutated-7-*.rec; do
		lb-sse <"$file" | "$ROOT/tests/stream-check" -r
	done
	printf '#!/bin/sh\n"%s/lb-sse" | sed "s/\\(.type.:.end.*.result.:.\\)[a-z-]*/\\1complete/"\n' "$LB_BIN" >"$T/bin/lb-sse"
	PATH=$T/bin:$PATH run python3 "$ROOT/tests/tools/mutate.py" -s 7 -o "$T" 300
	[ "$status" -eq 1 ]
	[[ $output == *"its end says complete"* ]]
}
