#include "io/float_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/input_files.h"

enum { MAX_ERRORS = 20, MAX_WORD = 63, SHOWN_WORD = 24, FIRST_BUFFER_B = 65536 };
static const size_t max_file_B = (size_t)1 << 30;

/* --- the file's bytes ------------------------------------------------------------------------------- */

static gzFile open_file(const char *path, struct diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s", strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "this is a directory; name a file in it");
        close(fd);
        return NULL;
    }
    input_file_add(path);
    return checked_alloc(gzdopen(fd, "rb"));
}

static int read_error(gzFile gz, const char *path, struct diag *diag)
{
    int code = Z_OK;
    gzerror(gz, &code);
    if (code == Z_ERRNO)
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s", strerror(errno));
    else
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
                   "the compressed data is damaged or was cut off; copy the file again");
    return -1;
}

/* All bytes and a NUL; the caller frees *bytes. */
static int slurp(gzFile gz, const char *path, char **bytes, size_t *len, struct diag *diag)
{
    size_t room = FIRST_BUFFER_B;
    *bytes = checked_alloc(malloc(room + 1));
    *len = 0;
    for (int n = 1; n > 0; *len += (size_t)n) {
        if (*len == room)
            *bytes = checked_alloc(realloc(*bytes, (room *= 2) + 1));
        size_t want = room - *len < FIRST_BUFFER_B ? room - *len : FIRST_BUFFER_B;
        int code = Z_OK;
        n = gzread(gz, *bytes + *len, (unsigned)want);
        if (n <= 0)
            gzerror(gz, &code);
        if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
            return read_error(gz, path, diag);
        if (*len > max_file_B) {
            diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(path),
                       "more than 1 GiB of numbers; give a part of them");
            return -1;
        }
    }
    (*bytes)[*len] = '\0';
    return 0;
}

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
    gzFile gz = open_file(path, diag);
    if (!gz)
        return -1;
    int failed = slurp(gz, path, &bytes, &len, diag);
    gzclose(gz);
    if (!failed && is_words(path))
        failed = float_words_parse(bytes, len, path, arena, out, diag);
    else if (!failed)
        failed = float_text_parse(bytes, len, path, arena, out, diag);
    free(bytes);
    return failed;
}

/* --- text ------------------------------------------------------------------------------------------- */

struct reader {
    const char *text, *at, *end, *line_start;
    const char *name;
    int line, errors;
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
    if (++r->errors > MAX_ERRORS)
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

int float_text_parse(const char *text, size_t len, const char *name, struct arena *arena,
                     struct floats *out, struct diag *diag)
{
    struct reader r = {text, text, text + len, text, name, 1, 0, diag};
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
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name), "and %d more like these",
                   r.errors - MAX_ERRORS);
    if (r.errors)
        return -1;
    return out->n ? 0 : nothing_in(name, diag);
}

/* --- words ------------------------------------------------------------------------------------------ */

int float_words_parse(const void *bytes, size_t len, const char *name, struct arena *arena,
                      struct floats *out, struct diag *diag)
{
    const unsigned char *b = bytes;
    out->n = len / 4;
    if (len % 4) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name),
                   "%zu bytes are no whole number of 32-bit floats; text needs a name without .f32",
                   len);
        return -1;
    }
    if (!out->n)
        return nothing_in(name, diag);
    out->values = ARENA_ARRAY(arena, float, out->n);
    size_t errors = 0;
    for (size_t i = 0; i < out->n; i++, b += 4) {
        uint32_t word = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                        (uint32_t)b[3] << 24;
        memcpy(&out->values[i], &word, sizeof word);
        if (!isfinite(out->values[i]) && ++errors <= MAX_ERRORS)
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name),
                       "the word at byte %zu is %s; leave it out", 4 * i,
                       isnan(out->values[i]) ? "a NaN" : "infinite");
    }
    if (errors > MAX_ERRORS)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(name), "and %zu more like these",
                   errors - MAX_ERRORS);
    return errors ? -1 : 0;
}
