/* Where the times of kernels come from, summed up for a note: measured on this chip, moved from another, a roofline. */
#ifndef MOESIM_HW_KERNELS_KERNEL_ORIGINS_H
#define MOESIM_HW_KERNELS_KERNEL_ORIGINS_H

#include "hw/kernels/kernels.h"

enum { KERNEL_ORIGINS_MOST = 24 };

struct kernel_origins {
    struct kernel_origin_part {
        enum kernel_origin origin;
        const char *chip; /* "": tables in CSV and rooflines, which are the H800's */
        bool pass;        /* over memory */
        double time_s;
    } part[KERNEL_ORIGINS_MOST];
    uint32_t n;
    double all_s;
    const char *recorded_on; /* kernels of a trace that are moved to this chip: the GPU that they ran on; NULL: none */
    double recorded_s;
    /* Of kernels with constants of their own: what is in a time before any work is done, and of the largest of these kernels
     * where and with which software it was measured. */
    double start_s, largest_s;
    const char *conditions;
    bool gemm_constants, attention_constants; /* some were by kernels.gemm*, kernels.attention: tables, rooflines */
};

void kernel_origins_add(struct kernel_origins *o, const struct kernel_call *call, const struct kernel_time *time,
                        double time_s);
/* Kernels of a trace that was recorded elsewhere. */
void kernel_origins_add_recorded(struct kernel_origins *o, const char *gpu, double time_s);
/* "62 % interpolated between measurements on b200, 38 % a roofline, calibrated on the h800"; NULL when there is nothing to
 * say: no kernel was asked for, or all is as it was calibrated, on the chip where it was. */
const char *kernel_origins_text(const struct kernel_origins *o, const struct cluster_hw *hw, struct arena *arena);
/* What kernels measured with a framework's libraries have in their times that no rate of the chip changes: which software,
 * and how much of them are starts; NULL when there are none. */
const char *kernel_origins_software(const struct kernel_origins *o, struct arena *arena);

#endif
