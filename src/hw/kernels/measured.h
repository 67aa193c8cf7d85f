/* Rows of benchmarks as calls: which families there are, and number formats by their names. */
#ifndef MOESIM_HW_KERNELS_MEASURED_H
#define MOESIM_HW_KERNELS_MEASURED_H

#include "hw/kernels/mechanism.h"

/* What a measured file holds: "gemm", "mla_decode". */
struct measured_family {
    const char *name; /* NULL: there are no more */
    enum kernel_family family;
    const struct kernel_mechanism *mechanism;
};
struct measured_family measured_family_at(size_t i);

/* The call of a line. NULL, or what is wrong with it (a static text); one that begins with '-' tells why the row says
 * nothing. */
const char *measured_read(const struct measured_family *family, const struct kernel_cells *cells,
                          struct kernel_call *call);

#endif
