/* Fuzz target of the config reader. First byte: options; up to the first NUL byte: a -s
 * override; the rest: the YAML file. What is accepted must print to text that loads to
 * the same values, and what is refused must have been reported. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cfg_example.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

static void check_round_trip(struct cfg *c, struct arena *a, struct diag *d)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    must(out != NULL);
    cfg_print_yaml(c, out);
    fclose(out);
    struct cfg *again = cfg_new(&ex_scenario_table, a);
    must(cfg_load_text(again, text, size, "again", "", false, NULL, d) == 0);
    must(cfg_finish(again, d) == 0);
    must(ex_equal(cfg_struct(c), cfg_struct(again)));
    free(text);
}

static void read_all(const char *override, const char *yaml, size_t len, int options)
{
    static const char *const skip[] = {"hardware", "sweep", NULL};
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct cfg *c = cfg_new(&ex_scenario_table, a);
    const char *at = options & 2 ? "cluster.nic" : "";
    int rc = cfg_load_text(c, yaml, len, "in.yaml", at, options & 1, skip, d);
    if (*override)
        rc |= cfg_override(c, override, d);
    if (rc == 0)
        rc = cfg_finish(c, d);
    must((rc != 0) == diag_failed(d));
    must((rc != 0) == (diag_text(d)[0] != 0));
    if (rc == 0)
        check_round_trip(c, a, d);
    diag_free(d);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data + 1, 0, size - 1) : NULL;
    if (!nul)
        return 0;
    size_t rest = size - (size_t)(nul + 1 - data);
    char *yaml = malloc(rest ? rest : 1); /* exact: reading too far is seen */
    must(yaml != NULL);
    memcpy(yaml, nul + 1, rest);
    read_all((const char *)data + 1, yaml, rest, data[0]);
    free(yaml);
    return 0;
}
