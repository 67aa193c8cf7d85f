/* The file: a line with the SHA-256 of the run's identity, then records: a header, then the answer's bytes. A record that was
 * cut off, and what is behind it, is forgotten. */
#include "kinds/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
    long good_B; /* of the file, until what is whole */
    FILE *out;
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
    FILE *in = resume ? fopen(path, "rb") : NULL;
    int failed = 0;
    parts.path = checked_alloc(strdup(path));
    parts.owner = getpid();
    sha256_text(identity, strlen(identity), parts.identity);
    if (in) {
        failed = read_file(in, diag);
        fclose(in);
    } else if (resume && errno != ENOENT) {
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "--resume: cannot read %s: %s", path, strerror(errno));
        failed = -1;
    }
    return failed;
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void open_out(void)
{
    if (parts.n) {
        parts.out = fopen(parts.path, "r+b");
        if (parts.out && (ftruncate(fileno(parts.out), parts.good_B) || fseek(parts.out, 0, SEEK_END))) {
            fclose(parts.out);
            parts.out = NULL;
        }
        return;
    }
    parts.out = fopen(parts.path, "wb");
    if (parts.out)
        fprintf(parts.out, "%s%s\n", title, parts.identity);
}

void parts_close(bool done)
{
    if (!is_mine())
        return;
    if (parts.out)
        fclose(parts.out);
    if (done && (parts.out || parts.n))
        unlink(parts.path);
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
    if (!parts.out)
        open_out();
    if (!parts.out)
        return;
    memcpy(r.files, parts.files, sizeof r.files);
    sha256_text(answer, answer_B, r.sum);
    fwrite(&r, offsetof(struct record, answer), 1, parts.out);
    fwrite(answer, 1, answer_B, parts.out);
    fflush(parts.out);
}
