/* Patterns: which layer has which block, as users write it: names, each perhaps with '*' and a count, lists in
 * parentheses likewise: "dense*3 (window*3 full)*4". The list is repeated until all layers have a name. */
#ifndef MOESIM_MODELS_LLM_PATTERN_H
#define MOESIM_MODELS_LLM_PATTERN_H

#include <stdint.h>

#include "base/arena.h"

/* names[layers] of the arena. NULL, or what is wrong with the text. */
const char *pattern_read(const char *text, uint32_t layers, const char **names, struct arena *arena);

#endif
