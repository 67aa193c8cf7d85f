# src/models/comm: one line per file
libmoesim_a_SOURCES += src/models/comm/collective_all_to_all.c
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
