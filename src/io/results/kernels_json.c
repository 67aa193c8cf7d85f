#include <math.h>

#include "config.h"
#include "io/json_config.h"
#include "io/results/kernels_writers.h"

static cJSON *head(const struct kernels_page *page)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "moesim", PACKAGE_VERSION);
    cJSON_AddStringToObject(root, "hardware", page->hardware);
    return root;
}

static void add_call(cJSON *to, const struct kernel_call *call)
{
    char name[64];
    kernels_name(call, name, sizeof name);
    cJSON_AddStringToObject(to, "kernel", name);
    if (kernel_is_grouped(call->family)) {
        cJSON *rows = call->rows ? cJSON_AddArrayToObject(to, "rows") : NULL;
        cJSON_AddNumberToObject(to, "groups", call->groups ? call->groups : 1);
        for (uint32_t g = 0; rows && g < call->groups; g++)
            cJSON_AddItemToArray(rows, cJSON_CreateNumber(call->rows[g]));
    }
    for (const struct kernel_member *m = kernel_members; m->name; m++) {
        double value = *kernel_member_at((struct kernel_call *)call, m);
        if (value > 0)
            json_add_number(to, m->name, value);
    }
    if (call->causal)
        cJSON_AddBoolToObject(to, "causal", true);
}

static void add_gains(cJSON *to, const struct kernel_gains *g)
{
    cJSON_AddStringToObject(to, "bound", kernel_limit_names[kernel_gains_most(g)]);
    cJSON *gains = cJSON_AddObjectToObject(to, "gains");
    for (int i = 0; i < KERNEL_LIMITS; i++)
        json_add_number(gains, kernel_limit_names[i], g->of[i]);
}

static void add_time(cJSON *to, const struct kernel_time *t)
{
    json_add_number(to, "time_s", t->time_s);
    cJSON_AddStringToObject(to, "origin", kernel_origin_names[t->origin]);
    if (t->source)
        cJSON_AddStringToObject(to, "source", t->source);
    if (t->library) {
        cJSON_AddStringToObject(to, "library", t->library);
        cJSON_AddStringToObject(to, "measured_on", t->chip);
    }
    json_add_number(to, "roofline_s", t->roofline_s);
    json_add_number(to, "start_s", t->start_s);
    json_add_number(to, "tensor_s", t->tensor_s);
    json_add_number(to, "memory_s", t->memory_s);
    json_add_number(to, "flop", t->flop);
    json_add_number(to, "bytes_B", t->bytes_B);
    if (t->tile_m > 0) {
        json_add_number(to, "tile_m", t->tile_m);
        json_add_number(to, "tile_n", t->tile_n);
        json_add_number(to, "tiles", t->tiles);
        json_add_number(to, "waves", t->waves);
    }
}

static void add_errors(cJSON *to, const char *key, const struct kernel_errors *e)
{
    cJSON *o = cJSON_AddObjectToObject(to, key);
    cJSON_AddNumberToObject(o, "n", (double)e->n);
    json_add_number(o, "median_ratio", e->median);
    json_add_number(o, "mean_ratio", e->mean);
    json_add_number(o, "max_ratio", e->max);
}

static void add_summary(cJSON *to, const struct kernel_summary *s, bool check)
{
    cJSON_AddStringToObject(to, check ? "file" : "kernel", s->name);
    cJSON_AddNumberToObject(to, "rows", (double)s->n);
    if (check) {
        add_errors(to, "model", &s->model);
        json_add_number(to, "bias_ratio", s->bias);
        return;
    }
    add_errors(to, "roofline", &s->roofline);
    add_errors(to, "interpolated_row_left_out", &s->interpolated);
    add_errors(to, "refitted_series_left_out", &s->refitted);
}

static void add_summaries(cJSON *root, const char *key, const struct kernel_summary *list, size_t n, bool check)
{
    cJSON *array = cJSON_AddArrayToObject(root, key);
    for (size_t i = 0; i < n; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(array, o);
        add_summary(o, &list[i], check);
    }
}

static void add_rows(cJSON *root, const char *key, const struct kernels_page *page,
                     const struct kernel_row_report *rows, size_t n)
{
    cJSON *array = cJSON_AddArrayToObject(root, key);
    for (size_t i = 0; i < n; i++) {
        const struct kernel_call *call = &rows[i].row->call;
        if (page->family >= 0 && ((int)call->family != page->family || (int)call->dtype != page->dtype))
            continue;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(array, o);
        add_call(o, call);
        json_add_number(o, "measured_s", rows[i].row->time_s);
        json_add_number(o, "model_s", rows[i].model.time_s);
        cJSON_AddStringToObject(o, "origin", kernel_origin_names[rows[i].model.origin]);
        json_add_number(o, "roofline_s", rows[i].roofline_s);
        json_add_number(o, "interpolated_s", rows[i].interpolated_s);
        json_add_number(o, "refitted_s", rows[i].refitted_s);
        cJSON_AddStringToObject(o, "file", rows[i].row->file);
        cJSON_AddNumberToObject(o, "line", rows[i].row->line);
        cJSON_AddStringToObject(o, "source", rows[i].row->source);
    }
}

void kernels_write_json(const struct kernels_page *page, struct outfile *f)
{
    cJSON *root = head(page);
    if (page->call) {
        add_call(root, page->call);
        add_time(root, &page->time);
        add_gains(root, &page->gains);
        json_write(root, f);
        return;
    }
    const struct kernel_report *r = page->report;
    add_summaries(root, "families", r->families, r->n_families, false);
    add_summary(cJSON_AddObjectToObject(root, "all"), &r->all, false);
    add_summaries(root, "checks", r->files, r->n_files, true);
    add_rows(root, "rows", page, r->rows, r->n_rows);
    add_rows(root, "check_rows", page, r->checks, r->n_checks);
    json_write(root, f);
}
