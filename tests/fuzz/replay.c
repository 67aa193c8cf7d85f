/* Runs a fuzz target over its kept corpus as part of `make check`, without a fuzzing
 * compiler. The program replay_NAME reads tests/fuzz/corpus/NAME, or the folder given
 * as argument. A wrong answer or a crash ends the program, which the TAP driver counts
 * as an error. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[PATH_MAX];

static void find_folder(int argc, char **argv)
{
    const char *srcdir = getenv("srcdir"), *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    name += strncmp(name, "replay_", 7) == 0 ? 7 : 0;
    if (argc > 1)
        snprintf(folder, sizeof folder, "%s", argv[1]);
    else
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* -1 when the file cannot be read. */
static int replay(const char *name)
{
    char path[PATH_MAX + 300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        return -1;
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1); /* exact: sanitizers see its end */
    size_t got = data ? fread(data, 1, (size_t)size, f) : 0;
    fclose(f);
    if (got == (size_t)size)
        LLVMFuzzerTestOneInput(data, got);
    free(data);
    return got == (size_t)size ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int failed = 0;
    find_folder(argc, argv);
    int n = scandir(folder, &entries, is_visible, alphasort);
    if (n <= 0) {
        printf("1..1\nnot ok 1 - no corpus in %s\n", folder);
        return 1;
    }
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        int bad = replay(entries[i]->d_name);
        failed |= bad;
        printf("%sok %d - %s\n", bad ? "not " : "", i + 1, entries[i]->d_name);
        fflush(stdout);
        free(entries[i]);
    }
    free(entries);
    return failed ? 1 : 0;
}
