/* Layers on pipeline stages as Megatron-LM writes them (--pipeline-model-parallel-layout): "Et*4|(t*4|)*14tmL".
 * A stage ends with |; E embedding, t transformer layer, m multi-token prediction module, L output head and loss; *n
 * repeats a letter or what stands in parentheses. Stages are given to the ranks in turn, virtual stage after virtual
 * stage. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_STAGES_H
#define MOESIM_KINDS_TRAIN_TRAIN_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Letters of each stage, written out. */
struct stage_letters {
    const char **stage; /* [n] */
    uint32_t n;
};

/* NULL, or why the text cannot be read; it is owned by the arena. */
const char *stage_letters_read(const char *text, struct arena *arena, struct stage_letters *out);
/* NULL, or what does not fit a model of so many layers and MTP modules on so many stages. */
const char *stage_letters_misfit(const struct stage_letters *s, uint32_t layers, uint32_t mtp, uint32_t stages,
                                 struct arena *arena);

#endif
