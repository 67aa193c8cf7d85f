#include "io/results/kernel_check_write.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "hw/kernels/measured.h"

/* "bfloat16", "bfloat16/fp8": of the operands, and of the cache where it differs. */
static void dtype_text(const struct kernel_call *call, char *buf, size_t size)
{
    snprintf(buf, size, "%s%s", kernel_dtype_names[call->dtype], call->fp8_cache ? "/fp8" : "");
}

static void percent(double ratio, struct outfile *f)
{
    if (isnan(ratio))
        outfile_printf(f, "%9s", "-");
    else
        outfile_printf(f, "%8.1f%%", 100 * ratio);
}

static void print_group(const struct check_page *page, const struct check_group *g, struct outfile *f)
{
    char dtype[32];
    dtype_text(&g->first->call, dtype, sizeof dtype);
    outfile_printf(f, "  %-16s %-11s %-36s %7u", kernel_family_names[g->first->call.family], dtype,
                   g->first->library ? g->first->library : "", g->all.rows);
    percent(g->all.median, f);
    percent(g->all.p90, f);
    percent(g->all.bias, f);
    percent(g->mechanism.median, f);
    percent(g->mechanism.p90, f);
    if (g->beyond.rows) {
        outfile_printf(f, " %7u", g->beyond.rows);
        percent(g->beyond.median, f);
        percent(g->beyond.p90, f);
    }
    outfile_printf(f, "%s\n", page->tolerance > 0 && g->all.median > page->tolerance ? "  over tolerance" : "");
}

void kernel_check_text(const struct check_page *page, struct outfile *f)
{
    if (page->folds)
        outfile_printf(f,
                       "Sizes of (model / measured - 1) on %s; the shape's part left out of %d, means of the parts\n\n",
                       page->hardware, page->folds);
    else
        outfile_printf(f, "Sizes of (model / measured - 1) on %s\n\n", page->hardware);
    outfile_printf(f, "  %-16s %-11s %-36s %7s%9s%9s%9s%9s%9s\n", "family", "dtype", "kernel", "rows", "median", "p90",
                   "bias", "alone", "p90");
    for (size_t i = 0; i < page->n_groups; i++)
        print_group(page, &page->groups[i], f);
    outfile_printf(f, "\n  alone: the mechanism without the points' residual%s\n",
                   page->folds ? "; behind it, apart: shapes beyond the range of those fitted to" : "");
}

static void add_number(cJSON *o, const char *name, double value)
{
    if (isnan(value))
        cJSON_AddNullToObject(o, name);
    else
        cJSON_AddNumberToObject(o, name, value);
}

static void add_errors(cJSON *o, const struct check_errors *e)
{
    cJSON_AddNumberToObject(o, "rows", e->rows);
    add_number(o, "median", e->median);
    add_number(o, "p90", e->p90);
    add_number(o, "bias", e->bias);
}

void kernel_check_json(const struct check_page *page, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "hardware", page->hardware);
    cJSON_AddNumberToObject(root, "left_out", page->folds);
    cJSON *groups = cJSON_AddArrayToObject(root, "groups");
    for (size_t i = 0; i < page->n_groups; i++) {
        const struct check_group *g = &page->groups[i];
        char dtype[32];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToArray(groups, o);
        dtype_text(&g->first->call, dtype, sizeof dtype);
        cJSON_AddStringToObject(o, "family", kernel_family_names[g->first->call.family]);
        cJSON_AddStringToObject(o, "dtype", dtype);
        cJSON_AddStringToObject(o, "source", g->first->library ? g->first->library : "");
        add_errors(o, &g->all);
        add_errors(cJSON_AddObjectToObject(o, "mechanism"), &g->mechanism);
        if (page->folds)
            add_errors(cJSON_AddObjectToObject(o, "beyond"), &g->beyond);
    }
    char *text = cJSON_Print(root);
    outfile_printf(f, "%s\n", text);
    free(text);
    cJSON_Delete(root);
}
