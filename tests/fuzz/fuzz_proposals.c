/* Fuzz target of proposals: the text behind --proposal, or with a first byte of 'l' the list of the key `proposals`.
 * Either it is refused with a message, or it is a proposal whose parameters are in their ranges. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proposals/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct proposal_stack *s = proposal_stack_new(arena);
    char *text = arena_alloc(arena, size + 1);
    memcpy(text, data, size);
    bool list = *text == 'l';
    int bad = list ? proposal_stack_add_list(s, text + 1, SRCLOC_FILE("list"), diag)
                   : proposal_stack_add_option(s, text, diag);
    must(!bad == !diag_count(diag));
    must(bad || list || s->n_uses == 1);
    for (uint32_t i = 0; i < s->n_uses; i++)
        must(!s->uses[i].type->parameters == !s->uses[i].parameters);
    diag_free(diag);
    arena_free(arena);
    return 0;
}
