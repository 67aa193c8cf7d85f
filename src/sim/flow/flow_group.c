/* Sprayed messages. A spread says how much of a message each of many links carries. Links that all flows use alike, with
 * the same share, carry the same load at all times: the narrowest of them decides, so one stands for all (the uplinks of
 * a leaf; the cables between two levels). Groups only ever get finer: a spread, or a flow that uses one link alone, splits
 * those that it does not treat as one. */
#include <math.h>
#include <stdlib.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* --- groups: rings of links ---------------------------------------------------------------------------- */

static void make_groups(struct flow_net *net)
{
    if (net->group)
        return;
    net->group = XREALLOC(NULL, uint32_t, net->n_real);
    net->group_next = XREALLOC(NULL, uint32_t, net->n_real);
    net->group_size = XREALLOC(NULL, uint32_t, net->n_real);
    net->group_unit = XREALLOC(NULL, double, net->n_real);
    for (uint32_t i = 0; i < net->n_real; i++) {
        net->group[i] = net->group_next[i] = i;
        net->group_unit[i] = 1;
        net->group_size[i] = net->links[1 + i].n_live ? 1 : 0; /* 0: nobody has used it yet */
    }
}

static double narrowest(const struct flow_net *net, uint32_t first)
{
    double capacity_Bps = net->real_Bps[first];
    for (uint32_t i = net->group_next[first]; i != first; i = net->group_next[i])
        capacity_Bps = fmin(capacity_Bps, net->real_Bps[i]);
    return capacity_Bps;
}

/* A ring of these links, the first of which stands for all. A share of `unit` counts as 1: then most shares are. */
static void make_ring(struct flow_net *net, const uint32_t *links, uint32_t n, double unit)
{
    net->group_unit[links[0]] = unit;
    for (uint32_t i = 0; i < n; i++) {
        net->group[links[i]] = links[0];
        net->group_next[links[i]] = links[(i + 1) % n];
        net->group_size[links[i]] = n;
    }
    flow_link_set_capacity(net, links[0], flow_group_capacity_Bps(net, links[0]));
    net->group_version++;
}

/* Takes n links out of their ring; what is left, if anything, is a ring of its own. */
static void split(struct flow_net *net, const uint32_t *links, uint32_t n, double unit)
{
    uint32_t old = net->group[links[0]], size = net->group_size[old], n_rest = 0;
    if (n == size)
        return;
    net->regroup |= net->links[1 + old].n_live > 0;
    uint32_t *rest = XREALLOC(NULL, uint32_t, size);
    for (uint32_t k = 0; k < n; k++)
        net->group_size[links[k]] = 0;
    for (uint32_t i = net->group_next[old];; i = net->group_next[i]) {
        if (net->group_size[i])
            rest[n_rest++] = i;
        if (i == old)
            break;
    }
    make_ring(net, rest, n_rest, net->group_unit[old]);
    make_ring(net, links, n, unit);
    free(rest);
}

void flow_group_plain(struct flow_net *net, uint32_t real)
{
    if (!net->group || net->group_size[real] == 1)
        return;
    if (net->group_size[real] == 0)
        make_ring(net, &real, 1, 1);
    else
        split(net, &real, 1, 1);
}

/* --- spreads ------------------------------------------------------------------------------------------- */

struct spread_link {
    uint32_t link, group; /* group: FLOW_NONE for links that nobody has used yet */
    uint8_t hop;
    double share;
};

static int by_group_and_share(const void *a, const void *b)
{
    const struct spread_link *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->hop != y->hop)
        return x->hop < y->hop ? -1 : 1;
    if (x->share != y->share)
        return x->share < y->share ? -1 : 1;
    return (x->link > y->link) - (x->link < y->link);
}

/* Links of the spread that are treated as one have to be a group. */
static void refine(struct flow_net *net, struct spread_link *s, uint32_t n)
{
    uint32_t *links = XREALLOC(NULL, uint32_t, n);
    for (uint32_t i = 0; i < n; i++)
        s[i].group = net->group_size[s[i].link] ? net->group[s[i].link] : FLOW_NONE;
    qsort(s, n, sizeof *s, by_group_and_share);
    for (uint32_t i = 0, k; i < n; i += k) {
        for (k = 0; i + k < n; k++) {
            if (s[i + k].group != s[i].group || s[i + k].share != s[i].share ||
                (s[i].group == FLOW_NONE && s[i + k].hop != s[i].hop))
                break;
            links[k] = s[i + k].link;
        }
        if (s[i].group == FLOW_NONE)
            make_ring(net, links, k, s[i].share);
        else
            split(net, links, k, s[i].share);
    }
    free(links);
}

uint32_t flow_net_spread(struct flow_net *net, const struct flow_share *shares, uint32_t n)
{
    make_groups(net);
    flow_windows_close(net, net->now_s);
    XGROW(net->spreads, net->n_spreads, net->cap_spreads);
    struct flow_spread *s = &net->spreads[net->n_spreads];
    *s = (struct flow_spread){.n = n, .links = XREALLOC(NULL, uint32_t, n), .shares = XREALLOC(NULL, double, n)};
    struct spread_link *all = XREALLOC(NULL, struct spread_link, n);
    for (uint32_t i = 0; i < n; i++) {
        s->links[i] = shares[i].link;
        s->shares[i] = shares[i].share;
        all[i] = (struct spread_link){.link = shares[i].link, .hop = shares[i].hop, .share = shares[i].share};
    }
    refine(net, all, n);
    free(all);
    return ++net->n_spreads;
}

/* The spread by links that stand for others. */
static void regroup(const struct flow_net *net, struct flow_spread *s)
{
    s->n_groups = 0;
    s->groups = XREALLOC(s->groups, struct flow_use, s->n);
    for (uint32_t i = 0; i < s->n; i++)
        if (net->group[s->links[i]] == s->links[i])
            s->groups[s->n_groups++] = (struct flow_use){1 + s->links[i], s->shares[i] / net->group_unit[s->links[i]]};
    s->version = net->group_version;
}

/* --- flows --------------------------------------------------------------------------------------------- */

uint32_t flow_uses(struct flow_net *net, uint32_t flow, struct flow_use out[FLOW_MAX_USES])
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    uint32_t n = 0;
    for (uint32_t i = 0; i < net->flow_n_path[flow]; i++) {
        if (!(path[i] & FLOW_SPREAD)) {
            BUG_IF(n == FLOW_MAX_USES);
            out[n++] = (struct flow_use){1 + path[i], 1 / flow_group_unit(net, path[i])};
            continue;
        }
        struct flow_spread *s = &net->spreads[path[i] & ~FLOW_SPREAD];
        if (s->version != net->group_version)
            regroup(net, s);
        BUG_IF(n + s->n_groups > FLOW_MAX_USES);
        memcpy(out + n, s->groups, s->n_groups * sizeof *out);
        n += s->n_groups;
    }
    return n;
}

bool flow_crosses_failed(const struct flow_net *net, uint32_t flow)
{
    const uint32_t *path = net->spans.words + net->flow_path[flow];
    for (uint32_t i = 0; i < net->flow_n_path[flow]; i++) {
        if (!(path[i] & FLOW_SPREAD)) {
            if (net->failed[path[i]])
                return true;
            continue;
        }
        const struct flow_spread *s = &net->spreads[path[i] & ~FLOW_SPREAD];
        for (uint32_t k = 0; k < s->n; k++)
            if (net->failed[s->links[k]])
                return true;
    }
    return false;
}

uint32_t flow_link_of(const struct flow_net *net, uint32_t real)
{
    return 1 + (net->group ? net->group[real] : real);
}

double flow_group_capacity_Bps(const struct flow_net *net, uint32_t real)
{
    return net->group ? narrowest(net, real) / flow_group_unit(net, real) : net->real_Bps[real];
}

double flow_group_unit(const struct flow_net *net, uint32_t real)
{
    return net->group ? net->group_unit[net->group[real]] : 1;
}

void flow_groups_free(struct flow_net *net)
{
    for (uint32_t i = 0; i < net->n_spreads; i++) {
        free(net->spreads[i].links);
        free(net->spreads[i].shares);
        free(net->spreads[i].groups);
    }
    free(net->spreads);
    free(net->group);
    free(net->group_next);
    free(net->group_size);
    free(net->group_unit);
}
