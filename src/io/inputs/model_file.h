/* Models from files: ours (YAML) and Hugging Face's config.json. */
#ifndef MOESIM_IO_INPUTS_MODEL_FILE_H
#define MOESIM_IO_INPUTS_MODEL_FILE_H

#include "base/outfile.h"
#include "models/llm/model.h"

struct model_file {
    const struct model *model;
    const struct cfg *cfg;
    const char *path;
};

/* NAME is one of configs/models (without .yaml), or the path of a file (with a '/' or ending in .yaml or .json).
 * set: n_set overrides key=value. 0, or -1 with all errors reported. */
int model_load(const char *name, const char *const *set, int n_set, struct arena *arena, struct model_file *out,
               struct diag *diag);

/* Lays the model's file under `at` of another config, as hardware_lay does with hardware. 0 or -1. */
int model_lay(struct cfg *c, const char *at, const char *name, struct srcloc where, const char *beside,
              struct arena *arena, struct diag *diag);

/* Hugging Face's config.json, or the folder that it is in, as our YAML; an hf_quant_config.json beside it counts. 0, or -1
 * with what is missing or not understood. */
int model_import(const char *path, struct arena *arena, struct outfile *out, struct diag *diag);
/* The same of json[len], which is NUL after len; beside: the text of hf_quant_config.json or NULL; *yaml is the
 * arena's. */
int model_import_text(const char *json, size_t len, const char *beside, const char *path, struct arena *arena,
                      const char **yaml, struct diag *diag);

#endif
