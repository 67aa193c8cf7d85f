/* The page: report/report.html with its marks (@@style@@ and the like) replaced. Results stand in it as JSON inside a
 * script element that no browser runs; every '<' in them is written \u003c, so that nothing in them can end it. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

#include "base/data_find.h"
#include "base/outfile.h"
#include "base/yaml_text.h"
#include "config.h"
#include "io/results/report.h"
#include "io/scenario.h"

struct page {
    struct outfile *f;
    const struct report_input *inputs;
    uint32_t n;
    const char *title;
    struct arena *arena;
};

/* --- escaping ----------------------------------------------------------------------------------------------------- */

/* JSON text: in it '<' stands inside of strings only. */
static void put_json(struct outfile *f, const char *json)
{
    while (*json) {
        size_t n = strcspn(json, "<");
        outfile_write(f, json, n);
        json += n;
        if (!*json)
            break;
        outfile_printf(f, "\\u003c");
        json++;
    }
}

static void put_json_string(struct outfile *f, const char *s)
{
    cJSON *string = cJSON_CreateString(s);
    char *text = checked_alloc(cJSON_PrintUnformatted(string));
    put_json(f, text);
    cJSON_free(text);
    cJSON_Delete(string);
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static void put_data(const struct page *p)
{
    outfile_printf(p->f, "{\"results\": [");
    for (uint32_t i = 0; i < p->n; i++) {
        outfile_printf(p->f, "%s\n{\"file\": ", i ? "," : "");
        put_json_string(p->f, p->inputs[i].file);
        outfile_printf(p->f, ", \"kind\": \"%s\", \"doc\": ", p->inputs[i].kind);
        put_json(p->f, p->inputs[i].json);
        outfile_printf(p->f, "}");
    }
    outfile_printf(p->f, "\n]}");
}

/* A file of the page, which moesim brings along. 0 or -1. */
static int part(const char *name, struct arena *arena, const char **text, struct diag *diag)
{
    const char *relative = arena_printf(arena, "report/%s", name), *path = data_find(relative, NULL, arena);
    size_t len;
    if (path)
        return yaml_text_read(path, arena, text, &len, diag);
    diag_error(diag, EXIT_IO, SRCLOC_FILE(relative),
               "there is no such file here, in $MOESIM_PATH or where moesim is "
               "installed");
    return -1;
}

enum { PART_STYLE, PART_LIBRARY, PART_SCRIPT, PART_LICENCES, N_PARTS };
static const struct {
    const char *mark, *file;
    bool escaped;
} parts[N_PARTS] = {
    {"style", "report.css", false},
    {"library", "echarts.js", false},
    {"script", "report.js", false},
    {"licences", "LICENSES.txt", true},
};

/* What stands for @@mark@@. */
static void put_mark(const struct page *p, const char *mark, size_t len, const char *const texts[N_PARTS])
{
    for (int i = 0; i < N_PARTS; i++)
        if (strlen(parts[i].mark) == len && !strncmp(parts[i].mark, mark, len)) {
            if (parts[i].escaped)
                outfile_escaped(p->f, texts[i]);
            else
                outfile_write(p->f, texts[i], strlen(texts[i]));
            return;
        }
    if (len == 4 && !strncmp(mark, "data", len))
        put_data(p);
    else if (len == 5 && !strncmp(mark, "title", len))
        outfile_escaped(p->f, p->title);
    else
        outfile_escaped(p->f, PACKAGE_STRING); /* program */
}

static void put_page(const struct page *p, const char *html, const char *const texts[N_PARTS])
{
    const char *mark, *end;
    while ((mark = strstr(html, "@@")) && (end = strstr(mark + 2, "@@"))) {
        outfile_write(p->f, html, (size_t)(mark - html));
        put_mark(p, mark + 2, (size_t)(end - mark) - 2, texts);
        html = end + 2;
    }
    outfile_write(p->f, html, strlen(html));
}

int report_write(const struct report_input *inputs, uint32_t n, const char *title, const char *path,
                 struct arena *arena, struct diag *diag)
{
    const char *html, *texts[N_PARTS];
    if (part("report.html", arena, &html, diag))
        return -1;
    for (int i = 0; i < N_PARTS; i++)
        if (part(parts[i].file, arena, &texts[i], diag))
            return -1;
    struct page p = {.f = outfile_open(path, diag), .inputs = inputs, .n = n, .title = title, .arena = arena};
    if (!p.f)
        return -1;
    put_page(&p, html, texts);
    return outfile_close(p.f, diag);
}
