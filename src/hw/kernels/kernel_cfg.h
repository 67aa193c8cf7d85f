/* What the kernel model knows of a kernel library on a chip, beside the chip's own numbers: where its
 * measured tables are, on what they were measured, and the constants of the roofline. Filled from
 * configs/NAME/kernels.yaml; each number says what it was calibrated on. */
#ifndef MOESIM_HW_KERNELS_KERNEL_CFG_H
#define MOESIM_HW_KERNELS_KERNEL_CFG_H

#include <stdint.h>

#include "base/cfg.h"

/* The chip that tables and times among the constants were measured on. */
struct kernel_chip {
    int64_t sms;
    double bf16_flops, fp8_flops; /* dense, whole chip */
    double memory_Bps, clock_Hz;
};

/* GEMMs on tiles, of one library. Times hold at the clock of measured_on. */
struct kernel_gemm_cfg {
    double start_s;           /* launch, descriptors, first loads, last store */
    double block_s;           /* per step of 128 bytes along K: barrier, wgmma drain, scales */
    double wgrad_block_s;     /* the same with 1x128 scales on both sides, FP32 accumulation */
    double epilogue_s;        /* writing a tile of 128 x 128 */
    double memory_ratio;      /* achieved of the memory bandwidth */
    double unhidden_ratio;    /* of the smaller of tensor and memory time: what is not overlapped */
    int64_t tile_m, tile_n;   /* largest tile that the library has */
    int64_t least_m, least_n; /* smallest; between them rows double, columns grow by 8 */
};

struct kernel_attention_cfg {
    double start_s;
    double forward_ratio, backward_ratio;   /* of the sustained tensor rate, beside what a tile costs */
    double forward_tile_s, backward_tile_s; /* per tile of 128 queries (backward: keys), once */
    double decode_start_s;                  /* launch, and the kernel that combines split requests */
    double decode_block_s;                  /* per block of 64 tokens of the cache, beside the tensor cores' time */
    double decode_request_s;                /* per request that a part of the chip works on */
    int64_t decode_least_blocks;            /* a request is not split finer than this */
};

/* Achieved share of the memory bandwidth, by what a pass does. */
struct kernel_pass_cfg {
    double quantise_ratio, norm_ratio, copy_ratio, permute_ratio, unpermute_ratio, rope_ratio, swiglu_ratio,
        transpose_ratio, router_ratio, elementwise_ratio;
    double start_s; /* the smallest kernel */
};

struct hw_kernels {
    const char *tables; /* folders of measured tables, with commas; "" = roofline only */
    const char *checks; /* folders of measured times that are only compared with */
    struct kernel_chip measured_on;
    double tensor_ratio;              /* sustained over nominal tensor rate: power and clock */
    double memory_ratio;              /* achieved over nominal memory bandwidth: attention */
    double sm_B_per_clock;            /* what an SM can load per clock */
    double launch_gap_s;              /* between a kernel and the next of its stream */
    struct kernel_gemm_cfg gemm;      /* FP8 with scales: DeepGEMM */
    struct kernel_gemm_cfg gemm_bf16; /* cuBLAS */
    struct kernel_attention_cfg attention;
    struct kernel_pass_cfg pass;
};

extern const struct cfg_table hw_kernels_table;

#endif
