# src/models/comm: one line per file
libmoesim_a_SOURCES += src/models/comm/collective_all_to_all.c
libmoesim_a_SOURCES += src/models/comm/collective_nccl.c
libmoesim_a_SOURCES += src/models/comm/collective_peers.c
libmoesim_a_SOURCES += src/models/comm/collective_pipelines.c
libmoesim_a_SOURCES += src/models/comm/collective_rings.c
libmoesim_a_SOURCES += src/models/comm/collective_steps.c
libmoesim_a_SOURCES += src/models/comm/collectives.c src/models/comm/collectives.h
libmoesim_a_SOURCES += src/models/comm/collectives_impl.h
libmoesim_a_SOURCES += src/models/comm/deepep.c src/models/comm/deepep.h
libmoesim_a_SOURCES += src/models/comm/deepep_ll.c src/models/comm/deepep_ll.h
libmoesim_a_SOURCES += src/models/comm/deepep_trees.c src/models/comm/deepep_trees.h
libmoesim_a_SOURCES += src/models/comm/host_links.c src/models/comm/host_links.h
libmoesim_a_SOURCES += src/models/comm/wire_format.c src/models/comm/wire_format.h
libmoesim_a_SOURCES += src/models/comm/ep_build.c src/models/comm/ep_kernel.h
libmoesim_a_SOURCES += src/models/comm/ep_exchange.c src/models/comm/ep_exchange.h
libmoesim_a_SOURCES += src/models/comm/ep_load.c
libmoesim_a_SOURCES += src/models/comm/ep_traffic.c src/models/comm/ep_traffic.h

# Plugins: a new kernel of expert parallelism is one file and one line here.
ep_kernels =
ep_kernels += src/models/comm/ep_deepep_low_latency.c
ep_kernels += src/models/comm/ep_deepep_low_latency_2025_02.c
ep_kernels += src/models/comm/ep_deepep_normal.c
ep_kernels += src/models/comm/ep_deepep_normal_2025_02.c
ep_kernels += src/models/comm/ep_deepep_v2.c
ep_kernels += src/models/comm/ep_hybrid_ep.c
ep_kernels += src/models/comm/ep_nccl_all_to_all.c
ep_kernels += src/models/comm/ep_nvlink_one_sided.c
ep_kernels += src/models/comm/ep_nvlink_two_sided.c
ep_kernels += src/models/comm/ep_pplx.c
ep_kernels += src/models/comm/ep_uccl.c

nodist_libmoesim_a_SOURCES += src/models/comm/ep_kernel_registry.c
BUILT_SOURCES += src/models/comm/ep_kernel_registry.c
CLEANFILES += src/models/comm/ep_kernel_registry.c
libmoesim_a_SOURCES += $(ep_kernels)
src/models/comm/ep_kernel_registry.c: $(ep_kernels) build-aux/gen_registry src/models/comm/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  models/comm/ep_kernel.h ep_kernel_type ep_kernel $(ep_kernels) > $@.tmp && mv $@.tmp $@
