#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the sources have to keep to, as far as a grep can see it.

load helper

setup() {
	common_setup
	cd "$ROOT"
}
teardown() { common_teardown; }

# The lines of C that match an extended regular expression, without comments and strings.
code_with() {
	local pattern=$1 file
	shift
	for file; do
		sed -E 's/"([^"\\]|\\.)*"/""/g; s|/\*.*\*/||g; s|^[[:space:]]*/?\*.*||' "$file" |
			grep -nE "$pattern" | sed "s|^|$file:|"
	done
	true
}

none() {
	[ -z "$1" ] || { echo "$1"; return 1; }
}

@test "no call that cannot be bounded or checked" {
	found=$(code_with '(^|[^_[:alnum:]])(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|sscanf|fscanf|strtok|strto(l|ul|ll|ull|d)|ato[ilf]|gets|alloca|system|popen|tmpnam|mktemp)[[:space:]]*\(' \
		lib/*/*.[ch] cmd/*.c)
	none "$found"
}

@test "read and write stand in one file" {
	found=$(code_with '(^|[^_[:alnum:]>.])(read|write|recv|send|readv|writev|fread|fgets|getline)[[:space:]]*\(' \
		$(ls lib/*/*.c cmd/*.c | grep -v '^lib/base/io\.c$'))
	none "$found"
	[ -n "$(code_with '[^_[:alnum:]](read|write)\(' lib/base/io.c)" ]
}

# Under inetd descriptor 2 is the client's socket: only lib/base/diag.c knows where diagnostics go then.
@test "only the diagnostics write to stderr" {
	found=$(code_with '\b(stderr|perror)\b|[a-z_]\((2|STDERR_FILENO), ' $(ls lib/*/*.c cmd/*.c | grep -v '^lib/base/diag\.c$'))
	none "$found"
}

@test "each source says its licence in one line" {
	for file in $(ls lib/*/*.[ch] cmd/*.c tests/*/*.[ch] tests/*.bats tests/run tests/deps tests/helper.bash Makefile man/* \
		.ci/run examples/systemd/*); do
		head -2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$file"; return 1; }
	done
}

# A folder of lib/ and what it may include besides itself and base. cmd/ may include all.
arrows='base:
http:
record:
health:
config:
front:
stream: record
replay: record
route: config health record
upstream: config record stream health
guard:
edge: config http record'

@test "includes between folders follow the arrows" {
	for folder in lib/*/; do
		name=$(basename "$folder")
		allowed=$(echo "$arrows" | sed -n "s/^$name://p")
		echo "$arrows" | grep -q "^$name:" || { echo "lib/$name is new: give it a line in tests/style.bats"; return 1; }
		for included in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$folder"*.[ch] | sort -u); do
			case " $name base $allowed " in
			*" $included "*) ;;
			*)
				echo "lib/$name includes $included"
				return 1
				;;
			esac
		done
	done
	# base stands on nothing.
	none "$(grep -n '^#include "' lib/base/*.[ch] | grep -v '"base/')"
}

@test "only lb-fetch is linked with libcurl" {
	command -v readelf >/dev/null || skip "readelf is missing"
	for program in "$LB_BIN"/*; do
		[ "${program##*/}" = lb-fetch ] && continue
		none "$(readelf -d "$program" | grep 'NEEDED.*libcurl')"
	done
	[ -n "$(readelf -d "$LB_BIN/lb-fetch" | grep 'NEEDED.*libcurl')" ]
}

# Lines of each function's body, from `{` to `}` in the first column.
function_lengths() {
	awk 'FNR == 1 { name = "" }
		/^[a-z_][a-z0-9_]*\(/ { name = $0 }
		/^{/ { start = FNR }
		/^}/ && start { print FNR - start - 1, FILENAME ": " name; start = 0 }' lib/*/*.c cmd/*.c
}

@test "functions are short" {
	long=$(function_lengths | awk '$1 > 60')
	[ -z "$long" ] || echo "# over 60 lines: $long" >&3
	none "$(function_lengths | awk '$1 > 70')"
	# The measure itself: there are functions, and half of them are under 20 lines.
	[ "$(function_lengths | wc -l)" -gt 100 ]
	[ "$(function_lengths | awk '$1 < 20' | wc -l)" -gt "$(($(function_lengths | wc -l) / 2))" ]
}

@test "a program is options, an order of start-up, and one loop" {
	none "$(wc -l cmd/*.c | awk '$2 != "total" && $1 > 310')"
}

@test "every header can be read and included alone" {
	for header in lib/*/*.h; do
		printf '#include "%s"\n' "${header#lib/}" >"$T/alone.c"
		${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Ilib -fsyntax-only "$T/alone.c"
	done
}
