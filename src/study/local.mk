# src/study: one line per file
libmoesim_a_SOURCES += src/study/kind_run.c src/study/kind_run.h

libmoesim_a_SOURCES += src/study/trials.c src/study/trials.h
libmoesim_a_SOURCES += src/study/proposal_effect.c src/study/proposal_effect.h
libmoesim_a_SOURCES += src/study/jobs.c src/study/jobs.h
libmoesim_a_SOURCES += src/study/lists.c src/study/lists.h
libmoesim_a_SOURCES += src/study/infer_run.c src/study/infer_run.h
libmoesim_a_SOURCES += src/study/infer_result.c src/study/infer_result.h
libmoesim_a_SOURCES += src/study/queueing_variants.c src/study/queueing_variants.h
libmoesim_a_SOURCES += src/study/queueing_flows.c src/study/queueing_flows.h
libmoesim_a_SOURCES += src/study/result_build.c src/study/result_build.h

libmoesim_a_SOURCES += src/study/expert_loads.c src/study/expert_loads.h
libmoesim_a_SOURCES += src/study/pool.c src/study/pool.h
libmoesim_a_SOURCES += src/study/claims.c src/study/claims.h src/study/claim_verdict.c
libmoesim_a_SOURCES += src/study/axis.c src/study/axis.h
libmoesim_a_SOURCES += src/study/design.c src/study/design_points.c src/study/design.h
libmoesim_a_SOURCES += src/study/sampling.c src/study/sampling.h
libmoesim_a_SOURCES += src/study/sweep.c src/study/sweep_point.c src/study/sweep_answer.c
libmoesim_a_SOURCES += src/study/sweep_begin.c src/study/sweep_result.c src/study/sweep_priv.h
libmoesim_a_SOURCES += src/study/merge.c src/study/sweep_list.c src/study/sweep.h
libmoesim_a_SOURCES += src/study/serve_times.c src/study/serve_times.h
libmoesim_a_SOURCES += src/study/serve_report.c src/study/serve_report.h
libmoesim_a_SOURCES += src/study/spec_step.c src/study/spec_step.h
libmoesim_a_SOURCES += src/study/sensitivity.c src/study/sensitivity_table.c src/study/sensitivity.h
libmoesim_a_SOURCES += src/study/pareto.c src/study/pareto.h
libmoesim_a_SOURCES += src/study/compare.c src/study/compare.h

libmoesim_a_SOURCES += src/study/fork_map.c src/study/fork_map.h
libmoesim_a_SOURCES += src/study/train_plan.c src/study/train_plan.h
libmoesim_a_SOURCES += src/study/train_symmetry.c src/study/train_symmetry.h
libmoesim_a_SOURCES += src/study/train_chunks.c src/study/train_chunks.h
libmoesim_a_SOURCES += src/study/train_run.c src/study/train_run.h
libmoesim_a_SOURCES += src/study/train_report.c src/study/train_tables.c src/study/train_report.h

# Plugins: a new kind of scenario is one file and one line here.
kinds =
kinds += src/study/kind_collective.c
kinds += src/study/kind_expert_balance.c
kinds += src/study/kind_fault_study.c
kinds += src/study/kind_gemm.c
kinds += src/study/kind_inference.c
kinds += src/study/kind_kv_contention.c
kinds += src/study/kind_mixed_traffic.c
kinds += src/study/kind_moe_exchange.c
kinds += src/study/kind_node_limited.c
kinds += src/study/kind_plane_isolation.c
kinds += src/study/kind_queueing.c
kinds += src/study/kind_reliability.c
kinds += src/study/kind_routing_study.c
kinds += src/study/kind_serving.c
kinds += src/study/kind_single_machine.c
kinds += src/study/kind_speculative.c
kinds += src/study/kind_tpot_bound.c
kinds += src/study/kind_train_replay.c
kinds += src/study/kind_train_step.c

nodist_libmoesim_a_SOURCES += src/study/kind_registry.c
BUILT_SOURCES += src/study/kind_registry.c
CLEANFILES += src/study/kind_registry.c
libmoesim_a_SOURCES += $(kinds)
src/study/kind_registry.c: $(kinds) build-aux/gen_registry src/study/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  io/kind.h scenario_kind kind $(kinds) > $@.tmp && mv $@.tmp $@
