#define _GNU_SOURCE /* memmem */
/* Fuzz target of the readers of fabrics: the format that recognises the text reads it, the network comes before tables
 * and insides that stand behind lines of "#----". What is accepted is written, and read as a file of topology `file`
 * must not do harm; what is refused must have been reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fabric_checks.h"
#include "io/inputs/fabric_import.h"
#include "io/inputs/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1: nobody knows it, or it stands behind what has to come after it. */
static int read_part(const char *text, size_t len, enum fabric_stage *stage, struct fabric *f, struct diag *d)
{
    struct input_head *head = calloc(1, sizeof *head);
    must(head != NULL);
    head->path = "in";
    head->n = len < INPUT_HEAD_B ? len : INPUT_HEAD_B;
    memcpy(head->bytes, text, head->n);
    const struct input_format *format = input_recognise(head);
    free(head);
    if (!format || format->makes != INPUT_FABRIC || format->stage < *stage)
        return 1;
    *stage = format->stage;
    char *copy = arena_alloc(f->arena, len + 1);
    memcpy(copy, text, len);
    return fabric_read_text(format, "in", copy, len, f, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n#----\n";
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct fabric *f = fabric_new(a);
    const char *at = (const char *)data, *end = at + size;
    enum fabric_stage stage = FABRIC_NETWORK;
    int code = size ? 0 : 1;
    f->cables_given = true;
    while (at < end && !code) {
        const char *stop = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
        code = read_part(at, (size_t)((stop ? stop : end) - at), &stage, f, d);
        at = stop ? stop + sizeof mark - 1 : end;
    }
    must(code < 0 ? diag_failed(d) : code > 0 || !diag_failed(d));
    if (!code && !fabric_find_hosts(f, d) && !fabric_check_tables(f, d))
        write_out(f, d);
    diag_free(d);
    arena_free(a);
    return 0;
}
