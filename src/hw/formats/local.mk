# src/hw/formats: one line per file
libmoesim_a_SOURCES += src/hw/formats/simd.h
libmoesim_a_SOURCES += src/hw/formats/minifloat.c src/hw/formats/minifloat.h
libmoesim_a_SOURCES += src/hw/formats/minifloat_array.c
libmoesim_a_SOURCES += src/hw/formats/quantise.c src/hw/formats/quantise.h
libmoesim_a_SOURCES += src/hw/formats/mx.c src/hw/formats/mx.h
libmoesim_a_SOURCES += src/hw/formats/logfmt.c src/hw/formats/logfmt.h
libmoesim_a_SOURCES += src/hw/formats/tensor_core.c src/hw/formats/tensor_core.h
libmoesim_a_SOURCES += src/hw/formats/tensor_core_gemm.c src/hw/formats/tensor_core_gemm.h
libmoesim_a_SOURCES += src/hw/formats/number_format.c src/hw/formats/number_format.h
libmoesim_a_SOURCES += src/hw/formats/format_study.c src/hw/formats/format_study.h
libmoesim_a_SOURCES += src/hw/formats/format_report.c src/hw/formats/format_report.h
