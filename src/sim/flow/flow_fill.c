/* Max-min rates from nothing, for many new classes or many changes: progressive filling. All levels rise together;
 * whoever's link is full first stays there, at that link's level, and is background for the others. The links that
 * become full and depend on each other form the new parts. */
#include <math.h>

#include "base/diag.h"
#include "sim/flow/flow_net_impl.h"

static bool is_open(const struct flow_net *net, const struct flow_class *c)
{
    return c->n && c->stamp == net->fill_id && !c->owned;
}

static double class_load(const struct flow_net *net, const struct flow_class *c)
{
    return c->n * flow_class_weight(net, c);
}

/* --- what is open ------------------------------------------------------------------------------------ */

static void open_link(struct flow_net *net, uint32_t link, double use)
{
    struct flow_open *o = flow_open_link(net, link);
    o->use += use;
    o->n++;
}

static void open_classes(struct flow_net *net)
{
    net->fill_id++;
    net->touched.n = net->filled.n = 0;
    for (uint32_t i = 0; i < net->set.n; i++) {
        struct flow_class *c = &net->classes[net->set.items[i]];
        const uint32_t *links = flow_class_links(net, c);
        double load = class_load(net, c);
        c->stamp = net->fill_id;
        for (uint32_t k = 0; k < c->n_limits; k++)
            open_link(net, links[k], load * flow_class_share(net, c, k));
    }
    for (uint32_t i = 0; i < net->touched.n; i++) {
        uint32_t link = net->touched.items[i];
        net->slots[link].n_all = net->open[link].n;
        if (net->open[link].n == net->links[link].n_live && net->n_priorities == 1)
            net->background_Bps[link] =
                net->links[link].ending_Bps; /* exact: no rounding left over from classes that were here before */
    }
}

static double level_of(const struct flow_net *net, uint32_t link)
{
    const struct flow_link *l = &net->links[link];
    double left_Bps = l->capacity_Bps - net->background_Bps[link];
    return left_Bps > 1e-12 * l->capacity_Bps ? left_Bps / net->open[link].use : 0;
}

static void sift_down(struct level_key *heap, uint32_t n, uint32_t at)
{
    struct level_key moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1].level_Bps < heap[child].level_Bps)
            child++;
        if (!(heap[child].level_Bps < moving.level_Bps))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

void flow_open_collect(struct flow_net *net, uint8_t priority)
{
    net->n_open_heap = 0;
    for (uint32_t i = 0; i < net->touched.n; i++) {
        uint32_t link = net->touched.items[i];
        if (net->links[link].priority != priority || !net->open[link].n)
            continue;
        XGROW(net->open_heap, net->n_open_heap, net->cap_open_heap);
        net->open_heap[net->n_open_heap++] = (struct level_key){level_of(net, link), link};
    }
    for (uint32_t i = net->n_open_heap / 2; i-- > 0;)
        sift_down(net->open_heap, net->n_open_heap, i);
}

bool flow_open_next(struct flow_net *net, struct level_key *next)
{
    struct level_key *heap = net->open_heap;
    while (net->n_open_heap) {
        uint32_t link = heap[0].id;
        double now_Bps = net->open[link].n ? level_of(net, link) : INFINITY;
        if (!net->open[link].n) {
            heap[0] = heap[--net->n_open_heap];
        } else if (now_Bps <= heap[0].level_Bps) {
            *next = (struct level_key){now_Bps, link};
            return true;
        } else {
            heap[0].level_Bps = now_Bps;
        }
        sift_down(heap, net->n_open_heap, 0);
    }
    return false;
}

/* --- decisions --------------------------------------------------------------------------------------- */

static void decide_class(struct flow_net *net, uint32_t cls, uint32_t link, double level_Bps)
{
    struct flow_class *c = &net->classes[cls];
    double load = class_load(net, c), left_B = c->left_B;
    flow_own_append(net, link, cls, left_B);
    const uint32_t *links = flow_class_links(net, c);
    for (uint32_t k = 0; k < c->n_links; k++) {
        double use = load * flow_class_share(net, c, k);
        if (k < c->n_limits) {
            net->open[links[k]].use -= use;
            net->open[links[k]].n--;
        }
        if (links[k] != link)
            net->background_Bps[links[k]] += use * level_Bps;
    }
}

static void decide_link(struct flow_net *net, uint32_t link, double level_Bps)
{
    struct flow_link *l = &net->links[link];
    flow_list_add(&net->filled, link);
    l->level_Bps = level_Bps;
    l->clock_B = 0;
    net->stats.visits += l->n_crossing;
    flow_own_reserve(net, link, net->open[link].n);
    for (uint32_t i = 0; i < l->n_crossing && net->open[link].n; i++) {
        uint32_t cls = l->crossing[i];
        if (is_open(net, &net->classes[cls]) && flow_class_limited_by(net, cls, link))
            decide_class(net, cls, link, level_Bps);
    }
}

/* --- parts -------------------------------------------------------------------------------------------- */

static uint32_t root_of(struct flow_net *net, uint32_t link)
{
    uint32_t *root = net->root;
    while (root[link] != link)
        link = root[link] = root[root[link]];
    return link;
}

static bool is_filled(const struct flow_net *net, uint32_t link)
{
    return net->open[link].stamp == net->fill_id && net->links[link].own.n && net->links[link].part == FLOW_NONE;
}

static void add_joint(struct flow_net *net, uint32_t a, uint32_t b)
{
    XGROW(net->joints, net->n_joints, net->cap_joints);
    net->joints[net->n_joints++] = (struct flow_joint){a, b};
}

static void connect(struct flow_net *net, uint32_t link, uint32_t other)
{
    if (is_filled(net, other)) {
        uint32_t a = root_of(net, link), b = root_of(net, other);
        net->root[a < b ? b : a] = a < b ? a : b;
    } else if (net->links[other].part != FLOW_NONE) {
        add_joint(net, link, other);
    }
}

/* Calls `what` for each of the other links of a link's own classes. */
static void for_others(struct flow_net *net, uint32_t link,
                       void (*what)(struct flow_net *net, uint32_t link, uint32_t other))
{
    const struct flow_own *own = &net->links[link].own;
    for (size_t i = 0; i < (size_t)own->n * own->stride; i++)
        what(net, link, own->other[i]);
    for (uint32_t i = 0; own->n_long && i < own->n; i++) {
        const struct flow_class *c = &net->classes[own->cls[i]];
        for (uint32_t k = 0; k < c->n_links; k++)
            if (flow_class_links(net, c)[k] != link)
                what(net, link, flow_class_links(net, c)[k]);
    }
}

static void note_loose(struct flow_net *net, uint32_t link, uint32_t other)
{
    if (net->links[other].part == FLOW_NONE && other)
        flow_part_add_loose(net, net->links[link].part, other);
}

static void make_parts(struct flow_net *net, double now_s)
{
    const struct flow_list *filled = &net->filled;
    net->n_joints = 0;
    for (uint32_t i = 0; i < filled->n; i++)
        net->root[filled->items[i]] = filled->items[i];
    for (uint32_t i = 0; i < filled->n; i++)
        for_others(net, filled->items[i], connect);
    for (uint32_t i = 0; i < filled->n; i++) {
        uint32_t root = root_of(net, filled->items[i]), part = net->links[root].part;
        if (part == FLOW_NONE) /* links come in the order of their levels: this one may not be the root itself */
            part = net->links[root].part = flow_part_new(net, now_s);
        flow_part_append(net, part, filled->items[i]);
        net->parts[part].n_members += net->links[filled->items[i]].own.n;
        net->parts[part].n_own += net->links[filled->items[i]].own.n;
        flow_part_dirty(net, part); /* its loose links have to be looked at */
    }
    for (uint32_t i = 0; i < filled->n; i++)
        for_others(net, filled->items[i], note_loose);
}

/* Others use links that are full now: they depend on each other, and who has more has to share. */
static void join_others(struct flow_net *net, double now_s)
{
    for (uint32_t i = 0; i < net->n_joints; i++) {
        flow_part_merge(net, net->links[net->joints[i].a].part, net->links[net->joints[i].b].part, now_s);
        flow_part_touch(net, net->joints[i].b, now_s);
    }
    for (uint32_t i = 0; i < net->filled.n; i++) {
        uint32_t link = net->filled.items[i];
        if (net->links[link].n_live > net->slots[link].n_all)
            flow_claim(net, link, now_s);
    }
}

void flow_fill(struct flow_net *net, double now_s)
{
    struct level_key next;
    if (!net->set.n)
        return;
    net->stats.solves++;
    open_classes(net);
    for (uint32_t p = 0; p < net->n_priorities; p++) {
        flow_open_collect(net, (uint8_t)p);
        while (flow_open_next(net, &next))
            decide_link(net, next.id, next.level_Bps);
    }
    make_parts(net, now_s);
    join_others(net, now_s);
    for (uint32_t i = 0; net->n_dormant && i < net->filled.n; i++)
        flow_dormant_announce(net, net->filled.items[i]);
    net->set.n = 0;
}

void flow_part_dissolve(struct flow_net *net, uint32_t part)
{
    struct flow_part *p = &net->parts[part];
    for (uint32_t i = 0; i < p->n; i++) {
        struct flow_link *l = &net->links[p->order[i]];
        flow_own_push(net, p->order[i], 0, l->own.n, -l->level_Bps);
        for (uint32_t k = 0; k < l->own.n; k++) {
            struct flow_class *c = &net->classes[l->own.cls[k]];
            c->owned = false;
            c->left_B = flow_max(0, l->own.end_B[k] - l->clock_B);
            flow_list_add(&net->set, l->own.cls[k]);
        }
        l->own.n = l->own.n_long = 0;
        l->next_B = NAN;
    }
    flow_part_empty(net, part);
}

void flow_refill(struct flow_net *net, uint32_t part, double now_s)
{
    flow_part_advance(net, part, now_s);
    net->set.n = 0;
    net->fill_begun_s = net->parts[part].begun_s;
    flow_part_dissolve(net, part);
    flow_fill(net, now_s);
}
