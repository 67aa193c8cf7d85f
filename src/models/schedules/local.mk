# src/models/schedules: plugins: a new schedule is one file and one line here.
schedules =
schedules += src/models/schedules/schedule_1f1b.c
schedules += src/models/schedules/schedule_dualpipe.c
schedules += src/models/schedules/schedule_dualpipev.c
schedules += src/models/schedules/schedule_zb1p.c

nodist_libmoesim_a_SOURCES += src/models/schedules/schedule_registry.c
BUILT_SOURCES += src/models/schedules/schedule_registry.c
CLEANFILES += src/models/schedules/schedule_registry.c
libmoesim_a_SOURCES += $(schedules)
src/models/schedules/schedule_registry.c: $(schedules) build-aux/gen_registry src/models/schedules/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  models/schedules/schedule.h schedule_type schedule $(schedules) > $@.tmp && mv $@.tmp $@
libmoesim_a_SOURCES += src/models/schedules/schedule.c src/models/schedules/schedule.h
libmoesim_a_SOURCES += src/models/schedules/one_way.c src/models/schedules/one_way.h
libmoesim_a_SOURCES += src/models/schedules/dual.c src/models/schedules/dual.h
