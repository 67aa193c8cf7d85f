/* Trace events, times in microseconds with three decimals: viewers count whole nanoseconds, and ends are
 * rounded like starts, so that neighbours on a track meet instead of overlapping. A run begins at 1 us: Chrome's DevTools
 * leave an event at 0 out of the range that they show. 'M' names of processes
 * and threads, 'X' ops (lanes are serial, so slices of a track never overlap), 'b'/'e' pairs for transfers,
 * 'C' counters for link utilisation. Written as a stream: a timeline of all ranks does not fit into memory
 * twice. */
#include "io/results/timeline.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/outfile.h"

struct timeline {
    struct outfile *f;
    const struct sim_spec *spec;
    const struct opgraph *g;
    const struct sim_outcome *o;
    struct arena *arena;
    uint8_t *wanted; /* [n_devices] */
    bool first;
};

/* A JSON string with its quotes. */
static void write_text(struct timeline *t, const char *text)
{
    outfile_write(t->f, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            outfile_printf(t->f, "\\%c", c);
        else if (c < 0x20)
            outfile_printf(t->f, "\\u%04x", c);
        else
            outfile_write(t->f, text, 1);
    }
    outfile_write(t->f, "\"", 1);
}

static void write_member(struct timeline *t, const char *key, const char *text)
{
    outfile_printf(t->f, "\"%s\":", key);
    write_text(t, text);
}

/* The time in whole nanoseconds, as viewers hold it. */
static long long ns(double time_s)
{
    return llround(1e9 * time_s);
}

enum { ORIGIN_NS = 1000 };

static void write_us(struct timeline *t, const char *key, long long time_ns)
{
    outfile_printf(t->f, ",\"%s\":%lld.%03lld", key, time_ns / 1000, time_ns % 1000);
}

static void begin_event(struct timeline *t, char phase, const char *name, uint32_t pid)
{
    outfile_printf(t->f, "%s\n{\"ph\":\"%c\",\"pid\":%u,", t->first ? "" : ",", phase, pid);
    write_member(t, "name", name);
    t->first = false;
}

static void name_track(struct timeline *t, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
    begin_event(t, 'M', what, pid);
    outfile_printf(t->f, ",\"tid\":%u,\"args\":{", tid);
    write_member(t, "name", name);
    outfile_printf(t->f, "}}");
}

/* --- lanes ------------------------------------------------------------------------------------------ */

/* What the ops of a lane have in common. */
struct lane_use {
    uint32_t device, n, first; /* ops, and the first of them */
    bool has_comm, has_sms;
};

/* "compute", "compute2", ... in the order of lanes. A lane of one op that uses no SMs is that op: for example the time
 * at which a rank enters. */
static const char *lane_name(const struct timeline *t, const struct lane_use *u, uint32_t *n_of_role)
{
    const char *role = u->has_comm ? "communication" : "compute";
    if (!u->has_comm && !u->has_sms && u->n == 1)
        return t->g->strings[t->g->ops[u->first].name];
    uint32_t nth = ++n_of_role[u->has_comm];
    return nth == 1 ? role : arena_printf(t->arena, "%s%u", role, nth);
}

static void name_lanes(struct timeline *t)
{
    const struct opgraph *g = t->g;
    struct lane_use *use = ARENA_ARRAY(t->arena, struct lane_use, g->n_lanes);
    uint32_t(*n_of_role)[2] = (void *)ARENA_ARRAY(t->arena, uint32_t, 2 * (size_t)g->n_devices);
    for (uint32_t i = 0; i < g->n_ops; i++) {
        const struct op *op = &g->ops[i];
        struct lane_use *u = &use[op->lane];
        u->first = u->n++ ? u->first : i;
        u->device = op->device;
        u->has_comm |= op->kind != OP_COMPUTE;
        u->has_sms |= op->sm_ref > 0;
    }
    for (uint32_t lane = 0; lane < g->n_lanes; lane++)
        if (use[lane].n && t->wanted[use[lane].device])
            name_track(t, "thread_name", use[lane].device, lane, lane_name(t, &use[lane], n_of_role[use[lane].device]));
}

static void name_devices(struct timeline *t, const uint32_t *devices, uint32_t n)
{
    char name[64];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "GPU %u", devices[i]);
        name_track(t, "process_name", devices[i], 0, name);
    }
}

/* --- events ----------------------------------------------------------------------------------------- */

static void write_ops(struct timeline *t)
{
    for (uint32_t i = 0; i < t->g->n_ops; i++) {
        const struct op *op = &t->g->ops[i];
        if (!t->wanted[op->device])
            continue;
        begin_event(t, 'X', t->g->strings[op->name], op->device);
        long long start_ns = ns(t->o->op_start_s[i]);
        outfile_printf(t->f, ",\"tid\":%u", op->lane);
        write_us(t, "ts", ORIGIN_NS + start_ns);
        write_us(t, "dur", ns(t->o->op_end_s[i]) - start_ns);
        outfile_printf(t->f, ",");
        write_member(t, "cat", t->g->strings[op->class_name]);
        outfile_printf(t->f, ",\"args\":{\"layer\":%d,", op->layer);
        write_member(t, "phase", t->g->strings[op->phase]);
        outfile_printf(t->f, "}}");
    }
}

static void write_transfer_edge(struct timeline *t, uint32_t id, char phase, double at_s)
{
    const struct transfer *tr = &t->g->transfers[id];
    char name[64];
    snprintf(name, sizeof name, "GPU %u to GPU %u", tr->src, tr->dst);
    begin_event(t, phase, name, t->wanted[tr->src] ? tr->src : tr->dst);
    outfile_printf(t->f, ",\"cat\":\"transfer\",\"id\":%u,\"tid\":0", id);
    write_us(t, "ts", ORIGIN_NS + ns(at_s));
    double took_s = t->o->transfer_end_s[id] - t->o->transfer_start_s[id];
    if (phase == 'b') {
        outfile_printf(t->f, ",\"args\":{\"bytes\":%.0f,\"src\":%u,\"dst\":%u,\"GB/s\":%.6g,", tr->bytes_B, tr->src,
                       tr->dst, took_s > 0 ? tr->bytes_B / took_s / 1e9 : 0);
        write_member(t, "op", t->g->strings[t->g->ops[tr->src_op].class_name]);
        outfile_printf(t->f, "}");
    }
    outfile_printf(t->f, "}");
}

static void write_transfers(struct timeline *t)
{
    for (uint32_t i = 0; i < t->g->n_transfers; i++) {
        const struct transfer *tr = &t->g->transfers[i];
        if (!t->wanted[tr->src] && !t->wanted[tr->dst])
            continue;
        write_transfer_edge(t, i, 'b', t->o->transfer_start_s[i]);
        write_transfer_edge(t, i, 'e', t->o->transfer_end_s[i]);
    }
}

static void write_counters(struct timeline *t, uint32_t pid)
{
    const struct topology *topo = t->spec->topo;
    char link_name[96], name[128];
    for (uint32_t i = 0; i < t->o->n_samples; i++) {
        const struct link_sample *s = &t->o->samples[i];
        uint32_t link = t->spec->watch[s->watch];
        double capacity_Bps;
        if (link < topo->n_links) {
            topo->type->link_name(topo, link, link_name, sizeof link_name);
            capacity_Bps = topo->links[link].capacity_Bps;
        } else {
            const struct resource *r = &t->g->resources[link - topo->n_links];
            snprintf(link_name, sizeof link_name, "%s", t->g->strings[r->name]);
            capacity_Bps = r->capacity_Bps;
        }
        snprintf(name, sizeof name, "%s utilisation", link_name);
        begin_event(t, 'C', name, pid);
        outfile_printf(t->f, ",\"tid\":0");
        write_us(t, "ts", ORIGIN_NS + ns(s->time_s));
        outfile_printf(t->f, ",\"args\":{\"share\":%.6f}}", capacity_Bps > 0 ? s->load_Bps / capacity_Bps : 0);
    }
}

int timeline_write(const char *path, const struct sim_spec *spec, const struct sim_outcome *outcome,
                   const uint32_t *devices, uint32_t n_devices, struct diag *diag)
{
    struct timeline t = {.spec = spec, .g = spec->graph, .o = outcome, .first = true};
    t.f = outfile_open(path, diag);
    if (!t.f)
        return -1;
    t.arena = arena_new();
    t.wanted = ARENA_ARRAY(t.arena, uint8_t, spec->graph->n_devices);
    for (uint32_t i = 0; i < n_devices; i++)
        t.wanted[devices[i]] = 1;
    outfile_printf(t.f, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    name_devices(&t, devices, n_devices);
    name_lanes(&t);
    write_ops(&t);
    write_transfers(&t);
    write_counters(&t, devices[0]);
    outfile_printf(t.f, "\n]}\n");
    arena_free(t.arena);
    return outfile_close(t.f, diag);
}
