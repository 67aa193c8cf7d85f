/* The report of `moesim trace info`. */
#include "io/trace/trace_info.h"

#include <math.h>
#include <stdlib.h>

#include "io/trace/trace_classes.h"

struct tally { /* of one stream, phase or class */
    const char *name, *note;
    uint32_t n;
    double busy_s, first_s, last_s;
};

static struct tally *tallies_new(uint32_t n, struct arena *arena)
{
    struct tally *tallies = ARENA_ARRAY(arena, struct tally, n + 1);

    for (uint32_t i = 0; i < n; i++)
        tallies[i] = (struct tally){.first_s = INFINITY};
    return tallies;
}

static void count(struct tally *t, const struct trace_kernel *k)
{
    t->n++;
    t->busy_s += k->duration_s;
    t->first_s = fmin(t->first_s, k->start_s);
    t->last_s = fmax(t->last_s, k->start_s + k->duration_s);
}

static int busiest_first(const void *pa, const void *pb)
{
    const struct tally *a = pa, *b = pb;

    if (a->busy_s != b->busy_s)
        return a->busy_s > b->busy_s ? -1 : 1;
    return (a > b) - (a < b);
}

static void print_known(const char *what, int32_t value, FILE *out)
{
    if (value)
        fprintf(out, "  %-18s %d\n", what, value);
}

static void print_header(const struct trace *t, double end_s, FILE *out)
{
    uint32_t awaited_by_host = 0;

    for (uint32_t i = 0; i < t->n_kernels; i++)
        awaited_by_host += t->kernels[i].launch_after != TRACE_NONE;
    fprintf(out, "%s\n  %-18s %s\n  %-18s %s", t->name, "source", t->source, "device", t->device);
    fprintf(out, t->sms ? " (%d SMs)\n" : "\n", t->sms);
    if (t->world_size)
        fprintf(out, "  %-18s %d of %d\n", "rank", t->rank, t->world_size);
    print_known("expert parallel", t->ep, out);
    print_known("experts", t->experts, out);
    print_known("experts per token", t->experts_per_token, out);
    print_known("hidden size", t->hidden, out);
    print_known("sequence length", t->seq_len, out);
    fprintf(out, "  %-18s %.3f ms\n  %-18s %u\n  %-18s %u on other streams, %u by the CPU\n", "makespan", end_s * 1e3,
            "kernels and copies", t->n_kernels, "waits", t->n_deps, awaited_by_host);
}

static void print_tallies(const char *title, const char *note, const struct tally *tallies, uint32_t n, double end_s,
                          FILE *out)
{
    fprintf(out, "\n%-24s %8s %12s %7s  %s\n", title, "kernels", "busy (ms)", "share", note);
    for (uint32_t i = 0; i < n; i++)
        if (tallies[i].n)
            fprintf(out, "%-24s %8u %12.3f %6.1f%%  %s\n", tallies[i].name, tallies[i].n, tallies[i].busy_s * 1e3,
                    end_s > 0 ? 100 * tallies[i].busy_s / end_s : 0, tallies[i].note ? tallies[i].note : "");
}

/* --- collectives ---------------------------------------------------------------------------------------------- */

struct call_row { /* kernels that move the same */
    const struct trace_message *message;
    uint32_t n;
    double busy_s;
};

static bool same_call(const struct trace_message *a, const struct trace_message *b)
{
    return a->operation == b->operation && a->group == b->group && a->bytes_B == b->bytes_B;
}

static int longest_calls_first(const void *pa, const void *pb)
{
    const struct call_row *a = pa, *b = pb;

    if (a->busy_s != b->busy_s)
        return a->busy_s > b->busy_s ? -1 : 1;
    return (a->message > b->message) - (a->message < b->message);
}

static uint32_t gather_calls(const struct trace *t, struct call_row *rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        uint32_t r = 0;
        if (k->message == TRACE_NONE)
            continue;
        const struct trace_message *m = &t->messages[k->message];
        while (r < n && !same_call(rows[r].message, m))
            r++;
        if (r == n)
            rows[n++] = (struct call_row){.message = m};
        rows[r].n++;
        rows[r].busy_s += k->duration_s;
    }
    qsort(rows, n, sizeof *rows, longest_calls_first);
    return n;
}

static const char *group_text(const struct trace *t, const struct trace_message *m, struct arena *arena)
{
    if (m->group == TRACE_NONE)
        return "unknown";
    const struct trace_group *g = &t->groups[m->group];
    const char *which = g->ranks ? "" : ", which ones is unknown";
    return *g->name ? arena_printf(arena, "%u ranks (%.20s%s)", g->size, g->name, which)
                    : arena_printf(arena, "%u ranks%s", g->size, which);
}

static void print_calls(const struct trace *t, struct arena *arena, FILE *out)
{
    enum { SHOWN = 40 };
    struct call_row *rows = ARENA_ARRAY(arena, struct call_row, (size_t)t->n_messages + 1);
    uint32_t n = gather_calls(t, rows);

    if (!n)
        return;
    fprintf(out, "\n%-24s %8s %12s %16s  %s\n", "collective", "kernels", "busy (ms)", "bytes", "among");
    for (uint32_t i = 0; i < n && i < SHOWN; i++) {
        const struct trace_message *m = rows[i].message;
        fprintf(out, "%-24s %8u %12.3f ", trace_operation_names[m->operation], rows[i].n, rows[i].busy_s * 1e3);
        if (m->bytes_B > 0)
            fprintf(out, "%16.0f", m->bytes_B);
        else
            fprintf(out, "%16s", "unknown");
        fprintf(out, "  %s\n", group_text(t, m, arena));
    }
    if (n > SHOWN)
        fprintf(out, "and %u more\n", n - SHOWN);
}

/* Communication whose bytes the profile does not say. */
static void print_unsized(const struct trace *t, struct arena *arena, FILE *out)
{
    struct tally *classes = tallies_new(t->n_classes, arena);
    bool any = false;

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        uint8_t collective = t->classes[k->class_id].collective;
        bool sized = k->message != TRACE_NONE && t->messages[k->message].bytes_B > 0;
        if (collective >= COLL_LIBRARY && !sized)
            count(&classes[k->class_id], k);
    }
    for (uint32_t i = 0; i < t->n_classes; i++) {
        if (!classes[i].n)
            continue;
        if (!any)
            fprintf(out, "\n%-24s %8s %12s\n", "size unknown", "kernels", "busy (ms)");
        any = true;
        fprintf(out, "%-24s %8u %12.3f\n", t->classes[i].name, classes[i].n, classes[i].busy_s * 1e3);
    }
}

void trace_print_info(const struct trace *t, struct arena *arena, FILE *out)
{
    struct tally *streams = tallies_new(t->n_streams, arena);
    struct tally *phases = tallies_new(t->n_phases + 1, arena);
    struct tally *classes = tallies_new(t->n_classes, arena), whole = {.first_s = INFINITY};

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        count(&whole, k);
        count(&streams[k->stream], k);
        count(&phases[k->phase == TRACE_NONE ? t->n_phases : k->phase], k);
        count(&classes[k->class_id], k);
    }
    for (uint32_t i = 0; i < t->n_streams; i++)
        streams[i].name = t->streams[i];
    for (uint32_t i = 0; i <= t->n_phases; i++) {
        phases[i].name = i < t->n_phases ? t->phases[i] : "(none)";
        if (phases[i].n)
            phases[i].note = arena_printf(arena, "%.3f to %.3f ms", phases[i].first_s * 1e3, phases[i].last_s * 1e3);
    }
    for (uint32_t i = 0; i < t->n_classes; i++) {
        classes[i].name = t->classes[i].name;
        classes[i].note = kernel_bound_names[t->classes[i].bound];
    }
    qsort(classes, t->n_classes, sizeof *classes, busiest_first);
    print_header(t, whole.last_s, out);
    print_tallies("stream", "", streams, t->n_streams, whole.last_s, out);
    print_tallies("phase", "first start to last end", phases, t->n_phases + 1, whole.last_s, out);
    print_tallies("class", "bound by", classes, t->n_classes, whole.last_s, out);
    print_calls(t, arena, out);
    print_unsized(t, arena, out);
}
