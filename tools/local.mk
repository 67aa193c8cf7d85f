# tools: what developers run
EXTRA_DIST += tools/tap_summary

EXTRA_PROGRAMS += tools/bench/bench_flow
tools_bench_bench_flow_SOURCES = tools/bench/bench_flow.c
tools_bench_bench_flow_LDADD = $(moesim_libs)
bench: tools/bench/bench_flow
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_flow
.PHONY: bench
