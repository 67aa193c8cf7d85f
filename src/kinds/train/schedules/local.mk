# src/kinds/train/schedules: plugins: a new schedule is one file and one line here.
schedules =
schedules += src/kinds/train/schedules/schedule_1f1b.c
schedules += src/kinds/train/schedules/schedule_dualpipe.c
schedules += src/kinds/train/schedules/schedule_dualpipev.c
schedules += src/kinds/train/schedules/schedule_interleaved.c
schedules += src/kinds/train/schedules/schedule_interleaved_pairs.c
schedules += src/kinds/train/schedules/schedule_zb1p.c

nodist_libmoesim_a_SOURCES += src/kinds/train/schedules/schedule_registry.c
BUILT_SOURCES += src/kinds/train/schedules/schedule_registry.c
CLEANFILES += src/kinds/train/schedules/schedule_registry.c
libmoesim_a_SOURCES += $(schedules)
src/kinds/train/schedules/schedule_registry.c: $(schedules) build-aux/gen_registry src/kinds/train/schedules/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  kinds/train/schedules/schedule.h schedule_type schedule $(schedules) > $@.tmp && mv $@.tmp $@
libmoesim_a_SOURCES += src/kinds/train/schedules/schedule.c src/kinds/train/schedules/schedule.h
libmoesim_a_SOURCES += src/kinds/train/schedules/one_way.c src/kinds/train/schedules/one_way.h
libmoesim_a_SOURCES += src/kinds/train/schedules/dual.c src/kinds/train/schedules/dual.h
libmoesim_a_SOURCES += src/kinds/train/schedules/interleaved.c src/kinds/train/schedules/interleaved.h
