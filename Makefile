# SPDX-License-Identifier: MIT
# make run, make test: see README.md. SANITIZE=1 builds everything again under ASan and UBSan, into build/sanitize/.

CC ?= cc
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDENING = -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
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
LB_CFLAGS = -std=c11 -D_GNU_SOURCE -Ilib $(WARNINGS) $(CFLAGS) $(HARDENING)
LB_LDFLAGS = $(CFLAGS) $(HARDENING_LD) -Wl,--as-needed $(LDFLAGS)
# Each program gets only those it uses: linking libcurl alone costs 6 ms at start.
LB_LIBS = -lcurl -lcjson -lev -lm

LIB_SOURCES = $(wildcard lib/*/*.c)
LIB_OBJECTS = $(LIB_SOURCES:%.c=$(OUT)/%.o)
LIBRARY = $(OUT)/liblb.a
PROGRAMS = $(patsubst cmd/%.c,$(BIN)/%,$(wildcard cmd/*.c))
UNIT_TESTS = $(patsubst tests/unit/%.c,$(OUT)/tests/unit/%,$(wildcard tests/unit/*.c))
TEST_TOOLS = $(patsubst tests/tools/%.c,$(OUT)/tests/tools/%,$(wildcard tests/tools/*.c))

.DELETE_ON_ERROR:
.PHONY: all test-programs clean
all: $(PROGRAMS)
test-programs: all $(UNIT_TESTS) $(TEST_TOOLS)

$(LIBRARY): $(LIB_OBJECTS)
	@echo '  AR    $@'
	@rm -f $@
	@$(AR) rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $@'
	@$(CC) $(LB_CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(PROGRAMS): $(BIN)/%: $(OUT)/cmd/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(LB_LDFLAGS) -o $@ $< $(LIBRARY) $(LB_LIBS)

$(OUT)/tests/%: $(OUT)/tests/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	@$(CC) $(LB_LDFLAGS) -o $@ $< $(LIBRARY) $(LB_LIBS)

clean:
	rm -rf build bin

.SECONDARY:
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
