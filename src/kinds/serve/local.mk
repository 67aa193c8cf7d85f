# src/kinds/serve: one line per file
libmoesim_a_SOURCES += src/kinds/serve/prefix_cache.c src/kinds/serve/prefix_cache.h
libmoesim_a_SOURCES += src/kinds/serve/requests.c src/kinds/serve/requests.h
libmoesim_a_SOURCES += src/kinds/serve/serve.c src/kinds/serve/serve.h
libmoesim_a_SOURCES += src/kinds/serve/serve_impl.h
libmoesim_a_SOURCES += src/kinds/serve/serve_report.c src/kinds/serve/serve_report.h
libmoesim_a_SOURCES += src/kinds/serve/serve_step.c
libmoesim_a_SOURCES += src/kinds/serve/serve_times.c src/kinds/serve/serve_times.h
libmoesim_a_SOURCES += src/kinds/serve/serving_cfg.c src/kinds/serve/serving_cfg.h
libmoesim_a_SOURCES += src/kinds/serve/step_table.c src/kinds/serve/step_table.h

kinds += src/kinds/serve/kind_serving.c
