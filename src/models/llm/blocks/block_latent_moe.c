/* Experts that work in a latent space (Nemotron 3, Kimi K3): a token is projected to it before it is dispatched, and back
 * behind the combine, so that fewer bytes travel and experts are smaller. Router and shared experts see the whole
 * token. */
#include "models/llm/blocks/experts.h"

static const struct cfg_field fields[] = {
    EXPERTS_ROWS, ROW_DIM(moe_dims, "latent", latent, "0", "width in which routed experts work"), {0}};
static const struct cfg_table keys = {"latent_moe", "experts in a latent space", sizeof(struct moe_dims), fields};

static const char *misfit(const struct model *m, const void *dims)
{
    const struct moe_dims *e = dims;
    return e->latent < 1 ? "experts need latent, the width in which they work" : experts_misfit(m, dims);
}

const struct block_type block_latent_moe = {
    .name = "latent_moe",
    .doc = "experts that work, and get their tokens, in a latent space",
    .ref = "none",
    .example = "latent=2048",
    .keys = &keys,
    .misfit = misfit,
    .weigh = experts_weigh,
    .network = &experts_latent_ops,
};
