/* The number formats by name, as a sender and a receiver use them: what a matrix looks like after it went
 * through one, and how many bits a value takes, scales included.
 *
 * Names: bf16, e5m6; e4m3, e5m2 (without scales); e4m3_1x128, e5m2_1x128, e4m3_128x128 (FP32 scales);
 * mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4_e2m1, mxint8 (blocks of 32);
 * logfmt4 .. logfmt16, and the same with _log for rounding in the logarithm. */
#ifndef MOESIM_HW_FORMATS_NUMBER_FORMAT_H
#define MOESIM_HW_FORMATS_NUMBER_FORMAT_H

#include "hw/formats/logfmt.h"
#include "hw/formats/quantise.h"

enum format_kind { FORMAT_PLAIN, FORMAT_SCALED, FORMAT_MX, FORMAT_LOGFMT };

struct number_format {
    char name[24];
    const char *doc, *ref;
    enum format_kind kind;
    const struct minifloat *element; /* NULL: INT8 of MX, or LogFMT */
    struct blocking blocking;        /* FORMAT_SCALED */
    int logfmt_bits;
    enum logfmt_rounding rounding;
};

/* 0, or -1 and what to write instead in `why`. */
int number_format_find(const char *name, struct number_format *out, char *why, size_t why_size);
/* The i-th of those shown when none is named, or false after the last. */
bool number_format_shown(size_t i, struct number_format *out);
/* The i-th of all, LogFMT with one example of each rounding. */
bool number_format_listed(size_t i, struct number_format *out);

double number_format_bits(const struct number_format *f); /* per value */
/* y = decode(encode(x)), [rows][cols]; x finite; y may be x. */
void number_format_round_trip(const struct number_format *f, const float *x, uint32_t rows, uint32_t cols, float *y);

#endif
