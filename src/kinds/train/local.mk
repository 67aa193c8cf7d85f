# src/kinds/train: one line per file
libmoesim_a_SOURCES += src/kinds/train/pipeline.c src/kinds/train/pipeline.h
libmoesim_a_SOURCES += src/kinds/train/train_cfg.c src/kinds/train/train_cfg.h
libmoesim_a_SOURCES += src/kinds/train/train_chunks.c src/kinds/train/train_chunks.h
libmoesim_a_SOURCES += src/kinds/train/train_deal.c src/kinds/train/train_deal.h
libmoesim_a_SOURCES += src/kinds/train/train_dp.c src/kinds/train/train_dp.h
libmoesim_a_SOURCES += src/kinds/train/train_jitter.c src/kinds/train/train_jitter.h
libmoesim_a_SOURCES += src/kinds/train/train_layout.c src/kinds/train/train_layout.h
libmoesim_a_SOURCES += src/kinds/train/train_links.c src/kinds/train/train_links.h
libmoesim_a_SOURCES += src/kinds/train/train_memory.c src/kinds/train/train_memory.h
libmoesim_a_SOURCES += src/kinds/train/train_placement.c src/kinds/train/train_placement.h
libmoesim_a_SOURCES += src/kinds/train/train_plan.c src/kinds/train/train_plan.h
libmoesim_a_SOURCES += src/kinds/train/train_rates.c src/kinds/train/train_rates.h
libmoesim_a_SOURCES += src/kinds/train/train_recipe.c src/kinds/train/train_recipe.h
libmoesim_a_SOURCES += src/kinds/train/train_report.c src/kinds/train/train_report.h
libmoesim_a_SOURCES += src/kinds/train/train_run.c src/kinds/train/train_run.h
libmoesim_a_SOURCES += src/kinds/train/train_stages.c src/kinds/train/train_stages.h
libmoesim_a_SOURCES += src/kinds/train/train_symmetry.c src/kinds/train/train_symmetry.h
libmoesim_a_SOURCES += src/kinds/train/train_sync.c src/kinds/train/train_sync.h
libmoesim_a_SOURCES += src/kinds/train/train_tables.c

kinds += src/kinds/train/kind_train_step.c

include src/kinds/train/schedules/local.mk
