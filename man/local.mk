# man: a page for each command, made of its --help by help2man, and one for scenarios. They are built in the build
# folder and shipped in the tarball; a build from git without help2man does without (configure tells).
man_commands = run sweep merge export sensitivity search pareto compare reproduce import trace fabric topo model kernels comm formats claims proposals plot report \
	validate list schema
command_pages = $(man_commands:%=man/moesim-%.1)
EXTRA_DIST += man/make_page man/common.h2m man/moesim.h2m man/moesim-slurm.h2m $(man_commands:%=man/moesim-%.h2m)
EXTRA_DIST += man/moesim-scenario.head man/moesim-scenario.tail

if MAN_PAGES
dist_man_MANS = man/moesim.1 man/moesim-slurm.1 man/moesim-scenario.5 \
	man/moesim-run.1 man/moesim-sweep.1 man/moesim-merge.1 man/moesim-export.1 man/moesim-sensitivity.1 \
	man/moesim-search.1 man/moesim-pareto.1 man/moesim-compare.1 man/moesim-reproduce.1 man/moesim-import.1 man/moesim-trace.1 man/moesim-fabric.1 man/moesim-topo.1 man/moesim-model.1 \
	man/moesim-kernels.1 man/moesim-comm.1 man/moesim-formats.1 man/moesim-claims.1 man/moesim-proposals.1 man/moesim-plot.1 man/moesim-report.1 \
	man/moesim-validate.1 man/moesim-list.1 man/moesim-schema.1
CLEANFILES += $(dist_man_MANS)
endif

# What a page says comes from these files; the program itself is needed to ask, but a page that a tarball ships is not
# older for it (the bar).
page_common = configure.ac man/common.h2m man/make_page src/cmd/main.c
make_page = $(AM_V_GEN)$(srcdir)/man/make_page $(@F) $(srcdir) $(PACKAGE_VERSION) $(RELEASE_DATE)
$(command_pages): man/moesim-%.1: src/cmd/cmd_%.c man/moesim-%.h2m $(page_common) | moesim$(EXEEXT)
	$(make_page)
man/moesim.1: man/moesim.h2m $(page_common) | moesim$(EXEEXT)
	$(make_page)
man/moesim-slurm.1: contrib/slurm/moesim-slurm man/moesim-slurm.h2m $(page_common)
	$(make_page)
man/moesim-scenario.5: $(libmoesim_a_SOURCES) src/cmd/schema_roff.c man/moesim-scenario.head man/moesim-scenario.tail \
		$(page_common) | moesim$(EXEEXT)
	$(make_page)
