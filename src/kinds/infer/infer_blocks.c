#include "kinds/infer/infer_blocks.h"

#include <math.h>

#include "io/scenario.h"

/* Layers in a run that are simulated, but not counted: those that warm up, and the last. */
enum { BESIDE = INFER_BLOCK_WARMING_UP + 1, FEWEST_COUNTED = 4 };

bool infer_blocks_cut(uint32_t simulated, uint32_t n, struct infer_block *out)
{
    if (simulated < BESIDE + FEWEST_COUNTED * n)
        return false;
    uint32_t counted = simulated - BESIDE;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t first = (uint32_t)((uint64_t)counted * i / n), end = (uint32_t)((uint64_t)counted * (i + 1) / n);
        out[i] = (struct infer_block){first, end - first + BESIDE};
    }
    return true;
}

static uint32_t simulated_layers(const struct infer_case *c, const struct infer_program *p)
{
    uint32_t wanted = c->layers ? c->layers : (uint32_t)c->cfg.simulate_layers;
    return wanted && wanted < p->n_sparse ? wanted : p->n_sparse;
}

/* --- which cases ------------------------------------------------------------------ */

static const char *unfit(const struct infer_case *c, const struct infer_layout *l, struct arena *arena)
{
    struct infer_program p;
    uint32_t n = (uint32_t)c->cfg.layer_blocks;
    if (c->setup->file->scenario->sim.network == NET_BOUND)
        return "the closed form (sim.network: bound) simulates no run that could be divided";
    if (c->cfg.routing == INFER_BALANCED)
        return "layers of 'inference.routing: balanced' are alike, and few are simulated; leave it out";
    infer_program_build(l, (uint32_t)l->model->layers, arena, &p);
    if (!p.n_sparse)
        return arena_printf(arena, "it divides layers with experts, and '%s' has none; leave it out", l->model->name);
    if (p.period > 1)
        return arena_printf(arena, "'%s' has layers of several kinds in turn, which are simulated in one run; write 1",
                            l->model->name);
    uint32_t layers = simulated_layers(c, &p), most = layers < BESIDE ? 0 : (layers - BESIDE) / FEWEST_COUNTED;
    if (n > most)
        return arena_printf(
            arena,
            "%u layers with experts are simulated, which make %u blocks at most: %d of a block are there "
            "for the others, and %d count at least",
            layers, most > 1 ? most : 1, BESIDE, FEWEST_COUNTED);
    return NULL;
}

int infer_blocks_check(const struct infer_case *c, const struct infer_layout *l, struct arena *arena, struct diag *diag)
{
    const struct scenario_file *file = c->setup->file;
    const char *why = c->cfg.layer_blocks > 1 ? unfit(c, l, arena) : NULL;
    if (!why)
        return 0;
    REPORT("inference.layer_blocks", "%s", why);
    return -1;
}

/* --- one of several ---------------------------------------------------------------- */

/* Means weighted by the layers that were drawn, some of them in two runs. */
static void merge_drawn(const struct infer_block *blocks, const struct infer_block_answer *answers, uint32_t n,
                        struct infer_step_drawn *out)
{
    double layers = 0;
    for (uint32_t i = 0; i < n; i++)
        layers += blocks[i].layers;
    *out = answers[0].drawn; /* what is of one layer, and what all have alike */
    out->nodes_per_token = out->ranks_per_token = out->busiest_mean = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct infer_step_drawn *d = &answers[i].drawn;
        out->nodes_per_token += d->nodes_per_token * blocks[i].layers / layers;
        out->ranks_per_token += d->ranks_per_token * blocks[i].layers / layers;
        out->busiest_mean += d->busiest_mean * blocks[i].layers / layers;
        out->busiest_max = fmax(out->busiest_max, d->busiest_max);
    }
}

void infer_blocks_merge(const struct infer_block *blocks, const struct infer_block_answer *answers, uint32_t n,
                        uint32_t missing, struct infer_account *account, struct infer_step_drawn *drawn)
{
    *account = answers[0].account;
    for (uint32_t i = 1; i < n; i++)
        infer_account_add(account, &answers[i].account);
    infer_account_extend(account, missing);
    merge_drawn(blocks, answers, n, drawn);
}
