# src/io/sweepdb: one line per file
libmoesim_a_SOURCES += src/io/sweepdb/filter.c src/io/sweepdb/filter.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_db.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_export.c src/io/sweepdb/sweep_export.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_journal.c src/io/sweepdb/sweep_journal.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_read.c
libmoesim_a_SOURCES += src/io/sweepdb/sweep_record.c src/io/sweepdb/sweep_record.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_schema.c src/io/sweepdb/sweep_schema.h
libmoesim_a_SOURCES += src/io/sweepdb/sweep_write.c
libmoesim_a_SOURCES += src/io/sweepdb/sweep_table.c src/io/sweepdb/sweep_table.h
