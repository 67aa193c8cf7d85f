/* Scenarios: which layer wins, every check across keys with its place, and where data
 * files are found. The hardware is configs/h800 of the source tree. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/data_find.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/topology.h"

static struct arena *arena;
static struct diag *d;
static struct scenario_file file;
static char folder[64];

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
    strcpy(folder, "/tmp/moesim-scenario-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[128];
    unsetenv("MOESIM_PATH");
    diag_free(d);
    arena_free(arena);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* A whole scenario; its lines 1 to 8 are what places in messages count. */
#define GOOD \
    "kind: train_replay\n" \
    "hardware: h800\n" \
    "cluster:\n" \
    "  nodes: 8\n" \
    "  topology: mpft\n" \
    "replay:\n" \
    "  trace: own.trace.json\n" \
    "  routing: {experts: 256, groups: 8}\n"

static int load_text(const char *text, const char *const *set, int n_set)
{
    write_file("own.trace.json", "{}");
    return scenario_load(write_file("s.yaml", text), set, n_set, arena, &file, d);
}

static int load(const char *text)
{
    return load_text(text, NULL, 0);
}

/* The good scenario with one -s fails with these words. */
static void expect_code(enum exit_code code, const char *set, const char *place, const char *words)
{
    struct diag *outer = d;
    d = diag_new();
    ck_assert_msg(load_text(GOOD, &set, 1) == -1, "accepted: %s", set);
    const char *text = diag_text(d);
    ck_assert_msg(strstr(text, place) && strstr(text, words), "wanted: %s ... %s\ngot: %s", place, words, text);
    ck_assert_int_eq(diag_exit_code(d), code);
    diag_free(d);
    d = outer;
}

static void expect_refused(const char *set, const char *place, const char *words)
{
    expect_code(EXIT_BAD_INPUT, set, place, words);
}

static void expect_words(const char *words)
{
    ck_assert_msg(strstr(diag_text(d), words) != NULL, "wanted: %s\ngot: %s", words, diag_text(d));
}

START_TEST(a_good_scenario)
{
    ck_assert_msg(load(GOOD) == 0, "%s", diag_text(d));
    const struct scenario *s = file.scenario;
    ck_assert_str_eq(s->name, "s"); /* from the file's name */
    ck_assert_str_eq(s->kind, "train_replay");
    ck_assert_int_eq(s->cluster.nodes, 8);
    ck_assert_int_eq(s->cluster.node.gpus, 8);
    ck_assert_int_eq(s->sim.network, NET_FLOW);
    ck_assert(s->sim.epsilon == 0);
    const struct topology_type *t = topology_find(s->cluster.topology);
    ck_assert_str_eq(t->name, "mpft");
    ck_assert_uint_eq(diag_count(d), 0);
}
END_TEST

START_TEST(each_layer_wins_over_the_one_below)
{
    ck_assert_int_eq(load(GOOD), 0);
    double from_hardware = file.scenario->cluster.nic.bandwidth_Bps;
    ck_assert(from_hardware > 0);
    ck_assert_ptr_nonnull(cfg_source(file.cfg, "cluster.nic.bandwidth"));

    const char *own = "kind: train_replay\nhardware: h800\ncluster:\n  nodes: 8\n"
                      "  topology: mpft\n  nic: {bandwidth: 123 GB/s}\nreplay:\n"
                      "  trace: own.trace.json\n";
    ck_assert_msg(load(own) == 0, "%s", diag_text(d));
    ck_assert(file.scenario->cluster.nic.bandwidth_Bps == 123e9);
    ck_assert_int_eq(cfg_where(file.cfg, "cluster.nic.bandwidth").line, 6);

    const char *set[] = {"cluster.nic.bandwidth=77 GB/s"};
    ck_assert_int_eq(load_text(own, set, 1), 0);
    ck_assert(file.scenario->cluster.nic.bandwidth_Bps == 77e9);
    ck_assert_ptr_nonnull(strstr(cfg_source(file.cfg, "cluster.nic.bandwidth"), "command line"));
}
END_TEST

/* A hardware folder beside the scenario, chosen with -s. */
START_TEST(hardware_beside_the_scenario)
{
    char command[512];
    snprintf(command, sizeof command,
             "mkdir -p %s/configs && cp -R '%s/configs/h800' %s/configs/mine && "
             "chmod -R u+w %s/configs && sed -i 's/^name:.*/name: my chip/' "
             "%s/configs/mine/chip.yaml",
             folder, getenv("srcdir") ? getenv("srcdir") : ".", folder, folder, folder);
    ck_assert_int_eq(system(command), 0);
    const char *set[] = {"hardware=mine"};
    ck_assert_msg(load_text(GOOD, set, 1) == 0, "%s", diag_text(d));
    ck_assert_str_eq(file.scenario->cluster.chip.name, "my chip");
    ck_assert_str_eq(file.scenario->hardware, "mine");
    const char **names = data_list("configs", "chip.yaml", file.path, arena);
    bool mine = false, h800 = false;
    for (; *names; names++) {
        mine |= !strcmp(*names, "mine");
        h800 |= !strcmp(*names, "h800");
    }
    ck_assert(mine && h800);
}
END_TEST

START_TEST(unknown_names)
{
    expect_refused("hardware=h8000", "-s hardware=h8000: error: ", "did you mean 'h800'?");
    expect_refused("hardware=../configs/h800", "-s hardware=", "unknown hardware");
    expect_refused("cluster.topology=mptf", "cluster.topology=mptf: error: ", "did you mean 'mpft'?");
    expect_refused("kind=trian_replay", "kind=trian_replay: error: ", "did you mean 'train_replay'?");
    expect_code(EXIT_IO, "replay.trace=no.json", "replay.trace=no.json: error: ", "there is no file 'no.json'");
}
END_TEST

START_TEST(numbers_that_do_not_fit)
{
    expect_refused("cluster.nodes=4", "/s.yaml:8:35: ", "the cluster has 4 nodes");
    expect_refused("replay.routing.groups=4", "groups=4: error: ", "has 8 nodes");
    expect_refused("replay.routing.experts=200", "experts=200: error: ", "200 experts do not divide among 64 GPUs");
    expect_refused("replay.routing.groups_per_token=9", "groups_per_token=9: error: ", "there are 8 groups");
    expect_refused("cluster.nic.per_node=6", "error: 6 NICs for 8 GPUs", "'cluster.nic.per_node: 4' or '8'");
    expect_refused("cluster.ep_kernel.sms=132", "cluster.ep_kernel.sms=132: error: ", "nothing is left to compute");
    expect_refused("sim.epsilon=0.2", "sim.epsilon=0.2: error: ", "sim.epsilon");
    expect_refused("sim.epsilon=-0.01", "sim.epsilon=-0.01: error: ", "sim.epsilon");
    expect_refused("sim.seed=-1", "sim.seed=-1: error: ", "sim.seed");
}
END_TEST

/* Whatever the number of nodes, the cluster fits its topology or the message has a
 * place. */
START_TEST(cluster_that_the_topology_cannot_hold)
{
    const char *set[] = {"cluster.nodes=100000", "replay.comm=recorded"};
    ck_assert_int_eq(load_text(GOOD, set, 2), -1);
    expect_words("-s cluster.nodes=100000: error: ");
}
END_TEST

START_TEST(a_token_with_more_experts_than_its_groups_hold)
{
    const char *set[] = {"replay.routing.groups_per_token=1", "replay.routing.experts_per_token=33"};
    ck_assert_int_eq(load_text(GOOD, set, 2), -1);
    expect_words("experts_per_token=33: error: a token activates 33 experts but its 1 "
                 "groups hold only 32");
}
END_TEST

START_TEST(recorded_replay_needs_no_matching_groups)
{
    const char *set[] = {"replay.comm=recorded", "cluster.nodes=4"};
    ck_assert_msg(load_text(GOOD, set, 2) == 0, "%s", diag_text(d));
}
END_TEST

START_TEST(missing_keys_have_places)
{
    ck_assert_int_eq(load("kind: train_replay\nreplay: {trace: own.trace.json}\n"), -1);
    expect_words("/s.yaml:1:1: error: required key 'hardware' is missing");
    ck_assert_uint_eq(diag_count(d), 1);
    diag_free(d);
    d = diag_new();
    ck_assert_int_eq(load("kind: train_replay\nhardware: h800\ncluster: {nodes: 8}\n"
                          "replay: {comm: recorded}\n"),
                     -1);
    expect_words("/s.yaml:3:1: error: required key 'cluster.topology' is missing");
    ck_assert_uint_eq(diag_count(d), 1);
    diag_free(d);
    d = diag_new();
    ck_assert_int_eq(load("kind: train_replay\nhardware: h800\n"
                          "cluster: {nodes: 8, topology: mpft}\nreplay: {comm: recorded}\n"),
                     -1);
    expect_words("/s.yaml:4:1: error: required key 'replay.trace' is missing");
    ck_assert_uint_eq(diag_count(d), 1);
}
END_TEST

START_TEST(all_mistakes_of_a_file_at_once)
{
    ck_assert_int_eq(load("kind: train_replay\nhardware: h800\ncluster:\n  nodes: 8\n"
                          "  topologi: mpft\n  nic:\n    bandwidth: 50\n"
                          "    latency: -1 us\nreplay: {trace: own.trace.json}\n"),
                     -1);
    expect_words("/s.yaml:5:3: error: unknown key 'topologi'");
    expect_words("/s.yaml:7:16: error: cluster.nic.bandwidth");
    expect_words("/s.yaml:8:14: error: cluster.nic.latency");
}
END_TEST

START_TEST(one_message_per_mistake)
{
    ck_assert_int_eq(load("kind: [\n"), -1);
    ck_assert_uint_eq(diag_count(d), 1);
    diag_free(d);
    d = diag_new();
    ck_assert_int_eq(scenario_load(in_folder("none.yaml"), NULL, 0, arena, &file, d), -1);
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_int_eq(diag_exit_code(d), EXIT_IO);
    expect_words("/none.yaml: error: cannot open: No such file");
}
END_TEST

START_TEST(data_is_found_in_order)
{
    const char *scenario = in_folder("s.yaml");
    ck_assert_ptr_null(data_find("traces/x.json", scenario, arena));
    ck_assert_int_eq(mkdir(in_folder("two"), 0700), 0);
    ck_assert_int_eq(mkdir(in_folder("two/traces"), 0700), 0);
    const char *far = write_file("two/traces/x.json", "{}");
    setenv("MOESIM_PATH", arena_printf(arena, ":/nowhere:%s/two", folder), 1);
    ck_assert_str_eq(data_find("traces/x.json", scenario, arena), far);
    ck_assert_str_eq(data_find("traces/x.json", NULL, arena), far);

    ck_assert_int_eq(mkdir(in_folder("traces"), 0700), 0);
    const char *near = write_file("traces/x.json", "{}");
    ck_assert_str_eq(data_find("traces/x.json", scenario, arena), near);
    ck_assert_str_eq(data_find("traces/x.json", NULL, arena), far);
    ck_assert_str_eq(data_find(near, NULL, arena), near);
    ck_assert_ptr_null(data_find("/nowhere/x.json", scenario, arena));
}
END_TEST

START_TEST(lists_are_sorted_and_unique)
{
    setenv("MOESIM_PATH", arena_printf(arena, "%s:%s", folder, folder), 1);
    ck_assert_int_eq(mkdir(in_folder("things"), 0700), 0);
    write_file("things/b", "");
    write_file("things/a", "");
    write_file("things/.hidden", "");
    const char **names = data_list("things", "", NULL, arena);
    ck_assert_str_eq(names[0], "a");
    ck_assert_str_eq(names[1], "b");
    ck_assert_ptr_null(names[2]);
    ck_assert_ptr_null(data_list("no-such-folder", "", NULL, arena)[0]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scenario");
    TCase *t = tcase_create("scenario");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_good_scenario);
    tcase_add_test(t, each_layer_wins_over_the_one_below);
    tcase_add_test(t, hardware_beside_the_scenario);
    tcase_add_test(t, unknown_names);
    tcase_add_test(t, numbers_that_do_not_fit);
    tcase_add_test(t, cluster_that_the_topology_cannot_hold);
    tcase_add_test(t, a_token_with_more_experts_than_its_groups_hold);
    tcase_add_test(t, recorded_replay_needs_no_matching_groups);
    tcase_add_test(t, missing_keys_have_places);
    tcase_add_test(t, all_mistakes_of_a_file_at_once);
    tcase_add_test(t, one_message_per_mistake);
    tcase_add_test(t, data_is_found_in_order);
    tcase_add_test(t, lists_are_sorted_and_unique);
    suite_add_tcase(s, t);
    return tap_main(s);
}
