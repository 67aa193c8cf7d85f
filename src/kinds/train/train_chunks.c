/* Chunks are simulated in children, one for each place and sample: a sample's routings are drawn once and serve all
 * chunks there. With train.symmetry exact, stages of the same layers are one chunk, and groups with the same network
 * around them one place; otherwise all are simulated where they are.
 *
 * Where many places are unlike each other (no two groups of a Slim Fly see the same network), train.chunks.places of them are
 * simulated for each sample. They are cut into so many blocks of neighbours, and one of a block stands in for the others:
 * another for each sample, in turn. What that may be worth is told by how far places differ (train_places_spread).
 *
 * A sample has GPUs of its own, too. A group's chunk takes what the sample's took, longer or shorter by what its own
 * slowest GPU computes slower or faster than the sample's.
 *
 * A chunk's time is the mean over the group's GPUs of end less entry. GPUs enter apart (chunk.h) and leave apart; when
 * chunks follow each other, the mean of these differences is the time that each of them adds. */
#include "kinds/train/train_chunks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/rng.h"
#include "kinds/fork_map.h"
#include "kinds/train/train_jitter.h"
#include "kinds/train/train_symmetry.h"

enum { MOST_AT_ONCE = 8, SAMPLE_SHIFT = 53 }; /* seeds are below 2^53 */

struct measuring {
    struct kind_run *run;
    struct train_times *t;
    const struct train_plan *plan;
    const struct routing_pool *pool;
    struct train_place *place; /* [n_classes] where each is simulated */
    bool *needed;              /* [n_classes][n_chunks]; of a block where one is simulated for all */
    uint32_t n_routings;
    uint32_t n_blocks, *first_of_block; /* [n_blocks + 1] classes */
};

/* --- which chunks ------------------------------------------------------------------------------------------------ */

static bool shares(const struct train_plan *p)
{
    return p->layout.cfg->symmetry == TRAIN_SYMMETRY_EXACT;
}

static bool same_stage(const struct train_plan *p, uint32_t a, uint32_t b)
{
    const struct chunk_stage *x = &p->layout.stages[a], *y = &p->layout.stages[b];
    return a == b || (shares(p) && x->n == y->n && !memcmp(x->kind, y->kind, x->n));
}

static bool has_forward(uint8_t kind)
{
    return kind == STEP_FORWARD || kind == STEP_FORWARD_BACKWARD;
}

static bool has_backward(uint8_t kind)
{
    return kind != STEP_FORWARD && kind != STEP_END;
}

static uint32_t chunk_for(struct train_times *t, const struct schedule_step *step)
{
    struct train_chunk c = {.kind = step->kind,
                            .forward = has_forward(step->kind) ? step->forward.stage : 0,
                            .backward = has_backward(step->kind) ? step->backward.stage : 0};
    for (uint32_t i = 0; i < t->n_chunks; i++)
        if (t->chunks[i].kind == c.kind && same_stage(t->plan, t->chunks[i].forward, c.forward) &&
            same_stage(t->plan, t->chunks[i].backward, c.backward))
            return i;
    t->chunks[t->n_chunks] = c;
    return t->n_chunks++;
}

static void compose(const struct train_plan *p, struct train_chunk *c, struct arena *arena)
{
    static const unsigned work[N_STEP_KINDS] = {[STEP_BACKWARD] = WORK_INPUT | WORK_WEIGHT,
                                                [STEP_BACKWARD_INPUT] = WORK_INPUT,
                                                [STEP_WEIGHT] = WORK_WEIGHT,
                                                [STEP_FORWARD_BACKWARD] = WORK_INPUT | WORK_WEIGHT};
    unsigned again = p->layout.recipe.again;
    struct chunk_spec spec = {.work = work[c->kind],
                              .again = again & AGAIN_LAYER ? CHUNK_AGAIN_ALL
                                       : again & AGAIN_MOE ? CHUNK_AGAIN_EXPERTS
                                                           : 0,
                              .weights_at_once = !p->layout.cfg->delay_weights};
    if (has_forward(c->kind))
        spec.forward = p->layout.stages[c->forward];
    if (has_backward(c->kind))
        spec.backward = p->layout.stages[c->backward];
    chunk_compose(&p->material, &spec, arena, &c->program);
}

static void find_chunks(struct train_times *t, struct arena *arena)
{
    const struct schedule *s = t->plan->schedule;
    t->chunks = ARENA_ARRAY(arena, struct train_chunk, (size_t)s->n_stages * s->n_stages * N_STEP_KINDS);
    t->chunk_of_step = ARENA_ARRAY(arena, uint32_t *, s->n_ranks);
    for (uint32_t r = 0; r < s->n_ranks; r++) {
        t->chunk_of_step[r] = ARENA_ARRAY(arena, uint32_t, s->ranks[r].n_steps);
        for (uint32_t i = 0; i < s->ranks[r].n_steps; i++)
            if (s->ranks[r].steps[i].kind != STEP_END)
                t->chunk_of_step[r][i] = chunk_for(t, &s->ranks[r].steps[i]);
    }
    for (uint32_t i = 0; i < t->n_chunks; i++)
        compose(t->plan, &t->chunks[i], arena);
}

/* --- where ------------------------------------------------------------------------------------------------------- */

static size_t place_index(const struct train_plan *p, const struct train_place *w)
{
    return ((size_t)w->network * p->layout.columns + w->column) * p->layout.ranks + w->rank;
}

static uint32_t class_for(struct measuring *m, const struct train_place *w)
{
    for (uint32_t i = 0; i < m->t->n_classes && shares(m->plan); i++) {
        struct arena *scratch = arena_new();
        bool same = train_places_alike(m->plan, &m->place[i], w, scratch);
        arena_free(scratch);
        if (same)
            return i;
    }
    m->place[m->t->n_classes] = *w;
    return m->t->n_classes++;
}

static void note_needed(struct measuring *m, uint32_t class, uint32_t rank)
{
    for (uint32_t i = 0; i + 1 < m->plan->schedule->ranks[rank].n_steps; i++)
        m->needed[class * m->t->n_chunks + m->t->chunk_of_step[rank][i]] = true;
}

static void find_classes(struct measuring *m, struct arena *arena)
{
    const struct train_layout *l = &m->plan->layout;
    size_t places = (size_t)m->plan->n_networks * l->columns * l->ranks;
    m->place = ARENA_ARRAY(arena, struct train_place, places);
    m->needed = ARENA_ARRAY(arena, bool, places * m->t->n_chunks);
    m->t->class_of_place = ARENA_ARRAY(arena, uint32_t, places);
    for (uint32_t n = 0; n < m->plan->n_networks; n++)
        for (uint32_t c = 0; c < l->columns; c++)
            for (uint32_t r = 0; r < l->ranks; r++) {
                struct train_place w = {n, c, r};
                uint32_t class = class_for(m, &w);
                m->t->class_of_place[place_index(m->plan, &w)] = class;
                note_needed(m, class, r);
            }
}

/* --- who stands in for whom ------------------------------------------------------------------------------------------ */

static uint32_t classes_of_network(const struct measuring *m, uint32_t first)
{
    uint32_t n = 0;
    while (first + n < m->t->n_classes && m->place[first + n].network == m->place[first].network)
        n++;
    return n;
}

/* A block's chunks are those that any of its places needs. */
static void share_needs(struct measuring *m, uint32_t first, uint32_t n)
{
    uint32_t n_chunks = m->t->n_chunks;
    for (uint32_t i = 0; i < n_chunks; i++) {
        bool any = false;
        for (uint32_t c = first; c < first + n; c++)
            any |= m->needed[c * n_chunks + i];
        for (uint32_t c = first; c < first + n; c++)
            m->needed[c * n_chunks + i] = any;
    }
}

/* Places of one network follow each other. */
static void find_blocks(struct measuring *m, struct arena *arena)
{
    uint32_t wanted = (uint32_t)m->plan->layout.cfg->chunks.places, n;
    m->first_of_block = ARENA_ARRAY(arena, uint32_t, m->t->n_classes + 1);
    for (uint32_t first = 0; first < m->t->n_classes; first += n) {
        n = classes_of_network(m, first);
        uint32_t length = !wanted || !shares(m->plan) ? 1 : (n + wanted - 1) / wanted;
        for (uint32_t at = 0; at < n; at += length) {
            m->first_of_block[m->n_blocks++] = first + at;
            share_needs(m, first + at, n - at < length ? n - at : length);
        }
    }
    m->first_of_block[m->n_blocks] = m->t->n_classes;
    m->t->n_simulated = m->n_blocks;
}

static uint32_t stand_in(const struct measuring *m, uint32_t block, uint32_t sample)
{
    uint32_t first = m->first_of_block[block];
    return first + sample % (m->first_of_block[block + 1] - first);
}

/* --- one sample at one place ---------------------------------------------------------------------------------------- */

struct interval {
    double start_s, end_s;
};

static int by_start(const void *a, const void *b)
{
    double x = ((const struct interval *)a)->start_s, y = ((const struct interval *)b)->start_s;
    return (x > y) - (x < y);
}

/* Length of the union. */
static double covered(struct interval *v, uint32_t n)
{
    double sum_s = 0, end_s = -INFINITY;
    qsort(v, n, sizeof *v, by_start);
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].end_s > end_s)
            sum_s += v[i].end_s - fmax(v[i].start_s, end_s);
        end_s = fmax(end_s, v[i].end_s);
    }
    return sum_s;
}

enum stream_use { USE_COMPUTE, USE_TENSOR, USE_EXCHANGE, N_USES };

/* What a stream is for, by what is on it. */
static uint8_t *stream_uses(const struct chunk_program *p, struct arena *arena)
{
    uint8_t *use = ARENA_ARRAY(arena, uint8_t, p->n_streams);
    for (uint32_t i = 0; i < p->n_kernels; i++) {
        const struct chunk_kernel *k = &p->kernels[i];
        if (k->kind != OP_COMPUTE && use[k->stream] != USE_EXCHANGE)
            use[k->stream] = k->peers ? USE_TENSOR : USE_EXCHANGE;
    }
    return use;
}

/* Adds one rank's times. */
static void add_rank_time(const struct chunk_program *p, const struct chunk_ops *ops, uint32_t rank,
                          const struct sim_outcome *o, const uint8_t *use, struct interval *v, struct chunk_time *sum)
{
    double end_s = 0, entry_s = ops->entry_s ? ops->entry_s[rank] : 0, union_s[N_USES];
    for (int most = 0; most < N_USES; most++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < p->n_kernels; i++) {
            uint32_t op = ops->first_op + rank * ops->stride + i;
            end_s = fmax(end_s, o->op_end_s[op]);
            if (use[p->kernels[i].stream] <= most)
                v[n++] = (struct interval){o->op_start_s[op], o->op_end_s[op]};
        }
        union_s[most] = covered(v, n);
    }
    sum->time_s += end_s - entry_s;
    sum->compute_s += union_s[USE_COMPUTE];
    sum->tensor_s += union_s[USE_TENSOR] - union_s[USE_COMPUTE];
    sum->gap_s += fmax(0, end_s - entry_s - union_s[USE_EXCHANGE]);
}

static struct chunk_time time_of(const struct chunk_program *p, const struct chunk_ops *ops,
                                 const struct sim_outcome *o, struct arena *arena)
{
    const uint8_t *use = stream_uses(p, arena);
    struct interval *v = ARENA_ARRAY(arena, struct interval, p->n_kernels);
    struct chunk_time sum = {0};
    for (uint32_t r = 0; r < ops->n_ranks; r++)
        add_rank_time(p, ops, r, o, use, v, &sum);
    return (struct chunk_time){sum.time_s / ops->n_ranks, sum.compute_s / ops->n_ranks, sum.tensor_s / ops->n_ranks,
                               sum.gap_s / ops->n_ranks};
}

static bool uses_routing(const struct chunk_program *p, uint32_t routing)
{
    for (uint32_t i = 0; i < p->n_kernels; i++)
        if (p->kernels[i].routing == routing && (chunk_is_exchange(&p->kernels[i]) || p->kernels[i].per_token))
            return true;
    return false;
}

/* Of one place and sample, to the parent. */
struct chunk_answer {
    double nodes_per_token;
    struct epsilon_error epsilon;
    struct chunk_time time[]; /* [n_chunks] */
};

static size_t answer_B(const struct measuring *m)
{
    return sizeof(struct chunk_answer) + m->t->n_chunks * sizeof(struct chunk_time);
}

/* The routings of a sample are the same wherever they are simulated. */
struct drawing {
    struct routing *routings; /* [n_routings] */
    bool *drawn;
};

static bool needs_routing(const struct measuring *m, uint32_t class, uint32_t routing)
{
    bool needs = false;
    for (uint32_t i = 0; i < m->t->n_chunks; i++)
        needs |= m->needed[class * m->t->n_chunks + i] && uses_routing(&m->t->chunks[i].program, routing);
    return needs;
}

static void draw_routings(const struct measuring *m, uint32_t class, const struct chunk_group *g, struct drawing *d,
                          struct chunk_answer *answer)
{
    uint32_t n = 0;
    for (uint32_t k = 0; g->shape && k < m->n_routings; k++) {
        if (!needs_routing(m, class, k))
            continue;
        if (!d->drawn[k])
            chunk_draw_routing(g, m->pool, k, 0, m->run->arena, &d->routings[k]);
        d->drawn[k] = true;
        answer->nodes_per_token += d->routings[k].nodes_per_token;
        n++;
    }
    answer->nodes_per_token /= n ? n : 1;
}

static int simulate(const struct measuring *m, const struct train_network *n, const struct chunk_group *g,
                    const struct chunk_program *program, struct critical_path *path, struct chunk_time *out,
                    struct epsilon_error *epsilon, struct diag *diag)
{
    struct kind_run run = {.file = m->run->file,
                           .arena = m->run->arena,
                           .seed_offset = m->run->seed_offset,
                           .one_of_many = m->run->one_of_many,
                           .ops_alone = true,
                           .critical = path};
    struct chunk_ops ops;
    kind_begin(&run, n->topo);
    chunk_build(program, g, run.graph, run.scratch, &ops);
    int failed = kind_simulate(&run, n->topo, n->hw, diag);
    if (!failed)
        *out = time_of(program, &ops, &run.outcome, run.scratch);
    epsilon_error_add(epsilon, &run.epsilon);
    kind_run_free(&run);
    return failed;
}

static uint64_t seed_of(const struct kind_run *run, const struct train_plan *p)
{
    return (uint64_t)p->scenario->sim.seed + run->seed_offset;
}

static double *sample_speeds(const struct kind_run *run, const struct train_plan *p, uint32_t sample,
                             struct arena *arena)
{
    uint32_t n = p->layout.group;
    double *slow = ARENA_ARRAY(arena, double, n);
    train_draw_speeds(p->layout.cfg->jitter.gpu_cv_ratio, seed_of(run, p), "speeds of sampled GPUs",
                      (uint64_t)sample * n, n, slow);
    return slow;
}

/* NULL: all as kernels measured alone. */
static double *sample_paces(const struct kind_run *run, const struct train_plan *p, uint32_t sample,
                            struct arena *arena)
{
    const struct train_jitter *j = &p->layout.cfg->jitter;
    if (j->gpu_cv_ratio <= 0 && j->sustained_ratio == 1)
        return NULL;
    double *slow = sample_speeds(run, p, sample, arena);
    for (uint32_t i = 0; i < p->layout.group; i++)
        slow[i] /= j->sustained_ratio;
    return slow;
}

static struct chunk_group group_of(const struct measuring *m, uint32_t class, uint32_t sample)
{
    const struct train_plan *p = m->plan;
    const struct train_place *w = &m->place[class];
    const struct train_host *host = &p->layout.cfg->host;
    return (struct chunk_group){
        .shape = p->shape.n_ranks ? &p->shape : NULL,
        .ranks = p->layout.group,
        .exchange = p->exchange.kernel ? &p->exchange : NULL,
        .hw = p->networks[w->network].hw,
        .first_device = train_group_device(&p->layout, (uint32_t)p->scenario->cluster.node.gpus, w->column, w->rank),
        .reference = CHUNK_NONE,
        .entry_layers = p->layout.cfg->chunks.entry_layers,
        .seed = seed_of(m->run, p) + ((uint64_t)(sample + 1) << SAMPLE_SHIFT),
        .slow = sample_paces(m->run, p, sample, m->run->arena),
        .launch_s = host->launch == LAUNCH_EAGER ? host->kernel_s : 0,
        .kernel_cv_ratio = p->layout.cfg->jitter.kernel_cv_ratio,
        .expert_exponent = p->layout.cfg->chunks.expert_exponent};
}

static int measure_place(const struct measuring *m, uint32_t class, uint32_t sample, struct drawing *d,
                         struct chunk_answer *a, struct diag *diag)
{
    const struct train_network *n = &m->plan->networks[m->place[class].network];
    struct chunk_group g = group_of(m, class, sample);
    draw_routings(m, class, &g, d, a);
    g.routings = d->routings;
    for (uint32_t i = 0; i < m->t->n_chunks; i++)
        if (m->needed[class * m->t->n_chunks + i] &&
            simulate(m, n, &g, &m->t->chunks[i].program, NULL, &a->time[i], &a->epsilon, diag))
            return -1;
    return 0;
}

/* What chunks wait for inside: of the first sample at the first place that needs them. */
static int walk_chunks(const struct measuring *m, struct diag *diag)
{
    struct train_times *t = m->t;
    t->path = ARENA_ARRAY(m->run->arena, struct critical_path, t->n_chunks);
    for (uint32_t class = 0; class < t->n_classes; class ++) {
        struct drawing d = {ARENA_ARRAY(m->run->arena, struct routing, m->n_routings),
                            ARENA_ARRAY(m->run->arena, bool, m->n_routings)};
        struct chunk_group g = group_of(m, class, 0);
        struct chunk_answer unused = {0};
        struct chunk_time time;
        draw_routings(m, class, &g, &d, &unused);
        g.routings = d.routings;
        for (uint32_t i = 0; i < t->n_chunks; i++)
            if (m->needed[class * t->n_chunks + i] && !t->path[i].n &&
                simulate(m, &m->plan->networks[m->place[class].network], &g, &t->chunks[i].program, &t->path[i], &time,
                         &unused.epsilon, diag))
                return -1;
    }
    return 0;
}

/* A job is one sample at some places. */
enum { PLACES_OF_A_JOB = 8 };

static uint32_t jobs_of_a_sample(const struct measuring *m)
{
    return (m->n_blocks + PLACES_OF_A_JOB - 1) / PLACES_OF_A_JOB;
}

static int measure_places(void *ctx, uint32_t job, void *answers, struct diag *diag)
{
    const struct measuring *m = ctx;
    uint32_t sample = job / jobs_of_a_sample(m), first = job % jobs_of_a_sample(m) * PLACES_OF_A_JOB;
    struct drawing d = {ARENA_ARRAY(m->run->arena, struct routing, m->n_routings),
                        ARENA_ARRAY(m->run->arena, bool, m->n_routings)};
    for (uint32_t i = 0; i < PLACES_OF_A_JOB && first + i < m->n_blocks; i++)
        if (measure_place(m, stand_in(m, first + i, sample), sample, &d, (void *)((char *)answers + i * answer_B(m)),
                          diag))
            return -1;
    return 0;
}

/* --- all of them --------------------------------------------------------------------------------------------------------- */

/* Which sample each step of each rank takes. */
static void draw_samples(struct train_times *t, uint64_t seed, struct arena *arena)
{
    const struct train_layout *l = &t->plan->layout;
    gsl_rng *rng = rng_stream(seed, 0, "chunk samples");
    t->draw = ARENA_ARRAY(arena, uint32_t *, (size_t)l->columns * l->ranks);
    for (uint32_t i = 0; i < l->columns * l->ranks; i++) {
        uint32_t n = t->plan->schedule->ranks[i % l->ranks].n_steps;
        t->draw[i] = ARENA_ARRAY(arena, uint32_t, n);
        rng_stream_reset(rng, seed, i, "chunk samples");
        for (uint32_t k = 0; k < n; k++)
            t->draw[i][k] = (uint32_t)gsl_rng_uniform_int(rng, t->samples);
    }
    gsl_rng_free(rng);
}

static void find_slowest(struct kind_run *run, struct train_times *t)
{
    const struct train_layout *l = &t->plan->layout;
    double cv = l->cfg->jitter.gpu_cv_ratio, *slow = ARENA_ARRAY(run->arena, double, l->group);
    t->slowest = ARENA_ARRAY(run->arena, double, (size_t)l->columns * l->ranks);
    t->sample_slowest = ARENA_ARRAY(run->arena, double, t->samples);
    for (uint32_t i = 0; i < l->columns * l->ranks && cv > 0; i++) {
        for (uint32_t p = 0; p < l->group; p++)
            train_draw_speeds(cv, seed_of(run, t->plan), "speeds of GPUs",
                              train_device(l, i / l->ranks, i % l->ranks, p), 1, &slow[p]);
        t->slowest[i] = train_slowest(slow, l->group);
    }
    for (uint32_t s = 0; s < t->samples && cv > 0; s++)
        t->sample_slowest[s] = train_slowest(sample_speeds(run, t->plan, s, run->arena), l->group);
}

static const struct chunk_answer *answer_of(const struct measuring *m, const char *answers, uint32_t block,
                                            uint32_t sample)
{
    size_t job = sample * jobs_of_a_sample(m) + block / PLACES_OF_A_JOB;
    return (const void *)(answers + (job * PLACES_OF_A_JOB + block % PLACES_OF_A_JOB) * answer_B(m));
}

/* Relative standard deviation of a chunk's time from place to place, in the same sample; mean over chunks and samples. */
static double spread_of(const struct measuring *m, const char *answers)
{
    double variance = 0, n_seen = 0;
    for (uint32_t i = 0; i < m->t->n_chunks * m->t->samples; i++) {
        double sum = 0, square = 0, n = 0;
        for (uint32_t b = 0; b < m->n_blocks; b++) {
            double time_s = answer_of(m, answers, b, i % m->t->samples)->time[i / m->t->samples].time_s;
            sum += time_s;
            square += time_s * time_s;
            n += time_s > 0;
        }
        if (n < 2)
            continue;
        variance += fmax(0, (square - sum * sum / n) / (n - 1)) / (sum / n * (sum / n));
        n_seen++;
    }
    return n_seen > 0 ? sqrt(variance / n_seen) : 0;
}

static void collect(struct measuring *m, const char *answers, struct kind_run *run)
{
    struct train_times *t = m->t;
    uint32_t places = t->n_classes * t->samples;
    t->time = ARENA_ARRAY(run->arena, struct chunk_time, (size_t)places * t->n_chunks);
    for (uint32_t block = 0; block < m->n_blocks; block++)
        for (uint32_t i = m->first_of_block[block] * t->samples; i < m->first_of_block[block + 1] * t->samples; i++) {
            uint32_t sample = i % t->samples;
            const struct chunk_answer *a = answer_of(m, answers, block, sample);
            memcpy(&t->time[(size_t)i * t->n_chunks], a->time, t->n_chunks * sizeof *a->time);
            t->nodes_per_token += a->nodes_per_token / places;
            if (i / t->samples == m->first_of_block[block])
                epsilon_error_add(&run->epsilon, &a->epsilon);
        }
    t->place_spread_ratio = spread_of(m, answers);
}

int train_times_measure(struct kind_run *run, const struct train_plan *plan, uint32_t samples, struct train_times *out,
                        struct diag *diag)
{
    struct measuring m = {.run = run, .t = out, .plan = plan};
    uint64_t seed = seed_of(run, plan);
    bool routed = plan->shape.n_ranks > 0;
    *out = (struct train_times){.plan = plan, .samples = routed ? samples : 1};
    find_chunks(out, run->arena);
    find_classes(&m, run->arena);
    find_blocks(&m, run->arena);
    for (uint32_t i = 0; i < out->n_chunks; i++)
        if (out->chunks[i].program.n_routings > m.n_routings)
            m.n_routings = out->chunks[i].program.n_routings;
    if (routed)
        m.pool = routing_pool_new(&plan->shape, seed, run->arena);
    uint32_t jobs = jobs_of_a_sample(&m) * out->samples;
    size_t job_B = PLACES_OF_A_JOB * answer_B(&m);
    char *answers = ARENA_ARRAY(run->arena, char, jobs *job_B);
    progress_begin("simulating chunks");
    if (fork_map(jobs, fork_map_processors(MOST_AT_ONCE), measure_places, &m, answers, job_B, diag))
        return -1;
    collect(&m, answers, run);
    draw_samples(out, seed, run->arena);
    find_slowest(run, out);
    return run->critical ? walk_chunks(&m, diag) : 0;
}

/* Of a sample of the step's chunk where the rank is. */
static struct chunk_time sample_of(const struct train_times *t, uint32_t network, uint32_t column, uint32_t rank,
                                   const struct schedule_step *step, uint32_t sample)
{
    const struct train_plan *p = t->plan;
    uint32_t index = (uint32_t)(step - p->schedule->ranks[rank].steps);
    struct train_place w = {network, column, rank};
    size_t class = t->class_of_place[place_index(p, &w)];
    struct chunk_time c = t->time[(class * t->samples + sample) * t->n_chunks + t->chunk_of_step[rank][index]];
    double shift_s = c.compute_s * (t->slowest[column * p->layout.ranks + rank] - t->sample_slowest[sample]);
    c.time_s += shift_s;
    c.compute_s += shift_s;
    return c;
}

double train_graph_nodes(const struct train_times *t, uint32_t rank)
{
    double n = 0;
    for (uint32_t i = 0; i + 1 < t->plan->schedule->ranks[rank].n_steps; i++)
        n += t->chunks[t->chunk_of_step[rank][i]].program.n_kernels;
    return n;
}

struct chunk_time train_time_of(const struct train_times *t, uint32_t network, uint32_t column, uint32_t rank,
                                const struct schedule_step *step)
{
    uint32_t index = (uint32_t)(step - t->plan->schedule->ranks[rank].steps);
    uint32_t sample = t->draw[column * t->plan->layout.ranks + rank][index];
    return sample_of(t, network, column, rank, step, sample);
}

double train_mean_time_s(const struct train_times *t, uint32_t network, uint32_t column, uint32_t rank,
                         const struct schedule_step *step)
{
    double sum_s = 0;
    for (uint32_t k = 0; k < t->samples; k++)
        sum_s += sample_of(t, network, column, rank, step, k).time_s;
    return sum_s / t->samples;
}
