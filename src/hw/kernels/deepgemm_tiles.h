/* Which tiles DeepGEMM takes for a dense GEMM. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_DEEPGEMM_TILES_H
#define MOESIM_HW_KERNELS_DEEPGEMM_TILES_H

struct kernel_plan;

/* Hopper: FP8 with scales of 1x128 and 128x128, output in BF16. */
void deepgemm_plan_hopper(double m, double n, double k, double sms, struct kernel_plan *out);
/* Blackwell: the same, scales in the tensor core. */
void deepgemm_plan_blackwell(double m, double n, double k, double sms, struct kernel_plan *out);

#endif
