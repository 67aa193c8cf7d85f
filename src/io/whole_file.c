#include "io/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/input_files.h"

enum { FIRST_BUFFER_B = 65536 };

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

static int slurp(gzFile gz, const char *path, size_t max_B, char **bytes, size_t *len, struct diag *diag)
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
        if (*len > max_B) {
            diag_error(diag, EXIT_LIMIT, SRCLOC_FILE(path), "more than %zu MiB in it; give a part of it", max_B >> 20);
            return -1;
        }
    }
    (*bytes)[*len] = '\0';
    return 0;
}

int whole_file_read(const char *path, size_t max_B, char **bytes, size_t *len, struct diag *diag)
{
    gzFile gz = open_file(path, diag);
    *bytes = NULL;
    if (!gz)
        return -1;
    int failed = slurp(gz, path, max_B, bytes, len, diag);
    gzclose(gz);
    if (failed) {
        free(*bytes);
        *bytes = NULL;
    }
    return failed;
}

int whole_file_head(const char *path, char *bytes, size_t max_B, size_t *len, struct diag *diag)
{
    struct stat st;
    *len = 0;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    gzFile gz = open_file(path, diag);
    if (!gz)
        return -1;
    int n = gzread(gz, bytes, (unsigned)max_B);
    gzclose(gz);
    *len = n > 0 ? (size_t)n : 0; /* what is damaged is told by who reads on */
    return 0;
}
