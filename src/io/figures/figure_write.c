/* gnuplot draws; the file appears whole. What made the figure stands in it: in the information of a PDF, as a later version
 * of it ("incremental update", ISO 32000-1, 7.5.6), in the description of an SVG. */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/build_id.h"
#include "base/outfile.h"
#include "config.h"
#include "io/figures/figure.h"

struct kind {
    const char *ending, *terminal;
};
static const struct kind kinds[] = {{".pdf", "pdfcairo"}, {".svg", "svg"}, {".png", "pngcairo"}, {".gp", "pdfcairo"}};
enum { N_KINDS = sizeof kinds / sizeof *kinds, BLOCK_B = 1 << 16 };

static const struct kind *kind_of(const char *path)
{
    for (int i = 0; i < N_KINDS; i++)
        if (outfile_ends_in(path, kinds[i].ending))
            return &kinds[i];
    return NULL;
}

bool figure_can_write(const char *path)
{
    return kind_of(path) != NULL;
}

/* --- gnuplot ------------------------------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t len, cap;
};

static void append(struct text *t, const char *bytes, size_t n)
{
    if (t->len + n + 1 > t->cap)
        t->bytes = checked_alloc(realloc(t->bytes, t->cap = 2 * (t->len + n + 1)));
    memcpy(t->bytes + t->len, bytes, n);
    t->bytes[t->len += n] = '\0';
}

/* What gnuplot says and draws, both to their ends. */
static void read_both(const int fds[2], struct text *texts[2])
{
    struct pollfd p[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
    char block[BLOCK_B];
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].fd >= 0 && p[i].revents ? read(p[i].fd, block, sizeof block) : -2;
            if (n > 0)
                append(texts[i], block, (size_t)n);
            else if (n == 0 || (n == -1 && errno != EINTR))
                p[i].fd = -1;
        }
    }
}

/* The child: script from `in`, figure to `out`, complaints to `err`. */
static _Noreturn void be_gnuplot(int in, int out, int err)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execlp("gnuplot", "gnuplot", "-", (char *)NULL);
    _exit(127);
}

/* The script in a file without a name: gnuplot reads it when it likes. */
static int script_file(const char *script)
{
    FILE *f = tmpfile();
    if (!f)
        return -1;
    fputs(script, f);
    int fd = fflush(f) ? -1 : dup(fileno(f));
    fclose(f);
    return fd >= 0 && !lseek(fd, 0, SEEK_SET) ? fd : -1;
}

/* Exit code of gnuplot, 127 when there is none; -1 with the reason in diag. */
static int run_gnuplot(const char *script, struct text *figure, struct text *said, struct diag *diag)
{
    int out[2], err[2], in = script_file(script), status;
    if (in < 0 || pipe(out) || pipe(err)) {
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "cannot run gnuplot: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (!child)
        be_gnuplot(in, out[1], err[1]);
    close(in);
    close(out[1]);
    close(err[1]);
    read_both((int[]){out[0], err[0]}, (struct text *[]){figure, said});
    close(out[0]);
    close(err[0]);
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return diag_error(diag, EXIT_IO, SRCLOC_NONE, "cannot run gnuplot: %s", strerror(errno)), -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int draw(const char *script, struct text *figure, struct diag *diag)
{
    struct text said = {0};
    append(figure, "", 0);
    append(&said, "", 0);
    int code = run_gnuplot(script, figure, &said, diag);
    if (code == 127)
        diag_error(
            diag, EXIT_IO, SRCLOC_NONE,
            "figures are drawn by gnuplot, which is not installed (Debian: gnuplot-nox); -o FILE.gp writes its script");
    else if (code > 0 || (!code && !figure->len))
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "gnuplot: %s", said.len ? said.bytes : "it drew nothing");
    free(said.bytes);
    return code || !figure->len ? -1 : 0;
}

/* --- what made it --------------------------------------------------------------------------------------------------- */

static char *provenance(void)
{
    char *text;
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    fprintf(out, PACKAGE_NAME " " PACKAGE_VERSION "%s%s%s: %s", *build_commit ? " (" : "", build_commit,
            *build_commit ? ")" : "", command_line);
    if (fclose(out))
        out_of_memory();
    return text;
}

/* The same figure at any time: what a PDF calls its date becomes that of nothing. */
static void forget_date(struct text *pdf)
{
    static const char key[] = "/CreationDate (D:";
    char *date = memmem(pdf->bytes, pdf->len, key, sizeof key - 1);
    for (char *p = date ? date + sizeof key - 1 : NULL; p && *p >= '0' && *p <= '9'; p++)
        *p = '0';
    if (date)
        memcpy(date + sizeof key - 1, "19700101", 8);
}

static long number_behind(const char *text, const char *key)
{
    const char *found = text ? strstr(text, key) : NULL;
    return found ? strtol(found + strlen(key), NULL, 10) : -1;
}

/* A text of the information: bytes as hexadecimals, so that nothing needs an escape. */
static void put_hex(FILE *out, const char *key, const char *text)
{
    fprintf(out, " /%s <", key);
    for (; *text; text++)
        fprintf(out, "%02x", (unsigned char)*text);
    fputs(">", out);
}

/* The information once more, with what made the figure, and a table that finds it. */
static void update_pdf(struct text *pdf, const char *what)
{
    char *text, *trailer = NULL, line[128];
    for (char *p = pdf->bytes; (p = memmem(p, pdf->len - (size_t)(p - pdf->bytes), "\ntrailer", 8)); p++)
        trailer = p;
    long info = number_behind(trailer, "/Info "), root = number_behind(trailer, "/Root "),
         size = number_behind(trailer, "/Size "), before = number_behind(trailer, "startxref\n");
    if (info < 0 || root < 0 || size < 0 || before < 0)
        return; /* a PDF of another make: it stays as it is */
    size_t len;
    FILE *out = checked_alloc(open_memstream(&text, &len));
    fprintf(out, "%ld 0 obj\n<<", info);
    put_hex(out, "Creator", PACKAGE_NAME " " PACKAGE_VERSION);
    put_hex(out, "Subject", what);
    fputs(" /Producer (gnuplot, cairo) >>\nendobj\n", out);
    fflush(out);
    snprintf(line, sizeof line, "xref\n%ld 1\n%010zu 00000 n \n", info, pdf->len);
    size_t table = pdf->len + len;
    fprintf(out, "%strailer\n<< /Size %ld /Root %ld 0 R /Info %ld 0 R /Prev %ld >>\nstartxref\n%zu\n%%%%EOF\n", line,
            size, root, info, before, table);
    if (fclose(out))
        out_of_memory();
    append(pdf, text, len);
    free(text);
}

static void put_svg(struct outfile *f, const struct text *svg, const char *what)
{
    const char *from = strstr(svg->bytes, "<desc>"), *to = strstr(svg->bytes, "</desc>");
    if (!from || !to) {
        outfile_write(f, svg->bytes, svg->len);
        return;
    }
    outfile_write(f, svg->bytes, (size_t)(from + 6 - svg->bytes));
    outfile_escaped(f, what);
    outfile_write(f, to, strlen(to));
}

static int put(struct text *figure, const struct kind *kind, const char *path, struct diag *diag)
{
    struct outfile *f = outfile_open(path, diag);
    if (!f)
        return -1;
    char *what = provenance();
    if (!strcmp(kind->ending, ".pdf")) {
        forget_date(figure);
        update_pdf(figure, what);
    }
    if (!strcmp(kind->ending, ".svg"))
        put_svg(f, figure, what);
    else
        outfile_write(f, figure->bytes, figure->len);
    free(what);
    return outfile_close(f, diag);
}

int figure_write(const struct figure *f, const char *path, struct diag *diag)
{
    const struct kind *kind = kind_of(path);
    BUG_IF(!kind);
    char *script = figure_script(f, kind->terminal, diag);
    struct text figure = {0};
    int failed = !script;
    if (!failed && !strcmp(kind->ending, ".gp"))
        append(&figure, script, strlen(script));
    else if (!failed)
        failed = draw(script, &figure, diag);
    if (!failed)
        failed = put(&figure, kind, path, diag);
    free(figure.bytes);
    free(script);
    return failed ? -1 : 0;
}
