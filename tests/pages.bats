#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The pages, against the programs.

load helper

setup() {
	common_setup
	cd "$ROOT"
}
teardown() { common_teardown; }

# The options that a program's --help has a line for, one a line.
options_of_help() {
	"$1" --help | sed -nE 's/^ +(-[[:alnum:]])?(, )?(--[a-z0-9-]+)?([ =].*)?$/\1\n\3/p' | grep '^-' | sort -u
}

# The options that a page lists.
options_of_page() {
	grep '^\.It Fl ' "$1" | grep -oE 'Fl [-[:alnum:]]+' | sed 's/Fl /-/' | sort -u
}

@test "every page is clean" {
	command -v mandoc >/dev/null || skip "mandoc is missing"
	for page in man/*; do
		run mandoc -Tlint -W warning "$page"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	# And mandoc is asked rightly: it does find a mistake.
	sed 's/^\.Sh NAME/.Sh NAMED/' man/lb.1 >"$T/bad.1"
	run mandoc -Tlint -W warning "$T/bad.1"
	[ "$status" -ne 0 ]
}

@test "every program has a page, with the options that it has" {
	for source in cmd/*.c; do
		program=$(basename "$source" .c)
		[ -f "man/$program.1" ] || { echo "man/$program.1 is missing"; return 1; }
		options_of_help "$program" >"$T/help"
		options_of_page "man/$program.1" >"$T/page"
		echo "$program: the options of --help and of its page"
		same "$T/help" "$T/page"
		[ "$(grep -c . "$T/help")" -ge 2 ]
	done
}

@test "every option of the help is taken, and no other" {
	for source in cmd/*.c; do
		program=$(basename "$source" .c)
		run "$program" --help
		[ "$status" -eq 0 ]
		[[ $output == "usage: $program"* ]]
		run "$program" --version
		[ "$status" -eq 0 ]
		[[ $output == "$program "[0-9]*.[0-9]*.[0-9]* ]]
		run "$program" --no-such-option </dev/null
		[ "$status" -eq 100 ]
		for option in $(options_of_help "$program"); do
			# getopt names one that is unknown. The second word keeps the program from serving: it is unknown, or a
			# bad argument.
			run timeout 10 "$program" "$option" --no-such-option </dev/null
			[[ $output != *"option '$option'"* && $output != *"invalid option"* ]]
		done
	done
}

@test "a failed write of the help is no success" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	for source in cmd/*.c; do
		program=$(basename "$source" .c)
		for option in --help --version; do
			code=0
			"$program" "$option" >/dev/full 2>"$T/err" || code=$?
			[ "$code" -eq 111 ] || { echo "$program $option: $code"; return 1; }
		done
	done
}

# Else what the program opens first would be taken for it.
@test "a standard descriptor that is closed fails as such" {
	for source in cmd/*.c; do
		code=0
		"$(basename "$source" .c)" --help >&- 2>"$T/err" || code=$?
		[ "$code" -eq 111 ] || { echo "$source: $code"; return 1; }
		[[ $(cat "$T/err") == *"unable to write the output: Bad file descriptor" ]]
	done
	echo '{"providers":{"p":{"base_url":"http://127.0.0.1:1","dialect":"anthropic"}}}' >"$T/lb.json"
	for stage in lb-listen "lb-route -c $T/lb.json" "lb-fetch -c $T/lb.json" lb-sse "lb-replay examples/recorded.replay"; do
		code=0
		timeout 20 $stage <&- 2>"$T/err" || code=$?
		[ "$code" -eq 111 ] || { echo "$stage: $code"; return 1; }
		[[ $(cat "$T/err") == "${stage%% *}: fatal: unable to read "*": Bad file descriptor" ]]
	done
	# And nothing said on stderr goes into what was opened instead.
	start listen sh -c "exec lb-listen -l unix:$T/s -- lb-replay examples/recorded.replay 2>&-"
	wait_for 100 test -S "$T/s"
	[ "$(readlink "/proc/$PID/fd/2")" = /dev/null ]
}

@test "pages refer to pages that are there" {
	for reference in $(sed -nE 's/^\.Xr (lb[^ ]*) ([0-9]).*/\1.\2/p' man/* | sort -u); do
		[ -f "man/$reference" ] || { echo "man/$reference is missing"; return 1; }
	done
	for page in man/*; do
		name=$(basename "$page")
		grep -q "^\.Nm ${name%.*}$" "$page"
		grep -q '^\.Dd [A-Z][a-z]* [0-9]*, [0-9]*$' "$page"
		[ "${name%.*}" = lb ] || grep -q "^\.Xr lb 7" "$page" || { echo "$page does not refer to lb(7)"; return 1; }
	done
	# lb.7, the front page, refers to all of them.
	for page in man/*; do
		name=$(basename "$page")
		[ "$name" = lb.7 ] || grep -q "^\.Xr ${name%.*} ${name##*.}" man/lb.7 || { echo "lb.7: no $name"; return 1; }
	done
}

@test "the exit codes of the pages are those of the code" {
	for source in cmd/*.c; do
		page=man/$(basename "$source" .c).1
		for code in $(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh/s/^\.It \(Li \)\?\([0-9]*\)$/\2/p' "$page"); do
			case $code in
			0 | 1 | 100 | 101 | 111) ;;
			*) echo "$page: $code"; return 1 ;;
			esac
		done
	done
}
