# src/kinds: one line per file
kinds =
libmoesim_a_SOURCES += src/kinds/cost.c src/kinds/cost.h
libmoesim_a_SOURCES += src/kinds/expert_loads.c src/kinds/expert_loads.h
libmoesim_a_SOURCES += src/kinds/estimate.c src/kinds/estimate.h
libmoesim_a_SOURCES += src/kinds/fork_map.c src/kinds/fork_map.h
libmoesim_a_SOURCES += src/kinds/parts.c src/kinds/parts.h
libmoesim_a_SOURCES += src/kinds/known_sim.c src/kinds/known_sim.h
libmoesim_a_SOURCES += src/kinds/kind_run.c src/kinds/kind_run.h
libmoesim_a_SOURCES += src/kinds/lists.c src/kinds/lists.h
libmoesim_a_SOURCES += src/kinds/pool.c src/kinds/pool.h
libmoesim_a_SOURCES += src/kinds/proposal_effect.c src/kinds/proposal_effect.h
libmoesim_a_SOURCES += src/kinds/recorded_gpu.c src/kinds/recorded_gpu.h
libmoesim_a_SOURCES += src/kinds/reads.h
libmoesim_a_SOURCES += src/kinds/result_build.c src/kinds/result_build.h
libmoesim_a_SOURCES += src/kinds/what_if.c src/kinds/what_if.h

include src/kinds/infer/local.mk
include src/kinds/machine/local.mk
include src/kinds/network/local.mk
include src/kinds/reliability/local.mk
include src/kinds/replay/local.mk
include src/kinds/serve/local.mk
include src/kinds/train/local.mk

# Plugins: a kind of scenario is a file kind_NAME.c in a family's folder and a line in its local.mk.
nodist_libmoesim_a_SOURCES += src/kinds/kind_registry.c
BUILT_SOURCES += src/kinds/kind_registry.c
CLEANFILES += src/kinds/kind_registry.c
libmoesim_a_SOURCES += $(kinds)
src/kinds/kind_registry.c: $(kinds) build-aux/gen_registry src/kinds/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  io/kind.h scenario_kind kind $(kinds) > $@.tmp && mv $@.tmp $@
