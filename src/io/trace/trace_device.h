/* GPUs by the names that profiles give them. */
#ifndef MOESIM_IO_TRACE_TRACE_DEVICE_H
#define MOESIM_IO_TRACE_TRACE_DEVICE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"

/* Whether `words` stand in a device's name, not as a part of longer words: "B200" is not in "NVIDIA GB200". */
bool trace_device_is(const char *device, const char *words);
/* The folder under configs/ that configs/trace_devices.yaml names for a device; NULL when none does, or after an
 * error. `beside`: a file beside which configs/ may lie, or NULL. */
const char *trace_device_hardware(const char *device, const char *beside, struct arena *arena, struct diag *diag);

#endif
