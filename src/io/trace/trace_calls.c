/* Which kernels of several ranks are one call of a collective.
 *
 * Calls come in series: those of a process group, those from one sender to one receiver, those of a kernel of DeepEP.
 * In a series every rank makes the same calls in the same order. Where the files number them (Kineto's Seq), the number
 * says which; else the n-th is the n-th, if all ranks hold as many. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) out_of_memory()
#include <uthash.h>

#include "io/trace/trace_classes.h"
#include "io/trace/trace_set_priv.h"

struct series {
    char *key;      /* malloc'ed */
    uint32_t ranks; /* 0 = not known */
    bool assumed;   /* all of them */
    bool unnumbered;
    uint32_t n, cap;
    struct entry *entries;
    UT_hash_handle hh;
};

struct entry { /* a kernel of a series */
    uint32_t trace, kernel;
    int64_t number; /* of the call */
    uint32_t nth;   /* of those with this number */
};

struct finder {
    struct trace_set *set;
    const struct trace_of_rank *ranks;
    struct series *series;
    struct series **ordered; /* by their first kernel */
    uint32_t n_series, cap_series;
    struct arena *arena;
    struct diag *diag;
    char *key; /* scratch */
    size_t cap_key, key_len;
};

/* --- keys ----------------------------------------------------------------------------------------------------- */

static void key_add(struct finder *f, const char *text)
{
    size_t len = strlen(text);

    if (f->key_len + len + 1 > f->cap_key) {
        f->cap_key = 2 * (f->key_len + len + 64);
        f->key = checked_alloc(realloc(f->key, f->cap_key));
    }
    memcpy(f->key + f->key_len, text, len + 1);
    f->key_len += len;
}

static void key_number(struct finder *f, const char *before, int64_t number)
{
    char text[64];

    snprintf(text, sizeof text, "%s%lld", before, (long long)number);
    key_add(f, text);
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* A group is known by its name and its ranks: two groups of the same ranks number their calls apart. */
static bool key_group(struct finder *f, const struct trace *t, uint32_t group)
{
    const struct trace_group *g = &t->groups[group];
    bool all = t->world_size > 0 && g->size == (uint32_t)t->world_size;

    if (!g->ranks && !*g->name && !all)
        return false;
    key_add(f, g->name);
    if (!g->ranks || all) {
        key_number(f, "|", g->size);
        return true;
    }
    uint32_t *sorted = checked_alloc(malloc(g->size * sizeof *sorted));
    memcpy(sorted, g->ranks, g->size * sizeof *sorted);
    qsort(sorted, g->size, sizeof *sorted, by_rank);
    for (uint32_t i = 0; i < g->size; i++)
        key_number(f, ",", sorted[i]);
    free(sorted);
    return true;
}

static bool is_pair(const struct trace_message *m)
{
    return m->operation == OPERATION_SEND || m->operation == OPERATION_RECV;
}

static bool key_pair(struct finder *f, const struct trace *t, const struct trace_message *m, struct series *like)
{
    bool sends = m->operation == OPERATION_SEND;

    *like = (struct series){.ranks = 2, .unnumbered = true};
    key_number(f, "pair ", sends ? t->rank : m->peer);
    key_number(f, ">", sends ? m->peer : t->rank);
    key_add(f, " ");
    if (m->group != TRACE_NONE)
        key_group(f, t, m->group);
    return m->peer >= 0 && m->peer != t->rank;
}

/* Profiles of PyTorch before 2.2 name no groups. */
static void key_anyone(struct finder *f, const struct trace *t, const struct trace_kernel *k, struct series *like)
{
    *like = (struct series){.assumed = true, .unnumbered = true};
    f->key_len = 0;
    key_add(f, "any ");
    key_add(f, t->classes[k->class_id].name);
    if (k->message != TRACE_NONE)
        key_number(f, " ", t->messages[k->message].operation);
}

static bool key_library(struct finder *f, const struct trace *t, const struct trace_kernel *k, struct series *like)
{
    const struct trace_message *m = k->message == TRACE_NONE ? NULL : &t->messages[k->message];

    if (m && is_pair(m))
        return key_pair(f, t, m, like);
    if (m && m->operation == OPERATION_SEND_RECV)
        return false;
    if (m && m->group != TRACE_NONE) {
        *like = (struct series){.ranks = t->groups[m->group].size};
        key_add(f, "group ");
        if (key_group(f, t, m->group))
            return true;
    }
    key_anyone(f, t, k, like);
    return true;
}

/* Which kernels of expert parallelism wait for each other. */
static bool waits_for_experts(uint8_t collective)
{
    return collective == COLL_DISPATCH || collective == COLL_DISPATCH_CACHED || collective == COLL_COMBINE ||
           collective == COLL_NOTIFY || collective == COLL_EP_INTRANODE;
}

/* Writes the key of a kernel's series; JOINED, or why it has none. */
static enum trace_unjoined key_of(struct finder *f, const struct trace *t, const struct trace_kernel *k,
                                  struct series *like)
{
    const struct trace_class *c = &t->classes[k->class_id];

    f->key_len = 0;
    if (waits_for_experts(c->collective)) {
        *like = (struct series){.unnumbered = true};
        key_add(f, "ep ");
        key_add(f, c->name);
        return JOINED;
    }
    if (c->collective != COLL_LIBRARY)
        return NOT_TRIED;
    return key_library(f, t, k, like) ? JOINED : UNKNOWN_RANKS;
}

/* --- series --------------------------------------------------------------------------------------------------- */

static struct series *series_of(struct finder *f, const struct series *like)
{
    struct series *s = NULL;

    HASH_FIND_STR(f->series, f->key, s);
    if (s)
        return s;
    s = checked_alloc(malloc(sizeof *s));
    *s = *like;
    s->key = checked_alloc(strdup(f->key));
    HASH_ADD_KEYPTR(hh, f->series, s->key, f->key_len, s);
    if (f->n_series == f->cap_series) {
        f->cap_series = 2 * f->cap_series + 16;
        f->ordered = checked_alloc(realloc(f->ordered, f->cap_series * sizeof *f->ordered));
    }
    f->ordered[f->n_series++] = s;
    return s;
}

static void add_entry(struct series *s, uint32_t trace, uint32_t kernel, int64_t number)
{
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 16;
        s->entries = checked_alloc(realloc(s->entries, s->cap * sizeof *s->entries));
    }
    s->entries[s->n++] = (struct entry){trace, kernel, number, 0};
    s->unnumbered |= number < 0;
}

static void sort_into_series(struct finder *f, uint32_t trace)
{
    const struct trace *t = f->set->traces[trace];

    for (uint32_t i = 0; i < t->n_kernels; i++) {
        const struct trace_kernel *k = &t->kernels[i];
        struct series like = {0};
        uint8_t why = (uint8_t)key_of(f, t, k, &like);
        f->set->unjoined[trace][i] = why;
        if (why == JOINED)
            add_entry(series_of(f, &like), trace, i, k->message == TRACE_NONE ? -1 : t->messages[k->message].sequence);
    }
}

static int by_call(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;

    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if (a->nth != b->nth)
        return a->nth < b->nth ? -1 : 1;
    return (a->trace > b->trace) - (a->trace < b->trace);
}

static int by_number_of_trace(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;

    if (a->trace != b->trace)
        return a->trace < b->trace ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->kernel > b->kernel) - (a->kernel < b->kernel);
}

/* Counts calls of a number within each trace; without numbers all have the number 0. */
static void count_calls(struct series *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->unnumbered)
            s->entries[i].number = 0;
    qsort(s->entries, s->n, sizeof *s->entries, by_number_of_trace);
    for (uint32_t i = 1; i < s->n; i++) {
        const struct entry *before = &s->entries[i - 1];
        bool same = before->trace == s->entries[i].trace && before->number == s->entries[i].number;
        s->entries[i].nth = same ? before->nth + 1 : 0;
    }
}

/* Of an unnumbered series: whether all ranks that have some have as many. Entries are sorted by trace. */
static bool counts_agree(const struct series *s)
{
    uint32_t of_first = 0, run = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        run++;
        if (i + 1 < s->n && s->entries[i + 1].trace == s->entries[i].trace)
            continue;
        if (of_first && run != of_first)
            return false;
        of_first = run;
        run = 0;
    }
    return true;
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

static void set_reason(struct finder *f, const struct entry *e, uint32_t n, enum trace_unjoined why)
{
    for (uint32_t i = 0; i < n; i++)
        f->set->unjoined[e[i].trace][e[i].kernel] = (uint8_t)why;
}

static const struct trace_message *message_of(const struct finder *f, const struct entry *e)
{
    const struct trace *t = f->set->traces[e->trace];
    uint32_t m = t->kernels[e->kernel].message;

    return m == TRACE_NONE ? NULL : &t->messages[m];
}

/* Operations in which every rank has the same size. */
static bool sized_alike(uint8_t operation)
{
    return operation == OPERATION_ALL_REDUCE || operation == OPERATION_ALL_GATHER ||
           operation == OPERATION_REDUCE_SCATTER || operation == OPERATION_BROADCAST || operation == OPERATION_REDUCE;
}

static bool contradict(const struct trace_message *a, const struct trace_message *b)
{
    if (!a || !b)
        return false;
    if (is_pair(a) && is_pair(b))
        return a->operation == b->operation || (a->bytes_B > 0 && b->bytes_B > 0 && a->bytes_B != b->bytes_B);
    if (a->operation != b->operation)
        return a->operation && b->operation;
    return sized_alike(a->operation) && a->bytes_B > 0 && b->bytes_B > 0 && a->bytes_B != b->bytes_B;
}

static int check_same(struct finder *f, const struct entry *a, const struct entry *b)
{
    const struct trace_message *ma = message_of(f, a), *mb = message_of(f, b);

    if (!contradict(ma, mb))
        return 0;
    diag_error(
        f->diag, EXIT_BAD_INPUT, SRCLOC_FILE(f->ranks[b->trace].file),
        "call %lld of a group is %s of %.0f B on rank %d but %s of %.0f B on rank %d (%s): these are not ranks of "
        "one run, or their profiles do not begin with the same call",
        (long long)(ma->sequence >= 0 ? ma->sequence : (int64_t)a->nth), trace_operation_names[mb->operation],
        mb->bytes_B, f->set->traces[b->trace]->rank, trace_operation_names[ma->operation], ma->bytes_B,
        f->set->traces[a->trace]->rank, f->ranks[a->trace].file);
    return -1;
}

static int add_call(struct finder *f, const struct series *s, const struct entry *e, uint32_t n)
{
    struct trace_set *set = f->set;

    for (uint32_t i = 1; i < n; i++)
        if (check_same(f, &e[0], &e[i]))
            return -1;
    if (n < 2) {
        set_reason(f, e, n, NOBODY_ELSE);
        return 0;
    }
    set->calls[set->n_calls] = (struct trace_call){set->n_members, n, s->ranks, s->assumed, NAN};
    for (uint32_t i = 0; i < n; i++) {
        set->call_of[e[i].trace][e[i].kernel] = set->n_calls;
        set->members[set->n_members++] = (struct trace_call_member){e[i].trace, e[i].kernel};
    }
    set->n_calls++;
    return 0;
}

static int find_calls_of(struct finder *f, struct series *s)
{
    count_calls(s);
    if (s->unnumbered && !counts_agree(s)) {
        set_reason(f, s->entries, s->n, NOT_NUMBERED);
        return 0;
    }
    qsort(s->entries, s->n, sizeof *s->entries, by_call);
    for (uint32_t i = 0, end; i < s->n; i = end) {
        for (end = i + 1;
             end < s->n && s->entries[end].number == s->entries[i].number && s->entries[end].nth == s->entries[i].nth;)
            end++;
        if (add_call(f, s, &s->entries[i], end - i))
            return -1;
    }
    return 0;
}

static void make_room(struct finder *f)
{
    struct trace_set *set = f->set;
    size_t kernels = 0;

    set->call_of = ARENA_ARRAY(f->arena, uint32_t *, set->n);
    set->unjoined = ARENA_ARRAY(f->arena, uint8_t *, set->n);
    for (uint32_t t = 0; t < set->n; t++) {
        uint32_t n = set->traces[t]->n_kernels;
        kernels += n;
        set->call_of[t] = ARENA_ARRAY(f->arena, uint32_t, n);
        set->unjoined[t] = ARENA_ARRAY(f->arena, uint8_t, n);
        for (uint32_t i = 0; i < n; i++)
            set->call_of[t][i] = TRACE_NONE;
    }
    set->calls = ARENA_ARRAY(f->arena, struct trace_call, kernels / 2 + 1);
    set->members = ARENA_ARRAY(f->arena, struct trace_call_member, kernels + 1);
}

int trace_calls_find(struct trace_set *set, const struct trace_of_rank *ranks, struct arena *arena, struct diag *diag)
{
    struct finder f = {.set = set, .ranks = ranks, .arena = arena, .diag = diag};
    int failed = 0;

    make_room(&f);
    for (uint32_t t = 0; t < set->n; t++)
        sort_into_series(&f, t);
    for (uint32_t i = 0; i < f.n_series && !failed; i++)
        failed = find_calls_of(&f, f.ordered[i]);
    HASH_CLEAR(hh, f.series);
    for (uint32_t i = 0; i < f.n_series; i++) {
        free(f.ordered[i]->key);
        free(f.ordered[i]->entries);
        free(f.ordered[i]);
    }
    free(f.ordered);
    free(f.key);
    return failed;
}
