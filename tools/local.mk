# tools: what developers run
EXTRA_DIST += tools/build_commit tools/tap_summary tools/bench/bench_sweep tools/claims_record

# figures: `make -C tools/plot figures` in the source tree; not part of the build
EXTRA_DIST += tools/plot/plot tools/plot/Makefile
EXTRA_DIST += tools/plot/fig5.gp tools/plot/fig6.gp tools/plot/fig7.gp tools/plot/fig8.gp
EXTRA_DIST += tools/plot/formats.gp tools/plot/m_sweep.gp tools/plot/table3.gp
EXTRA_DIST += tools/plot/timeline.gp tools/plot/tpot.gp
EXTRA_DIST += tools/plot/mtp.gp tools/plot/pipeline.gp tools/plot/proposals.gp

# doc/VALIDATION.md and the tables of doc/ARTIFACT.md and NEWS.md, from all claims, doc/VALIDATION_PUBLIC.md from public measurements; `tools/claims_record` first where values of misses moved
validation: moesim
	./moesim claims -o $(top_srcdir)/doc/VALIDATION.md >/dev/null
	$(top_srcdir)/tools/key_numbers
	$(top_srcdir)/tools/validation_public ./moesim
.PHONY: validation

# everything of the paper in one folder: claims, tables, figures, proposals, a report, an index with verdicts
EXTRA_DIST += tools/reproduce tools/key_numbers tools/validation_public tools/hardware_doc
REPRODUCED = reproduced
reproduce: moesim$(EXEEXT)
	$(top_srcdir)/tools/reproduce -m ./moesim$(EXEEXT) -o "$(REPRODUCED)"
.PHONY: reproduce

# FP22 against real output of a Hopper GPU: tools/hopper/README.md
EXTRA_DIST += tools/hopper/README.md tools/hopper/wgmma_vectors.cu
EXTRA_PROGRAMS += tools/hopper/compare_vectors
tools_hopper_compare_vectors_SOURCES = tools/hopper/compare_vectors.c
tools_hopper_compare_vectors_LDADD = $(moesim_libs)
tests/hopper_cli.log: tools/hopper/compare_vectors$(EXEEXT)
CLEANFILES += tools/hopper/compare_vectors$(EXEEXT)

EXTRA_PROGRAMS += tools/bench/bench_flow
tools_bench_bench_flow_SOURCES = tools/bench/bench_flow.c tools/bench/bench.c tools/bench/bench.h \
	tools/bench/brute_force.c tools/bench/brute_force.h
tools_bench_bench_flow_LDADD = $(moesim_libs)
EXTRA_PROGRAMS += tools/bench/bench_packet
tools_bench_bench_packet_SOURCES = tools/bench/bench_packet.c
tools_bench_bench_packet_LDADD = $(moesim_libs)
EXTRA_PROGRAMS += tools/bench/bench_formats
tools_bench_bench_formats_SOURCES = tools/bench/bench_formats.c
tools_bench_bench_formats_LDADD = $(moesim_libs)
EXTRA_PROGRAMS += tools/bench/bench_scenarios
tools_bench_bench_scenarios_SOURCES = tools/bench/bench_scenarios.c tools/bench/bench.c tools/bench/bench.h
tools_bench_bench_scenarios_LDADD = $(moesim_libs)
EXTRA_DIST += tools/bench/last_release.txt
EXTRA_PROGRAMS += tools/bench/bench_kernels
tools_bench_bench_kernels_SOURCES = tools/bench/bench_kernels.c
tools_bench_bench_kernels_LDADD = $(moesim_libs)
bench: tools/bench/bench_flow tools/bench/bench_scenarios tools/bench/bench_packet tools/bench/bench_formats tools/bench/bench_kernels moesim$(EXEEXT)
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_kernels
	tools/bench/bench_formats
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_packet
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_flow
	MOESIM_PATH=$(abs_top_srcdir) tools/bench/bench_scenarios ./moesim$(EXEEXT) $(abs_top_srcdir)
	$(srcdir)/tools/bench/bench_sweep ./moesim$(EXEEXT) $(srcdir)
.PHONY: bench

# the chart library of reports: `make -C tools/report bundle`; not part of the build
EXTRA_DIST += tools/report/Makefile tools/report/package.json tools/report/package-lock.json
EXTRA_DIST += tools/report/entry.js tools/report/licences

# Debian's packages, from a git checkout: `make deb` in the build folder leaves them in ./deb (needs debhelper; debian/ is
# no part of the tarball)
deb: dist
	rm -rf deb && $(MKDIR_P) deb
	cp $(distdir).tar.xz deb/$(PACKAGE)_$(VERSION).orig.tar.xz
	cd deb && tar xf $(PACKAGE)_$(VERSION).orig.tar.xz
	cp -R $(srcdir)/debian deb/$(distdir)/
	cd deb/$(distdir) && dpkg-buildpackage -us -uc $(DEB_FLAGS)
.PHONY: deb
distclean-local:
	rm -rf deb
