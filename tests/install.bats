#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# make install and make uninstall.

load helper
setup() { common_setup; }
teardown() { common_teardown; }

# Installs what is built, not another build of it.
make_target() {
	make -s -C "$ROOT" --no-print-directory OUT="${LB_OUT#"$ROOT/"}" BIN="${LB_BIN#"$ROOT/"}" "$@"
}

@test "install puts everything below DESTDIR and PREFIX, and uninstall removes exactly that" {
	mkdir -p "$T/root/opt/lb/bin" "$T/root/opt/lb/share/lb"
	echo kept >"$T/root/opt/lb/bin/kept"
	echo kept >"$T/root/opt/lb/share/lb/kept"
	make_target install-files DESTDIR="$T/root" PREFIX=/opt/lb
	(cd "$T/root" && find . -type f | sort) >"$T/installed"
	for program in "$ROOT"/cmd/*.c; do
		name=$(basename "$program" .c)
		[ "$(stat -c %a "$T/root/opt/lb/bin/$name")" = 755 ]
	done
	for page in "$ROOT"/man/*; do
		[ "$(stat -c %a "$T/root/opt/lb/share/man/man${page##*.}/$(basename "$page")")" = 644 ]
	done
	[ -f "$T/root/opt/lb/share/lb/recorded.replay" ]
	[ -f "$T/root/opt/lb/lib/sysusers.d/lb.conf" ]
	grep -q '^ExecStart=/opt/lb/bin/lb --access-log stderr$' "$T/root/opt/lb/lib/systemd/system/lb.service"
	run grep -rl '@PREFIX@' "$T/root"
	[ -z "$output" ]
	# Nothing outside PREFIX, and nothing that names where it was staged.
	[ "$(grep -vc '^\./opt/lb/' "$T/installed")" -eq 0 ]
	run grep -rlI "$T" "$T/root"
	[ -z "$output" ]

	make_target uninstall DESTDIR="$T/root" PREFIX=/opt/lb
	[ "$(cd "$T/root" && find . -type f | sort)" = "./opt/lb/bin/kept
./opt/lb/share/lb/kept" ]
	[ "$(ls "$T/root/opt/lb/share/lb")" = kept ]
}

@test "an installed lb finds its programs and its recording" {
	make_target install-files PREFIX="$T/lb"
	port=$(free_port)
	PATH=/usr/bin:/bin start lb "$T/lb/bin/lb" --demo -l "127.0.0.1:$port"
	wait_for 100 listening "$port"
	curl -sS "http://127.0.0.1:$port/v1/messages" -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \
		-d '{"model":"any","max_tokens":9,"messages":[]}' >"$T/answer"
	jq -e '.content[0].text | contains("recorded")' "$T/answer"
}

@test "make all installs nothing, and says which packages have what is missing" {
	cat >"$T/cc" <<-'END'
		#!/bin/sh
		exit 1
	END
	chmod +x "$T/cc"
	run make -C "$ROOT" CC="$T/cc" OUT="$T/build" BIN="$T/bin" all
	[ "$status" -ne 0 ]
	[[ $output == *"Debian, Ubuntu:  apt-get install"*libcurl4-openssl-dev* ]]
	[[ $output == *"Fedora:"*libcurl-devel*Arch:*curl*Alpine:*curl-dev*Homebrew:*cjson* ]]
	[[ $output == *'`make run` and `make test` install them'* ]]
	[[ $output != *"+ "* ]]
}

@test "other flags build again, the same flags do not" {
	flags="OUT=$T/build BIN=$T/bin"
	make -s -C "$ROOT" $flags "$T/build/lib/base/num.o"
	run make -C "$ROOT" $flags "$T/build/lib/base/num.o"
	[[ $output != *"CC "* ]]
	run make -C "$ROOT" $flags CFLAGS=-O1 "$T/build/lib/base/num.o"
	[ "$status" -eq 0 ]
	[[ $output == *"CC "*num.o* ]]
}

# deps on a machine where sudo would ask for a password: it says what to install, and asks nothing.
@test "deps asks for no password without a terminal" {
	mkdir "$T/bin"
	printf '#!/bin/sh\nexit 1\n' >"$T/bin/cc"
	printf '#!/bin/sh\necho 1000\n' >"$T/bin/id"
	printf '#!/bin/sh\necho "sudo $*" >>"%s/sudo"\n[ "$1" != -n ] || exit 1\n' "$T" >"$T/bin/sudo"
	printf '#!/bin/sh\necho "apt-get $*" >>"%s/apt"\n' "$T" >"$T/bin/apt-get"
	chmod +x "$T/bin"/*
	PATH=$T/bin:$PATH run "$ROOT/tests/deps" run </dev/null
	[ "$status" -eq 100 ]
	[ "$(sort -u "$T/sudo")" = "sudo -n true" ]
	[ ! -e "$T/apt" ]
}

# And where it may install: the command is shown first, and installs what is missing only.
@test "deps shows the command before it installs" {
	mkdir "$T/bin"
	cat >"$T/bin/cc" <<-'END'
		#!/bin/sh
		for word; do case $word in *.c) source=$word ;; esac; done
		! grep -q 'ev\.h' "$source" || [ -e "${0%/*}/installed" ]
	END
	printf '#!/bin/sh\necho 0\n' >"$T/bin/id"
	printf '#!/bin/sh\nexit 0\n' >"$T/bin/apt-cache"
	printf '#!/bin/sh\nexit 1\n' >"$T/bin/dpkg-query"
	cat >"$T/bin/apt-get" <<-'END'
		#!/bin/sh
		echo "apt-get got: $*"
		touch "${0%/*}/installed"
	END
	chmod +x "$T/bin"/*
	SSL_CERT_FILE=/any PATH=$T/bin:$PATH run "$ROOT/tests/deps" run </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = "+ apt-get install -y --no-install-recommends libev-dev
apt-get got: install -y --no-install-recommends libev-dev" ]
	SSL_CERT_FILE=/any PATH=$T/bin:$PATH run "$ROOT/tests/deps" run </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
