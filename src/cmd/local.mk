# src/cmd: one line per file
moesim_SOURCES += src/cmd/main.c src/cmd/cmd.h
moesim_SOURCES += src/cmd/cmd_claims.c
moesim_SOURCES += src/cmd/cmd_comm.c
moesim_SOURCES += src/cmd/cmd_fabric.c
moesim_SOURCES += src/cmd/cmd_formats.c
moesim_SOURCES += src/cmd/cmd_import.c
moesim_SOURCES += src/cmd/cmd_kernels.c src/cmd/cmd_kernels.h src/cmd/cmd_kernels_check.c src/cmd/cmd_kernels_fit.c src/cmd/cmd_kernels_rows.c
moesim_SOURCES += src/cmd/cmd_list.c
moesim_SOURCES += src/cmd/cmd_model.c
moesim_SOURCES += src/cmd/cmd_proposals.c
moesim_SOURCES += src/cmd/cmd_plot.c
moesim_SOURCES += src/cmd/cmd_report.c
moesim_SOURCES += src/cmd/cmd_run.c
moesim_SOURCES += src/cmd/cmd_schema.c src/cmd/schema_roff.c
moesim_SOURCES += src/cmd/cmd_topo.c
moesim_SOURCES += src/cmd/cmd_sweep.c src/cmd/cmd_merge.c src/cmd/cmd_export.c
moesim_SOURCES += src/cmd/cmd_search.c src/cmd/cmd_reproduce.c
moesim_SOURCES += src/cmd/cmd_sensitivity.c src/cmd/cmd_pareto.c src/cmd/cmd_compare.c
moesim_SOURCES += src/cmd/cmd_trace.c
moesim_SOURCES += src/cmd/cmd_validate.c
moesim_SOURCES += src/cmd/finish_stdout.c src/cmd/options.c
src/cmd/main.$(OBJEXT): src/commit.h
