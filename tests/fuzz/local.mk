# tests/fuzz: a target NAME is fuzz_NAME.c with its kept inputs in corpus/NAME. `make check` replays
# them; `make fuzz` looks for new ones with clang, FUZZ_SECONDS for each target in FUZZ_TARGETS.
check_PROGRAMS += tests/fuzz/replay_units
tests_fuzz_replay_units_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_units.c
check_PROGRAMS += tests/fuzz/replay_cfg
tests_fuzz_replay_cfg_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_cfg.c

FUZZ_TARGETS = units cfg
FUZZ_SECONDS = 60
FUZZ_FLAGS = -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
fuzz:
	@test -n "$(CLANG)" || { echo "make fuzz needs clang: apt-get install clang"; exit 1; }
	@$(MKDIR_P) tests/fuzz/found
	for t in $(FUZZ_TARGETS); do \
	  $(CLANG) $(FUZZ_FLAGS) $(AM_CPPFLAGS) $(srcdir)/tests/fuzz/fuzz_$$t.c \
	    $(srcdir)/src/base/*.c $(GSL_LIBS) $(YAML_LIBS) $(ZLIB_LIBS) -lm \
	    -o tests/fuzz/fuzz_$$t && $(MKDIR_P) tests/fuzz/found/$$t && \
	  tests/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=tests/fuzz/found/ \
	    tests/fuzz/found/$$t $(srcdir)/tests/fuzz/corpus/$$t || exit 1; \
	done
.PHONY: fuzz
CLEANFILES += tests/fuzz/fuzz_units tests/fuzz/fuzz_cfg
