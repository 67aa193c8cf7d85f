/* All tables that `moesim formats` prints, as numbers. */
#ifndef MOESIM_HW_FORMATS_FORMAT_REPORT_H
#define MOESIM_HW_FORMATS_FORMAT_REPORT_H

#include "hw/formats/format_study.h"

enum report_table { REPORT_ERRORS = 1, REPORT_COMBINE = 2, REPORT_ROUNDING = 4, REPORT_GEMM = 8, REPORT_ALL = 15 };

enum {
    REPORT_COLUMNS = 4096,     /* of drawn data */
    REPORT_TOKENS = 16,        /* of the combine step */
    REPORT_EXPERTS = 8,        /* DeepSeek-V3's top 8 */
    REPORT_GEMM_ROWS = 32,     /* m */
    REPORT_GEMM_COLUMNS = 128, /* n */
    REPORT_GEMM_DEPTH = 4096   /* k, where it is not what varies */
};

struct report_request {
    const struct number_format *formats;
    size_t n_formats;
    unsigned tables; /* of enum report_table */
    uint64_t seed;
    uint32_t rows;     /* of drawn data, or of `data` */
    uint32_t columns;  /* of `data` */
    const float *data; /* NULL: drawn; then only the table of errors makes sense */
    const char *data_name;
};

struct report_error {
    const char *data; /* its name */
    const struct number_format *format;
    double bits; /* per value */
    struct format_error error;
};

struct report_rounding {
    const char *data;
    int bits;
    double step; /* mean of the tiles, in the natural logarithm */
    struct format_error linear, log;
};

/* What a row of the GEMM tables varies. */
enum gemm_axis { GEMM_BY_DEPTH, GEMM_BY_BITS, GEMM_BY_INTERVAL, N_GEMM_AXES };

struct report_gemm {
    enum gemm_axis axis;
    const char *data;
    uint32_t k;
    struct tensor_core core;
    struct gemm_error accumulation, quantisation;
};

struct format_report {
    struct report_error *errors, *combine;
    struct report_rounding *rounding;
    struct report_gemm *gemm;
    size_t n_errors, n_combine, n_rounding, n_gemm;
};

void format_report(const struct report_request *request, struct arena *arena, struct format_report *out);

#endif
