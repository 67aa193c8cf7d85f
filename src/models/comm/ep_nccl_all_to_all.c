/* Tokens by a collective library's all-to-all: sends and receives of a group (NCCL). Each token is copied once for each
 * of its experts' ranks into a send buffer, counts are exchanged first so that everyone knows what to receive, and the
 * order is restored afterwards.
 *
 * The library's kernel copies through its own buffers with SMs of its channels, half of which send; its proxy threads post
 * a message a peer and chunk. What it costs to launch is cluster.software.launch, once for counts and once for tokens. */
#include "models/comm/ep_kernel.h"

#include <math.h>

#include "models/comm/wire_format.h"

static void cost(const struct ep_call *c, const struct hw_ep_constants *k, struct ep_cost *out)
{
    const struct hw_software *s = &c->hw->software;
    bool back = c->phase == EP_COMBINE;
    double B = wire_format_B(c->format, c->hidden), n = c->traffic->group.ranks;
    double copies = c->tokens * c->traffic->ranks_per_token;
    double memory_Bps = c->hw->chip.memory_Bps * c->hw->kernels.pass.copy_ratio;
    *out = (struct ep_cost){.copies = EP_A_COPY_A_RANK,
                            .token_B = B,
                            .start_s = k->start_s[back] + s->launch_s + 2 * copies * B / memory_Bps,
                            .nvlink_Bps = k->nvlink_ratio[back] * c->hw->node.nvlink_Bps,
                            .message_s = hw_message_s(s, (enum initiator)s->initiator),
                            .message_B = fmin(copies / n * B, s->chunk_B),
                            .network_s = hw_step_s(s, (enum initiator)s->initiator),
                            .end_s = 2 * copies * B / memory_Bps,
                            .rounds = back ? 0 : 1,
                            .sms = c->sms};
}

const struct ep_kernel_type ep_nccl_all_to_all = {
    .name = "nccl_all_to_all",
    .doc = "a collective library's all-to-all, tokens copied into send buffers before and put in order after",
    .software = "NCCL 2.29",
    .ref = "5.1.2",
    .constants = offsetof(struct hw_ep_kernel, nccl_all_to_all),
    .nearest = {.software = "H100", .start_s = {5e-6, 5e-6}, .nvlink_ratio = {0.8, 0.8}},
    .cost = cost,
};
