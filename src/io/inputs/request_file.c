#include "io/inputs/request_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/whole_file.h"

static const struct request_format *const formats[] = {&request_jsonl, &request_benchmark, &request_csv, NULL};

enum { LARGEST_FILE_B = 1 << 30 };

struct srcloc request_place(const struct request_text *t, const char *at)
{
    struct srcloc where = {.file = t->path, .text = t->text, .text_len = t->len, .line = 1, .column = 1};
    for (const char *p = t->text; p < at; p++, where.column++)
        if (*p == '\n') {
            where.line++;
            where.column = 0;
        }
    return where;
}

bool request_is_tokens(double value)
{
    return value >= 0 && value <= REQUEST_MOST_TOKENS && value == floor(value);
}

/* Arrays that double; the arena keeps the old ones. */
static void *grown(void *list, uint32_t n, uint32_t *most, size_t size, struct arena *arena)
{
    if (n < *most)
        return list;
    *most = 2 * n + 64;
    void *more = arena_array(arena, size, *most);
    if (n)
        memcpy(more, list, n * size);
    return more;
}

struct request_row *request_add(struct request_rows *r, struct arena *arena)
{
    r->row = grown(r->row, r->n, &r->most, sizeof *r->row, arena);
    r->row[r->n] = (struct request_row){.first_block = r->n_blocks};
    return &r->row[r->n++];
}

int64_t *request_add_blocks(struct request_rows *r, uint32_t n, struct arena *arena)
{
    if (r->n_blocks + n > r->most_blocks) {
        uint32_t most = 2 * (r->n_blocks + n) + 64;
        int64_t *more = ARENA_ARRAY(arena, int64_t, most);
        if (r->n_blocks)
            memcpy(more, r->blocks, r->n_blocks * sizeof *more);
        r->blocks = more;
        r->most_blocks = most;
    }
    r->n_blocks += n;
    return r->blocks + r->n_blocks - n;
}

/* Requests of no tokens failed, or asked for nothing. */
static void drop_empty(struct request_rows *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->row[i].prompt && r->row[i].output)
            r->row[kept++] = r->row[i];
    r->left_out = r->n - kept;
    r->n = kept;
}

static int check_order(const struct request_text *t, struct request_rows *r, struct diag *diag)
{
    double first_s = r->n ? r->row[0].arrival_s : 0;
    for (uint32_t i = 0; i < r->n; i++) {
        if (i && r->row[i].arrival_s < r->row[i - 1].arrival_s) {
            diag_error(diag, EXIT_BAD_INPUT, request_place(t, t->text + r->row[i].at),
                       "requests stand by arrival; this one comes %g s before the one above it",
                       r->row[i - 1].arrival_s - r->row[i].arrival_s);
            return -1;
        }
    }
    for (uint32_t i = 0; i < r->n; i++)
        r->row[i].arrival_s -= first_s;
    return 0;
}

int request_text_read(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag)
{
    *out = (struct request_rows){0};
    for (const struct request_format *const *f = formats; *f; f++) {
        if (!(*f)->recognises(t))
            continue;
        if ((*f)->read(t, arena, out, diag))
            return -1;
        drop_empty(out);
        if (out->n)
            return check_order(t, out, diag);
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(t->path), "there are no requests in it (%s)", out->format);
        return -1;
    }
    diag_error(
        diag, EXIT_BAD_INPUT, SRCLOC_FILE(t->path),
        "this is no file of requests: lines of arrival_s, prompt, output; CSV with the names of its columns in the "
        "first line; JSONL of Mooncake; or a result of vLLM's or SGLang's benchmark");
    return -1;
}

int request_file_read(const char *path, struct arena *arena, struct request_rows *out, struct diag *diag)
{
    struct request_text t = {.path = path};
    char *text;
    if (whole_file_read(path, LARGEST_FILE_B, &text, &t.len, diag))
        return -1;
    t.text = text;
    int failed = request_text_read(&t, arena, out, diag);
    free(text);
    return failed;
}

int request_file_is_own(const char *path, struct diag *diag)
{
    enum { HEAD_B = 4096 };
    char head[HEAD_B + 1];
    size_t len, n = 0;
    if (whole_file_head(path, head, HEAD_B, &len, diag))
        return -1;
    head[len] = 0;
    const char *p = head;
    for (p += strspn(p, " \t\r\n"); *p == '#'; p += strspn(p, " \t\r\n"))
        p += strcspn(p, "\n");
    char line[64] = "";
    for (; *p && *p != '\n' && *p != '#' && n + 1 < sizeof line; p++)
        if (!strchr(" \t\r,;\"", *p))
            line[n++] = *p;
    line[n] = 0;
    return !n || strspn(line, "0123456789.+-") || !strcmp(line, "arrival_spromptoutput");
}
