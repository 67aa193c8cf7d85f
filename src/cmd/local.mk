# src/cmd: one line per file
moesim_SOURCES += src/cmd/main.c src/cmd/cmd.h
