/* DeepSeekMoE: shared experts that every token uses, routed ones of which the router chooses top_k among the
 * best top_groups groups. */
#include "models/llm/blocks/block.h"

static const char *misfit(const struct model *m)
{
    const struct moe_dims *e = &m->moe;
    if (e->ffn < 1)
        return "experts need moe.ffn, the width of their networks";
    if (e->top_k < 1 || e->top_k > e->routed)
        return "moe.top_k is from 1 to moe.routed";
    if (e->routed % e->groups)
        return "moe.groups must divide moe.routed";
    if (e->top_groups > e->groups)
        return "moe.top_groups is at most moe.groups";
    if (e->top_k > e->top_groups * (e->routed / e->groups))
        return "moe.top_groups groups hold fewer experts than moe.top_k";
    return NULL;
}

static void weigh(const struct model *m, struct block_weights *w)
{
    const struct moe_dims *e = &m->moe;
    double d = (double)m->hidden, expert = 3 * d * (double)e->ffn;
    w->router = d * (double)e->routed + (e->router_bias ? (double)e->routed : 0);
    w->other = w->router;
    w->routed = (double)e->routed * expert;
    w->params = w->routed + (double)e->shared * expert + w->router;
    w->active = (double)(e->top_k + e->shared) * expert + w->router;
}

const struct block_type block_moe = {
    .name = "moe",
    .doc = "DeepSeekMoE: shared and routed experts, group-limited top-k",
    .ref = "2.2",
    .misfit = misfit,
    .weigh = weigh,
};
