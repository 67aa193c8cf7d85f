/* A cutter of JSON text: knows strings, escapes and brackets, and nothing else; what it
 * cuts out is checked by cJSON. Reads through zlib, which passes plain files through.
 * Leaves out: JSON lines, comments, byte order marks, other encodings than UTF-8.
 * Reference: RFC 8259 (JSON), RFC 1952 (gzip). */
#include "io/json_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/input_files.h"
#include "base/yaml_doc.h"

enum { BUFFER_B = 65536, MAX_KEY_B = 4096, FIRST_TEXT_B = 4096, MAX_PACKING = 300 };
static const uint64_t FREE_UNPACKED_B = 64u << 20, MAX_UNPACKED_B = (uint64_t)256 << 30;

struct json_stream {
    const char *name;
    struct diag *diag;
    gzFile gz; /* NULL: memory */
    const unsigned char *bytes;
    size_t at, n; /* in bytes: the next one, how many there are */
    uint64_t unpacked_B;
    unsigned char *buffer;
    int line, column;             /* of the next byte */
    int start_line, start_column; /* of the last value */
    bool any;                     /* the file holds a byte */
    bool first;                   /* nothing of the container was read yet */
    bool failed;
    bool no_places; /* messages name the file only */
    char *text;     /* what was cut out, NUL-terminated */
    size_t len, cap;
};

/* --- bytes ------------------------------------------------------------------------- */

static struct srcloc here(const struct json_stream *js)
{
    if (js->no_places)
        return SRCLOC_FILE(js->name);
    return (struct srcloc){.file = js->name, .line = js->line, .column = js->column};
}

static int fail(struct json_stream *js, struct srcloc where, const char *message)
{
    if (!js->failed)
        diag_error(js->diag, EXIT_BAD_INPUT, where, "%s", message);
    js->failed = true;
    return -1;
}

static void read_error(struct json_stream *js)
{
    int code = Z_OK;
    const char *text = gzerror(js->gz, &code), *reason = strstr(text, ": ");

    js->failed = true;
    if (code == Z_ERRNO)
        diag_error(js->diag, EXIT_IO, SRCLOC_FILE(js->name), "cannot read: %s", strerror(errno));
    else if (code == Z_BUF_ERROR)
        diag_error(js->diag, EXIT_BAD_INPUT, here(js),
                   "the compressed data ends too early; the file was cut off, copy it "
                   "again");
    else
        diag_error(js->diag, EXIT_BAD_INPUT, here(js), "the compressed data is damaged (%s); copy the file again",
                   reason ? reason + 2 : text); /* without "<fd:3>: " */
}

/* A profile packs 10 to 40 times. What unpacks to far more, once it is large, was made to keep its reader busy. */
static bool is_bomb(const struct json_stream *js)
{
    z_off_t read_B = gzoffset(js->gz); /* -1: of a pipe */

    if (gzdirect(js->gz) || js->unpacked_B < FREE_UNPACKED_B)
        return false;
    return js->unpacked_B > MAX_UNPACKED_B ||
           (read_B >= 0 && js->unpacked_B > FREE_UNPACKED_B + MAX_PACKING * (uint64_t)read_B);
}

/* Whether a byte is there; reads on where the buffer is empty. */
static bool fill(struct json_stream *js)
{
    if (js->at < js->n)
        return true;
    if (js->failed || !js->gz)
        return false;
    int n = gzread(js->gz, js->buffer, BUFFER_B), code = Z_OK;
    if (n <= 0) {
        gzerror(js->gz, &code);
        if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
            read_error(js);
        return false;
    }
    js->at = 0;
    js->n = (size_t)n;
    js->any = true;
    js->unpacked_B += (unsigned)n;
    if (is_bomb(js)) {
        diag_error(js->diag, EXIT_LIMIT, SRCLOC_FILE(js->name),
                   "the compressed data unpacks to %llu MiB and more, over %d times its size: no profile does",
                   (unsigned long long)(js->unpacked_B >> 20), MAX_PACKING);
        js->failed = true;
        return false;
    }
    return true;
}

static int peek(struct json_stream *js)
{
    return fill(js) ? js->bytes[js->at] : -1;
}

static void advance(struct json_stream *js)
{
    if (js->bytes[js->at++] == '\n') {
        js->line++;
        js->column = 1;
    } else {
        js->column++;
    }
}

static int skip_space(struct json_stream *js)
{
    int c = peek(js);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        advance(js);
        c = peek(js);
    }
    return c;
}

static int fail_at_end(struct json_stream *js)
{
    return fail(js, js->any ? here(js) : SRCLOC_FILE(js->name),
                js->any ? "unexpected end of file; the JSON text was cut off" : "the file is empty");
}

static int expected(struct json_stream *js, const char *what)
{
    char message[160];
    int c = peek(js);

    if (c < 0)
        return fail_at_end(js);
    if (c > ' ' && c < 0x7f)
        snprintf(message, sizeof message, "expected %s but found '%c'", what, c);
    else
        snprintf(message, sizeof message, "expected %s but found the byte 0x%02x", what, (unsigned)c);
    return fail(js, here(js), message);
}

/* --- open and close ---------------------------------------------------------------- */

static struct json_stream *stream_new(const char *name, struct diag *diag)
{
    struct json_stream *js = checked_alloc(calloc(1, sizeof *js));

    js->name = name;
    js->diag = diag;
    js->line = js->column = js->start_line = js->start_column = 1;
    return js;
}

static int open_file(const char *path, struct diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "this is a directory; name a file in it");
        close(fd);
        return -1;
    }
    return fd;
}

struct json_stream *json_open(const char *path, struct diag *diag)
{
    int fd = open_file(path, diag);

    if (fd < 0)
        return NULL;
    input_file_add(path);
    struct json_stream *js = stream_new(path, diag);
    js->buffer = checked_alloc(malloc(BUFFER_B));
    js->bytes = js->buffer;
    js->gz = gzdopen(fd, "rb");
    if (!js->gz)
        out_of_memory();
    return js;
}

struct json_stream *json_open_memory(const void *bytes, size_t len, const char *name, struct diag *diag)
{
    struct json_stream *js = stream_new(name, diag);

    js->bytes = bytes;
    js->n = len;
    js->any = len > 0;
    return js;
}

void json_close(struct json_stream *js)
{
    if (!js)
        return;
    if (js->gz)
        gzclose(js->gz);
    free(js->buffer);
    free(js->text);
    free(js);
}

/* --- cutting ----------------------------------------------------------------------- */

/* Takes the next byte over into the text (keep) or drops it. */
static int take(struct json_stream *js, bool keep, size_t limit_B)
{
    if (keep) {
        if (js->len >= limit_B) {
            diag_error(js->diag, EXIT_LIMIT, json_where(js),
                       "one value is longer than %zu bytes; that is no trace we know", limit_B);
            js->failed = true;
            return -1;
        }
        if (js->len + 2 > js->cap) {
            js->cap = js->cap ? js->cap * 2 : FIRST_TEXT_B;
            js->text = checked_alloc(realloc(js->text, js->cap));
        }
        js->text[js->len++] = (char)js->bytes[js->at];
    }
    advance(js);
    return 0;
}

static int cut_string(struct json_stream *js, bool keep, size_t limit_B)
{
    bool escaped = false;

    if (take(js, keep, limit_B))
        return -1;
    for (;;) {
        int c = peek(js);
        if (c < 0)
            return fail_at_end(js);
        if (c < ' ')
            return fail(js, here(js),
                        "a string holds a control character; is its "
                        "closing quote missing?");
        if (take(js, keep, limit_B))
            return -1;
        if (c == '"' && !escaped)
            return 0;
        escaped = c == '\\' && !escaped;
    }
}

static int cut_nested(struct json_stream *js, bool keep, size_t limit_B)
{
    size_t depth = 0;

    do {
        int c = peek(js);
        if (c < 0)
            return fail_at_end(js);
        if (c == '"') {
            if (cut_string(js, keep, limit_B))
                return -1;
            continue;
        }
        depth += (c == '{' || c == '[');
        depth -= (c == '}' || c == ']');
        if (take(js, keep, limit_B))
            return -1;
    } while (depth);
    return 0;
}

static int cut_word(struct json_stream *js, bool keep, size_t limit_B)
{
    int c = peek(js);

    while (c > ' ' && c != ',' && c != ']' && c != '}' && c != ':' && c != '"') {
        if (take(js, keep, limit_B))
            return -1;
        c = peek(js);
    }
    return js->failed ? -1 : 0;
}

static int cut(struct json_stream *js, bool keep, size_t limit_B)
{
    int c = skip_space(js);

    js->start_line = js->line;
    js->start_column = js->column;
    js->len = 0;
    if (c < 0)
        return fail_at_end(js);
    if (c == '{' || c == '[')
        return cut_nested(js, keep, limit_B);
    if (c == '"')
        return cut_string(js, keep, limit_B);
    if (c < ' ' || c == ',' || c == ']' || c == '}' || c == ':')
        return expected(js, "a value");
    return cut_word(js, keep, limit_B);
}

/* --- walking ----------------------------------------------------------------------- */

static int enter(struct json_stream *js, int bracket, const char *what)
{
    if (skip_space(js) != bracket)
        return expected(js, what);
    advance(js);
    js->first = true;
    return 0;
}

int json_enter_object(struct json_stream *js)
{
    return enter(js, '{', "'{'");
}

int json_enter_array(struct json_stream *js)
{
    return enter(js, '[', "'['");
}

/* To the next item of a container: 1, 0 at its closing bracket, or -1. */
static int next_item(struct json_stream *js, int closing, const char *what)
{
    int c = skip_space(js);

    if (c == closing) {
        advance(js);
        js->first = false;
        return 0;
    }
    if (js->first) {
        js->first = false;
        return c < 0 ? fail_at_end(js) : 1;
    }
    if (c != ',')
        return expected(js, what);
    advance(js);
    return skip_space(js) < 0 ? fail_at_end(js) : 1;
}

int json_next_element(struct json_stream *js)
{
    return next_item(js, ']', "',' or ']'");
}

static cJSON *parse(struct json_stream *js);

int json_next_member(struct json_stream *js, const char **key)
{
    int more = next_item(js, '}', "',' or '}'");

    if (more <= 0)
        return more;
    if (peek(js) != '"')
        return expected(js, "a key in quotes");
    if (cut(js, true, MAX_KEY_B))
        return -1;
    cJSON *name = parse(js);
    if (!name)
        return -1;
    strcpy(js->text, name->valuestring); /* unescaped, it is never longer */
    cJSON_Delete(name);
    if (skip_space(js) != ':')
        return expected(js, "':'");
    advance(js);
    *key = js->text;
    return 1;
}

static struct srcloc where_in_text(const struct json_stream *js, const char *at)
{
    struct srcloc where = json_where(js);

    for (const char *p = js->text; p < at && !js->no_places; p++) {
        where.line += *p == '\n';
        where.column = *p == '\n' ? 1 : where.column + 1;
    }
    return where;
}

static cJSON *parse(struct json_stream *js)
{
    const char *end = NULL;

    js->text[js->len] = '\0';
    cJSON *value = memchr(js->text, '\0', js->len) ? NULL : cJSON_ParseWithLengthOpts(js->text, js->len + 1, &end, 1);
    if (!value)
        fail(js, end ? where_in_text(js, end) : json_where(js), "this is not valid JSON");
    return value;
}

cJSON *json_value(struct json_stream *js, size_t limit_B)
{
    return cut(js, true, limit_B) ? NULL : parse(js);
}

int json_skip(struct json_stream *js)
{
    return cut(js, false, 0);
}

int json_finish(struct json_stream *js)
{
    if (skip_space(js) >= 0)
        return expected(js, "the end of the file");
    return js->failed ? -1 : 0;
}

void json_hide_places(struct json_stream *js)
{
    js->no_places = true;
}

struct srcloc json_where(const struct json_stream *js)
{
    if (js->no_places)
        return SRCLOC_FILE(js->name);
    return (struct srcloc){.file = js->name, .line = js->start_line, .column = js->start_column};
}

struct diag *json_diag(const struct json_stream *js)
{
    return js->diag;
}

/* --- members ----------------------------------------------------------------------- */

static const cJSON *member(struct json_stream *js, const cJSON *object, const char *key, const char *what,
                           bool required)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!found && required) {
        diag_error(js->diag, EXIT_BAD_INPUT, json_where(js), "this %s has no '%s'", what, key);
        js->failed = true;
    }
    return found;
}

int json_number(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required,
                double min, double max, double *out)
{
    const cJSON *m = member(js, object, key, what, required);

    if (!m)
        return required ? -1 : 0;
    if (!cJSON_IsNumber(m) || !(m->valuedouble >= min && m->valuedouble <= max)) {
        diag_error(js->diag, EXIT_BAD_INPUT, json_where(js), "'%s' of this %s must be a number from %.15g to %.15g",
                   key, what, min, max);
        js->failed = true;
        return -1;
    }
    *out = m->valuedouble;
    return 0;
}

int json_int(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required, int64_t min,
             int64_t max, int64_t *out)
{
    double value = 0;

    if (!member(js, object, key, what, required))
        return required ? -1 : 0;
    if (json_number(js, object, key, what, true, (double)min, (double)max, &value))
        return -1;
    if (value != floor(value)) {
        diag_error(js->diag, EXIT_BAD_INPUT, json_where(js), "'%s' of this %s must be a whole number", key, what);
        js->failed = true;
        return -1;
    }
    *out = (int64_t)value;
    return 0;
}

int json_string(struct json_stream *js, const cJSON *object, const char *key, const char *what, bool required,
                const char **out)
{
    const cJSON *m = member(js, object, key, what, required);
    const char *why = "must be a text";

    if (!m)
        return required ? -1 : 0;
    if (!cJSON_IsString(m) || yaml_bad_byte(m->valuestring, strlen(m->valuestring), &why)) {
        diag_error(js->diag, EXIT_BAD_INPUT, json_where(js), "'%s' of this %s: %s", key, what, why);
        js->failed = true;
        return -1;
    }
    *out = m->valuestring;
    return 0;
}
