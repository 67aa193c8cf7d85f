/* Fuzz target of expressions over JSON. Up to the first NUL byte: the expression; the rest: the document. What is
 * refused was reported; what has no number says why; what has one is finite. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/json_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void evaluate(const struct json_expr *e, const char *text, size_t len, struct arena *arena)
{
    struct json_doc *doc = json_doc_parse(text, len);
    struct json_answer answer;
    const char *why = NULL;
    if (!doc)
        doc = json_doc_new();
    json_doc_set(doc, "exit_code", 0);
    int failed = json_expr_eval(e, doc, arena, &answer, &why);
    must((failed != 0) == (why != NULL));
    must(failed ? isnan(answer.value) : isfinite(answer.value));
    must(answer.arithmetic != NULL);
    json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    if (!nul)
        return 0;
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    const char *text = (const char *)data;
    struct srcloc where = {.file = "fuzz", .text = text, .text_len = strlen(text), .line = 1, .column = 1};
    struct json_expr *e = json_expr_parse(text, where, arena, diag);
    must((e == NULL) == diag_failed(diag));
    if (e)
        evaluate(e, (const char *)nul + 1, size - (size_t)(nul + 1 - data), arena);
    diag_free(diag);
    arena_free(arena);
    return 0;
}
