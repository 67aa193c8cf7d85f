#include <string.h>

#include <cjson/cJSON.h>

#include "config.h"
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
    cJSON_AddNumberToObject(root, "left_out", page->left_out);
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    for (uint32_t i = 0; i < page->n_notes; i++)
        cJSON_AddItemToArray(notes, cJSON_CreateString(page->notes[i]));
    char *text = checked_alloc(cJSON_Print(root));
    outfile_printf(f, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
}
