/* What the kernels of a training are: number formats, software, what is computed again. */
#ifndef MOESIM_KINDS_TRAIN_TRAIN_RECIPE_H
#define MOESIM_KINDS_TRAIN_TRAIN_RECIPE_H

#include "base/diag.h"
#include "io/scenario.h"
#include "kinds/train/train_cfg.h"
#include "models/llm/kernel_writer.h"

/* Reports at their keys what does not fit together. */
struct training_recipe train_recipe_of(const struct scenario_file *file, struct arena *arena, struct diag *diag);
/* For people; COMPUTE_MODEL is what the model's weights are kept in. */
const char *train_compute_name(const struct scenario *s, int format);

#endif
