# src/topology: one line per file
libmoesim_a_SOURCES += src/topology/topology.c src/topology/topology.h
libmoesim_a_SOURCES += src/topology/topo_keys.c src/topology/topo_keys.h

# Plugins: a new topology is one file and one line here.
topologies =
topologies += src/topology/topo_dragonfly.c
topologies += src/topology/topo_dual_plane.c
topologies += src/topology/topo_file.c
topologies += src/topology/topo_ft2.c
topologies += src/topology/topo_ft3.c
topologies += src/topology/topo_full_mesh.c
topologies += src/topology/topo_mpft.c
topologies += src/topology/topo_mpft_multiport.c
topologies += src/topology/topo_mrft.c
topologies += src/topology/topo_nvl72.c
topologies += src/topology/topo_nvswitch.c
topologies += src/topology/topo_slim_fly.c
topologies += src/topology/topo_torus.c

nodist_libmoesim_a_SOURCES += src/topology/topology_registry.c
BUILT_SOURCES += src/topology/topology_registry.c
CLEANFILES += src/topology/topology_registry.c
libmoesim_a_SOURCES += $(topologies)
EXTRA_DIST += build-aux/gen_registry
src/topology/topology_registry.c: $(topologies) build-aux/gen_registry src/topology/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  topology/topology.h topology_type topology $(topologies) > $@.tmp && mv $@.tmp $@
libmoesim_a_SOURCES += src/topology/fat_tree.c src/topology/fat_tree.h
libmoesim_a_SOURCES += src/topology/lattice.c src/topology/lattice.h
libmoesim_a_SOURCES += src/topology/rails.c src/topology/rails.h
libmoesim_a_SOURCES += src/topology/scale_up.c src/topology/scale_up.h
libmoesim_a_SOURCES += src/topology/symmetry.c src/topology/symmetry.h
libmoesim_a_SOURCES += src/topology/ends.c src/topology/ends.h
libmoesim_a_SOURCES += src/topology/routing.c src/topology/routing.h
libmoesim_a_SOURCES += src/topology/tables.c src/topology/tables.h
libmoesim_a_SOURCES += src/topology/failover.c src/topology/failover.h
libmoesim_a_SOURCES += src/topology/spreading.c src/topology/spreading.h
libmoesim_a_SOURCES += src/topology/opensm.c src/topology/opensm.h
libmoesim_a_SOURCES += src/topology/plugs.c src/topology/plugs.h
libmoesim_a_SOURCES += src/topology/loads.c src/topology/loads.h
libmoesim_a_SOURCES += src/topology/faults.c src/topology/faults.h
libmoesim_a_SOURCES += src/topology/net_file.c src/topology/net_file.h src/topology/net_file_hosts.c src/topology/net_file_routes.c
libmoesim_a_SOURCES += src/topology/net_file_priv.h
libmoesim_a_SOURCES += src/topology/net_graph.c src/topology/net_graph.h
libmoesim_a_SOURCES += src/topology/bisection.c src/topology/bisection.h
libmoesim_a_SOURCES += src/topology/metrics.c src/topology/metrics.h
libmoesim_a_SOURCES += src/topology/cost.c src/topology/cost.h
libmoesim_a_SOURCES += src/topology/table3.c src/topology/table3.h
libmoesim_a_SOURCES += src/topology/galois.c src/topology/galois.h
libmoesim_a_SOURCES += src/topology/latency.c src/topology/latency.h
