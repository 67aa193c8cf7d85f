/* Results of vLLM's benchmark (`vllm bench serve --save-result --save-detailed`: an object) and SGLang's
 * (`sglang.bench_serving --output-details`: an object a line): lists input_lens and output_lens, and when requests were
 * sent, start_times [s], which older versions and SGLang do not write. With a request_rate of "inf" all came at once.
 *
 * Left out: what the benchmark measured (ttfts, itls); of several lines all but the first. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/request_file.h"

static bool recognises(const struct request_text *t)
{
    const char *p = t->text + strspn(t->text, " \t\r\n");
    return *p == '{' && strstr(p, "\"input_lens\"");
}

struct lists {
    const cJSON *prompt, *output, *start;
    const char *at;
};

static int complain(const struct request_text *t, const char *at, struct diag *diag, const char *what)
{
    diag_error(diag, EXIT_BAD_INPUT, request_place(t, at), "%s", what);
    return -1;
}

/* As Python writes it: Infinity is a number that JSON does not have. */
static char *without_infinity(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    bool quoted = false;
    if (!copy)
        out_of_memory();
    memcpy(copy, text, len + 1);
    for (size_t i = 0; i < len; i++) {
        quoted ^= copy[i] == '"';
        if (quoted && copy[i] == '\\' && i + 1 < len)
            i++;
        else if (!quoted && !strncmp(copy + i, "Infinity", 8))
            memcpy(copy + i, "1e999   ", 8);
        else if (!quoted && !strncmp(copy + i, "NaN", 3))
            memcpy(copy + i, "\"\" ", 3);
    }
    return copy;
}

static bool all_at_once(const cJSON *root)
{
    const cJSON *rate = cJSON_GetObjectItemCaseSensitive(root, "request_rate");
    return (cJSON_IsString(rate) && !strcmp(rate->valuestring, "inf")) ||
           (cJSON_IsNumber(rate) && rate->valuedouble > 1e300);
}

static int find_lists(const struct request_text *t, const cJSON *root, struct lists *l, struct diag *diag)
{
    l->prompt = cJSON_GetObjectItemCaseSensitive(root, "input_lens");
    l->output = cJSON_GetObjectItemCaseSensitive(root, "output_lens");
    l->start = cJSON_GetObjectItemCaseSensitive(root, "start_times");
    const char *at = strstr(t->text, "\"input_lens\"");
    l->at = at ? at : t->text;
    if (!cJSON_IsArray(l->prompt) || !cJSON_IsArray(l->output) ||
        cJSON_GetArraySize(l->prompt) != cJSON_GetArraySize(l->output))
        return complain(t, l->at, diag, "'input_lens' and 'output_lens' are lists with a number for each request");
    if (l->start && (!cJSON_IsArray(l->start) || cJSON_GetArraySize(l->start) != cJSON_GetArraySize(l->prompt)))
        return complain(t, l->at, diag, "'start_times' is a list with a number for each request");
    if (!l->start && !all_at_once(root))
        return complain(t, l->at, diag,
                        "there are no 'start_times', so that nobody knows when requests came; write the file with "
                        "--save-detailed (vLLM), or give a CSV of arrival_s, prompt, output");
    return 0;
}

static int read_rows(const struct request_text *t, const struct lists *l, struct arena *arena, struct request_rows *out,
                     struct diag *diag)
{
    const cJSON *p = l->prompt->child, *o = l->output->child, *s = l->start ? l->start->child : NULL;
    for (; p && o; p = p->next, o = o->next, s = s ? s->next : NULL) {
        if (!cJSON_IsNumber(p) || !cJSON_IsNumber(o) || !request_is_tokens(p->valuedouble) ||
            !request_is_tokens(o->valuedouble))
            return complain(t, l->at, diag, "'input_lens' and 'output_lens' are whole numbers of tokens");
        if (s && (!cJSON_IsNumber(s) || !(s->valuedouble >= 0 && s->valuedouble <= 1e12)))
            return complain(t, l->at, diag, "'start_times' are seconds");
        struct request_row *row = request_add(out, arena);
        row->arrival_s = s ? s->valuedouble : 0;
        row->prompt = (uint32_t)p->valuedouble;
        row->output = (uint32_t)o->valuedouble;
        row->at = (size_t)(l->at - t->text);
    }
    return 0;
}

static int by_arrival(const void *a, const void *b)
{
    const struct request_row *x = a, *y = b;
    return x->arrival_s < y->arrival_s ? -1 : x->arrival_s > y->arrival_s;
}

static int read(const struct request_text *t, struct arena *arena, struct request_rows *out, struct diag *diag)
{
    char *copy = without_infinity(t->text, t->len);
    const char *end = copy;
    cJSON *root = cJSON_ParseWithLengthOpts(copy, t->len + 1, &end, 0);
    struct lists l;
    int failed =
        cJSON_IsObject(root) ? 0 : complain(t, t->text + (end - copy), diag, "this is no JSON, or it was cut off");
    if (!failed)
        failed = find_lists(t, root, &l, diag) || read_rows(t, &l, arena, out, diag) ? -1 : 0;
    if (!failed && out->n)
        qsort(out->row, out->n, sizeof *out->row, by_arrival); /* they end in another order than they began */
    out->format = !failed && l.start ? "a benchmark's result, start_times in seconds"
                                     : "a benchmark's result, all requests at once (request_rate inf)";
    cJSON_Delete(root);
    free(copy);
    return failed;
}

const struct request_format request_benchmark = {"a benchmark's result", recognises, read};
