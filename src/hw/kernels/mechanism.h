/* How long a family's kernels take, from what bounds them on a chip. Inside src/hw/kernels only.
 *
 * A mechanism has a few constants, each with a meaning (a floor, a share of the chip's bandwidth, what a tile costs), fitted
 * per kernel of a library and chip (kernel_constants.c). What it leaves is a residual, interpolated between measured points
 * (residual.h). To another chip a time moves through the mechanism: shares stay shares of that chip's figures, waiting
 * inside of an SM goes with the clock, floors of launches and hosts stay. */
#ifndef MOESIM_HW_KERNELS_MECHANISM_H
#define MOESIM_HW_KERNELS_MECHANISM_H

#include "hw/kernels/kernels.h"

enum { KERNEL_MAX_CONSTANTS = 18, KERNEL_MAX_AXES = 6, KERNEL_MAX_MEMBERS = 12 };

/* What a mechanism knows of a chip. */
struct kernel_device {
    double sms, clock_Hz, memory_Bps, cache_B;
    double bf16_flops, fp8_flops, fp4_flops; /* dense, whole chip; 0 = it has no such tensor cores */
    double stays_in_core;                    /* 1: fine-grained scales need no CUDA cores; 0: they do */
};

/* Its figures by name, as kernels' files write them. Ends with name == NULL. */
struct kernel_figure {
    const char *name;
    size_t offset;
};
extern const struct kernel_figure kernel_figures[];
double *kernel_figure_at(struct kernel_device *d, const struct kernel_figure *figure);

enum kernel_moves {
    MOVES_AS_SHARE, /* of a figure of the chip, or a pure number: stays as it is */
    MOVES_BY_CLOCK, /* seconds of what waits inside of an SM */
    MOVES_NOT       /* seconds of launches and hosts */
};

struct kernel_constant {
    const char *name; /* the unit at its end: _s, _ratio, _B (bytes a clock and SM) */
    enum kernel_moves moves;
    double first;       /* where a calibration starts */
    double least, most; /* least == most: not fitted */
    const char *doc;
};

/* The choice of a library that does not depend on constants, kept with a call that is asked again and again. */
struct kernel_plan {
    double tile_m, tile_n, waves, cluster, tiles;
    bool known;
};

struct kernel; /* kernel.h */

/* A line of a benchmark's file: texts of its columns. */
struct kernel_cells {
    const char *const *titles;
    char *const *texts;
    int n;
};
/* NULL, NAN: no such column, no number. */
const char *cell_text(const struct kernel_cells *cells, const char *title);
double cell_number(const struct kernel_cells *cells, const char *title);

struct kernel_mechanism {
    const struct kernel_constant *constants; /* ends with name == NULL */
    const char *const *variants; /* ways of the libraries, e.g. of choosing tiles; NULL-terminated, at least one */
    /* Whether a kernel of this name may work so; NULL: any. */
    bool (*offers)(int variant, enum kernel_dtype dtype, const char *library);
    /* Whether it is for such calls at all; NULL: all of the family's. */
    bool (*takes)(int variant, const struct kernel_call *call);
    /* Which of the constants a dtype has; NULL: all. */
    bool (*has)(const char *constant, enum kernel_dtype dtype, int variant);
    /* All parts of `t` but origin and source. */
    void (*time)(const double *constants, int variant, const struct kernel_device *on, const struct kernel_call *call,
                 struct kernel_time *t);
    /* Numbers of a call that tell its shape, the first one along the inner axis; NULL-terminated. */
    const char *const *members;
    /* Columns of measured files, and the call that a line of one is. `files`: what such files are called, NULL-terminated. */
    const char *const *files, *const *columns;
    /* NULL, or what is wrong; a text that begins with '-' tells why the row is let pass. All columns are there, the number
     * formats are read already. */
    const char *(*read)(const struct kernel_cells *cells, struct kernel_call *call);
    /* What a library compiles apart, so that each has constants of its own: lengths of heads. NULL: nothing. */
    double (*part)(const struct kernel_call *call);
    /* Numbers that a point's members imply; NULL: none. */
    void (*complete)(struct kernel_call *call);
    uint32_t points;    /* how many of a kernel's measured rows are kept at most, joined */
    uint32_t rows_each; /* that a point stands for on average, at least; small kernels keep LEAST_POINTS anyway */
    size_t n_axes;
    /* Where a call lies among the measured ones, in octaves; 1 is about as far on each axis. The first axis is the
     * inner one: rows of a shape that differ along it only are one series. */
    void (*axes)(const struct kernel_call *call, double *x);
    unsigned shape_axes; /* bits of those that tell shapes apart, which benchmarks choose; others are walked along */
    uint64_t (*shape)(const struct kernel_call *call); /* what folds keep together */
    /* A kernel of a library whose way is known from its source, where nobody measured it: with the rates of a dense GEMM of the
     * same number format and chip. False: none; NULL: never. */
    bool (*assume)(const struct kernel *gemm, const char *library, struct kernel *out);
};

extern const struct kernel_mechanism mechanism_gemm, mechanism_mla_decode, mechanism_mla_prefill, mechanism_gqa_decode,
    mechanism_gqa_prefill, mechanism_moe, mechanism_moe_contiguous, mechanism_moe_masked, mechanism_mla_bmm,
    mechanism_dsa_decode, mechanism_dsa_prefill;

/* NULL: the family has none. */
const struct kernel_mechanism *kernel_mechanism_of(enum kernel_family family);

/* Rate of the tensor cores for a kind of operands, whole chip. Chips without FP4 or FP8 tensor cores work in the next
 * wider one that they have. */
double device_flops(const struct kernel_device *d, enum kernel_dtype dtype);
/* SMs that the call may use: no more than the chip has. */
double device_sms(const struct kernel_device *d, const struct kernel_call *call);
/* Bytes of a value of the operands, and its share of scales. */
double kernel_value_B(enum kernel_dtype dtype);
double kernel_scale_B(enum kernel_dtype dtype);

#endif
