# tools: what developers run
EXTRA_DIST += tools/tap_summary tools/claims_record

# doc/VALIDATION.md, from all claims; `tools/claims_record` first where values of misses moved
validation: moesim
	./moesim claims -o $(top_srcdir)/doc/VALIDATION.md >/dev/null
.PHONY: validation

EXTRA_PROGRAMS += tools/bench/bench_flow
tools_bench_bench_flow_SOURCES = tools/bench/bench_flow.c
tools_bench_bench_flow_LDADD = $(moesim_libs)
bench: tools/bench/bench_flow
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_flow
.PHONY: bench
