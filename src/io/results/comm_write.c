#include <string.h>

#include <cjson/cJSON.h>

#include "config.h"
#include "io/csv.h"
#include "io/json_config.h"
#include "io/results/comm_writers.h"

void comm_write_text(const struct comm_page *page, struct outfile *f)
{
    size_t width = strlen("group");
    for (uint32_t i = 0; i < page->n_groups; i++)
        width = strlen(page->groups[i].name) > width ? strlen(page->groups[i].name) : width;
    outfile_printf(f, "predicted / measured - 1, hardware %s\n\n%-*s  %6s  %7s  %7s  %8s\n", page->hardware, (int)width,
                   "group", "rows", "median", "p90", "bias");
    for (uint32_t i = 0; i < page->n_groups; i++) {
        const struct comm_line *g = &page->groups[i];
        outfile_printf(f, "%-*s  %6u  %5.1f %%  %5.1f %%  %+6.1f %%%s\n", (int)width, g->name, g->rows, 100 * g->median,
                       100 * g->p90, 100 * g->bias,
                       page->tolerance > 0 && g->median > page->tolerance ? "  over the tolerance" : "");
    }
    outfile_printf(f, "  median, p90: of the error's size; bias: the median error\n");
    if (page->left_out)
        outfile_printf(f, "  %u measurements of other kernels were left out (cluster.ep_kernel.kernel)\n",
                       page->left_out);
    for (uint32_t i = 0; i < page->n_notes; i++)
        outfile_printf(f, "  %s\n", page->notes[i]);
}

void comm_write_csv(const struct comm_page *page, struct outfile *f)
{
    outfile_printf(f, "file,line,what,phase,gpus,tokens,bytes,sms,predicted_us,measured_us,error\n");
    for (uint32_t i = 0; i < page->n_items; i++) {
        const struct comm_item *m = &page->items[i];
        csv_text(f, m->file);
        outfile_printf(f, ",%d,%s,%s,%u,%.10g,%.10g,%.10g,%.6g,%.6g,%.4g\n", m->line, m->what, m->phase, m->gpus,
                       m->tokens, m->bytes_B, m->sms, 1e6 * m->predicted_s, 1e6 * m->measured_s,
                       m->predicted_s / m->measured_s - 1);
    }
}

static cJSON *item_object(const struct comm_item *m)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "file", m->file);
    cJSON_AddNumberToObject(o, "line", m->line);
    cJSON_AddStringToObject(o, "what", m->what);
    cJSON_AddStringToObject(o, "phase", m->phase);
    cJSON_AddNumberToObject(o, "gpus", m->gpus);
    json_add_number(o, "tokens", m->tokens);
    json_add_number(o, "bytes", m->bytes_B);
    json_add_number(o, "sms", m->sms);
    json_add_number(o, "predicted", m->predicted_s);
    json_add_number(o, "measured", m->measured_s);
    if (m->logical_Bps > 0)
        json_add_number(o, "bandwidth", m->logical_Bps);
    return o;
}

void comm_write_json(const struct comm_page *page, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject(), *groups;
    cJSON_AddNumberToObject(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "moesim", PACKAGE_VERSION);
    cJSON_AddStringToObject(root, "hardware", page->hardware);
    groups = cJSON_AddArrayToObject(root, "groups");
    for (uint32_t i = 0; i < page->n_groups; i++) {
        cJSON *g = cJSON_CreateObject();
        cJSON_AddStringToObject(g, "name", page->groups[i].name);
        cJSON_AddNumberToObject(g, "rows", page->groups[i].rows);
        json_add_number(g, "median", page->groups[i].median);
        json_add_number(g, "p90", page->groups[i].p90);
        json_add_number(g, "bias", page->groups[i].bias);
        cJSON_AddItemToArray(groups, g);
    }
    cJSON *items = page->n_items ? cJSON_AddArrayToObject(root, "rows") : NULL;
    for (uint32_t i = 0; i < page->n_items; i++)
        cJSON_AddItemToArray(items, item_object(&page->items[i]));
    cJSON_AddNumberToObject(root, "left_out", page->left_out);
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    for (uint32_t i = 0; i < page->n_notes; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(page->notes[i]));
    char *text = checked_alloc(cJSON_Print(root));
    outfile_printf(f, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
}
