/* All to all, flat and by PXN; hierarchies: inside the nodes, then rail by rail. */
#include "models/comm/collectives_impl.h"

#include <string.h>

double coll_share(const struct coll_builder *b, uint32_t dst)
{
    return b->c->size_B * (b->c->receiver_share ? b->c->receiver_share[dst] : 1.0 / b->c->n);
}

/* Bytes per message, in the order in which a member posts them: to its successors
 * first. */
void coll_everyone_to_everyone(struct coll_builder *b)
{
    coll_begin_step(b);
    for (uint32_t k = 1; k < b->c->n; k++)
        for (uint32_t src = 0; src < b->c->n; src++) {
            uint32_t dst = (src + k) % b->c->n;
            coll_send(b, src, dst, coll_share(b, dst), 0);
        }
}

/* What a member has for others, handed to the local GPU on each receiver's rail. */
void coll_hand_over(struct coll_builder *b, uint32_t src, double *to_B)
{
    memset(to_B, 0, b->c->n * sizeof *to_B);
    for (uint32_t dst = 0; dst < b->c->n; dst++) {
        uint32_t proxy = coll_neighbour(b, src, coll_rail(b, dst));
        if (proxy < b->c->n)
            to_B[proxy] += coll_share(b, dst);
    }
    for (uint32_t k = 1; k < b->c->n; k++)
        coll_send(b, src, (src + k) % b->c->n, to_B[(src + k) % b->c->n], 0);
}

/* The second hop: what all members of src's node have for dst. Where the group has
 * nobody on dst's rail, each member sends its own. */
static void forward(struct coll_builder *b, uint32_t src, uint32_t dst, double members, double ahead_s)
{
    if (coll_node(b, src) == coll_node(b, dst))
        return;
    if (coll_rail(b, src) == coll_rail(b, dst))
        coll_send(b, src, dst, members * coll_share(b, dst), members > 1 ? ahead_s : 0);
    else if (coll_neighbour(b, src, coll_rail(b, dst)) == b->c->n)
        coll_send(b, src, dst, coll_share(b, dst), 0);
}

void coll_forward_all(struct coll_builder *b, uint32_t src, double ahead_s)
{
    double members = coll_members_on_node(b, src);
    for (uint32_t k = 1; k < b->c->n; k++)
        forward(b, src, (src + k) % b->c->n, members, ahead_s);
}

void coll_all_to_all_pxn(struct coll_builder *b, bool store_and_forward)
{
    double ahead_s = store_and_forward ? 0 : coll_chunk_ahead_s(b, b->c->size_B / b->c->n);
    double *to_B = ARENA_ARRAY(b->arena, double, b->c->n);
    coll_begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        coll_hand_over(b, src, to_B);
    if (store_and_forward)
        coll_begin_step(b);
    for (uint32_t src = 0; src < b->c->n; src++)
        coll_forward_all(b, src, ahead_s);
}

/* --- hierarchies
 * ------------------------------------------------------------------------------------------
 */

/* Everyone sends bytes_B to all members of its node, or of its rail. */
static void exchange(struct coll_builder *b, bool in_node, double bytes_B)
{
    coll_begin_step(b);
    for (uint32_t k = 1; k < b->c->n; k++)
        for (uint32_t src = 0; src < b->c->n; src++) {
            uint32_t dst = (src + k) % b->c->n;
            bool together = in_node ? coll_node(b, src) == coll_node(b, dst) : coll_rail(b, src) == coll_rail(b, dst);
            if (together)
                coll_send(b, src, dst, bytes_B, 0);
        }
}

void coll_hierarchical(struct coll_builder *b)
{
    double per_node = coll_members_on_node(b, 0), n = b->c->n, size_B = b->c->size_B;
    int operation = b->c->operation;
    coll_begin_lanes(b);
    if (operation == COLLECTIVE_ALL_TO_ALL) {
        coll_all_to_all_pxn(b, true);
        return;
    }
    if (operation != COLLECTIVE_ALL_GATHER) { /* reduce-scatter */
        exchange(b, true, size_B / per_node);
        exchange(b, false, size_B / n);
    }
    if (operation != COLLECTIVE_REDUCE_SCATTER) { /* all-gather */
        exchange(b, false, size_B / n);
        exchange(b, true, size_B / per_node);
    }
}
