/* Fuzz target of the import of a config.json, behind a NUL the hf_quant_config.json beside it: what is accepted is a
 * model that can be counted; what is refused was reported. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void count(const char *yaml, struct arena *arena, struct diag *diag)
{
    struct cfg *cfg = cfg_new(&model_table, arena);
    must(!cfg_load_text(cfg, yaml, strlen(yaml), "imported", "", false, NULL, diag));
    must(!cfg_finish(cfg, diag));
    struct model *m = cfg_struct(cfg);
    must(!model_open(cfg, "", m, arena, diag));
    struct model_params p = model_params(m);
    must(isfinite(p.total) && p.total > 0 && p.active <= p.total * (1 + 1e-9));
    must(model_train_flop(m, 4096, true) <= model_train_flop(m, 4096, false));
    must(model_kv_B(m) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    const char *yaml;
    char *json = malloc(size + 1);
    must(json != NULL);
    memcpy(json, data, size);
    json[size] = '\0';
    size_t len = strlen(json);
    if (model_import_text(json, len, len < size ? json + len + 1 : NULL, "fuzz.json", arena, &yaml, diag))
        must(diag_failed(diag));
    else
        count(yaml, arena, diag);
    free(json);
    diag_free(diag);
    arena_free(arena);
    return 0;
}
