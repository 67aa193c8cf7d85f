/* Bytes to text: reads a whole file and checks that it is printable UTF-8, so that
 * libyaml never meets bytes whose place it cannot name. Leaves out: UTF-16, which YAML
 * allows and nobody writes. Reference: YAML 1.2.2 section 5.1, Unicode 15 table 3-7. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/input_files.h"
#include "base/yaml_text.h"

/* Config files are hand-written; a larger one is a mistake. */
#define MAX_FILE_B ((size_t)16 << 20)

size_t yaml_decode(const char *text, size_t left, unsigned *code)
{
    const unsigned char *p = (const unsigned char *)text;
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (n == 0 || n > left || p[0] > 0xf4)
        return 0;
    *code = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < smallest[n] || *code > 0x10ffff || surrogate ? 0 : n;
}

bool yaml_printable(unsigned c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r';
    bool line_break = c == 0x2028 || c == 0x2029; /* would make libyaml's line count ours no more */
    return c != 0x7f && (c < 0x80 || c > 0x9f) && (c & 0xfffe) != 0xfffe && c != 0xfeff && !line_break;
}

const char *yaml_bad_byte(const char *text, size_t len, const char **what)
{
    for (size_t i = 0; i < len;) {
        unsigned code = 0;
        size_t n = yaml_decode(text + i, len - i, &code);
        *what = n == 0      ? "this is not UTF-8 text"
                : code == 0 ? "this is a NUL byte; a text file holds none"
                            : "this is a control character; a text file holds none";
        if (n == 0 || !yaml_printable(code))
            return text + i;
        i += n;
    }
    return NULL;
}

/* The error number of why the file cannot be read as text, or 0. */
static int read_all(int fd, struct arena *a, const char **text, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    char *buf = NULL;
    size_t n = 0, cap = 0;
    for (;;) {
        if (n == cap) {
            cap = cap ? 2 * cap : 16384;
            char *grown = cap <= 2 * MAX_FILE_B ? realloc(buf, cap) : NULL;
            if (!grown) {
                free(buf);
                return EFBIG;
            }
            buf = grown;
        }
        ssize_t got = read(fd, buf + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int err = errno;
            free(buf);
            return err;
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    char *copy = arena_alloc(a, n + 1);
    memcpy(copy, buf, n);
    free(buf);
    *text = copy;
    *len = n;
    return 0;
}

int yaml_text_read(const char *path, struct arena *a, const char **text, size_t *len, struct diag *diag)
{
    const struct input_file *known = input_file_text(path);
    if (known) {
        *text = known->text;
        *len = known->len;
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot open: %s", strerror(errno));
        return -1;
    }
    int err = read_all(fd, a, text, len);
    close(fd);
    if (err == EFBIG)
        diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(path), "the file is larger than %zu MiB; this is no config file",
                   MAX_FILE_B >> 20);
    else if (err)
        diag_error(diag, EXIT_IO, SRCLOC_FILE(path), "cannot read: %s", strerror(err));
    else
        input_file_add_text(path, *text, *len);
    if (!err && (known = input_file_text(path)))
        *text = known->text;
    return err ? -1 : 0;
}
