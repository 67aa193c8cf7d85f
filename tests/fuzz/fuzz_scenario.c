/* Fuzz target of the scenario reader. Up to the first NUL byte: a -s override; the rest: the
 * YAML file, which may lean on the shipped configs. What is accepted must print to a file
 * that loads and prints the same again; what is refused must have been reported. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void must(int condition)
{
    if (!condition)
        abort();
}

static void remove_file(void)
{
    unlink(path);
}

static void set_up(void)
{
    strcpy(path, "/tmp/moesim-fuzz-XXXXXX");
    int fd = mkstemp(path);
    must(fd >= 0);
    close(fd);
    atexit(remove_file);
}

static void write_file(const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    must(f && fwrite(bytes, 1, len, f) == len);
    must(fclose(f) == 0);
}

static char *print(const struct scenario_file *file, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    must(out != NULL);
    cfg_print_yaml(file->cfg, out);
    fclose(out);
    return text;
}

static void check_round_trip(const struct scenario_file *file, struct arena *a, struct diag *d)
{
    struct scenario_file again;
    size_t size = 0, again_size = 0;
    char *text = print(file, &size);

    write_file(text, size);
    must(scenario_load(path, NULL, 0, a, &again, d) == 0);
    char *again_text = print(&again, &again_size);
    must(size == again_size && memcmp(text, again_text, size) == 0);
    free(text);
    free(again_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    if (!nul)
        return 0;
    if (!path[0])
        set_up();
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct scenario_file file;
    const char *override = (const char *)data;
    write_file(nul + 1, size - (size_t)(nul + 1 - data));
    int rc = scenario_load(path, &override, *override ? 1 : 0, a, &file, d);
    must((rc != 0) == diag_failed(d));
    must(rc == 0 || diag_text(d)[0]);
    if (rc == 0)
        check_round_trip(&file, a, d);
    diag_free(d);
    arena_free(a);
    return 0;
}
