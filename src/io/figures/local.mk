# src/io/figures: one line per file
libmoesim_a_SOURCES += src/io/figures/figure.h
libmoesim_a_SOURCES += src/io/figures/figure_axis.c
libmoesim_a_SOURCES += src/io/figures/figure_load.c
libmoesim_a_SOURCES += src/io/figures/figure_make.c
libmoesim_a_SOURCES += src/io/figures/figure_script.c
libmoesim_a_SOURCES += src/io/figures/figure_write.c
