# src/io/topo: one line per file
libmoesim_a_SOURCES += src/io/topo/topo_dot.c
libmoesim_a_SOURCES += src/io/topo/topo_drawing.c src/io/topo/topo_drawing.h
libmoesim_a_SOURCES += src/io/topo/topo_extent.c
libmoesim_a_SOURCES += src/io/topo/topo_figures.c
libmoesim_a_SOURCES += src/io/topo/topo_htsim.c
libmoesim_a_SOURCES += src/io/topo/topo_ibsim.c
libmoesim_a_SOURCES += src/io/topo/topo_json.c
libmoesim_a_SOURCES += src/io/topo/topo_latex.c
libmoesim_a_SOURCES += src/io/topo/topo_simgrid.c
libmoesim_a_SOURCES += src/io/topo/topo_text.c
libmoesim_a_SOURCES += src/io/topo/topo_writers.h
