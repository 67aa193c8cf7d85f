/* How long a kernel runs, from what it works on: a kernel that was fitted (*.kernel), else a measured table, else a roofline.
 *
 * A fitted kernel (kernel.h) has the constants of its family's mechanism and thinned points, measured on a chip that it names: its
 * time is mechanism(call; constants, chip) * exp(residual of the points nearby), and moves to another chip through the mechanism.
 * The chips of ai-dynamo/aiconfigurator have such kernels for GEMMs, attention and experts. All others (the H800, weight
 * gradients on Hopper, attention's backward pass, passes over memory) have tables and rooflines, whose constants are the H800's:
 *
 * A table says how much longer than its roofline a kernel took on the chip where it was measured; that
 * ratio is interpolated and applied to the roofline of the kernel, chip and SMs that are asked for. So a
 * point of a table on the chip it was measured on is reproduced as it stands, and a change of FLOP/s,
 * memory bandwidth, clock or SMs moves a table value as it moves the roofline. Where no table reaches,
 * the roofline stands alone.
 *
 * The time is that of one launch, from its start to its end, on an otherwise idle chip; what lies between
 * two launches is hw_kernels.launch_gap_s. Left out: contention for memory with kernels that run beside it,
 * energy, and what the CPU does. */
#ifndef MOESIM_HW_KERNELS_KERNELS_H
#define MOESIM_HW_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/cluster.h"
#include "hw/kernels/kernel_cfg.h"

enum kernel_family {
    KERNEL_GEMM,               /* C[m,n] = A[m,k] B[n,k]^T, output in BF16 */
    KERNEL_WGRAD,              /* the same, added to an output in FP32; groups: each with its own k */
    KERNEL_GROUPED_CONTIGUOUS, /* groups one after the other, each padded to 128 rows: prefill, training */
    KERNEL_GROUPED_MASKED,     /* a fixed place for each group, rows counted on the device: decoding */
    KERNEL_ATTENTION_FORWARD,  /* q_len queries against kv_len keys: prefill, training */
    KERNEL_ATTENTION_BACKWARD,
    KERNEL_ATTENTION_DECODE, /* few queries per request against a paged cache */
    KERNEL_MLA_DECODE,
    KERNEL_MLA_PREFILL,
    KERNEL_GQA_DECODE,
    KERNEL_GQA_PREFILL,
    KERNEL_MOE,
    KERNEL_MOE_CONTIGUOUS, /* experts between a dispatch and a combine of DeepEP: prefill */
    KERNEL_MOE_MASKED,     /* the same, decoding */
    KERNEL_MLA_BMM,
    KERNEL_DSA_DECODE,
    KERNEL_DSA_PREFILL,
    /* passes over memory: bytes read and written decide */
    KERNEL_QUANTISE, /* cast to FP8 with scales, or back */
    KERNEL_NORM,     /* RMSNorm, softmax and their gradients */
    KERNEL_COPY,
    KERNEL_PERMUTE,   /* rows to their experts */
    KERNEL_UNPERMUTE, /* and back, summed with their weights */
    KERNEL_ROPE,
    KERNEL_SWIGLU,
    KERNEL_TRANSPOSE,
    KERNEL_ROUTER, /* scores, top-k, counts */
    KERNEL_ELEMENTWISE,
    KERNEL_FAMILIES
};

/* Of the operands of tensor cores. */
enum kernel_dtype {
    KERNEL_FP8, /* scales of 1x128 (activations) and 128x128 (weights) */
    KERNEL_BF16,
    KERNEL_FP8_TENSOR, /* one scale a row or tensor */
    KERNEL_MXFP8,      /* scales of 1x32 in the tensor core */
    KERNEL_NVFP4,      /* scales of 1x16 in the tensor core */
    KERNEL_W4A16,      /* weights in FP4, activations and products in BF16 */
    KERNEL_W4A8,       /* weights in MXFP4, activations in MXFP8 */
    KERNEL_DTYPES
};

/* Zeroed members mean: all SMs of the chip, one group, as many keys as queries, derived bytes. */
struct kernel_plan;
struct kernel_origins;

struct kernel_call {
    enum kernel_family family;
    enum kernel_dtype dtype;
    double sms; /* available to it */
    /* GEMMs */
    double m, n, k; /* with groups: m (wgrad: k) of each group on average */
    uint32_t groups;
    const double *rows; /* [groups] m (wgrad: k) of each; NULL = all alike */
    /* experts of a rank: n of each after `split` (tensor parallelism), k the model's width; `batch` tokens */
    double top_k, experts, ranks, split;
    double skew; /* exponent of the power law that loads are drawn from; 0: balanced */
    /* attention */
    double batch, q_len, kv_len, heads, kv_heads, qk_dim, v_dim;
    double kv_token_B; /* decode: bytes of the cache per token; 0 = keys and values in BF16 */
    bool fp8_cache;    /* keys and values lie in FP8 */
    bool causal;
    double window; /* causal: the last keys that a query sees, its own with them; 0 = all before it */
    /* passes over memory */
    double read_B, written_B;
    /* as benchmarks of serving frameworks measure: what fits into L2 is there from the last repetition; the cast of the
     * activations to the operands' type is in the time */
    bool warm, casts;
    const char *library;      /* which of the chip's kernels, by its name; NULL: the one that it uses */
    struct kernel_plan *plan; /* NULL: none; a place of the caller's where the library's choice is kept */
};

enum kernel_origin {
    KERNEL_FROM_POINT,         /* a measured value as it stands */
    KERNEL_FROM_INTERPOLATION, /* between measured values, on the chip and SMs where they were measured */
    KERNEL_FROM_SCALING,       /* either, moved to another chip or number of SMs by the ratio of rooflines */
    KERNEL_FROM_ROOFLINE,
    KERNEL_FROM_FIT,    /* by the mechanism, its constants fitted to measured values that are far from this call */
    KERNEL_FROM_RELATED /* by the mechanism with the constants of a kernel for other number formats, or of a library whose
                        * way is known with the rates of another */
};

enum kernel_limit { KERNEL_BY_TENSOR, KERNEL_BY_MEMORY, KERNEL_BY_LATENCY, KERNEL_LIMITS };

extern const char *const kernel_family_names[]; /* NULL-terminated: "gemm", "grouped_masked" ... */
extern const char *const kernel_dtype_names[];
extern const char *const kernel_origin_names[];
extern const char *const kernel_limit_names[];

struct kernel_time {
    double time_s;
    enum kernel_origin origin;
    double flop, bytes_B;   /* as asked for: without padding */
    const char *source;     /* of the measured values; NULL: roofline */
    const char *library;    /* the kernel, as its measurements name it */
    const char *chip;       /* that it was measured on; NULL: see source */
    const char *conditions; /* of these measurements, with their software; NULL: see source */
    double residual_ratio;  /* measured over mechanism, from the points nearby */
    /* the roofline: time = start + the larger + unhidden share of the smaller */
    double roofline_s, mechanism_s, start_s, tensor_s, memory_s, unhidden_ratio;
    double tile_m, tile_n, tiles, waves; /* GEMMs */
    int folder;                          /* of cluster.kernels.tables: where the measured values stand */
};

/* A measured kernel. */
struct kernel_row {
    struct kernel_call call;
    double time_s;
    double weight;       /* rows of a benchmark that it stands for; 0 = 1 */
    const char *library; /* which kernel of which library, as the benchmark names it; NULL: not said */
    const char *source;  /* whose measurement, under which conditions, when */
    const char *file;
    int line;
    int folder; /* of cluster.kernels.tables, from 0 */
};

struct kernel_table {
    struct kernel_row *rows;
    uint32_t n_rows;
    struct kernel *kernels; /* with constants and points (kernel.h) */
    uint32_t n_kernels;
};

struct kernel_model {
    struct hw_chip chip;
    struct hw_kernels cfg;
    struct kernel_table table;     /* no rows: roofline only */
    double *ratios;                /* [n_rows] measured over roofline, on the chip that was measured */
    int first_folder;              /* of the rows */
    struct fitted_kernels *fitted; /* NULL: none */
    struct kernel_origins *asked;  /* kernel_time adds what it is asked for, once each; NULL: nobody counts */
};

/* The model of a cluster's chip; `table` as io/inputs/kernel_table_file.h reads it, or NULL for the roofline alone. */
struct kernel_model *kernel_model_new(const struct cluster_hw *hw, const struct kernel_table *table,
                                      struct arena *arena);

struct kernel_time kernel_time(const struct kernel_model *m, const struct kernel_call *call);
/* By how many per cent a call gets shorter for each per cent that tensor cores or memory get faster, all else equal; the
 * rest, latency, is what neither shortens: starts, few tiles, CUDA cores. They are shares of 1. */
struct kernel_gains {
    double of[KERNEL_LIMITS];
};
struct kernel_gains kernel_gains(const struct kernel_model *m, const struct kernel_call *call);
enum kernel_limit kernel_gains_most(const struct kernel_gains *g);
/* Whether there is anything to say of such a call: a kernel that was fitted, or a roofline. */
bool kernel_model_has(const struct kernel_model *m, const struct kernel_call *call);
/* The roofline alone. */
struct kernel_time kernel_roofline(const struct kernel_model *m, const struct kernel_call *call);
/* What the other rows of the table say of row `row`; false where they do not reach. */
bool kernel_time_without(const struct kernel_model *m, uint32_t row, struct kernel_time *out);
/* The chip that the table was measured on, with the same constants. */
struct kernel_model kernel_measured_model(const struct kernel_model *m);

/* --- calls from text: tables and command lines ---------------------------------------------------------- */

/* A number of a call by its name; ends with name == NULL. */
struct kernel_member {
    const char *name;
    size_t offset; /* of a double */
    const char *doc;
};
extern const struct kernel_member kernel_members[];

/* NULL: there is none of that name. */
const struct kernel_member *kernel_member_named(const char *name);
double *kernel_member_at(struct kernel_call *call, const struct kernel_member *member);
bool kernel_uses(enum kernel_family family, const char *member);
bool kernel_needs(enum kernel_family family, const char *member); /* no call of the family is complete without it */
bool kernel_is_grouped(enum kernel_family family);
/* "gemm_fp8", "norm"; false: no such kernel. */
bool kernel_named(const char *name, enum kernel_family *family, enum kernel_dtype *dtype);
/* The first number that the call's family needs and that is not there; NULL: complete. */
const char *kernel_missing(const struct kernel_call *call);
/* Rows of groups of which only the mean that was meant and the sum are known. */
const double *kernel_spread_rows(uint32_t groups, double mean, double sum, struct arena *arena);

/* Mixes a number into a hash: shapes. */
uint64_t kernel_hash(uint64_t seed, double value);

double kernel_flop(const struct kernel_call *call);
double kernel_bytes_B(const struct kernel_call *call);
bool kernel_is_pass(enum kernel_family family);

#endif
