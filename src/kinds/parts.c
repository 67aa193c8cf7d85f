/* The file: a line with the SHA-256 of the run's identity, then records: a header, then the answer's bytes. A record that was
 * cut off, and what is behind it, is forgotten. The name may be taken by a file that is not ours: such a file, and one that
 * another run holds the lock of, is left alone. */
#include "kinds/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/input_files.h"

struct record {
    uint32_t map, job;
    uint64_t answer_B;
    char files[SHA256_TEXT]; /* of the files that had been read when the map began */
    char sum[SHA256_TEXT];   /* of the answer */
    char *answer;            /* in memory only */
};

static struct {
    char *path;
    char identity[SHA256_TEXT], files[SHA256_TEXT]; /* files: of the map under way */
    struct record *records;
    size_t n;
    long good_B;       /* of the file, until what is whole; 0: it starts anew */
    FILE *file;        /* ours, and locked; NULL: there is none yet */
    bool tried, ready; /* to be made ready for the next record; it is */
    uint32_t maps, resumed;
    pid_t owner;
} parts;

static const char title[] = "moesim parts 1 ";

static bool is_mine(void)
{
    return parts.path && parts.owner == getpid();
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static bool read_record(FILE *in, struct record *r)
{
    enum { MOST_B = 1 << 30 };
    char sum[SHA256_TEXT];
    if (fread(r, offsetof(struct record, answer), 1, in) != 1 || r->answer_B > MOST_B)
        return false;
    r->answer = checked_alloc(malloc(r->answer_B + 1));
    if (fread(r->answer, 1, r->answer_B, in) == r->answer_B) {
        sha256_text(r->answer, r->answer_B, sum);
        if (!memcmp(sum, r->sum, sizeof sum))
            return true;
    }
    free(r->answer);
    return false;
}

static void read_records(FILE *in)
{
    struct record r;
    parts.good_B = ftell(in);
    while (read_record(in, &r)) {
        parts.records = checked_alloc(realloc(parts.records, (parts.n + 1) * sizeof *parts.records));
        parts.records[parts.n++] = r;
        parts.good_B = ftell(in);
    }
}

/* --- the file -------------------------------------------------------------------------------------------------- */

static int refuse(const char *why, struct diag *diag)
{
    diag_error(diag, EXIT_IO, SRCLOC_FILE(parts.path), "finished parts of this run belong here, but %s", why);
    return -1;
}

/* Of the process, not of the children that it forks; released when it ends, however it ends. A file system without locks has
 * none to wait for. */
static bool is_locked_by_another(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &lock) && (errno == EACCES || errno == EAGAIN);
}

static bool has_title(FILE *file)
{
    char start[sizeof title - 1];
    bool has = fread(start, sizeof start, 1, file) == 1 && !memcmp(start, title, sizeof start);
    rewind(file);
    return has;
}

/* What lies under the name becomes parts.file, if it is ours to change. */
static int take_file(int fd, struct diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || input_file_is(parts.path)) {
        close(fd);
        return refuse("this is no file of such parts; move it away, or give -o another name", diag);
    }
    if (is_locked_by_another(fd)) {
        close(fd);
        return refuse("another run with the same -o is under way; wait for it, or give -o another name", diag);
    }
    if (fstat(fd, &st) || !st.st_nlink) { /* that run has ended, and its file has gone */
        close(fd);
        return 0;
    }
    parts.file = checked_alloc(fdopen(fd, "r+b"));
    if (has_title(parts.file))
        return 0;
    fclose(parts.file);
    parts.file = NULL;
    return refuse("this is no file of such parts; move it away, or give -o another name", diag);
}

static int find_file(struct diag *diag)
{
    int fd = open(parts.path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0)
        return take_file(fd, diag);
    if (errno == ENOENT || errno == ENOTDIR)
        return 0;
    if (errno == ELOOP)
        return refuse("this is a link; move it away, or give -o another name", diag);
    diag_error(
        diag, EXIT_IO, SRCLOC_FILE(parts.path),
        "finished parts of this run belong here, but it cannot be opened: %s; move it away, or give -o another name",
        strerror(errno));
    return -1;
}

static int read_file(FILE *in, struct diag *diag)
{
    char line[sizeof title + SHA256_TEXT + 2] = "", wanted[sizeof line];
    snprintf(wanted, sizeof wanted, "%s%s\n", title, parts.identity);
    if (!fgets(line, sizeof line, in) || strcmp(line, wanted)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "--resume: %s is of another run: the scenario, an option or moesim itself has changed since; leave "
                   "--resume out to start anew",
                   parts.path);
        return -1;
    }
    read_records(in);
    return 0;
}

int parts_open(const char *path, const char *identity, bool resume, struct diag *diag)
{
    parts.path = checked_alloc(strdup(path));
    parts.owner = getpid();
    sha256_text(identity, strlen(identity), parts.identity);
    if (find_file(diag))
        return -1;
    return resume && parts.file ? read_file(parts.file, diag) : 0;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

/* Still the file under the name: nobody has put another one there. */
static bool is_in_place(void)
{
    struct stat ours, there;
    return !fstat(fileno(parts.file), &ours) && !lstat(parts.path, &there) && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static void drop_file(bool and_remove)
{
    if (parts.file && and_remove && is_in_place())
        unlink(parts.path);
    if (parts.file)
        fclose(parts.file);
    parts.file = NULL;
}

/* A name that another run has taken since parts_open stays that run's. */
static void make_file(void)
{
    int fd = open(parts.path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        fprintf(stderr, "moesim: finished parts are not kept, --resume could not go on: %s: %s\n", parts.path,
                strerror(errno));
        return;
    }
    if (is_locked_by_another(fd)) /* it has looked in before us, and finds no title */
        close(fd);
    else
        parts.file = checked_alloc(fdopen(fd, "r+b"));
}

static void prepare_file(void)
{
    parts.tried = true;
    if (!parts.file)
        make_file();
    if (!parts.file)
        return;
    bool failed = ftruncate(fileno(parts.file), parts.good_B) || fseek(parts.file, parts.good_B, SEEK_SET);
    if (!failed && !parts.good_B)
        failed = fprintf(parts.file, "%s%s\n", title, parts.identity) < 0 || fflush(parts.file);
    parts.ready = !failed;
    if (failed && !parts.good_B)
        drop_file(true);
}

void parts_close(bool done)
{
    if (!is_mine())
        return;
    drop_file(done);
    for (size_t i = 0; i < parts.n; i++)
        free(parts.records[i].answer);
    free(parts.records);
    free(parts.path);
    memset(&parts, 0, sizeof parts);
}

uint32_t parts_resumed(void)
{
    return parts.resumed;
}

/* --- maps ------------------------------------------------------------------------------------------------------- */

uint32_t parts_begin_map(void)
{
    char *text = NULL;
    size_t size = 0;
    if (!is_mine())
        return 0;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    for (size_t i = 0; i < input_files_count(); i++)
        fprintf(out, "%s %s\n", input_file_at(i)->sha256, input_file_at(i)->path);
    if (fclose(out))
        out_of_memory();
    sha256_text(text, size, parts.files);
    free(text);
    return parts.maps++;
}

bool parts_take(uint32_t map, uint32_t job, void *answer, size_t answer_B)
{
    for (size_t i = 0; is_mine() && i < parts.n; i++) {
        const struct record *r = &parts.records[i];
        if (r->map != map || r->job != job || r->answer_B != answer_B || memcmp(r->files, parts.files, SHA256_TEXT))
            continue;
        memcpy(answer, r->answer, answer_B);
        parts.resumed++;
        return true;
    }
    return false;
}

void parts_keep(uint32_t map, uint32_t job, const void *answer, size_t answer_B)
{
    struct record r = {.map = map, .job = job, .answer_B = answer_B};
    if (!is_mine())
        return;
    if (!parts.tried)
        prepare_file();
    if (!parts.ready)
        return;
    memcpy(r.files, parts.files, sizeof r.files);
    sha256_text(answer, answer_B, r.sum);
    fwrite(&r, offsetof(struct record, answer), 1, parts.file);
    fwrite(answer, 1, answer_B, parts.file);
    fflush(parts.file);
}
