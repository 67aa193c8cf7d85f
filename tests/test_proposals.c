/* Proposals: each is well formed, changes what it says and nothing else, and those that contradict each other are
 * refused. */
#include <check.h>
#include <string.h>

#include "base/data_find.h"
#include "io/kind.h"
#include "tap_main.h"

static struct arena *arena;
static struct diag *diag;
static struct scenario_file file;

static void begin(void)
{
    arena = arena_new();
    diag = diag_new();
}

static void end(void)
{
    diag_free(diag);
    arena_free(arena);
}

static int load(const struct proposal *p, const char *const *proposals, int n, struct scenario_file *out)
{
    struct scenario_options o = {
        .overrides = p->trial.set, .proposals = proposals, .n_proposals = n, .overrides_give_way = true};
    while (p->trial.set && p->trial.set[o.n_overrides])
        o.n_overrides++;
    const char *path = data_find(p->trial.scenario, NULL, arena);
    ck_assert_msg(path, "%s: no %s", p->name, p->trial.scenario);
    return scenario_load_with(path, &o, arena, out, diag);
}

static const char *call_of(const struct proposal *p)
{
    return p->trial.arguments ? arena_printf(arena, "%s:%s", p->name, p->trial.arguments) : p->name;
}

static bool lists(const char *words, const char *word)
{
    for (const char *w = strstr(words, word); w; w = strstr(w + 1, word))
        if ((w == words || w[-1] == ' ') && (w[strlen(word)] == ' ' || !w[strlen(word)]))
            return true;
    return false;
}

START_TEST(test_well_formed)
{
    const struct proposal *p = proposal_all()[_i];
    ck_assert(*p->name && *p->doc && *p->ref && *p->assumption && *p->trial.metric);
    ck_assert(p->apply || p->rewrite);
    for (const char *word = p->kinds; *word; word += strspn(word, " ")) {
        size_t n = strcspn(word, " ");
        ck_assert_msg(kind_find(arena_printf(arena, "%.*s", (int)n, word)), "%s: kind %.*s", p->name, (int)n, word);
        word += n;
    }
    ck_assert_msg(!load(p, NULL, 0, &file), "%s: %s", p->name, diag_text(diag));
    ck_assert_msg(lists(p->kinds, file.scenario->kind), "%s is not tried on one of its kinds", p->name);
}
END_TEST

/* --- what changes ----------------------------------------------------------------------------------------- */

struct comparing {
    const struct cfg *before;
    const char *name;
    int changed;
};

static void compare(void *ctx, const char *key, const struct cfg_field *field, const void *value, const char *text,
                    const char *source)
{
    struct comparing *c = ctx;
    struct cfg_leaf_state was;
    (void)field, (void)value, (void)text;
    if (!cfg_state(c->before, key, &was))
        return; /* a key of the topology that it changes to */
    struct cfg_leaf_state is;
    ck_assert(cfg_state(file.cfg, key, &is));
    if (!strcmp(was.text, is.text) || !strcmp(key, "proposals"))
        return;
    c->changed++;
    ck_assert_msg(source && strstr(source, c->name) && strstr(source, "proposal "),
                  "%s changed %s from %s to %s, source: %s", c->name, key, was.text, is.text, source);
}

START_TEST(test_changes_its_keys_only)
{
    const struct proposal *p = proposal_all()[_i];
    struct scenario_file before;
    const char *call = call_of(p);
    ck_assert(!load(p, NULL, 0, &before));
    ck_assert_msg(!load(p, &call, 1, &file), "%s: %s", p->name, diag_text(diag));
    struct comparing c = {before.cfg, p->name, 0};
    cfg_visit(file.cfg, compare, &c);
    ck_assert_msg(c.changed || p->rewrite, "%s changes nothing", p->name);
    /* what is left to do when the resolved scenario is run again */
    ck_assert_str_eq(file.scenario->proposals, p->rewrite ? call : "");
}
END_TEST

/* --- every proposal on every kind ------------------------------------------------------------------------- */

static const struct {
    const char *kind, *scenario;
} samples[] = {
    {"collective", "scenarios/fig6_latency_16gpu.yaml"},   {"expert_balance", "scenarios/eplb_decode_ep144.yaml"},
    {"fault_study", "scenarios/plane_failure.yaml"},       {"gemm", "scenarios/gemm_fp8.yaml"},
    {"inference", "scenarios/decode_ep144.yaml"},          {"kv_contention", "scenarios/kv_contention.yaml"},
    {"mixed_traffic", "scenarios/incast_mixed.yaml"},      {"moe_exchange", "scenarios/fig7_deepep.yaml"},
    {"node_limited", "scenarios/dedup_node_limited.yaml"}, {"plane_isolation", "scenarios/plane_isolation.yaml"},
    {"queueing", "scenarios/retransmission.yaml"},         {"reliability", "scenarios/reliability_2048.yaml"},
    {"routing_study", "scenarios/fig8_roce_routing.yaml"}, {"serving", "scenarios/serving_disaggregated.yaml"},
    {"single_machine", "scenarios/edge_single_user.yaml"}, {"speculative", "scenarios/speculative_mtp.yaml"},
    {"tpot_bound", "scenarios/tpot_bound_h800.yaml"},      {"train_replay", "scenarios/train_replay_h800.yaml"},
    {"train_step", "scenarios/train_step_2048.yaml"}};
enum { N_SAMPLES = sizeof samples / sizeof *samples };

START_TEST(test_every_kind_has_a_sample)
{
    for (int i = 0; kind_all()[i]; i++)
        ck_assert_msg(i < N_SAMPLES && !strcmp(kind_all()[i]->name, samples[i].kind), "%s", kind_all()[i]->name);
}
END_TEST

static int load_sample(int i, const char *call, struct scenario_file *out)
{
    struct scenario_options o = {.proposals = &call, .n_proposals = call != NULL};
    return scenario_load_with(data_find(samples[i].scenario, NULL, arena), &o, arena, out, diag);
}

struct counting {
    const struct cfg *before;
    int changed;
};

static void count_changed(void *ctx, const char *key, const struct cfg_field *field, const void *value,
                          const char *text, const char *source)
{
    struct counting *c = ctx;
    struct cfg_leaf_state was;
    (void)field, (void)value, (void)source;
    c->changed += cfg_state(c->before, key, &was) && strcmp(was.text, text) && strcmp(key, "proposals");
}

/* Consumed: other keys, or a warning that they are the same. Else an error that names the proposal, where it stands; and
 * kinds that are not listed are always refused. */
static void try_on(const struct proposal *p, int i)
{
    struct scenario_file before;
    const char *call = call_of(p);
    ck_assert_msg(!load_sample(i, NULL, &before), "%s", diag_text(diag));
    int failed = load_sample(i, call, &file);
    bool listed = lists(p->kinds, samples[i].kind);
    struct counting c = {before.cfg, 0};
    ck_assert_msg(failed || listed, "%s was applied to %s", p->name, samples[i].kind);
    if (!failed)
        cfg_visit(file.cfg, count_changed, &c);
    const char *what = failed && !listed ? "scenarios of these kinds consume it"
                       : failed          ? arena_printf(arena, "proposal %s", p->name)
                       : !c.changed      ? "changes nothing"
                                         : "";
    ck_assert_msg(strstr(diag_text(diag), what) && (!failed || strstr(diag_text(diag), call)), "%s on %s: %s", p->name,
                  samples[i].kind, diag_text(diag));
}

START_TEST(test_consumed_or_refused)
{
    for (int i = 0; i < N_SAMPLES; i++) {
        end();
        begin();
        try_on(proposal_all()[_i], i);
    }
}
END_TEST

/* --- parameters ------------------------------------------------------------------------------------------- */

static void refuse(const struct proposal *p, const char *key, const char *value, const char *why)
{
    end();
    begin();
    const char *call = arena_printf(arena, "%s:%s=%s", p->name, key, value);
    ck_assert_msg(load(p, &call, 1, &file), "%s was taken", call);
    ck_assert_msg(strstr(diag_text(diag), why) && strstr(diag_text(diag), call), "%s: %s", call, diag_text(diag));
}

/* Each number: no number, not finite, below and above its range; each choice: another word; and a key that is none. */
START_TEST(test_parameters_are_checked)
{
    const struct proposal *p = proposal_all()[_i];
    if (!p->parameters)
        return;
    refuse(p, "nonsense", "1", "unknown key 'nonsense'");
    for (const struct cfg_field *f = p->parameters->fields; f->name; f++) {
        if (f->type == CFG_ENUM || f->type == CFG_BOOL)
            refuse(p, f->name, "nonsense", "'nonsense'");
        if (f->type != CFG_QUANTITY && f->type != CFG_INT)
            continue;
        bool whole = f->type == CFG_INT;
        struct arena *own = arena_new();
        const char *above = whole ? arena_printf(own, "%.0f", f->max + 1) : cfg_number_text(f, 1.01 * f->max, own);
        refuse(p, f->name, above, "out of range");
        refuse(p, f->name, whole ? "-1" : cfg_number_text(f, -1, own), "out of range");
        refuse(p, f->name, "nan", "'nan'");
        refuse(p, f->name, "inf", "'inf'");
        refuse(p, f->name, "", f->name);
        arena_free(own);
    }
}
END_TEST

/* --- together --------------------------------------------------------------------------------------------- */

static const char *together(const char *a, const char *b)
{
    const char *both[] = {a, b};
    const struct proposal *p = proposal_find(arena_printf(arena, "%.*s", (int)strcspn(a, ":"), a));
    return load(p, both, 2, &file) ? diag_text(diag) : "";
}

START_TEST(test_stack)
{
    ck_assert_str_eq(together("sm_offload:tasks=reduce", "hardware_sync:latency=1 us"), "");
    ck_assert(file.scenario->cluster.ep_kernel.offload.reduce);
    ck_assert(!file.scenario->cluster.ep_kernel.offload.forwarding);
    ck_assert_double_eq(file.scenario->cluster.ep_kernel.barrier_s, 1e-6);
}
END_TEST

START_TEST(test_contradiction)
{
    const char *why = together("roce", "low_latency_roce:switch_latency=0.5 us");
    ck_assert_msg(strstr(why, "proposal low_latency_roce: it sets cluster.network.switch_latency to 500 ns, but "
                              "roce set it to 950 ns; they contradict each other"),
                  "%s", why);
}
END_TEST

/* Both want the same: no contradiction. */
START_TEST(test_agreement)
{
    ck_assert_str_eq(together("roce", "low_latency_roce:switch_latency=0.95 us"), "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("proposals");
    TCase *t = tcase_create("proposals");
    int n = 0;
    while (proposal_all()[n])
        n++;
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, test_well_formed, 0, n);
    tcase_add_loop_test(t, test_changes_its_keys_only, 0, n);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_every_kind_has_a_sample);
    tcase_add_loop_test(t, test_consumed_or_refused, 0, n);
    tcase_add_loop_test(t, test_parameters_are_checked, 0, n);
    tcase_add_test(t, test_stack);
    tcase_add_test(t, test_contradiction);
    tcase_add_test(t, test_agreement);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
