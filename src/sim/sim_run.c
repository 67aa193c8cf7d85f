/* sim_run: one run in a forked child. SimGrid allows one platform per process and ends the process on
 * its own errors, so the child sends its result back over a pipe and its death becomes a diagnostic. */
#include "sim/sim.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
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
#include "sim/bound/bound.h"
#include "sim/exec/exec.h"
#include "topology/routing.h"

/* First on the pipe. Arrays follow in the order of struct sim_outcome, or the text of an error. */
struct report {
    struct sim_outcome outcome; /* pointers are meaningless here */
    int exit_code;
    uint64_t text_len;
};

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t peak_rss_B(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (uint64_t)r.ru_maxrss * 1024;
}

/* What the child has in memory before it begins: the parent's pages. */
static uint64_t rss_now_B(void)
{
    unsigned long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int send_packet_report(int fd, const struct sim_spec *spec, const struct sim_outcome *o)
{
    return write_all(fd, o->packet_links, spec->topo->n_links * sizeof *o->packet_links) ||
           write_all(fd, o->packet_transfers, spec->graph->n_transfers * sizeof *o->packet_transfers);
}

static int send_report(int fd, const struct sim_spec *spec, const struct report *r, const char *text)
{
    size_t ops_B = spec->graph->n_ops * sizeof(double);
    size_t transfers_B = spec->graph->n_transfers * sizeof(double);
    size_t limits_B = spec->graph->n_transfers * sizeof(uint32_t);
    const struct sim_outcome *o = &r->outcome;
    if (write_all(fd, r, sizeof *r) || write_all(fd, text, r->text_len))
        return -1;
    if (r->exit_code != EXIT_OK)
        return 0;
    return write_all(fd, o->op_start_s, ops_B) || write_all(fd, o->op_end_s, ops_B) ||
           write_all(fd, o->transfer_start_s, transfers_B) || write_all(fd, o->transfer_end_s, transfers_B) ||
           (o->transfer_limit && write_all(fd, o->transfer_limit, limits_B)) ||
           write_all(fd, o->samples, o->n_samples * sizeof *o->samples) ||
           (spec->net == NET_PACKET && send_packet_report(fd, spec, o));
}

_Noreturn static void child(const struct sim_spec *spec, int fd, pid_t parent)
{
    /* no orphan outlives the parent, whatever ends it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_BUG);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct report r = {0};
    r.outcome.start_rss_B = rss_now_B();
    double start_s = wall_s();
    exec_run(spec, arena, &r.outcome, diag);
    r.outcome.wall_s = wall_s() - start_s;
    r.outcome.peak_rss_B = peak_rss_B();
    r.exit_code = diag_exit_code(diag);
    const char *text = diag_text(diag);
    r.text_len = r.exit_code == EXIT_OK ? 0 : strlen(text);
    _exit(send_report(fd, spec, &r, text) ? EXIT_BUG : EXIT_OK);
}

/* Reads exactly len bytes; calls the spec's tick about five times a second while waiting. */
static int read_all(int fd, void *data, size_t len, const struct sim_spec *spec)
{
    char *p = data;
    while (len > 0) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        int ready = poll(&pfd, 1, 200);
        if (spec->tick) {
            if (spec->ops_done && spec->graph->n_ops)
                progress_share((double)*(volatile uint32_t *)spec->ops_done / spec->graph->n_ops);
            spec->tick(spec->tick_ctx);
        }
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t n = ready < 0 ? -1 : read(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int receive_packet_report(int fd, const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out)
{
    size_t n_links = spec->topo->n_links, n_transfers = spec->graph->n_transfers;
    out->packet_links = ARENA_ARRAY(arena, struct switch_link_totals, n_links);
    out->packet_transfers = ARENA_ARRAY(arena, struct packet_transfer, n_transfers);
    return read_all(fd, out->packet_links, n_links * sizeof *out->packet_links, spec) ||
           read_all(fd, out->packet_transfers, n_transfers * sizeof *out->packet_transfers, spec);
}

static int receive(int fd, const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    size_t n_ops = spec->graph->n_ops, n_transfers = spec->graph->n_transfers;
    struct report r;
    if (read_all(fd, &r, sizeof r, spec))
        return -1;
    if (r.exit_code != EXIT_OK) {
        char *text = ARENA_ARRAY(arena, char, r.text_len + 1);
        if (read_all(fd, text, r.text_len, spec))
            return -1;
        diag_relay(diag, (enum exit_code)r.exit_code, text);
        return 0;
    }
    *out = r.outcome;
    out->exchange_end_s = NULL;
    out->op_start_s = ARENA_ARRAY(arena, double, n_ops);
    out->op_end_s = ARENA_ARRAY(arena, double, n_ops);
    out->transfer_start_s = ARENA_ARRAY(arena, double, n_transfers);
    out->transfer_end_s = ARENA_ARRAY(arena, double, n_transfers);
    out->transfer_limit = spec->limits ? ARENA_ARRAY(arena, uint32_t, n_transfers) : NULL;
    out->samples = ARENA_ARRAY(arena, struct link_sample, out->n_samples);
    return read_all(fd, out->op_start_s, n_ops * sizeof(double), spec) ||
           read_all(fd, out->op_end_s, n_ops * sizeof(double), spec) ||
           read_all(fd, out->transfer_start_s, n_transfers * sizeof(double), spec) ||
           read_all(fd, out->transfer_end_s, n_transfers * sizeof(double), spec) ||
           (spec->limits && read_all(fd, out->transfer_limit, n_transfers * sizeof(uint32_t), spec)) ||
           read_all(fd, out->samples, out->n_samples * sizeof *out->samples, spec) ||
           (spec->net == NET_PACKET && receive_packet_report(fd, spec, arena, out));
}

static void report_death(int status, struct diag *diag)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        diag_error(diag, EXIT_KILLED, SRCLOC_NONE,
                   "the simulation process was killed from outside; the system does that when memory runs "
                   "out");
    else if (WIFSIGNALED(status))
        diag_error(diag, EXIT_BUG, SRCLOC_NONE, "the simulation process was killed by signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == EXIT_LIMIT)
        diag_error(diag, EXIT_LIMIT, SRCLOC_NONE, "the simulation ran out of memory");
    else
        diag_error(diag, EXIT_BUG, SRCLOC_NONE, "the simulation process ended with status %d before it had a result",
                   WEXITSTATUS(status));
}

static int refuse(const struct sim_spec *spec, const char *what, const char *instead, struct diag *diag)
{
    diag_error(diag, EXIT_BAD_INPUT, spec->net_at, "network '%s' cannot %s; use '%s'", net_kind_names[spec->net], what,
               instead);
    return -1;
}

static int check_events(const struct sim_spec *spec, struct diag *diag)
{
    for (uint32_t i = 0; i < spec->n_events; i++) {
        const struct link_event *e = &spec->events[i];
        BUG_IF(e->link >= spec->topo->n_links);
        if (spec->net == NET_BOUND || (spec->net == NET_CM02 && (e->fails || e->capacity_Bps <= 0)))
            return refuse(spec, "change or fail links while it runs", "flow", diag);
    }
    return 0;
}

bool sim_has_one_path(const struct hw_routing *r)
{
    return !routing_needs_load(r) && r->policy != ROUTING_SPRAY && r->queue_pairs <= 1;
}

static int check_routing(const struct sim_spec *spec, struct diag *diag)
{
    const struct hw_routing *r = &spec->routing;
    if (spec->net == NET_PACKET && r->policy == ROUTING_UGAL)
        return refuse(spec, "weigh detours by load (ugal)", "flow", diag);
    if (spec->net == NET_FLOW || spec->net == NET_PACKET)
        return 0;
    if (spec->net == NET_CM02 && topology_nics_per_gpu(spec->topo) > 1)
        return refuse(spec, "divide messages among several NICs of a GPU", "flow", diag);
    if (!sim_has_one_path(r))
        return refuse(spec, "route by load or over several paths at once", "flow", diag);
    return 0;
}

static int check_transfers(const struct sim_spec *spec, struct diag *diag)
{
    for (uint32_t i = 0; i < spec->graph->n_transfers; i++) {
        const struct transfer *t = &spec->graph->transfers[i];
        if (spec->net != NET_FLOW && (t->tree || t->hop != HOP_WHOLE))
            return refuse(spec, "multicast, add up, or leave the scale-up network half way", "flow", diag);
        if (spec->net == NET_CM02 && t->priority)
            return refuse(spec, "serve one transfer before another", "flow", diag);
        if (spec->net == NET_PACKET && t->weight != spec->graph->transfers[0].weight)
            return refuse(spec, "give transfers unequal weights", "flow", diag);
        if (spec->net == NET_PACKET && (t->priority >= SWITCH_CLASSES || t->bytes_B > 1e12))
            return refuse(spec, "have more than 8 classes, or transfers of more than 1 TB", "flow", diag);
    }
    return 0;
}

static int check_spec(const struct sim_spec *spec, struct diag *diag)
{
    BUG_IF(spec->net == NET_PACKET && !spec->hw);
    BUG_IF(spec->graph->n_bundles && (spec->net != NET_FLOW || spec->limits || routing_needs_load(&spec->routing) ||
                                      topology_nics_per_gpu(spec->topo) > 1));
    return check_events(spec, diag) || check_routing(spec, diag) || check_transfers(spec, diag) ? -1 : 0;
}

static int run_in_child(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    int fds[2];
    if (pipe(fds)) {
        diag_error(diag, EXIT_IO, SRCLOC_NONE, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    fflush(NULL); /* or the child would print our buffers once more */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child(spec, fds[1], parent);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        diag_error(diag, EXIT_LIMIT, SRCLOC_NONE, "cannot start the simulation process: %s", strerror(errno));
        return -1;
    }
    int got = receive(fds[0], spec, arena, out, diag), status = 0;
    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (got)
        report_death(status, diag);
    return diag_failed(diag) ? -1 : 0;
}

int sim_run(const struct sim_spec *spec, struct arena *arena, struct sim_outcome *out, struct diag *diag)
{
    struct sim_spec seen = *spec;
    if (check_spec(spec, diag))
        return -1;
    if (spec->net == NET_BOUND)
        return bound_run(spec, arena, out, diag);
    void *shared = mmap(NULL, sizeof *seen.ops_done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    seen.ops_done = shared == MAP_FAILED ? NULL : shared;
    progress_next_part();
    int failed = run_in_child(&seen, arena, out, diag);
    if (seen.ops_done)
        munmap(shared, sizeof *seen.ops_done);
    return failed;
}
