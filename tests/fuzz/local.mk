# tests/fuzz: a target NAME is fuzz_NAME.c with its kept inputs in corpus/NAME. `make check` replays
# them; `make fuzz` looks for new ones with clang, FUZZ_SECONDS for each target in FUZZ_TARGETS.
check_PROGRAMS += tests/fuzz/replay_units
tests_fuzz_replay_units_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_units.c
check_PROGRAMS += tests/fuzz/replay_cfg
tests_fuzz_replay_cfg_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_cfg.c
check_PROGRAMS += tests/fuzz/replay_trace
tests_fuzz_replay_trace_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_trace.c tests/fuzz/trace_checks.h
check_PROGRAMS += tests/fuzz/replay_scenario
tests_fuzz_replay_scenario_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_scenario.c

check_PROGRAMS += tests/fuzz/replay_fabric
tests_fuzz_replay_fabric_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_fabric.c tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_ibnetdiscover
tests_fuzz_replay_ibnetdiscover_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_ibnetdiscover.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_ib_tables
tests_fuzz_replay_ib_tables_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_ib_tables.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_slurm_conf
tests_fuzz_replay_slurm_conf_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_slurm_conf.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_slurm_yaml
tests_fuzz_replay_slurm_yaml_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_slurm_yaml.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_infragraph
tests_fuzz_replay_infragraph_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_infragraph.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_nccl_topo
tests_fuzz_replay_nccl_topo_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nccl_topo.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_lstopo
tests_fuzz_replay_lstopo_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_lstopo.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_nvidia_smi_topo
tests_fuzz_replay_nvidia_smi_topo_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nvidia_smi_topo.c tests/fuzz/fabric_format.h tests/fuzz/fabric_checks.h
check_PROGRAMS += tests/fuzz/replay_network
tests_fuzz_replay_network_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_network.c

check_PROGRAMS += tests/fuzz/replay_chakra
tests_fuzz_replay_chakra_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_chakra.c

check_PROGRAMS += tests/fuzz/replay_nsight
tests_fuzz_replay_nsight_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_nsight.c tests/fuzz/trace_checks.h

check_PROGRAMS += tests/fuzz/replay_model
tests_fuzz_replay_model_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_model.c

check_PROGRAMS += tests/fuzz/replay_floats
tests_fuzz_replay_floats_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_floats.c

check_PROGRAMS += tests/fuzz/replay_rows
tests_fuzz_replay_rows_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_rows.c

check_PROGRAMS += tests/fuzz/replay_requests
tests_fuzz_replay_requests_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_requests.c

check_PROGRAMS += tests/fuzz/replay_kernels
tests_fuzz_replay_kernels_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_kernels.c

check_PROGRAMS += tests/fuzz/replay_json_expr
tests_fuzz_replay_json_expr_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_json_expr.c

check_PROGRAMS += tests/fuzz/replay_proposals
tests_fuzz_replay_proposals_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_proposals.c
check_PROGRAMS += tests/fuzz/replay_sweep
tests_fuzz_replay_sweep_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_sweep.c
check_PROGRAMS += tests/fuzz/replay_result
tests_fuzz_replay_result_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_result.c

FUZZ_TARGETS = sweep result units cfg trace chakra nsight fabric ibnetdiscover ib_tables slurm_conf slurm_yaml infragraph nccl_topo lstopo \
	nvidia_smi_topo network scenario model floats rows requests kernels json_expr proposals
FUZZ_SECONDS = 60
# limits are smaller there, or inputs of few words that mean millions of things would be all that it tries
FUZZ_FLAGS = -std=gnu11 -g -O1 -fno-sanitize-recover=all -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION $(DEFS) -I. $(AM_CPPFLAGS)
FUZZ_LIBS = $(SIMGRID_LIBS) $(GSL_LIBS) $(CJSON_LIBS) $(YAML_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS) $(EXPAT_LIBS) $(MD_LIBS) -lstdc++ -lm
fuzz: config.h $(BUILT_SOURCES)
	@test -n "$(CLANG)" || { echo "make fuzz needs clang: apt-get install clang"; exit 1; }
	@rm -rf tests/fuzz/objects; $(MKDIR_P) tests/fuzz/found tests/fuzz/objects
	@echo "compiling the library with $(CLANG)"; \
	for s in $(libmoesim_a_SOURCES) $(nodist_libmoesim_a_SOURCES); do \
	  object=tests/fuzz/objects/`echo $$s | tr / _`.o; \
	  test -f $$s || s=$(srcdir)/$$s; \
	  case $$s in \
	  *.c) $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
	    -c $$s -o $$object || exit 1;; \
	  *.cpp) $(CXX) -std=gnu++17 -g -O1 $(DEFS) -I. $(AM_CPPFLAGS) -c $$s -o $$object || exit 1;; \
	  esac; \
	done
	$(AR) rc tests/fuzz/objects/lib.a tests/fuzz/objects/*.o
	for t in $(FUZZ_TARGETS); do \
	  $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined \
	    $(srcdir)/tests/fuzz/fuzz_$$t.c tests/fuzz/objects/lib.a $(FUZZ_LIBS) \
	    -o tests/fuzz/fuzz_$$t && $(MKDIR_P) tests/fuzz/found/$$t && \
	  tests/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=tests/fuzz/found/ \
	    tests/fuzz/found/$$t $(srcdir)/tests/fuzz/corpus/$$t || exit 1; \
	done
.PHONY: fuzz
CLEANFILES += tests/fuzz/fuzz_units tests/fuzz/fuzz_cfg tests/fuzz/fuzz_trace \
	tests/fuzz/fuzz_scenario
clean-local:
	rm -rf tests/fuzz/objects tests/fuzz/found
