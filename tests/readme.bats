#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The README's commands and what it shows of their output, its map, and the set-ups of clients.

load helper

setup() {
	common_setup
	README=$ROOT/README.md
	cd "$T"
}
teardown() { common_teardown; }

# The indented block that has the line `$ $1...`: its lines without the indentation.
block() {
	awk -v start="    \$ $1" '
		/^    / || (/^$/ && inside) { lines[n++] = substr($0, 5); if (index($0, start) == 1) found = 1; inside = 1; next }
		{ if (found) exit; n = 0; inside = 0 }
		END { if (found) for (i = 0; i < n; i++) print lines[i] }' "$README"
}

# Whether $1's lines come in that order in $2: `...` alone stands for any lines, at a line's end for its rest.
shows() {
	python3 - "$1" "$2" <<-'END'
		import sys
		shown, real = ([line.rstrip("\n") for line in open(name)] for name in sys.argv[1:])
		at, free = 0, False
		for want in shown:
		    if want == "...":
		        free = True
		        continue
		    rest = want.endswith(" ...")
		    same = lambda line: line.startswith(want[:-4]) if rest else line == want
		    while at < len(real) and free and not same(real[at]):
		        at += 1
		    if at == len(real) or not same(real[at]):
		        sys.exit(f"shown but not there: {want}\nthere: {real[at] if at < len(real) else 'the end'}")
		    at, free = at + 1, False
	END
}

@test "make run and the first request give what the first screen shows" {
	run make -n -C "$ROOT" run
	[[ $output == *"tests/deps run"*"exec "*"bin/lb --demo"* ]]
	port=$(free_port)
	start run lb --demo -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	block 'make run' | sed -e '1d' -e '/^$/d' >shown
	sed "s/127.0.0.1:$port/127.0.0.1:9000/" "$T/run.err" >real
	shows shown real

	block 'curl -N' >curl
	# The command goes on while its lines end with a backslash.
	awk '{ print } !/\\$/ { exit }' curl | sed -e 's/^\$ //' -e "s/localhost:9000/127.0.0.1:$port/" >command
	awk 'past { print } !/\\$/ { past = 1 }' curl | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >shown
	[ "$(grep -c . shown)" -gt 8 ]
	bash ./command >real 2>/dev/null
	shows shown real
	# The check can fail.
	echo 'event: never' >>shown
	run shows shown real
	[ "$status" -ne 0 ]
}

@test "the configuration shown means what is shown" {
	block 'cat lb.json' >all
	sed '1d; /^\$ bin\/lb -c lb.json check/,$d' all >lb.json
	sed '1,/^\$ bin\/lb -c lb.json check/d; /^\$ /,$d' all >want
	lb -c lb.json check >got
	same want got
	# And serves.
	grep -qx '\$ bin/lb -c lb.json -l 127.0.0.1:9000' all
	port=$(free_port)
	start lb lb -c lb.json -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	curl -sSf "http://127.0.0.1:$port/v1/models" | jq -e '.data | length > 0'
}

@test "the test commands are what CI runs" {
	block 'make test' | sed -n 's/^\$ //p' >shown
	sed -n '/^[^#]*make/s/ && /\n/gp' "$ROOT/.ci/run" >run
	[ -s shown ]
	same shown run
}

@test "targets that are named exist" {
	for target in $(grep -oE '\bmake [a-z][a-z-]*' "$README" | cut -d' ' -f2 | sort -u); do
		make -n -C "$ROOT" "$target" >/dev/null || { echo "make $target"; return 1; }
	done
}

@test "links lead somewhere" {
	for path in $(grep -oE '\]\([^)#]*\)' "$README" | tr -d '()]' | grep -v '^http'); do
		[ -e "$ROOT/$path" ] || { echo "$path is missing"; return 1; }
	done
}

@test "the map has every folder, and no other" {
	sed -n 's/^| `\([a-z/]*\)\/` |.*/\1/p' "$README" | sort >shown
	(cd "$ROOT" && ls -d cmd lib/*/ man tests examples | sed 's|/$||' | sort) >there
	same there shown
}

@test "the set-ups of clients are well-formed" {
	sh -n "$ROOT/examples/clients/claude-code.sh"
	jq -e '.provider.anthropic.options.baseURL == "http://localhost:9000/v1"' "$ROOT/examples/clients/opencode.json"
	for file in "$ROOT"/examples/clients/*.py; do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$file"
	done
}

@test "the set-up of Claude Code starts it with lb's address" {
	mkdir bin
	printf '#!/bin/sh\necho "$ANTHROPIC_BASE_URL $ANTHROPIC_AUTH_TOKEN $*"\n' >bin/claude
	chmod +x bin/claude
	PATH=$PWD/bin:$PATH run "$ROOT/examples/clients/claude-code.sh" -p hello
	[ "$output" = "http://localhost:9000 unused -p hello" ]
}
