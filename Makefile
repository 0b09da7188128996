# SPDX-License-Identifier: MIT
# The targets are explained by `make help`. SANITIZE=1 builds everything again under ASan and UBSan, into build/sanitize/.

CC ?= cc
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
FUZZ_SECONDS ?= 20
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
WERROR = -Werror
FORTIFY = $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDENING = -fstack-protector-strong -fPIE $(FORTIFY)
HARDENING_LD = -pie -Wl,-z,relro -Wl,-z,now
OUT = build
BIN = bin
ifdef SANITIZE
OUT = build/sanitize
BIN = $(OUT)/bin
CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
HARDENING = -fPIE
HARDENING_LD = -pie
endif
ifdef FUZZ
OUT = build/fuzz
CC = clang
CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
HARDENING =
HARDENING_LD = -fsanitize=fuzzer
endif
LB_CFLAGS = -std=c11 -D_GNU_SOURCE -Ilib $(WARNINGS) $(WERROR) $(CFLAGS) $(HARDENING) $(CPPFLAGS)
LB_LDFLAGS = $(CFLAGS) $(HARDENING_LD) -Wl,--as-needed $(LDFLAGS)
# Each program gets only those it uses: linking libcurl alone costs 6 ms at start.
LB_LIBS = -lcurl -lcjson -lev -lm

LIB_SOURCES = $(wildcard lib/*/*.c)
LIB_OBJECTS = $(LIB_SOURCES:%.c=$(OUT)/%.o)
LIBRARY = $(OUT)/liblb.a
PROGRAMS = $(patsubst cmd/%.c,$(BIN)/%,$(wildcard cmd/*.c))
UNIT_TESTS = $(patsubst tests/unit/%.c,$(OUT)/tests/unit/%,$(wildcard tests/unit/*.c))
TEST_TOOLS = $(patsubst tests/tools/%.c,$(OUT)/tests/tools/%,$(wildcard tests/tools/*.c))
BENCH_TOOLS = $(addprefix $(OUT)/tests/bench/,load provider micro)
FUZZERS = $(patsubst tests/fuzz/%.c,$(OUT)/tests/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))
BUILD = @$(MAKE) --no-print-directory $(PARALLEL)
DEPS = @CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)' tests/deps

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test test-all test-programs bench bench-programs fuzz fuzz-programs install install-files uninstall clean help FORCE

all: $(PROGRAMS)

help:
	@echo 'make all        build the programs into bin/; installs nothing'
	@echo 'make run        install what is missing, build, and serve on http://127.0.0.1:9000 (ARGS=... for lb)'
	@echo 'make test       install what is missing, build, and run the tests (SANITIZE=1: under ASan and UBSan;'
	@echo '                TESTS="tests/lb.bats json_test": only those)'
	@echo 'make test-all   both kinds of make test, with more of the tests that draw lots, then make fuzz, and a build by clang'
	@echo 'make fuzz       run each fuzzer for FUZZ_SECONDS ($(FUZZ_SECONDS)); needs clang'
	@echo 'make bench      compare lb with nginx and HAProxy where those are installed, in 4 minutes; QUICK=1: in 40 s'
	@echo 'make install    into PREFIX ($(PREFIX)), below DESTDIR if that is set'
	@echo 'make uninstall  remove exactly that'
	@echo 'make clean      remove build/ and bin/'

run:
	$(DEPS) run
	$(BUILD) all
	@exec $(BIN)/lb --demo $(ARGS)

test:
	$(DEPS) test
	$(BUILD) test-programs
	@OUT=$(OUT) BIN=$(BIN) tests/run $(TESTS)

test-all:
	@MUTATIONS=100000 $(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test SANITIZE=1
	@$(MAKE) --no-print-directory fuzz
	$(BUILD) test-programs CC=clang OUT=build/clang BIN=build/clang/bin

test-programs: all $(UNIT_TESTS) $(TEST_TOOLS) $(BENCH_TOOLS) $(FUZZERS)

bench:
	$(DEPS) test
	$(BUILD) bench-programs
	@OUT=$(OUT) BIN=$(BIN) tests/bench/run $(if $(QUICK),--quick) $(ARGS)

bench-programs: all $(BENCH_TOOLS)

fuzz:
	$(DEPS) fuzz
	$(BUILD) fuzz-programs FUZZ=1
	@set -e; for fuzzer in build/fuzz/tests/fuzz/*_fuzz; do \
		echo "$${fuzzer##*/}: $(FUZZ_SECONDS) s"; \
		mkdir -p build/fuzz/corpus/$${fuzzer##*/}; \
		seeds=tests/fuzz/seeds/$${fuzzer##*/}; seeds=$${seeds%_fuzz}; [ -d "$$seeds" ] || seeds=; \
		words=tests/fuzz/$${fuzzer##*/}; words=$${words%_fuzz}.dict; [ -f "$$words" ] || words=; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ -print_final_stats=1 $${words:+-dict=$$words} \
			build/fuzz/corpus/$${fuzzer##*/} $$seeds >$$fuzzer.log 2>&1 || { tail -60 $$fuzzer.log; exit 1; }; \
		grep executed $$fuzzer.log; \
	done

fuzz-programs: $(FUZZERS)

# What was built with other flags is built again; and before the first build the machine is looked at, since a compiler's
# word for a missing header names no package.
FLAGS = $(CC) $(LB_CFLAGS) $(LB_LDFLAGS)
$(OUT)/flags: FORCE
	@if [ "$$(cat $@ 2>/dev/null)" != '$(FLAGS)' ]; then \
		mkdir -p $(@D) && \
		{ CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)' tests/deps check || \
			{ echo '`make run` and `make test` install them where they can' >&2; exit 100; }; } && \
		echo '$(FLAGS)' >$@; \
	fi

$(LIBRARY): $(LIB_OBJECTS)
	@echo '  AR    $@'
	@rm -f $@
	@$(AR) rcs $@ $^

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo '  CC    $@'
	@$(CC) $(LB_CFLAGS) -MMD -MP -c -o $@ $<

$(PROGRAMS): $(BIN)/%: $(OUT)/cmd/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(LB_LDFLAGS) -o $@ $< $(LIBRARY) $(LB_LIBS)

$(OUT)/tests/%: $(OUT)/tests/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(LB_LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARY) $(LB_LIBS)

$(OUT)/tests/bench/load: $(OUT)/tests/bench/answer.o
ifndef FUZZ
# Without libFuzzer they run their seeds.
$(FUZZERS): $(OUT)/tests/fuzz/replay.o
endif

# A removed source must not live on in the library.
$(LIBRARY): $(OUT)/sources
$(OUT)/sources: FORCE
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(LIB_SOURCES)' ] || echo '$(LIB_SOURCES)' >$@

# Installing. Everything installed is named here, so that uninstall removes exactly that.
I = $(DESTDIR)$(PREFIX)
MAN_PAGES = $(wildcard man/*.[1-8])
SHARED = $(shell find examples -type f ! -name '*.in' ! -name '*.sysusers' 2>/dev/null)
UNITS = $(wildcard examples/systemd/*.service.in examples/systemd/*.socket.in)
INSTALLED = $(PROGRAMS:$(BIN)/%=bin/%) $(foreach page,$(MAN_PAGES),share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
	$(SHARED:examples/%=share/lb/%) $(patsubst examples/systemd/%.in,lib/systemd/system/%,$(UNITS)) \
	lib/sysusers.d/lb.conf

install: all install-files

# Without building, for the tests.
install-files:
	@set -e; put() { mkdir -p "$${3%/*}"; echo "  $$3"; install -m "$$1" "$$2" "$$3"; }; \
	for file in $(PROGRAMS:$(BIN)/%=%); do put 755 $(BIN)/$$file '$(I)'/bin/$$file; done; \
	for file in $(MAN_PAGES); do put 644 $$file '$(I)'/share/man/man$${file##*.}/$${file##*/}; done; \
	for file in $(SHARED:examples/%=%); do \
		if [ -x examples/$$file ]; then mode=755; else mode=644; fi; \
		put $$mode examples/$$file '$(I)'/share/lb/$$file; \
	done; \
	for file in $(notdir $(UNITS:.in=)); do \
		mkdir -p $(OUT)/units; \
		sed 's|@PREFIX@|$(PREFIX)|g' examples/systemd/$$file.in >$(OUT)/units/$$file; \
		put 644 $(OUT)/units/$$file '$(I)'/lib/systemd/system/$$file; \
	done; \
	put 644 examples/systemd/lb.sysusers '$(I)'/lib/sysusers.d/lb.conf

uninstall:
	@for file in $(INSTALLED); do echo "  rm $(I)/$$file"; rm -f '$(I)'/$$file; done
	@if [ -d '$(I)/share/lb' ]; then find '$(I)/share/lb' -depth -type d -exec rmdir {} + 2>/dev/null || true; fi

clean:
	rm -rf build bin

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
