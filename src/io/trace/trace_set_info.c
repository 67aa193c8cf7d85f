/* The report of `moesim trace info` on several ranks. */
#include "io/trace/trace_info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/trace/trace_classes.h"
#include "io/trace/trace_set_priv.h"

/* --- ranks ---------------------------------------------------------------------------------------------------- */

static double waiting_s(const struct trace_set *s, const struct trace_call *c, const struct trace_call_member *m)
{
    return c->last_start_s - trace_set_start_s(s, m);
}

static double rank_waits_s(const struct trace_set *s, uint32_t trace)
{
    double sum_s = 0;

    for (uint32_t i = 0; i < s->traces[trace]->n_kernels; i++) {
        uint32_t call = s->call_of[trace][i];
        if (call != TRACE_NONE)
            sum_s += waiting_s(s, &s->calls[call], &(struct trace_call_member){trace, i});
    }
    return sum_s;
}

static double end_s(const struct trace *t)
{
    double end_s = 0;

    for (uint32_t i = 0; i < t->n_kernels; i++)
        end_s = fmax(end_s, t->kernels[i].start_s + t->kernels[i].duration_s);
    return end_s;
}

static void print_us(double value_s, FILE *out)
{
    if (isnan(value_s))
        fprintf(out, " %14s", "unknown");
    else
        fprintf(out, " %14.1f", value_s * 1e6);
}

static void print_ranks(const struct trace_set *s, FILE *out)
{
    fprintf(out, "\n%-6s %9s %9s %14s %14s %14s %14s  %s\n", "rank", "kernels", "calls", "makespan (ms)",
            "waiting (ms)", "ahead (us)", "spread (us)", "device");
    for (uint32_t i = 0; i < s->n; i++) {
        const struct trace *t = s->traces[i];
        fprintf(out, "%-6d %9u %9u %14.3f %14.3f", t->rank, t->n_kernels, s->clocks[i].n_common, end_s(t) * 1e3,
                rank_waits_s(s, i) * 1e3);
        print_us(s->clocks[i].ahead_s, out);
        print_us(s->clocks[i].spread_s, out);
        fprintf(out, "  %s\n", t->device);
    }
    fprintf(out, "calls: of collectives, in common with other ranks, by which the clocks were set\n"
                 "waiting: from its arrival at a call to the last rank's\n"
                 "ahead: the file's own clock, of the first rank's\n"
                 "spread: median distance of a call's end from the other ranks' ends\n");
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

struct call_row {
    const char *name;
    uint32_t ranks, n, members;
    double bytes_B, transfer_s, waiting_s, longest_s;
};

static struct call_row row_of(const struct trace_set *s, const struct trace_call *c)
{
    const struct trace_call_member *m = &s->members[c->first];
    const struct trace *t = s->traces[m->trace];
    const struct trace_kernel *k = &t->kernels[m->kernel];
    struct call_row r = {t->classes[k->class_id].name, c->ranks, 1, c->n, 0, 0, 0, 0};

    if (k->message != TRACE_NONE) {
        const struct trace_message *message = &t->messages[k->message];
        r.name = message->operation == OPERATION_RECV ? trace_operation_names[OPERATION_SEND]
                                                      : trace_operation_names[message->operation];
        r.bytes_B = message->bytes_B;
    }
    for (uint32_t i = 0; i < c->n; i++) {
        double end_s = trace_set_end_s(s, &m[i]);
        r.transfer_s = fmax(r.transfer_s, end_s - c->last_start_s);
        r.longest_s = fmax(r.longest_s, waiting_s(s, c, &m[i]));
        r.waiting_s += waiting_s(s, c, &m[i]);
    }
    return r;
}

static int by_kind(const void *pa, const void *pb)
{
    const struct call_row *a = pa, *b = pb;
    int names = strcmp(a->name, b->name);

    if (names)
        return names;
    if (a->ranks != b->ranks)
        return a->ranks < b->ranks ? -1 : 1;
    return (a->bytes_B > b->bytes_B) - (a->bytes_B < b->bytes_B);
}

static void print_row(const struct call_row *r, FILE *out)
{
    fprintf(out, "%-24s %6u ", r->name, r->n);
    if (r->ranks)
        fprintf(out, "%8u", r->ranks);
    else
        fprintf(out, "%8s", "unknown");
    fprintf(out, " %16.0f %14.1f %14.1f %14.1f\n", r->bytes_B, r->transfer_s / r->n * 1e6,
            r->waiting_s / r->members * 1e6, r->longest_s * 1e6);
}

static void print_calls(const struct trace_set *s, struct arena *arena, FILE *out)
{
    struct call_row *rows = ARENA_ARRAY(arena, struct call_row, (size_t)s->n_calls + 1);

    for (uint32_t c = 0; c < s->n_calls; c++)
        rows[c] = row_of(s, &s->calls[c]);
    qsort(rows, s->n_calls, sizeof *rows, by_kind);
    if (s->n_calls)
        fprintf(out, "\n%-24s %6s %8s %16s %14s %14s %14s\n", "call", "calls", "ranks", "bytes", "transfer (us)",
                "waiting (us)", "longest (us)");
    for (uint32_t c = 0; c < s->n_calls; c++) {
        struct call_row sum = rows[c];
        while (c + 1 < s->n_calls && !by_kind(&sum, &rows[c + 1])) {
            const struct call_row *next = &rows[++c];
            sum.n += next->n;
            sum.members += next->members;
            sum.transfer_s += next->transfer_s;
            sum.waiting_s += next->waiting_s;
            sum.longest_s = fmax(sum.longest_s, next->longest_s);
        }
        print_row(&sum, out);
    }
}

static void print_unjoined(const struct trace_set *s, FILE *out)
{
    uint32_t n[N_UNJOINED] = {0};
    double busy_s[N_UNJOINED] = {0};
    bool any = false;

    for (uint32_t t = 0; t < s->n; t++)
        for (uint32_t i = 0; i < s->traces[t]->n_kernels; i++) {
            const struct trace_kernel *k = &s->traces[t]->kernels[i];
            uint8_t why = s->unjoined[t][i];
            if (!trace_class_communicates(&s->traces[t]->classes[k->class_id]))
                continue;
            n[why]++;
            busy_s[why] += k->duration_s;
        }
    for (int why = JOINED + 1; why < N_UNJOINED; why++) {
        if (!n[why])
            continue;
        if (!any)
            fprintf(out, "\n%8s %12s  %s\n", "kernels", "busy (ms)", "in no call, because");
        any = true;
        fprintf(out, "%8u %12.3f  %s\n", n[why], busy_s[why] * 1e3, trace_unjoined_names[why]);
    }
}

void trace_set_print_info(const struct trace_set *set, struct arena *arena, FILE *out)
{
    int32_t world = 0;

    if (set->n == 1) {
        trace_print_info(set->traces[0], arena, out);
        return;
    }
    for (uint32_t i = 0; i < set->n; i++)
        world = set->traces[i]->world_size ? set->traces[i]->world_size : world;
    fprintf(out, "%s\n  %-18s %s\n  %-18s %u", set->name, "source", set->source, "ranks", set->n);
    if (world)
        fprintf(out, " of %d", world);
    fprintf(out, "\n");
    print_ranks(set, out);
    print_calls(set, arena, out);
    print_unjoined(set, out);
    fprintf(out, "\nOne rank by itself: moesim trace info FILE... --rank %d\n", set->traces[0]->rank);
}
