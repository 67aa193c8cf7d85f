/* Output files: a temporary beside the target, renamed when it is complete and on disk.
 * Written with write(2) through our own buffer, so that the error number of a full disk
 * is not lost; .gz goes through zlib with an empty header, so that the same data give
 * the same bytes. Leaves out: appending, seeking. Reference: POSIX rename(2), RFC 1952.
 */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/input_files.h"

#define BUFFER_B 65536
#define MAX_OPEN 4096 /* with those of a batch that are complete */
#define MAX_TRIES 100 /* other temporaries of the same name that we step around */

/* What outfile_abandon_all has to remove. A slot is filled before its file exists and
 * emptied after it is gone, with single atomic stores: a signal may come between any
 * two of them. */
static struct {
    _Atomic(char *) path;
    pid_t owner; /* a forked child must not remove its parent's files */
} pending[MAX_OPEN];

/* Complete, and waiting for the others of its batch. */
struct waiting {
    char *path, *target, *temporary;
    int slot;
};
static struct {
    bool open;
    struct waiting *files;
    size_t n, room;
} batch;

struct outfile {
    char *path;   /* as the user gave it, for messages */
    char *target; /* what is renamed over; NULL when written in place */
    char *temporary;
    int slot; /* in pending, or -1 */
    int fd;
    int error;       /* first errno of writing */
    bool over_input; /* meant to replace what was read */
    bool is_stdout;
    bool compressed;
    z_stream z;
    size_t n;
    unsigned char buffer[BUFFER_B];
};

static int fail(struct diag *diag, const char *path, const char *doing, int error)
{
    diag_error(diag, EXIT_IO, SRCLOC_FILE(strcmp(path, "-") == 0 ? "standard output" : path), "cannot %s: %s", doing,
               strerror(error));
    return -1;
}

/* Does the file at `target` allow to be replaced? *mode becomes its permissions. */
static int check_target(struct outfile *f, bool *in_place, mode_t *mode, struct diag *diag)
{
    struct stat st;
    *in_place = false;
    *mode = 0;
    if (stat(f->path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0; /* a missing directory shows when the temporary is made */
        return fail(diag, f->path, "write", errno);
    }
    if (S_ISDIR(st.st_mode))
        return fail(diag, f->path, "write", EISDIR);
    *in_place = !S_ISREG(st.st_mode);
    *mode = st.st_mode & 07777;
    return access(f->path, W_OK) == 0 ? 0 : fail(diag, f->path, "write", errno);
}

static void unregister(int *slot)
{
    if (*slot >= 0)
        atomic_store(&pending[*slot].path, NULL);
    *slot = -1;
}

static void register_temporary(struct outfile *f)
{
    static bool at_exit;
    if (!at_exit)
        at_exit = atexit(outfile_abandon_all) == 0;
    for (f->slot = 0; f->slot < MAX_OPEN; f->slot++)
        if (!atomic_load(&pending[f->slot].path)) {
            pending[f->slot].owner = getpid();
            atomic_store(&pending[f->slot].path, f->temporary);
            return;
        }
    BUG("more than %d output files are open", MAX_OPEN);
}

static char *directory_of(const char *path)
{
    char *copy = checked_alloc(strdup(path));
    char *dir = checked_alloc(strdup(dirname(copy)));
    free(copy);
    return dir;
}

/* Creates the temporary in the target's directory: rename(2) does not cross file
 * systems. */
static int create_temporary(struct outfile *f, const char *dir)
{
    static unsigned made; /* those of a batch stay: no name is tried twice */
    size_t size = strlen(dir) + 64;
    f->temporary = checked_alloc(malloc(size));
    for (int i = 0; i < MAX_TRIES; i++) {
        snprintf(f->temporary, size, "%s/.moesim-%ld-%u.tmp", dir, (long)getpid(), made++);
        if (access(f->temporary, F_OK) != 0) {
            register_temporary(f);
            f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (f->fd >= 0)
                return 0;
            int error = errno;
            unregister(&f->slot);
            errno = error;
        } else {
            errno = EEXIST;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

static int open_temporary(struct outfile *f, mode_t mode, struct diag *diag)
{
    char *real = realpath(f->path, NULL); /* a link stays a link, its file is replaced */
    f->target = real ? real : checked_alloc(strdup(f->path));
    char *dir = directory_of(f->target);
    int result = create_temporary(f, dir);
    if (result && (errno == ENOENT || errno == ENOTDIR))
        diag_error(diag, EXIT_IO, SRCLOC_FILE(f->path), "cannot write: there is no directory '%s'; make it first", dir);
    else if (result)
        fail(diag, f->path, "write", errno);
    else if (mode && fchmod(f->fd, mode) != 0)
        f->error = errno;
    free(dir);
    return result;
}

/* What is read must not be replaced, however both are named; said before the work, and again when the last input is
 * known. */
static int refuse_input(const struct outfile *f, const char *path, struct diag *diag)
{
    if (f->over_input || !input_file_is(path))
        return 0;
    diag_error(diag, EXIT_IO, SRCLOC_FILE(path),
               "cannot write: this is a file that the same command reads; give the output another name");
    return -1;
}

static int open_target(struct outfile *f, struct diag *diag)
{
    bool in_place;
    mode_t mode;
    if (strcmp(f->path, "-") == 0) {
        f->is_stdout = true;
        f->fd = STDOUT_FILENO;
        fflush(stdout);
        return 0;
    }
    if (*f->path == 0)
        return fail(diag, "output", "write", ENOENT);
    if (check_target(f, &in_place, &mode, diag) || refuse_input(f, f->path, diag))
        return -1;
    if (!in_place)
        return open_temporary(f, mode, diag);
    f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return f->fd >= 0 ? 0 : fail(diag, f->path, "write", errno);
}

static bool ends_in_gz(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

bool outfile_ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path) - (ends_in_gz(path) ? 3 : 0), m = strlen(ending);
    return n >= m && strncmp(path + n - m, ending, m) == 0;
}

static void release(struct outfile *f)
{
    if (f->compressed)
        deflateEnd(&f->z);
    free(f->path);
    free(f->target);
    free(f->temporary);
    free(f);
}

static struct outfile *open_file(const char *path, bool over_input, struct diag *diag)
{
    struct outfile *f = checked_alloc(calloc(1, sizeof *f));
    f->over_input = over_input;
    f->path = checked_alloc(strdup(path));
    f->slot = f->fd = -1;
    if (open_target(f, diag)) {
        release(f);
        return NULL;
    }
    if (ends_in_gz(path)) {
        if (deflateInit2(&f->z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            out_of_memory();
        f->compressed = true;
        f->z.next_out = f->buffer;
        f->z.avail_out = BUFFER_B;
    }
    return f;
}

struct outfile *outfile_open(const char *path, struct diag *diag)
{
    return open_file(path, false, diag);
}

int outfile_check(const char *path, struct diag *diag)
{
    struct outfile *f = open_file(path, false, diag);
    outfile_abandon(f);
    return f ? 0 : -1;
}

struct outfile *outfile_open_over(const char *path, struct diag *diag)
{
    return open_file(path, true, diag);
}

/* Everything goes through here; after the first error nothing more is written. */
static void write_out(struct outfile *f, const unsigned char *p, size_t n)
{
    while (n && !f->error) {
        ssize_t done = write(f->fd, p, n);
        if (done < 0 && errno != EINTR) {
            f->error = errno;
        } else if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
}

static void deflate_all(struct outfile *f, const void *data, size_t len, int flush)
{
    const unsigned char *p = data;
    int state = Z_OK;
    while ((len || flush == Z_FINISH) && state != Z_STREAM_END && !f->error) {
        uInt piece = len < UINT_MAX ? (uInt)len : UINT_MAX;
        f->z.next_in = (Bytef *)(uintptr_t)p;
        f->z.avail_in = piece;
        state = deflate(&f->z, flush);
        BUG_IF(state == Z_STREAM_ERROR);
        p += piece - f->z.avail_in;
        len -= piece - f->z.avail_in;
        if (f->z.avail_out == 0 || state == Z_STREAM_END) {
            write_out(f, f->buffer, BUFFER_B - f->z.avail_out);
            f->z.next_out = f->buffer;
            f->z.avail_out = BUFFER_B;
        }
    }
}

void outfile_write(struct outfile *f, const void *data, size_t len)
{
    const unsigned char *p = data;
    if (f->compressed) {
        deflate_all(f, data, len, Z_NO_FLUSH);
        return;
    }
    if (len > BUFFER_B - f->n) {
        write_out(f, f->buffer, f->n);
        f->n = 0;
    }
    if (len > BUFFER_B) {
        write_out(f, p, len);
    } else if (len) {
        memcpy(f->buffer + f->n, p, len);
        f->n += len;
    }
}

void outfile_printf(struct outfile *f, const char *fmt, ...)
{
    char small[512];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    BUG_IF(n < 0);
    if ((size_t)n < sizeof small) {
        outfile_write(f, small, (size_t)n);
    } else {
        char *large = checked_alloc(malloc((size_t)n + 1));
        vsnprintf(large, (size_t)n + 1, fmt, again);
        outfile_write(f, large, (size_t)n);
        free(large);
    }
    va_end(again);
    va_end(ap);
}

void outfile_escaped(struct outfile *f, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<':
            outfile_printf(f, "&lt;");
            break;
        case '>':
            outfile_printf(f, "&gt;");
            break;
        case '&':
            outfile_printf(f, "&amp;");
            break;
        case '"':
            outfile_printf(f, "&quot;");
            break;
        case '\'':
            outfile_printf(f, "&#39;");
            break;
        case '\n':
            outfile_printf(f, "&#10;");
            break;
        case '\t':
            outfile_printf(f, "&#9;");
            break;
        default:
            outfile_write(f, (unsigned char)*s < 32 ? "?" : s, 1);
        }
}

const char *outfile_temporary(const struct outfile *f)
{
    return f->temporary;
}

/* Everything on disk, under the temporary name. */
static void finish(struct outfile *f)
{
    if (f->compressed)
        deflate_all(f, NULL, 0, Z_FINISH);
    else
        write_out(f, f->buffer, f->n);
    if (f->is_stdout)
        return;
    if (!f->error && f->target && fsync(f->fd) != 0)
        f->error = errno;
    if (close(f->fd) != 0 && !f->error)
        f->error = errno;
}

/* Its names and its slot go over to the batch. */
static void join_batch(struct outfile *f)
{
    if (batch.n == batch.room) {
        batch.room = 2 * batch.room + 16;
        batch.files = checked_alloc(realloc(batch.files, batch.room * sizeof *batch.files));
    }
    batch.files[batch.n++] = (struct waiting){f->path, f->target, f->temporary, f->slot};
    f->path = f->target = f->temporary = NULL;
    f->slot = -1;
}

int outfile_close(struct outfile *f, struct diag *diag)
{
    if (f->target && refuse_input(f, f->target, diag)) {
        outfile_abandon(f);
        return -1;
    }
    finish(f);
    if (!f->error && f->target && batch.open)
        join_batch(f);
    else if (!f->error && f->target && rename(f->temporary, f->target) != 0)
        f->error = errno;
    int result = f->error ? fail(diag, f->path, "write", f->error) : 0;
    if (result && f->temporary)
        unlink(f->temporary);
    unregister(&f->slot);
    release(f);
    return result;
}

void outfile_batch_begin(void)
{
    BUG_IF(batch.open);
    batch.open = true;
}

int outfile_batch_end(bool keep, struct diag *diag)
{
    int result = keep ? 0 : -1;
    BUG_IF(!batch.open);
    for (size_t i = 0; i < batch.n; i++) {
        struct waiting *w = &batch.files[i];
        if (!result && rename(w->temporary, w->target) != 0)
            result = fail(diag, w->path, "write", errno);
        if (result)
            unlink(w->temporary);
        unregister(&w->slot);
        free(w->path);
        free(w->target);
        free(w->temporary);
    }
    free(batch.files);
    memset(&batch, 0, sizeof batch);
    return result;
}

bool outfile_same(const char *a, const char *b)
{
    struct stat x, y;

    if (!strcmp(a, b))
        return true;
    if (stat(a, &x) == 0 && stat(b, &y) == 0)
        return x.st_dev == y.st_dev && x.st_ino == y.st_ino && S_ISREG(x.st_mode);
    char *dir_a = directory_of(a), *dir_b = directory_of(b);
    const char *base_a = strrchr(a, '/'), *base_b = strrchr(b, '/');
    bool same = !strcmp(base_a ? base_a + 1 : a, base_b ? base_b + 1 : b) && stat(dir_a, &x) == 0 &&
                stat(dir_b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    free(dir_a);
    free(dir_b);
    return same;
}

void outfile_abandon(struct outfile *f)
{
    if (!f)
        return;
    if (!f->is_stdout)
        close(f->fd);
    if (f->temporary)
        unlink(f->temporary);
    unregister(&f->slot);
    release(f);
}

void outfile_abandon_all(void)
{
    for (int i = 0; i < MAX_OPEN; i++) {
        const char *path = atomic_load(&pending[i].path);
        if (path && pending[i].owner == getpid())
            unlink(path);
    }
}
