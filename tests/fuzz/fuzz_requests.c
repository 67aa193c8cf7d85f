/* Fuzz target of files of requests in all formats: what is accepted is in order, of lengths from 1 on, with blocks that are
 * there, and a cache of prefixes finds no more than it was shown; what is refused was reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/request_file.h"
#include "kinds/serve/prefix_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check(const struct request_rows *r, size_t size)
{
    must(r->n > 0 && r->row[0].arrival_s == 0 && r->format);
    for (uint32_t i = 0; i < r->n; i++) {
        const struct request_row *row = &r->row[i];
        must(row->prompt >= 1 && row->prompt <= REQUEST_MOST_TOKENS && row->output >= 1 && row->at < size);
        must(i == 0 || row->arrival_s >= row[-1].arrival_s);
        must((uint64_t)row->first_block + row->n_blocks <= r->n_blocks);
        must(!row->n_blocks || row->n_blocks <= row->prompt / r->block_tokens + 1);
    }
}

static void use(const struct request_rows *r, uint32_t capacity, struct arena *arena)
{
    struct prefix_cache *c = prefix_cache_new(capacity, r->n_blocks, arena);
    for (uint32_t i = 0; i < r->n; i++) {
        const int64_t *blocks = r->n_blocks ? r->blocks + r->row[i].first_block : NULL;
        must(prefix_cache_use(c, blocks, r->row[i].n_blocks) <= r->row[i].n_blocks);
        must(prefix_cache_use(c, blocks, r->row[i].n_blocks) >= (r->row[i].n_blocks ? 1 : 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct request_rows rows;
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    struct request_text t = {.text = text, .path = "fuzz", .len = size};
    if (request_text_read(&t, arena, &rows, diag)) {
        must(diag_failed(diag));
    } else {
        check(&rows, size);
        use(&rows, 2, arena);
        use(&rows, 1000, arena);
    }
    free(text);
    diag_free(diag);
    arena_free(arena);
    return 0;
}
