#include "io/inputs/float_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/whole_file.h"

enum { MAX_ERRORS = 20, MAX_WORD = 63, SHOWN_WORD = 24 };
static const size_t max_file_B = (size_t)1 << 30;

/* --- the file's bytes ------------------------------------------------------------------------------- */

static bool is_words(const char *path)
{
    size_t n = strlen(path);
    if (n > 3 && !strcmp(path + n - 3, ".gz"))
        n -= 3;
    return n > 4 && !strncmp(path + n - 4, ".f32", 4);
}

int float_file_read(const char *path, struct arena *arena, struct floats *out, struct diag *diag)
{
    char *bytes = NULL;
    size_t len = 0;
    if (whole_file_read(path, max_file_B, &bytes, &len, diag))
        return -1;
    int failed = is_words(path) ? float_words_parse(bytes, len, path, arena, out, diag)
                                : float_text_parse(bytes, len, path, arena, out, diag);
    free(bytes);
    return failed;
}

/* --- text ------------------------------------------------------------------------------------------- */

struct reader {
    const char *text, *at, *end, *line_start;
    const char *name;
    int line, errors;
    struct srcloc unsaid; /* of the first complaint that is only counted */
    struct diag *diag;
};

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ';';
}

/* To the next number; false at the end. */
static bool next_word(struct reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '#')
            while (r->at + 1 < r->end && r->at[1] != '\n')
                r->at++;
        else if (!is_separator(*r->at))
            return true;
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        }
    }
    return false;
}

static void complain(struct reader *r, const char *word, size_t len, const char *what)
{
    char shown[SHOWN_WORD + 4] = "";
    struct srcloc where = {.file = r->name,
                           .text = r->text,
                           .text_len = (size_t)(r->end - r->text),
                           .line = r->line,
                           .column = (int)(word - r->line_start) + 1};
    if (++r->errors == MAX_ERRORS + 1)
        r->unsaid = (struct srcloc){.file = r->name, .line = where.line, .column = where.column};
    if (r->errors > MAX_ERRORS)
        return;
    for (size_t i = 0; i < len && i < SHOWN_WORD; i++)
        shown[i] = word[i] > ' ' && word[i] < 0x7f ? word[i] : '?';
    if (len > SHOWN_WORD)
        strcpy(shown + SHOWN_WORD, "...");
    diag_error(r->diag, EXIT_BAD_INPUT, where, "'%s' %s", shown, what);
}

static float read_word(struct reader *r)
{
    char copy[MAX_WORD + 1], *end = copy;
    const char *word = r->at;
    while (r->at < r->end && !is_separator(*r->at) && *r->at != '#')
        r->at++;
    size_t len = (size_t)(r->at - word);
    double value = 0;
    if (len <= MAX_WORD) {
        memcpy(copy, word, len);
        copy[len] = '\0';
        value = strtod(copy, &end);
    }
    if (len > MAX_WORD || end != copy + len)
        complain(r, word, len, "is no number; write for example 0.125 or -3e-5");
    else if (isnan(value))
        complain(r, word, len, "is not a number that can be encoded; leave NaNs out");
    else if (isinf((float)value))
        complain(r, word, len, "is infinite as a 32-bit float; the largest is 3.4e38");
    return (float)value;
}

static int nothing_in(const char *name, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name),
               "there is no number in it; write numbers with blanks between them");
    return -1;
}

int float_text_parse(const char *text, size_t len, const char *name, struct arena *arena, struct floats *out,
                     struct diag *diag)
{
    struct reader r = {
        .text = text, .at = text, .end = text + len, .line_start = text, .name = name, .line = 1, .diag = diag};
    size_t room = 1024;
    float *values = checked_alloc(malloc(room * sizeof *values));
    out->n = 0;
    while (next_word(&r)) {
        if (out->n == room)
            values = checked_alloc(realloc(values, (room *= 2) * sizeof *values));
        values[out->n++] = read_word(&r);
    }
    out->values = ARENA_ARRAY(arena, float, out->n ? out->n : 1);
    memcpy(out->values, values, out->n * sizeof *values);
    free(values);
    if (r.errors > MAX_ERRORS)
        diag_error(diag, EXIT_BAD_INPUT, r.unsaid, "and %d more like these from here on", r.errors - MAX_ERRORS);
    if (r.errors)
        return -1;
    return out->n ? 0 : nothing_in(name, diag);
}

/* --- words ------------------------------------------------------------------------------------------ */

int float_words_parse(const void *bytes, size_t len, const char *name, struct arena *arena, struct floats *out,
                      struct diag *diag)
{
    const unsigned char *b = bytes;
    out->n = len / 4;
    if (len % 4) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name),
                   "%zu bytes are no whole number of 32-bit floats; text needs a name without .f32", len);
        return -1;
    }
    if (!out->n)
        return nothing_in(name, diag);
    out->values = ARENA_ARRAY(arena, float, out->n);
    size_t errors = 0;
    for (size_t i = 0; i < out->n; i++, b += 4) {
        uint32_t word = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&out->values[i], &word, sizeof word);
        if (!isfinite(out->values[i]) && ++errors <= MAX_ERRORS)
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name), "the word at byte %zu is %s; leave it out", 4 * i,
                       isnan(out->values[i]) ? "a NaN" : "infinite");
    }
    if (errors > MAX_ERRORS)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name), "and %zu more like these", errors - MAX_ERRORS);
    return errors ? -1 : 0;
}
