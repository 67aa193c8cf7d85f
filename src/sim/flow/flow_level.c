/* Max-min rates of one part anew, in place, where so much has changed that settling would take longer: progressive filling
 * over the packed arrays of what its links limit. It only reads those, decides who limits each class, and then moves the few
 * classes that have another owner: classes themselves are not looked at, which is what filling them one by one would cost. */
#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

/* A slot is one own class of a link of the part, as they stand at the beginning: number of the link's first slot + place. */
static const uint32_t DECIDED = 0x80000000u; /* in slot_owner: it is the new owner; else the old one */

bool flow_can_level(const struct flow_net *net, uint32_t part)
{
    const struct flow_part *p = &net->parts[part];
    if (net->n_priorities > 1)
        return false;
    for (uint32_t i = 0; i < p->n; i++)
        if (net->links[p->order[i]].own.n_long)
            return false;
    return true;
}

static double amount_of(const struct flow_own *own, uint32_t at)
{
    return own->amount ? own->amount[at] : 1;
}

/* --- what is open ------------------------------------------------------------------------------------ */

static void open_own(struct flow_net *net, uint32_t link)
{
    const struct flow_own *own = &net->links[link].own;
    struct flow_open *mine = flow_open_link(net, link);
    mine->use += net->links[link].own_use - own->n;
    mine->n += own->n;
    for (size_t i = 0; i < (size_t)own->n * own->stride; i++) {
        struct flow_open *o = flow_open_link(net, own->other[i]);
        o->n++;
        if (own->other_amount)
            o->use += own->other_amount[i] - 1;
    }
}

/* What the part's classes carried on links on which others are, too, is not their background any more. */
static void leave_shared(struct flow_net *net, const struct flow_part *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        flow_own_push(net, p->order[i], 0, net->links[p->order[i]].own.n, -net->links[p->order[i]].level_Bps);
}

/* Numbers of slots and of crossings; backgrounds are what remains without the part's classes. */
static void begin(struct flow_net *net, const struct flow_part *p)
{
    uint32_t n_cross = 0, n_shared = 0;
    for (uint32_t i = 0; i < net->touched.n; i++) {
        uint32_t link = net->touched.items[i];
        struct flow_slots *s = &net->slots[link];
        s->n_all = net->open[link].n;
        net->open[link].use += s->n_all;
        s->cross_end = n_cross;
        n_cross += s->n_all - (net->links[link].part == FLOW_NONE ? 0 : s->n);
        n_shared += s->n_all != net->links[link].n_live;
    }
    if (n_shared)
        leave_shared(net, p);
    for (uint32_t i = 0; i < net->touched.n; i++) {
        uint32_t link = net->touched.items[i];
        if (net->slots[link].n_all == net->links[link].n_live) /* exact: no rounding is left over from classes before */
            net->background_Bps[link] = net->links[link].ending_Bps;
    }
    flow_list_reserve(&net->cross, n_cross);
}

static void open_part(struct flow_net *net, const struct flow_part *p)
{
    uint32_t n_slots = 0;
    net->fill_id++;
    net->touched.n = net->filled.n = 0;
    net->open[0].stamp = net->fill_id; /* nobody's link fills up what is shorter than others: it is not touched */
    for (uint32_t i = 0; i < p->n; i++) {
        struct flow_slots *s = &net->slots[p->order[i]];
        s->first = n_slots;
        s->n = net->links[p->order[i]].own.n;
        n_slots += s->n;
    }
    for (uint32_t i = 0; i < p->n; i++)
        open_own(net, p->order[i]);
    begin(net, p);
    flow_list_reserve(&net->slot_owner, n_slots);
}

static void note_slots(struct flow_net *net, const struct flow_part *p)
{
    uint32_t slot = 0, *cross = net->cross.items;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct flow_own *own = &net->links[p->order[i]].own;
        const uint32_t *other = own->other;
        for (uint32_t at = 0; at < own->n; at++, slot++) {
            net->slot_owner.items[slot] = p->order[i];
            for (uint32_t k = 0; k < own->stride; k++, other++)
                if (*other)
                    cross[net->slots[*other].cross_end++] = slot;
        }
    }
}

/* --- decisions --------------------------------------------------------------------------------------- */

static void charge(struct flow_net *net, uint32_t link, double amount, double level_Bps)
{
    struct flow_open *o = &net->open[link];
    o->use -= amount;
    o->n--;
    net->background_Bps[link] += amount * level_Bps;
}

/* The class at a slot is limited by `link`: it is background of its other links. */
static void decide_slot(struct flow_net *net, uint32_t slot, uint32_t link, double level_Bps)
{
    uint32_t owner = net->slot_owner.items[slot], at = slot - net->slots[owner].first;
    const struct flow_own *own = &net->links[owner].own;
    const uint32_t *other = own->other + (size_t)at * own->stride;
    const double *amount = own->other_amount ? own->other_amount + (size_t)at * own->stride : NULL;
    net->slot_owner.items[slot] = link | DECIDED;
    for (uint32_t k = 0; k < own->stride; k++)
        if (other[k] != link)
            charge(net, other[k], amount ? amount[k] : 1, level_Bps);
    if (owner != link)
        charge(net, owner, amount_of(own, at), level_Bps);
}

static void decide_link(struct flow_net *net, uint32_t link, double level_Bps)
{
    const struct flow_slots *s = &net->slots[link];
    uint32_t n_own = net->links[link].part == FLOW_NONE ? 0 : s->n, n_cross = s->n_all - n_own;
    const uint32_t *cross = net->cross.items + s->cross_end - n_cross, *owner = net->slot_owner.items;
    flow_list_add(&net->filled, link);
    net->links[link].level_Bps = level_Bps;
    net->stats.visits += net->open[link].n;
    for (uint32_t slot = s->first; slot < s->first + n_own; slot++)
        if (!(owner[slot] & DECIDED))
            decide_slot(net, slot, link, level_Bps);
    for (uint32_t i = 0; i < n_cross; i++)
        if (!(owner[cross[i]] & DECIDED))
            decide_slot(net, cross[i], link, level_Bps);
    net->open[link].n = 0;
}

/* --- what is different ------------------------------------------------------------------------------- */

/* From the back: who takes the place of one that leaves has been looked at, or has just come. */
static void move_classes(struct flow_net *net, uint32_t link)
{
    struct flow_link *l = &net->links[link];
    const struct flow_slots *s = &net->slots[link];
    for (uint32_t at = s->n; at-- > 0;) {
        uint32_t to = net->slot_owner.items[s->first + at] & ~DECIDED, cls = l->own.cls[at];
        if (to == link)
            continue;
        double left_B = l->own.end_B[at] - l->clock_B;
        flow_own_remove(net, link, at);
        flow_own_append(net, to, cls, left_B);
        if (net->n_dormant)
            flow_dormant_moved(net, to, net->classes[cls].at);
    }
}

/* Links that limit somebody, by level; behind them those that do not any more, for flow_part_settled to take out. */
static void reorder(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    net->set.n = 0;
    for (uint32_t i = 0; i < p->n; i++)
        if (!net->links[p->order[i]].own.n)
            flow_list_add(&net->set, p->order[i]);
    p->n = 0;
    for (uint32_t i = 0; i < net->filled.n; i++)
        flow_part_append(net, part, net->filled.items[i]);
    for (uint32_t i = 0; i < net->set.n; i++)
        flow_part_append(net, part, net->set.items[i]);
    net->set.n = 0;
    p->from = FLOW_NONE;
}

/* Links that limit nobody; those that others use, too, and that are full now. */
static void look_around(struct flow_net *net, uint32_t part, double now_s)
{
    for (uint32_t i = 0; i < net->touched.n; i++)
        if (net->links[net->touched.items[i]].part == FLOW_NONE)
            flow_part_add_loose(net, part, net->touched.items[i]);
    flow_part_settled(net, part);
    for (uint32_t i = 0; i < net->filled.n; i++) {
        uint32_t link = net->filled.items[i];
        if (net->n_dormant)
            flow_dormant_announce(net, link);
        if (net->links[link].n_live > net->slots[link].n_all)
            flow_claim(net, link, now_s);
    }
}

void flow_level(struct flow_net *net, uint32_t part, double now_s)
{
    struct level_key next;
    flow_part_advance(net, part, now_s);
    net->stats.solves++;
    open_part(net, &net->parts[part]);
    note_slots(net, &net->parts[part]);
    flow_open_collect(net, 0);
    while (flow_open_next(net, &next))
        decide_link(net, next.id, next.level_Bps);
    for (uint32_t i = 0, n = net->parts[part].n; i < n; i++)
        move_classes(net, net->parts[part].order[i]);
    reorder(net, part);
    look_around(net, part, now_s);
}
