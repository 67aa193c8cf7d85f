/* Results in files: odd texts survive, numbers read back to the same double, what does not exist is
 * left out, and the document has the shape that other programs rely on. */
#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folders.h"
#include "io/results/timeline.h"
#include "io/results/writers.h"
#include "sim_fixture.h"
#include "tap_main.h"

static struct arena *a;
static struct diag *d;
static struct scenario_file file;
static char path[64];

#define ODD "odd \"name\", with \\ and\ttab"

static struct result_metric metrics[] = {
    {.name = "makespan",
     .value = 0.1 + 0.2,
     .dim = DIM_TIME,
     .doc = ODD,
     .recorded = 0.25,
     .formula = "makespan = busy + idle"},
    {.name = "ratio", .value = 1.0 / 3, .dim = DIM_RATIO, .doc = "plain", .recorded = NAN}};
static struct result_part parts[] = {{"busy", "d", 0.2}, {"idle", "d", 0.1}};
static struct result_phase phases[] = {
    {.name = ODD, .layer = 1, .lane = "compute", .recorded_s = 1e-3, .simulated_s = 2e-3}};
static const char *notes[] = {ODD};
static const struct result result = {.kind = "train_replay",
                                     .metrics = metrics,
                                     .n_metrics = 2,
                                     .parts = parts,
                                     .n_parts = 2,
                                     .phases = phases,
                                     .n_phases = 1,
                                     .notes = notes,
                                     .n_notes = 1};

static void setup(void)
{
    a = arena_new();
    d = diag_new();
    const char *main_job = MOESIM_SRCDIR "/scenarios/train_replay_h800.yaml";
    ck_assert_msg(scenario_load(main_job, NULL, 0, a, &file, d) == 0, "%s", diag_text(d));
    strcpy(path, "/tmp/moesim-writers-XXXXXX");
    close(mkstemp(path));
}

static void teardown(void)
{
    unlink(path);
    diag_free(d);
    arena_free(a);
}

static char *contents(const char *name)
{
    char *text = ARENA_ARRAY(a, char, 1 << 20);
    FILE *f = fopen(name, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static cJSON *parse(const char *text)
{
    cJSON *root = cJSON_Parse(text);
    ck_assert_msg(root != NULL, "not JSON near '%.60s'", cJSON_GetErrorPtr());
    return root;
}

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(o, key);
    ck_assert_msg(found != NULL, "no '%s'", key);
    return found;
}

START_TEST(json_has_the_agreed_shape)
{
    ck_assert_int_eq(result_write_json(&result, &file, path, d), 0);
    cJSON *root = parse(contents(path));
    ck_assert(at(root, "schema_version")->valuedouble == 1);
    const cJSON *makespan = at(at(root, "metrics"), "makespan");
    ck_assert(at(makespan, "value")->valuedouble == 0.1 + 0.2); /* the very same double */
    ck_assert_str_eq(at(makespan, "unit")->valuestring, "s");
    ck_assert_str_eq(at(makespan, "doc")->valuestring, ODD);
    const cJSON *ratio = at(at(root, "metrics"), "ratio");
    ck_assert(!cJSON_GetObjectItem(ratio, "recorded") || cJSON_IsNull(cJSON_GetObjectItem(ratio, "recorded")));
    const cJSON *phase = cJSON_GetArrayItem(at(root, "phases"), 0);
    ck_assert_str_eq(at(phase, "name")->valuestring, ODD);
    ck_assert(at(phase, "recorded_s")->valuedouble == 1e-3);
    ck_assert(at(phase, "simulated_s")->valuedouble == 2e-3);
    double sum = 0;
    const cJSON *part;
    cJSON_ArrayForEach(part, at(root, "breakdown")) sum += at(part, "value")->valuedouble;
    ck_assert_double_eq_tol(sum, 0.3, 1e-15);
    const cJSON *nic = at(at(at(root, "scenario"), "cluster"), "nic");
    ck_assert(at(nic, "bandwidth")->valuedouble == 50e9);
    ck_assert(cJSON_IsObject(at(root, "provenance")));
    cJSON_Delete(root);
}
END_TEST

START_TEST(csv_quotes_as_rfc_4180_wants)
{
    ck_assert_int_eq(result_write_csv(&result, path, d), 0);
    const char *text = contents(path);
    ck_assert(!strncmp(text, "table,name,layer,value,unit,recorded\n", 37));
    ck_assert_ptr_nonnull(strstr(text, "metric,makespan,0,0.30000000000000004,s,0.25\n"));
    ck_assert_ptr_nonnull(strstr(text, "metric,ratio,0,0.33333333333333331,"));
    ck_assert_ptr_nonnull(strstr(text, "phase,\"odd \"\"name\"\", with \\ and\ttab\",1,"));
}
END_TEST

START_TEST(text_shows_metrics_phases_and_a_sum)
{
    FILE *f = fopen(path, "w");
    result_print_text(&result, &file, true, f);
    fclose(f);
    const char *text = contents(path);
    ck_assert_ptr_nonnull(strstr(text, "300 ms"));
    ck_assert_ptr_nonnull(strstr(text, "+20.0 %"));
    ck_assert_ptr_nonnull(strstr(text, "sum = makespan"));
    ck_assert_ptr_nonnull(strstr(text, "66.7 %"));
    ck_assert_ptr_nonnull(strstr(text, "note: odd"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, " \n"));
}
END_TEST

START_TEST(explain_knows_its_metrics)
{
    FILE *f = fopen(path, "w");
    ck_assert_int_eq(result_explain(&result, &file, "makespan", f, d), 0);
    ck_assert_int_eq(result_explain(&result, &file, "makespam", f, d), -1);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(contents(path), "formula: makespan = busy + idle"));
    ck_assert_ptr_nonnull(strstr(diag_text(d), "did you mean 'makespan'?"));
    ck_assert_int_eq(diag_exit_code(d), EXIT_USAGE);
}
END_TEST

START_TEST(a_full_disk_is_reported)
{
    ck_assert_int_eq(result_write_json(&result, &file, "/dev/full", d), -1);
    ck_assert_int_eq(result_write_csv(&result, "/dev/full", d), -1);
    ck_assert_int_eq(diag_exit_code(d), EXIT_IO);
}
END_TEST

/* --- timeline --------------------------------------------------------------------------------------- */

static const char *link_name(const struct topology *t, uint32_t link, char *buf, size_t size)
{
    (void)t;
    snprintf(buf, size, "link %u " ODD, link);
    return buf;
}

START_TEST(timeline_escapes_every_text)
{
    struct fixture *f = fixture_new(2, 2);
    uint32_t links[] = {0, 1}, watch[] = {1}, devices[] = {0};
    fixture_flow(f, 1e9, 0.5, links, 2);
    for (uint32_t i = 0; i < f->graph->n_ops; i++)
        f->graph->ops[i].name = f->graph->ops[i].class_name = f->graph->ops[i].phase = opgraph_string(f->graph, ODD);
    struct topology_type named = *f->topo.type;
    named.link_name = link_name;
    f->topo.type = &named;
    f->spec.watch = watch;
    f->spec.n_watch = 1;
    struct sim_outcome out;
    ck_assert_int_eq(sim_run(&f->spec, f->arena, &out, f->diag), 0);
    ck_assert_int_eq(timeline_write(path, &f->spec, &out, devices, 1, d), 0);
    cJSON *root = parse(contents(path));
    const cJSON *e;
    int slices = 0, begins = 0, ends = 0, counters = 0;
    cJSON_ArrayForEach(e, at(root, "traceEvents"))
    {
        char phase = at(e, "ph")->valuestring[0];
        begins += phase == 'b';
        ends += phase == 'e';
        counters += phase == 'C';
        if (phase != 'X')
            continue;
        slices++;
        ck_assert_str_eq(at(e, "name")->valuestring, ODD);
        ck_assert_str_eq(at(e, "cat")->valuestring, ODD);
        ck_assert_str_eq(at(at(e, "args"), "phase")->valuestring, ODD);
        ck_assert_double_eq_tol(at(e, "ts")->valuedouble, 0.5e6 + 1, 1e-3);
        ck_assert_double_eq_tol(at(e, "dur")->valuedouble, 0.02e6, 1);
    }
    ck_assert_int_eq(slices, 1); /* of device 0 alone */
    ck_assert_int_eq(begins, 1);
    ck_assert_int_eq(ends, 1);
    ck_assert_int_ge(counters, 2);
    cJSON_Delete(root);
    fixture_free(f);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("writers");
    TCase *t = tcase_create("writers");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, json_has_the_agreed_shape);
    tcase_add_test(t, csv_quotes_as_rfc_4180_wants);
    tcase_add_test(t, text_shows_metrics_phases_and_a_sum);
    tcase_add_test(t, explain_knows_its_metrics);
    tcase_add_test(t, a_full_disk_is_reported);
    tcase_add_test(t, timeline_escapes_every_text);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
