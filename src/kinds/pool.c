/* The pool. Each child leads a process group of its own, so that what it forked (sim_run does) dies with it;
 * all die with the parent (PR_SET_PDEATHSIG). Its standard error goes to a memory file. */
#include "config.h" /* first: memfd_create is an extension */

#include "kinds/pool.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/shared_cache.h"

enum { FIRST_BUFFER_B = 16384, SHOWN_STDERR_B = 2000 };

struct child {
    pid_t pid; /* 0 = the slot is free */
    uint32_t id;
    int fd;     /* its answer */
    int errors; /* its standard error */
    double deadline_s;
    bool too_long;
    char *data;
    size_t len, cap;
};

struct pool {
    struct pool_limits limits;
    pool_work_fn *work;
    void *ctx;
    struct child *children; /* [limits.jobs] */
    struct pollfd *polled;
    uint32_t n;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct pool *pool_new(const struct pool_limits *limits, pool_work_fn *work, void *ctx)
{
    struct pool *p = checked_alloc(calloc(1, sizeof *p));
    shared_cache_begin();
    *p = (struct pool){.limits = *limits, .work = work, .ctx = ctx};
    p->children = checked_alloc(calloc(limits->jobs, sizeof *p->children));
    p->polled = checked_alloc(calloc(limits->jobs, sizeof *p->polled));
    return p;
}

bool pool_is_full(const struct pool *p)
{
    return p->n == p->limits.jobs;
}

bool pool_is_empty(const struct pool *p)
{
    return p->n == 0;
}

/* --- in the child ----------------------------------------------------------------------------------------------- */

static void limit_memory(uint64_t bytes)
{
    struct rlimit limit;
    if (!bytes || getrlimit(RLIMIT_AS, &limit))
        return;
    bytes += shared_cache_B(); /* room of all points together, not of this one */
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

/* An answer is whole when this stands behind it. */
static const char whole[] = "\n<whole>";

_Noreturn static void child(const struct pool *p, uint32_t id, int fd, int errors, pid_t parent)
{
    struct rlimit no_core = {0};
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_BUG);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(errors, STDERR_FILENO);
    dup2(errors, STDOUT_FILENO);
    progress_never(); /* the parent speaks */
    limit_memory(p->limits.memory_B);
    FILE *out = checked_alloc(fdopen(fd, "w"));
    p->work(p->ctx, id, out);
    fputs(whole, out);
    _exit(fclose(out) ? EXIT_BUG : EXIT_OK);
}

/* --- in the parent ------------------------------------------------------------------------------------------------ */

static struct child *free_slot(struct pool *p)
{
    for (uint32_t i = 0; i < p->limits.jobs; i++)
        if (!p->children[i].pid)
            return &p->children[i];
    BUG("the pool is full");
}

static int cannot_start(struct diag *diag, int fds[2], int errors)
{
    diag_error(diag, EXIT_LIMIT, SRCLOC_NONE, "cannot start a process for a point: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (errors >= 0)
        close(errors);
    return -1;
}

int pool_start(struct pool *p, uint32_t id, struct diag *diag)
{
    int fds[2] = {-1, -1}, errors = memfd_create("stderr", MFD_CLOEXEC);
    struct child *c = free_slot(p);
    if (errors < 0 || pipe(fds))
        return cannot_start(diag, fds, errors);
    fflush(NULL); /* or the child would print our buffers once more */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        for (uint32_t i = 0; i < p->limits.jobs; i++)
            if (p->children[i].pid)
                close(p->children[i].fd);
        close(fds[0]);
        child(p, id, fds[1], errors, parent);
    }
    if (pid < 0)
        return cannot_start(diag, fds, errors);
    setpgid(pid, pid); /* whoever comes first: it must be so before we may have to end it */
    close(fds[1]);
    *c = (struct child){.pid = pid,
                        .id = id,
                        .fd = fds[0],
                        .errors = errors,
                        .data = checked_alloc(malloc(FIRST_BUFFER_B)),
                        .cap = FIRST_BUFFER_B,
                        .deadline_s = p->limits.time_s > 0 ? now_s() + p->limits.time_s : INFINITY};
    p->n++;
    return 0;
}

/* Reads what is there; true when nothing will come any more. */
static bool read_some(struct child *c)
{
    if (c->cap - c->len < FIRST_BUFFER_B / 2)
        c->data = checked_alloc(realloc(c->data, c->cap *= 2));
    ssize_t n = read(c->fd, c->data + c->len, c->cap - c->len - 1);
    if (n < 0)
        return errno != EINTR;
    c->len += (size_t)n;
    return n == 0;
}

/* The end of what a child said on its standard error, behind ": "; "" when it was silent. */
static void last_words(const struct child *c, char *buf, size_t size)
{
    off_t end = lseek(c->errors, 0, SEEK_END), from = end > SHOWN_STDERR_B ? end - SHOWN_STDERR_B : 0;
    ssize_t n = end > 0 ? pread(c->errors, buf + 2, size - 3, from) : 0;
    if (n <= 0) {
        buf[0] = '\0';
        return;
    }
    buf[0] = ':';
    buf[1] = ' ';
    while (n > 0 && buf[n + 1] == '\n')
        n--;
    buf[n + 2] = '\0';
}

static char *cause_of_death(const struct pool *p, const struct child *c, int status, struct pool_answer *a)
{
    char *text = NULL, words[SHOWN_STDERR_B + 8];
    size_t size;
    FILE *out = checked_alloc(open_memstream(&text, &size));
    last_words(c, words, sizeof words);
    a->by_limit = true;
    a->killed = !c->too_long && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (c->too_long)
        fprintf(out, "it took longer than %g s (time limit)", p->limits.time_s);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LIMIT)
        fprintf(out, "it ran out of memory");
    else {
        a->by_limit = false;
        if (WIFSIGNALED(status))
            fprintf(out, "its process was killed by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                    words);
        else
            fprintf(out, "its process ended with status %d before it had a result%s", WEXITSTATUS(status), words);
    }
    if (fclose(out))
        out_of_memory();
    return text;
}

static void bury(struct pool *p, struct child *c, struct pool_answer *answer)
{
    int status = 0;
    size_t mark = sizeof whole - 1;
    kill(-c->pid, SIGKILL); /* what it may have left behind */
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    *answer = (struct pool_answer){.id = c->id, .data = c->data, .len = c->len};
    if (c->len >= mark && !memcmp(c->data + c->len - mark, whole, mark))
        answer->len -= mark;
    else
        answer->died = cause_of_death(p, c, status, answer);
    answer->data[answer->len] = '\0';
    close(c->fd);
    close(c->errors);
    c->pid = 0;
    p->n--;
}

/* How long poll may wait, in ms: to the first deadline. */
static int patience_ms(const struct pool *p, double timeout_s)
{
    double now = now_s(), wait_s = timeout_s;
    for (uint32_t i = 0; i < p->limits.jobs; i++)
        if (p->children[i].pid)
            wait_s = fmin(wait_s, p->children[i].deadline_s - now);
    return (int)(fmax(wait_s, 0) * 1e3 + 1);
}

static void end_late(struct pool *p)
{
    double now = now_s();
    for (uint32_t i = 0; i < p->limits.jobs; i++) {
        struct child *c = &p->children[i];
        if (c->pid && now > c->deadline_s) {
            c->too_long = true;
            c->deadline_s = INFINITY;
            kill(-c->pid, SIGKILL);
        }
    }
}

bool pool_wait(struct pool *p, double timeout_s, struct pool_answer *answer)
{
    for (uint32_t i = 0; i < p->limits.jobs; i++)
        p->polled[i] = (struct pollfd){.fd = p->children[i].pid ? p->children[i].fd : -1, .events = POLLIN};
    int ready = poll(p->polled, p->limits.jobs, patience_ms(p, timeout_s));
    if (ready > 0)
        for (uint32_t i = 0; i < p->limits.jobs; i++)
            if (p->polled[i].revents && read_some(&p->children[i])) {
                bury(p, &p->children[i], answer);
                return true;
            }
    end_late(p);
    return false;
}

void pool_free(struct pool *p)
{
    struct pool_answer dropped;
    for (uint32_t i = 0; i < p->limits.jobs; i++)
        if (p->children[i].pid) {
            bury(p, &p->children[i], &dropped);
            free(dropped.data);
            free(dropped.died);
        }
    free(p->children);
    free(p->polled);
    free(p);
}
