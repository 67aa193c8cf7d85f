# src/kinds/replay: one line per file
libmoesim_a_SOURCES += src/kinds/replay/replay.c src/kinds/replay/replay.h
libmoesim_a_SOURCES += src/kinds/replay/replay_classes.c
libmoesim_a_SOURCES += src/kinds/replay/replay_collectives.c src/kinds/replay/replay_collectives.h
libmoesim_a_SOURCES += src/kinds/replay/replay_calls.c
libmoesim_a_SOURCES += src/kinds/replay/replay_phases.c
libmoesim_a_SOURCES += src/kinds/replay/replay_result.c src/kinds/replay/replay_result.h
libmoesim_a_SOURCES += src/kinds/replay/replay_result_priv.h
libmoesim_a_SOURCES += src/kinds/replay/replay_set.c

kinds += src/kinds/replay/kind_train_replay.c
