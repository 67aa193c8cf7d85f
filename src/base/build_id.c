#include "base/build_id.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"

const char *build_commit = "";
const char *command_line = "";

/* In apostrophes where a shell would read more than the word. */
static void put_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%";
    if (*word && !word[strspn(word, plain)]) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

char *command_line_of(const char *program, int argc, char *const *argv)
{
    char *text;
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    fputs(program, out);
    for (int i = 0; i < argc; i++) {
        fputc(' ', out);
        put_word(out, argv[i]);
    }
    if (fclose(out))
        out_of_memory();
    return text;
}
