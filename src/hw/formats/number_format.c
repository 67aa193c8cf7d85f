#include "hw/formats/number_format.h"

#include <stdio.h>
#include <string.h>

#include "base/cfg.h"
#include "base/diag.h"
#include "hw/formats/mx.h"

#define OFP8 "OCP OFP8 1.0"
#define OCP_MX "OCP MX 1.0"

static const struct number_format formats[] = {
    {"bf16", "16 bits, 8 of exponent", "paper 3.2", FORMAT_PLAIN, &minifloat_bf16, {0}, 0, 0},
    {"e5m6", "12 bits, 5 of exponent", "paper 3.2", FORMAT_PLAIN, &minifloat_e5m6, {0}, 0, 0},
    {"e4m3", "FP8, 4 bits of exponent", OFP8, FORMAT_PLAIN, &minifloat_e4m3, {0}, 0, 0},
    {"e5m2", "FP8, 5 bits of exponent", OFP8, FORMAT_PLAIN, &minifloat_e5m2, {0}, 0, 0},
    {"e4m3_1x128",
     "E4M3, a scale for 1 x 128",
     "paper 3.1",
     FORMAT_SCALED,
     &minifloat_e4m3,
     {1, 128, SCALE_FP32},
     0,
     0},
    {"e4m3_128x128",
     "E4M3, a scale for 128 x 128",
     "paper 3.1",
     FORMAT_SCALED,
     &minifloat_e4m3,
     {128, 128, SCALE_FP32},
     0,
     0},
    {"e5m2_1x128",
     "E5M2, a scale for 1 x 128",
     "paper 3.1",
     FORMAT_SCALED,
     &minifloat_e5m2,
     {1, 128, SCALE_FP32},
     0,
     0},
    {"mxfp8_e4m3", "MX block of E4M3", OCP_MX, FORMAT_MX, &minifloat_e4m3, {0}, 0, 0},
    {"mxfp8_e5m2", "MX block of E5M2", OCP_MX, FORMAT_MX, &minifloat_e5m2, {0}, 0, 0},
    {"mxfp6_e2m3", "MX block of E2M3", OCP_MX, FORMAT_MX, &minifloat_e2m3, {0}, 0, 0},
    {"mxfp6_e3m2", "MX block of E3M2", OCP_MX, FORMAT_MX, &minifloat_e3m2, {0}, 0, 0},
    {"mxfp4_e2m1", "MX block of E2M1", OCP_MX, FORMAT_MX, &minifloat_e2m1, {0}, 0, 0},
    {"mxint8", "MX block of INT8", OCP_MX, FORMAT_MX, NULL, {0}, 0, 0},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

static const char *const shown[] = {"bf16",       "e5m6",         "logfmt10",   "logfmt8",    "e4m3",
                                    "e4m3_1x128", "e4m3_128x128", "mxfp8_e4m3", "mxint8",     "e5m2",
                                    "e5m2_1x128", "mxfp8_e5m2",   "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4_e2m1"};

bool number_format_shown(size_t i, struct number_format *out)
{
    char why[16];
    if (i >= sizeof shown / sizeof *shown)
        return false;
    if (number_format_find(shown[i], out, why, sizeof why))
        BUG("format %s is shown but not known", shown[i]);
    return true;
}

/* --- names ------------------------------------------------------------------------------------------ */

static int find_logfmt(const char *name, struct number_format *out, char *why, size_t why_size)
{
    int bits = 0, end = 0;
    if (sscanf(name, "logfmt%3d%n", &bits, &end) != 1 || (name[end] && strcmp(name + end, "_log"))) {
        snprintf(why, why_size, "'%s': LogFMT is written logfmtN or logfmtN_log, for example logfmt8", name);
        return -1;
    }
    if (bits < LOGFMT_MIN_BITS || bits > LOGFMT_MAX_BITS) {
        snprintf(why, why_size, "'%s': LogFMT has %d to %d bits, not %d; write for example logfmt8", name,
                 LOGFMT_MIN_BITS, LOGFMT_MAX_BITS, bits);
        return -1;
    }
    *out = (struct number_format){.kind = FORMAT_LOGFMT, .logfmt_bits = bits, .ref = "paper 3.2"};
    out->rounding = name[end] ? LOGFMT_LOG : LOGFMT_LINEAR;
    out->doc = name[end] ? "logarithmic, rounded in the logarithm" : "logarithmic, tiles of 1 x 128";
    snprintf(out->name, sizeof out->name, "logfmt%d%s", bits, name[end] ? "_log" : "");
    return 0;
}

int number_format_find(const char *name, struct number_format *out, char *why, size_t why_size)
{
    const char *names[N_FORMATS + 4] = {0};
    size_t n = 0;
    if (!strncmp(name, "logfmt", 6))
        return find_logfmt(name, out, why, why_size);
    for (; n < N_FORMATS; n++) {
        names[n] = formats[n].name;
        if (strcmp(name, formats[n].name))
            continue;
        *out = formats[n];
        return 0;
    }
    names[n++] = "logfmt8";
    names[n] = "logfmt10";
    const char *near = cfg_nearest(name, names);
    snprintf(why, why_size, "there is no format '%s'%s%s%s; 'moesim formats --list' lists them", name,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return -1;
}

bool number_format_listed(size_t i, struct number_format *out)
{
    char why[16];
    if (i < N_FORMATS)
        *out = formats[i];
    else if (i == N_FORMATS)
        number_format_find("logfmt8", out, why, sizeof why);
    else if (i == N_FORMATS + 1)
        number_format_find("logfmt8_log", out, why, sizeof why);
    return i < N_FORMATS + 2;
}

/* --- round trips ------------------------------------------------------------------------------------ */

double number_format_bits(const struct number_format *f)
{
    double blocking = (double)f->blocking.rows * f->blocking.cols;
    switch (f->kind) {
    case FORMAT_PLAIN:
        return minifloat_bits(f->element);
    case FORMAT_SCALED:
        return minifloat_bits(f->element) + 32 / blocking;
    case FORMAT_MX:
        return (f->element ? minifloat_bits(f->element) : 8) + 8.0 / MX_BLOCK;
    case FORMAT_LOGFMT:
        return f->logfmt_bits + 64.0 / LOGFMT_TILE;
    }
    BUG("format %s: unknown kind", f->name);
}

/* Stretches of one row, each on its own. */
static void by_blocks(const struct number_format *f, const float *x, uint32_t cols, float *y)
{
    uint32_t size = f->kind == FORMAT_MX ? MX_BLOCK : LOGFMT_TILE;
    for (uint32_t c = 0; c < cols; c += size) {
        int n = (int)(cols - c < size ? cols - c : size);
        if (f->kind == FORMAT_MX) {
            struct mx_block block;
            mx_encode(f->element, x + c, n, &block);
            mx_decode(f->element, &block, y + c, n);
        } else {
            struct logfmt_tile tile;
            logfmt_encode(f->logfmt_bits, f->rounding, x + c, n, &tile);
            logfmt_decode(f->logfmt_bits, &tile, y + c, n);
        }
    }
}

static void plain(const struct number_format *f, const float *x, size_t n, float *y)
{
    uint16_t codes[1024];
    for (size_t i = 0; i < n; i += 1024) {
        size_t some = n - i < 1024 ? n - i : 1024;
        minifloat_encode_array(f->element, x + i, codes, some);
        minifloat_decode_array(f->element, codes, y + i, some);
    }
}

void number_format_round_trip(const struct number_format *f, const float *x, uint32_t rows, uint32_t cols, float *y)
{
    if (f->kind == FORMAT_PLAIN) {
        plain(f, x, (size_t)rows * cols, y);
    } else if (f->kind == FORMAT_SCALED) {
        struct arena *arena = arena_new();
        struct quantised q = quantise(f->element, x, rows, cols, f->blocking, arena);
        dequantise(&q, y);
        arena_free(arena);
    } else {
        for (uint32_t r = 0; r < rows; r++)
            by_blocks(f, x + (size_t)r * cols, cols, y + (size_t)r * cols);
    }
}
