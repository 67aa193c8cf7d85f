# src/proposals: one line per file
libmoesim_a_SOURCES += src/proposals/proposal.h src/proposals/parameters.h
libmoesim_a_SOURCES += src/proposals/trial.h
libmoesim_a_SOURCES += src/proposals/ep_kernels.c
libmoesim_a_SOURCES += src/proposals/stack.c src/proposals/stack.h

# Plugins: a new proposal is one file and one line here.
proposals =
proposals += src/proposals/prop_accumulation_precision.c
proposals += src/proposals/prop_adaptive_routing.c
proposals += src/proposals/prop_checkpointing.c
proposals += src/proposals/prop_co_packaged_optics.c
proposals += src/proposals/prop_co_processor.c
proposals += src/proposals/prop_combine_format.c
proposals += src/proposals/prop_congestion_control.c
proposals += src/proposals/prop_cpu_cores.c
proposals += src/proposals/prop_cpu_dram.c
proposals += src/proposals/prop_cpu_gpu_nvlink.c
proposals += src/proposals/prop_credit_flow_control.c
proposals += src/proposals/prop_diagnostics.c
proposals += src/proposals/prop_dram_stacked.c
proposals += src/proposals/prop_hardware_forwarding.c
proposals += src/proposals/prop_hardware_sync.c
proposals += src/proposals/prop_ibgda.c
proposals += src/proposals/prop_in_network.c
proposals += src/proposals/prop_isolation.c
proposals += src/proposals/prop_link_layer_retry.c
proposals += src/proposals/prop_low_latency_roce.c
proposals += src/proposals/prop_multi_port_nic.c
proposals += src/proposals/prop_native_scaling.c
proposals += src/proposals/prop_nic_io_die.c
proposals += src/proposals/prop_node_limited.c
proposals += src/proposals/prop_out_of_order_placement.c
proposals += src/proposals/prop_plane_failover.c
proposals += src/proposals/prop_region_acquire_release.c
proposals += src/proposals/prop_roce.c
proposals += src/proposals/prop_sdc_detection.c
proposals += src/proposals/prop_selective_retransmission.c
proposals += src/proposals/prop_sm_cost.c
proposals += src/proposals/prop_sm_offload.c
proposals += src/proposals/prop_system_on_wafer.c
proposals += src/proposals/prop_tensor_parallelism.c
proposals += src/proposals/prop_traffic_priority.c
proposals += src/proposals/prop_unified_adapter.c
proposals += src/proposals/prop_voq_per_qp.c

nodist_libmoesim_a_SOURCES += src/proposals/proposal_registry.c
BUILT_SOURCES += src/proposals/proposal_registry.c
CLEANFILES += src/proposals/proposal_registry.c
libmoesim_a_SOURCES += $(proposals)
src/proposals/proposal_registry.c: $(proposals) build-aux/gen_registry src/proposals/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  proposals/proposal.h proposal proposal $(proposals) > $@.tmp && mv $@.tmp $@
