#include <string.h>

#include "config.h"
#include "io/results/formats_writers.h"
#include "io/json_config.h"

static void add_error(cJSON *to, const struct format_error *e)
{
    json_add_number(to, "snr_dB", e->snr_dB);
    json_add_number(to, "relative_ratio", e->relative_ratio);
    json_add_number(to, "bias_ratio", e->bias_ratio);
    json_add_number(to, "bias_se_ratio", e->bias_se_ratio);
    json_add_number(to, "zeroed_ratio", e->zeroed_ratio);
}

static cJSON *new_row(cJSON *array, const char *data)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(array, o);
    cJSON_AddStringToObject(o, "data", data);
    return o;
}

static void add_errors(cJSON *root, const char *key, const struct report_error *rows, size_t n)
{
    cJSON *array = cJSON_AddArrayToObject(root, key);
    for (size_t i = 0; i < n; i++) {
        cJSON *o = new_row(array, rows[i].data);
        cJSON_AddStringToObject(o, "format", rows[i].format->name);
        json_add_number(o, "bits_per_value", rows[i].bits);
        add_error(o, &rows[i].error);
    }
}

static void add_rounding(cJSON *root, const struct format_report *r)
{
    cJSON *array = cJSON_AddArrayToObject(root, "rounding");
    for (size_t i = 0; i < r->n_rounding; i++) {
        cJSON *o = new_row(array, r->rounding[i].data);
        json_add_number(o, "bits", r->rounding[i].bits);
        json_add_number(o, "step_ln", r->rounding[i].step);
        add_error(cJSON_AddObjectToObject(o, "linear"), &r->rounding[i].linear);
        add_error(cJSON_AddObjectToObject(o, "log"), &r->rounding[i].log);
    }
}

static void add_gemm_error(cJSON *to, const char *key, const struct gemm_error *e)
{
    cJSON *o = cJSON_AddObjectToObject(to, key);
    json_add_number(o, "rms_ratio", e->rms_ratio);
    json_add_number(o, "max_ratio", e->max_ratio);
    json_add_number(o, "bias_ratio", e->bias_ratio);
}

static void add_gemm(cJSON *root, const struct format_report *r)
{
    static const char *const axes[N_GEMM_AXES] = {
        [GEMM_BY_DEPTH] = "k", [GEMM_BY_BITS] = "bits", [GEMM_BY_INTERVAL] = "promote_every"};
    cJSON *array = cJSON_AddArrayToObject(root, "gemm");
    for (size_t i = 0; i < r->n_gemm; i++) {
        const struct report_gemm *g = &r->gemm[i];
        cJSON *o = new_row(array, g->data);
        cJSON_AddStringToObject(o, "varies", axes[g->axis]);
        json_add_number(o, "m", REPORT_GEMM_ROWS);
        json_add_number(o, "n", REPORT_GEMM_COLUMNS);
        json_add_number(o, "k", g->k);
        json_add_number(o, "group", g->core.group);
        json_add_number(o, "align_bits", g->core.align_bits);
        json_add_number(o, "register_bits", g->core.register_bits);
        json_add_number(o, "promote_every", g->core.promote_every);
        add_gemm_error(o, "accumulation", &g->accumulation);
        add_gemm_error(o, "quantisation", &g->quantisation);
    }
}

void formats_write_json(const struct report_request *q, const struct format_report *r, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject();
    json_add_number(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", "formats");
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    cJSON_AddStringToObject(p, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(p, "version", PACKAGE_VERSION);
    json_add_number(p, "seed", (double)q->seed);
    if (q->tables & REPORT_ERRORS)
        add_errors(root, "errors", r->errors, r->n_errors);
    if (q->tables & REPORT_COMBINE)
        add_errors(root, "combine", r->combine, r->n_combine);
    if (q->tables & REPORT_ROUNDING)
        add_rounding(root, r);
    if (q->tables & REPORT_GEMM)
        add_gemm(root, r);
    json_write(root, f);
}
