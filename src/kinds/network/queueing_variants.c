#include "kinds/network/queueing_variants.h"

#include <string.h>

#include "io/hardware.h"
#include "kinds/lists.h"
#include "kinds/network/queueing_cfg.h"

#define KEY "queueing.variants"

struct word {
    const char *name;
    size_t offset; /* of an int in struct cluster_hw, of a bool for llr */
    int value;
};

#define PACKET(member) offsetof(struct cluster_hw, packet.member)
#define POLICY offsetof(struct cluster_hw, network.routing.policy)

static const struct word words[] = {
    {"shared_output", PACKET(queueing), QUEUE_SHARED_OUTPUT},
    {"shared_input", PACKET(queueing), QUEUE_SHARED_INPUT},
    {"voq_port", PACKET(queueing), QUEUE_VOQ_PORT},
    {"voq_qp", PACKET(queueing), QUEUE_VOQ_QP},
    {"strict_priority", PACKET(scheduling), SCHEDULE_STRICT},
    {"round_robin", PACKET(scheduling), SCHEDULE_ROUND_ROBIN},
    {"lossy", PACKET(flow_control), FLOW_CONTROL_NONE},
    {"pfc", PACKET(flow_control), FLOW_CONTROL_PFC},
    {"credits", PACKET(flow_control), FLOW_CONTROL_CREDITS},
    {"class_pause", PACKET(backpressure), BACKPRESSURE_CLASS},
    {"qp_pause", PACKET(backpressure), BACKPRESSURE_QP},
    {"no_control", PACKET(congestion_control), CONGESTION_NONE},
    {"dcqcn", PACKET(congestion_control), CONGESTION_DCQCN},
    {"rtt", PACKET(congestion_control), CONGESTION_RTT},
    {"in_order", PACKET(placement), PLACEMENT_IN_ORDER},
    {"hold", PACKET(placement), PLACEMENT_HOLD},
    {"out_of_order", PACKET(placement), PLACEMENT_OUT_OF_ORDER},
    {"go_back_n", PACKET(retransmission), RETRANSMIT_GO_BACK_N},
    {"selective", PACKET(retransmission), RETRANSMIT_SELECTIVE},
    {"llr", PACKET(llr), true},
    {"no_llr", PACKET(llr), false},
    {"static", POLICY, ROUTING_STATIC},
    {"ecmp", POLICY, ROUTING_ECMP},
    {"spray", POLICY, ROUTING_SPRAY},
    {"adaptive", POLICY, ROUTING_ADAPTIVE},
};
enum { N_WORDS = sizeof words / sizeof *words };

static const struct word *find(const char *name)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (!strcmp(words[i].name, name))
            return &words[i];
    return NULL;
}

static void apply(const struct word *w, struct cluster_hw *hw)
{
    char *at = (char *)hw + w->offset;
    if (w->offset == PACKET(llr))
        *(bool *)at = w->value;
    else
        *(int *)at = w->value;
}

static void report_word(const struct scenario_file *file, const char *word, struct arena *arena, struct diag *diag)
{
    const char **names = ARENA_ARRAY(arena, const char *, N_WORDS + 1);
    for (size_t i = 0; i < N_WORDS; i++)
        names[i] = words[i].name;
    report_unknown(diag, EXIT_BAD_INPUT, scenario_place(file, KEY), "word of a variant", word, names, arena);
}

struct checking {
    const struct scenario_file *file;
    const char *variant;
    struct diag *diag;
};

static void report_conflict(void *ctx, const char *key, const char *message)
{
    const struct checking *c = ctx;
    diag_error(c->diag, EXIT_BAD_INPUT, scenario_place(c->file, KEY), "variant '%s': cluster.%s: %s", c->variant, key,
               message);
}

/* The words of one variant, each of another kind. */
static int read_variant(const struct scenario_file *file, const char *text, struct arena *arena, struct cluster_hw *hw,
                        struct diag *diag)
{
    char *rest = arena_strdup(arena, text), *name;
    const struct word *seen[N_WORDS];
    size_t n = 0;
    while ((name = strsep(&rest, "+"))) {
        const struct word *w = find(name);
        if (!w) {
            report_word(file, name, arena, diag);
            return -1;
        }
        for (size_t i = 0; i < n; i++)
            if (seen[i]->offset == w->offset) {
                diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY),
                           "variant '%s': '%s' and '%s' exclude each other", text, seen[i]->name, w->name);
                return -1;
            }
        seen[n++] = w;
        apply(w, hw);
    }
    return 0;
}

/* Two of one name would be two metrics of one name. */
static bool is_repeated(const struct scenario_file *file, const char **items, uint32_t i, struct diag *diag)
{
    for (uint32_t other = 0; other < i; other++)
        if (!strcmp(items[other], items[i])) {
            diag_error(diag, EXIT_BAD_INPUT, scenario_place(file, KEY), "variant '%s' is there twice; leave one out",
                       items[i]);
            return true;
        }
    return false;
}

int queueing_variants(const struct scenario_file *file, struct arena *arena, struct queueing_variant **out, uint32_t *n,
                      struct diag *diag)
{
    const char **items = list_items(queueing_cfg(file->scenario)->variants, arena, n);
    size_t before = diag_count(diag);
    bool as_is = *n == 0;
    *n += as_is;
    *out = ARENA_ARRAY(arena, struct queueing_variant, *n);
    for (uint32_t i = 0; i < *n; i++) {
        struct queueing_variant *v = &(*out)[i];
        v->name = as_is ? "as given" : items[i];
        v->hw = ARENA_NEW(arena, struct cluster_hw);
        *v->hw = file->scenario->cluster;
        if (as_is) /* checked with the scenario */
            continue;
        if (is_repeated(file, items, i, diag) || read_variant(file, v->name, arena, v->hw, diag))
            return -1;
        struct checking c = {file, v->name, diag};
        hw_packet_check(v->hw, report_conflict, &c);
    }
    return diag_count(diag) > before ? -1 : 0;
}
