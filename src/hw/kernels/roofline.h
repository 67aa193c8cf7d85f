/* The rooflines of the kinds of kernels; what they share. Inside src/hw/kernels only. */
#ifndef MOESIM_HW_KERNELS_ROOFLINE_H
#define MOESIM_HW_KERNELS_ROOFLINE_H

#include "hw/kernels/kernels.h"

/* SMs that the call may use: no more than the chip has. */
double roofline_sms(const struct kernel_model *m, const struct kernel_call *call);
/* Sustained tensor rate of one SM. */
double roofline_sm_flops(const struct kernel_model *m, enum kernel_dtype dtype);
/* Time of bytes at a share of the memory bandwidth, or at what the call's SMs can load. */
double roofline_memory_s(const struct kernel_model *m, const struct kernel_call *call, double bytes_B, double ratio);
/* A time that was measured at the clock of measured_on. */
double roofline_clocked_s(const struct kernel_model *m, double time_s);
/* Adds the parts up: all members but time, origin and source. */
void roofline_add_up(struct kernel_time *t, double unhidden_ratio);

void roofline_gemm(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t);
void roofline_attention(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t);
void roofline_decode(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t);
void roofline_pass(const struct kernel_model *m, const struct kernel_call *call, struct kernel_time *t);

/* Rows (wgrad: depth) of a group. */
static inline double group_rows(const struct kernel_call *call, uint32_t group)
{
    return call->rows ? call->rows[group] : call->family == KERNEL_WGRAD ? call->k : call->m;
}
static inline uint32_t n_groups(const struct kernel_call *call)
{
    return call->groups ? call->groups : 1;
}
static inline double kv_length(const struct kernel_call *call)
{
    return call->kv_len > 0 ? call->kv_len : call->q_len;
}

double attention_flop(const struct kernel_call *call);
double attention_bytes_B(const struct kernel_call *call);
double gemm_flop(const struct kernel_call *call);
double gemm_bytes_B(const struct kernel_call *call);
/* Nothing moves to CUDA cores for scales: the tensor core applies them, or each operand has one. */
bool gemm_stays_in_core(const struct kernel_model *m);

#endif
