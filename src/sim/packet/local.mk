# src/sim/packet: one line per file
libmoesim_a_SOURCES += src/sim/packet/calendar.c src/sim/packet/calendar.h
libmoesim_a_SOURCES += src/sim/packet/net_packet.c src/sim/packet/net_packet.h
libmoesim_a_SOURCES += src/sim/packet/switch_control.c
libmoesim_a_SOURCES += src/sim/packet/switch_gate.c
libmoesim_a_SOURCES += src/sim/packet/switch_impl.h
libmoesim_a_SOURCES += src/sim/packet/switch_lanes.c
libmoesim_a_SOURCES += src/sim/packet/switch_model.c src/sim/packet/switch_model.h
libmoesim_a_SOURCES += src/sim/packet/switch_nic.c
libmoesim_a_SOURCES += src/sim/packet/switch_paths.c
libmoesim_a_SOURCES += src/sim/packet/switch_queue.c
