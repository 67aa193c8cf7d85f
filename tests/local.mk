# tests: every test prints TAP. A Check program NAME is tests/NAME.c and one line here.
check_LIBRARIES += tests/libtest.a
tests_libtest_a_SOURCES = tests/tap_main.h tests/tap_main.c tests/sim_fixture.h tests/sim_fixture.c

check_PROGRAMS += tests/test_sim_differential
check_PROGRAMS += tests/test_sim_solver
check_PROGRAMS += tests/test_sim_engine
check_PROGRAMS += tests/test_sim_serve
check_PROGRAMS += tests/test_sim_bound
check_PROGRAMS += tests/test_sim_trees
check_PROGRAMS += tests/test_sim_routing
check_PROGRAMS += tests/test_sim_switch
check_PROGRAMS += tests/test_sim_packet
check_PROGRAMS += tests/test_topology_faults
check_PROGRAMS += tests/test_topology
check_PROGRAMS += tests/test_topology_galois
check_PROGRAMS += tests/test_topology_low_diameter
check_PROGRAMS += tests/test_topology_metrics
check_PROGRAMS += tests/test_topology_cost
check_PROGRAMS += tests/test_topology_copies
check_PROGRAMS += tests/test_topology_tables
check_PROGRAMS += tests/test_topo_simgrid
tests_test_topo_simgrid_SOURCES = tests/test_topo_simgrid.cpp
tests_test_topo_simgrid_LDADD = $(SIMGRID_LIBS)
check_PROGRAMS += tests/test_base_units
check_PROGRAMS += tests/test_base_rng
check_PROGRAMS += tests/test_base_arena
check_PROGRAMS += tests/test_base_diag
check_PROGRAMS += tests/test_base_outfile
check_PROGRAMS += tests/test_base_cfg
check_PROGRAMS += tests/test_base_schema
tests_test_base_cfg_SOURCES = tests/test_base_cfg.c tests/cfg_example.h
check_PROGRAMS += tests/test_hw_formats
check_PROGRAMS += tests/test_hw_kernels
check_PROGRAMS += tests/test_models_opgraph
check_PROGRAMS += tests/test_models_routing
check_PROGRAMS += tests/test_models_experts
check_PROGRAMS += tests/test_models_single
check_PROGRAMS += tests/test_models_serving
check_PROGRAMS += tests/test_infer
check_PROGRAMS += tests/test_models_blocks
check_PROGRAMS += tests/test_models_deepep
check_PROGRAMS += tests/test_models_collectives
check_PROGRAMS += tests/test_models_chunk
check_PROGRAMS += tests/test_models_schedules
check_PROGRAMS += tests/test_models_train
check_PROGRAMS += tests/test_models_chunk_kernels
check_PROGRAMS += tests/test_models_replay
tests_test_models_replay_SOURCES = tests/test_models_replay.c tests/replay_fixture.c \
	tests/replay_fixture.h

check_PROGRAMS += tests/test_scenario
check_PROGRAMS += tests/test_claims
check_PROGRAMS += tests/test_proposals
check_PROGRAMS += tests/test_models_reliability
check_PROGRAMS += tests/test_io_writers
check_PROGRAMS += tests/test_study_sweep
check_PROGRAMS += tests/test_io_trace
check_PROGRAMS += tests/test_io_trace_real

dist_check_SCRIPTS += tests/check_includes.sh
dist_check_SCRIPTS += tests/format.sh
dist_check_SCRIPTS += tests/house.sh
dist_check_SCRIPTS += tests/scenario_cli.sh
dist_check_SCRIPTS += tests/train_cli.sh
dist_check_SCRIPTS += tests/claims_cli.sh
dist_check_SCRIPTS += tests/figures_cli.sh
dist_check_SCRIPTS += tests/reproduce_cli.sh
dist_check_SCRIPTS += tests/replay_cli.sh
dist_check_SCRIPTS += tests/report_cli.sh
EXTRA_DIST += tests/report_browser.mjs
dist_check_SCRIPTS += tests/collective_cli.sh tests/comm_cli.sh
dist_check_SCRIPTS += tests/bad_input_cli.sh
dist_check_SCRIPTS += tests/run_cli.sh
dist_check_SCRIPTS += tests/routing_cli.sh
EXTRA_DIST += tests/timeline_check.py
dist_check_SCRIPTS += tests/doc_commands.sh
dist_check_SCRIPTS += tests/completion_cli.sh
dist_check_SCRIPTS += tests/install_cli.sh
dist_check_SCRIPTS += tests/dist_cli.sh
dist_check_SCRIPTS += tests/man_cli.sh
dist_check_SCRIPTS += tests/trace_cli.sh
dist_check_SCRIPTS += tests/topo_cli.sh
dist_check_SCRIPTS += tests/formats_cli.sh
dist_check_SCRIPTS += tests/hopper_cli.sh
dist_check_SCRIPTS += tests/kernels_cli.sh
dist_check_SCRIPTS += tests/train_kernels_cli.sh
dist_check_SCRIPTS += tests/model_cli.sh
dist_check_SCRIPTS += tests/outputs_cli.sh
dist_check_SCRIPTS += tests/tpot_cli.sh
dist_check_SCRIPTS += tests/proposals_cli.sh
dist_check_SCRIPTS += tests/queueing_cli.sh
dist_check_SCRIPTS += tests/sensitivity_cli.sh
EXTRA_DIST += tests/sensitivity.py tests/sensitivity.txt
dist_check_SCRIPTS += tests/experts_cli.sh
dist_check_SCRIPTS += tests/edge_cli.sh
dist_check_SCRIPTS += tests/serving_cli.sh
dist_check_SCRIPTS += tests/infer_cli.sh
dist_check_SCRIPTS += tests/compare_cli.sh
dist_check_SCRIPTS += tests/sweep_cli.sh
dist_check_SCRIPTS += tests/sweep_reliability.sh
dist_check_SCRIPTS += tests/slurm.sh
dist_check_SCRIPTS += tests/snakemake.sh
EXTRA_DIST += tests/cli.sh tests/schema_covers.py

include tests/fuzz/local.mk


TESTS = $(check_PROGRAMS) $(dist_check_SCRIPTS)
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	srcdir='$(abs_top_srcdir)'; export srcdir; \
	builddir='$(abs_top_builddir)'; export builddir; \
	MOESIM='$(abs_top_builddir)/moesim'; export MOESIM; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS;
