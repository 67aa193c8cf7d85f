/* Nobody asks a topology's name: each topology, registered a second time as NAME_too, gives the same results in every
 * kind of scenario that has a network, or the same refusal. And mpft with one plane is ft2. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "io/kind.h"
#include "io/results/writers.h"
#include "kinds/kind_run.h"
#include "tap_main.h"

/* The generated registry under other names: the program's own comes below, with the copies. */
#define topology_all topology_originals
#define topology_find topology_original
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "topology/topology_registry.c"
#undef topology_all
#undef topology_find

enum { MAX_TYPES = 64 };

static const struct topology_type *const *with_copies(void)
{
    static struct topology_type copies[MAX_TYPES];
    static struct cfg_table keys[MAX_TYPES];
    static char names[MAX_TYPES][64];
    static const struct topology_type *types[2 * MAX_TYPES + 1];
    size_t n = 0;
    for (const struct topology_type *const *t = topology_originals(); *t && !types[2 * n]; t++, n++) {
        copies[n] = **t;
        copies[n].name = names[n];
        snprintf(names[n], sizeof names[n], "%s_too", (*t)->name);
        if ((*t)->keys)
            keys[n] = *(*t)->keys;
        copies[n].keys = (*t)->keys ? &keys[n] : NULL;
        types[2 * n] = *t;
        types[2 * n + 1] = &copies[n];
    }
    return types;
}

const struct topology_type *const *topology_all(void)
{
    static const struct topology_type *const *types;
    return types ? types : (types = with_copies());
}

const struct topology_type *topology_find(const char *name)
{
    for (const struct topology_type *const *t = topology_all(); *t; t++)
        if (!strcmp((*t)->name, name))
            return *t;
    return NULL;
}

/* --- runs ------------------------------------------------------------------------------------------------------ */

enum { MAX_SET = 32 };

static const struct study {
    const char *scenario;
    const char *set[MAX_SET - 14]; /* NULL-terminated */
} studies[] = {
    {"scenarios/fig6_latency_16gpu.yaml",
     {"collective.gpus=", "collective.from=4 MiB", "collective.to=4 MiB", "collective.pxn=false"}},
    {"scenarios/plane_failure.yaml",
     {"cluster.nodes=2", "cluster.faults.down=nic 3", "fault_study.policies=static", "fault_study.size=1 MiB"}},
    {"scenarios/plane_isolation.yaml", {"cluster.nodes=2", "plane_isolation.size=1 MiB"}},
    {"scenarios/incast_mixed.yaml",
     {"cluster.nodes=2", "mixed.first.group=8", "mixed.second.group_stride=8", "mixed.first.size=1 MiB"}},
    {"scenarios/fig7_deepep.yaml",
     {"cluster.nodes=2", "moe.normal.gpus=16", "moe.low_latency.gpus=16", "moe.normal.calibrated=",
      "moe.low_latency.calibrated=", "moe.normal.dispatch_published=43 GB/s", "moe.normal.combine_published=43 GB/s",
      "moe.low_latency.dispatch_published=173 us", "moe.low_latency.combine_published=329 us"}},
    {"scenarios/dedup_node_limited.yaml", {"cluster.nodes=8"}},
    {"scenarios/fig8_roce_routing.yaml",
     {"cluster.nodes=4", "routing_study.operations=all_gather", "routing_study.groups=4", "routing_study.seeds=1",
      "routing_study.policies=ecmp", "routing_study.size=1 MiB"}},
    {"scenarios/tpot_bound_h800.yaml",
     {"cluster.nodes=4", "inference.shared_replicas=0", "tpot.copies=8", "inference.simulate_layers=2"}},
    {"scenarios/decode_ep144.yaml",
     {"cluster.nodes=2", "expert_load.redundant=0", "inference.decode.batch=8", "inference.decode.context=1000",
      "inference.simulate_layers=2"}},
    {"scenarios/speculative_mtp.yaml",
     {"sim.network=bound", "speculative.batch=8", "speculative.context=1024", "speculative.acceptance=80 %",
      "cluster.nodes=2", "expert_load.redundant=0"}},
    {"scenarios/kv_contention.yaml", {"cluster.nodes=2", "kv.layers=2", "kv.experts=32"}},
    {"scenarios/incast_packet.yaml", {"queueing.size=256 KiB", "queueing.victim_size=256 KiB", "queueing.probes=5"}},
    {"scenarios/train_replay_h800.yaml", {"sim.network=bound"}},
    {"scenarios/train_step_dense_70b.yaml", {"cluster.chip.memory=200 GB"}},
    {"scenarios/serving_disaggregated.yaml",
     {"cluster.nodes=6", "inference.prefill.nodes=2", "expert_load.redundant=0", "sim.network=bound",
      "serving.requests.count=20", "serving.warmup=0", "serving.requests.rate=20", "serving.grid.batch=8,64",
      "serving.grid.context=1024,16384", "serving.grid.prompt=1024,16384", "serving.grid.tokens=2048",
      "inference.simulate_layers=1"}},
};

/* What stands where two texts differ, at most so many characters. */
enum { SHOWN = 300 };

static void expect_equal(const char *what, const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    size_t from = i < SHOWN / 2 ? 0 : i - SHOWN / 2;
    ck_assert_msg(a[i] == b[i], "%s: results differ:\n%.*s\n----\n%.*s", what, SHOWN, a + from, SHOWN, b + from);
}

/* Every occurrence of the word becomes the other, which is no longer. */
static void replace(char *text, const char *from, const char *to)
{
    size_t n = strlen(from), m = strlen(to);
    for (char *at; (at = strstr(text, from));) {
        memcpy(at, to, m);
        memmove(at + m, at + n, strlen(at + n) + 1);
    }
}

/* The scenario's text and its hash have the name in them, and what is read is compared key by key anyway. */
static void drop_resolved(char *text)
{
    for (char *at; (at = strstr(text, "\"resolved"));) {
        char *end = strchr(at, '\n');
        memmove(at, end, strlen(end) + 1);
    }
}

static char *write_result(const struct result *result, const struct scenario_file *file, struct diag *d)
{
    char *text = NULL;
    size_t size;
    const char *path = "topology_copies.json";
    ck_assert(!result_write_json(result, file, path, d));
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert(getdelim(&text, &size, '\0', in) > 0);
    fclose(in);
    remove(path);
    drop_resolved(text);
    return text;
}

/* What topologies cannot do without. */
static const struct {
    const char *topology, *set[6]; /* NULL-terminated */
} wanted[] = {
    {"torus", {"cluster.nodes=16", "cluster.node.gpus=1", "cluster.nic.per_node=1", "cluster.network.torus=4x4"}},
    {"full_mesh", {"cluster.nodes=16", "cluster.node.gpus=1", "cluster.nic.per_node=1", "cluster.network.mesh=4x4"}},
    {"file", {"cluster.nodes=4", "cluster.network.file=tests/data/two_leaves.yaml"}},
    {"nvswitch", {"cluster.nodes=1"}},
};

static int add_wanted(const char *topology, const char **set)
{
    int n = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        for (int k = 0; !strncmp(topology, wanted[i].topology, strlen(wanted[i].topology)) && wanted[i].set[k]; k++)
            set[n++] = wanted[i].set[k];
    return n;
}

/* The result as JSON, or the messages; free() it. */
static char *outcome(const struct study *study, const char *topology, const char *more, bool *ran)
{
    const char *set[MAX_SET];
    int n = 0;
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    const struct scenario_kind *kind;
    struct scenario_file file;
    char *text;
    for (; study->set[n]; n++)
        set[n] = study->set[n];
    set[n++] = "description=x";
    n += add_wanted(topology, set + n);
    if (more)
        set[n++] = more;
    const char *path = arena_printf(a, "%s/%s", getenv("srcdir") ? getenv("srcdir") : ".", study->scenario);
    const char *name = cfg_peek(path, "kind", a, d);
    kind = name ? kind_find(name) : NULL;
    ck_assert_ptr_nonnull(kind);
    set[n++] = arena_printf(a, "cluster.topology=%s", topology);
    if (kind->networks) /* no list: the cluster's own */
        set[n++] = arena_printf(a, "%s=", kind->networks);
    diag_mute_warnings(d, true);
    struct kind_run run = {.file = &file, .arena = a};
    *ran = !scenario_load(path, set, n, a, &file, d) && !kind_execute(&run, d);
    text = *ran ? write_result(&run.result, &file, d) : checked_alloc(strdup(diag_text(d)));
    kind_run_free(&run);
    diag_free(d);
    arena_free(a);
    return text;
}

START_TEST(a_copy_gives_the_same)
{
    const struct study *study = &studies[_i];
    bool any = false;
    char why[SHOWN] = "";
    for (const struct topology_type *const *t = topology_originals(); *t; t++) {
        char name[80];
        bool ran, copy_ran;
        snprintf(name, sizeof name, "%s_too", (*t)->name);
        char *original = outcome(study, (*t)->name, NULL, &ran), *copy = outcome(study, name, NULL, &copy_ran);
        any |= ran;
        snprintf(why, sizeof why, "%s", ran ? "" : original);
        replace(copy, name, (*t)->name);
        if (!ran) /* texts name all topologies there are */
            ck_assert_msg(!copy_ran, "%s: %s is refused, its copy is not: %s", study->scenario, (*t)->name, original);
        else
            expect_equal(name, original, copy);
        free(original);
        free(copy);
    }
    ck_assert_msg(any, "%s ran on no topology: %s", study->scenario, why);
}
END_TEST

/* A result names its keys, too: those of mpft are taken out. */
static void without_keys(char *text)
{
    char *from = strstr(text, "\"cluster.network.planes\""), *line = strstr(text, "\"planes\":\t1");
    for (; from && *from != '\n'; from++)
        *from = ' ';
    for (; line && *line != '\n'; line++)
        *line = ' ';
    char *to = text;
    for (const char *at = text; *at; at++) /* blanks say nothing */
        if (!strchr(" \t\n", *at))
            *to++ = *at;
    *to = '\0';
}

START_TEST(mpft_with_one_plane_is_ft2)
{
    bool ran, one_ran;
    const struct study *study = &studies[_i];
    char *ft2 = outcome(study, "ft2", NULL, &ran);
    char *one = outcome(study, "mpft", "cluster.network.planes=1", &one_ran);
    ck_assert_msg(ran == one_ran, "%s: ft2 %s, one plane %s", study->scenario, ran ? "runs" : ft2,
                  one_ran ? "runs" : one);
    if (ran) {
        replace(one, "mpft", "ft2");
        without_keys(one);
        without_keys(ft2);
        expect_equal("one plane and ft2", one, ft2);
    }
    free(ft2);
    free(one);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("topology_copies");
    TCase *t = tcase_create("copies");
    int n = sizeof studies / sizeof *studies;
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_copy_gives_the_same, 0, n);
    tcase_add_loop_test(t, mpft_with_one_plane_is_ft2, 0, n);
    suite_add_tcase(s, t);
    return tap_main(s);
}
