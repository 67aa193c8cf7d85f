/* Requests as JSON, one a line: traces of Mooncake (FAST '25: timestamp in milliseconds, hashes of blocks of 512 tokens,
 * each of which stands for all before it, too) and of Qwen's service (chat_id; timestamp in seconds, blocks of 16).
 *
 * Left out: sessions, types of requests. */
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "io/inputs/request_file.h"

enum { LONGEST_LINE_B = 16 << 20, MOST_ERRORS = 20 };

static bool recognises(const struct request_text *t)
{
    const char *p = t->text + strspn(t->text, " \t\r\n");
    size_t line = strcspn(p, "\n");
    const char *key = *p == '{' ? strstr(p, "\"input_length\"") : NULL;
    return key && (size_t)(key - p) < line;
}

struct reading {
    const struct request_text *t;
    struct arena *arena;
    struct request_rows *out;
    struct diag *diag;
    size_t before;
    bool seconds;
};

static void complain(const struct reading *r, const char *at, const char *what)
{
    diag_error(r->diag, EXIT_BAD_INPUT, request_place(r->t, at), "%s", what);
}

static bool tokens(const struct reading *r, const cJSON *o, const char *key, const char *at, uint32_t *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (cJSON_IsNumber(v) && request_is_tokens(v->valuedouble)) {
        *out = (uint32_t)v->valuedouble;
        return true;
    }
    complain(r, at, arena_printf(r->arena, "'%s' is a whole number of tokens", key));
    return false;
}

/* Blocks beyond the prompt are a mistake of the file. */
static bool hashes(const struct reading *r, const cJSON *list, const char *at, struct request_row *row)
{
    uint32_t most = row->prompt / r->out->block_tokens + 1;
    int n = cJSON_GetArraySize(list), i = 0;
    const cJSON *v;
    if (!list || (cJSON_IsArray(list) && !n))
        return true;
    if (!cJSON_IsArray(list) || (uint32_t)n > most) {
        complain(r, at, "'hash_ids' is a list with a number for each block of the prompt");
        return false;
    }
    row->n_blocks = (uint32_t)n;
    int64_t *out = request_add_blocks(r->out, (uint32_t)n, r->arena);
    cJSON_ArrayForEach(v, list)
    {
        if (!cJSON_IsNumber(v) || fabs(v->valuedouble) > 1e15 || v->valuedouble != floor(v->valuedouble)) {
            complain(r, at, "'hash_ids' has what is no whole number");
            return false;
        }
        out[i++] = (int64_t)v->valuedouble;
    }
    return true;
}

static void read_object(struct reading *r, const cJSON *o, const char *at)
{
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(o, "timestamp");
    struct request_row row = {0};
    if (!cJSON_IsNumber(time) || !(time->valuedouble >= 0 && time->valuedouble <= 1e15)) {
        complain(r, at, "'timestamp' is a number from 0 on: without it nobody knows when requests come");
        return;
    }
    if (!tokens(r, o, "input_length", at, &row.prompt) || !tokens(r, o, "output_length", at, &row.output))
        return;
    struct request_row *kept = request_add(r->out, r->arena);
    row.first_block = kept->first_block;
    row.arrival_s = time->valuedouble / (r->seconds ? 1 : 1000);
    row.at = (size_t)(at - r->t->text);
    if (hashes(r, cJSON_GetObjectItemCaseSensitive(o, "hash_ids"), at, &row))
        *kept = row;
}

static void read_line(struct reading *r, const char *line, size_t len)
{
    cJSON *o = len <= LONGEST_LINE_B ? cJSON_ParseWithLength(line, len) : NULL;
    if (cJSON_IsObject(o))
        read_object(r, o, line);
    else
        complain(r, line, "each line is an object: {\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500}");
    cJSON_Delete(o);
}

static int read(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag)
{
    struct reading r = {.t = t, .arena = arena, .out = out, .diag = diag, .before = diag_count(diag)};
    size_t first = strcspn(t->text + strspn(t->text, "\r\n"), "\n");
    const char *chat = strstr(t->text, "\"chat_id\"");
    r.seconds = chat && (size_t)(chat - t->text) < first;
    out->block_tokens = r.seconds ? 16 : 512;
    out->format = r.seconds ? "JSONL of a Qwen service, timestamps in seconds, blocks of 16 tokens"
                            : "Mooncake's JSONL, timestamps in milliseconds, blocks of 512 tokens";
    for (const char *p = t->text, *end = t->text + t->len; p < end && diag_count(diag) - r.before < MOST_ERRORS;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((stop ? stop : end) - p);
        if (strspn(p, " \t\r") < len)
            read_line(&r, p, len);
        p += len + 1;
    }
    if (!out->n_blocks)
        out->block_tokens = 0;
    return diag_count(diag) == r.before ? 0 : -1;
}

const struct request_format request_jsonl = {"JSON lines", recognises, read};
