/* Parts of sweeps by themselves: samples of the unit cube, sensitivities against functions whose indices are known,
 * Pareto fronts against their definition, children that end badly, and results that survive JSON and a database. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/rng.h"
#include "io/results/items.h"
#include "io/results/result_json.h"
#include "io/sweepdb/sweep_db.h"
#include "campaign/pareto.h"
#include "kinds/pool.h"
#include "campaign/sampling.h"
#include "campaign/sensitivity.h"
#include "tap_main.h"

static struct arena *a;
static struct diag *d;

static void setup(void)
{
    a = arena_new();
    d = diag_new();
}

static void teardown(void)
{
    arena_free(a);
    diag_free(d);
}

/* --- samples ---------------------------------------------------------------------------------------------------- */

START_TEST(samples_lie_in_the_cube)
{
    for (int m = SAMPLE_SOBOL; m <= SAMPLE_SALTELLI; m++) {
        uint64_t rows = sample_rows((enum sample_method)m, 16, 5);
        double *u = sample_unit_cube((enum sample_method)m, 16, 5, 3, a);
        double *again = sample_unit_cube((enum sample_method)m, 16, 5, 3, a);
        for (uint64_t i = 0; i < rows * 5; i++) {
            ck_assert(u[i] >= 0 && u[i] <= 1);
            ck_assert(u[i] == again[i]);
        }
    }
}
END_TEST

START_TEST(latin_hypercube_has_each_part_once)
{
    enum { N = 50, K = 4 };
    double *u = sample_unit_cube(SAMPLE_LHS, N, K, 7, a);
    for (int k = 0; k < K; k++) {
        bool seen[N] = {false};
        for (int i = 0; i < N; i++)
            seen[(int)(u[i * K + k] * N)] = true;
        for (int i = 0; i < N; i++)
            ck_assert(seen[i]);
    }
}
END_TEST

/* A quasi-random mean is far better than a random one. */
START_TEST(sobol_sequence_integrates)
{
    enum { N = 1024, K = 6 };
    double *u = sample_unit_cube(SAMPLE_SOBOL, N, K, 0, a), sum = 0;
    for (int i = 0; i < N; i++) {
        double product = 1;
        for (int k = 0; k < K; k++)
            product *= 2 * u[i * K + k];
        sum += product / N;
    }
    ck_assert_double_eq_tol(sum, 1, 0.02);
}
END_TEST

START_TEST(morris_moves_each_dimension_once)
{
    enum { N = 30, K = 6 };
    double *u = sample_unit_cube(SAMPLE_MORRIS, N, K, 1, a);
    for (int t = 0; t < N; t++) {
        int moved[K] = {0};
        for (int row = 0; row < K; row++) {
            const double *from = u + (t * (K + 1) + row) * K, *to = from + K;
            int n = 0;
            for (int k = 0; k < K; k++)
                if (from[k] != to[k]) {
                    ck_assert_double_eq_tol(fabs(from[k] - to[k]), 2.0 / 3, 1e-12);
                    moved[k]++;
                    n++;
                }
            ck_assert_int_eq(n, 1);
        }
        for (int k = 0; k < K; k++)
            ck_assert_int_eq(moved[k], 1);
    }
}
END_TEST

/* --- sensitivities ------------------------------------------------------------------------------------------------ */

START_TEST(morris_of_a_linear_function_is_its_slopes)
{
    enum { N = 10, K = 3 };
    const double slope[K] = {3, -0.5, 0};
    double *u = sample_unit_cube(SAMPLE_MORRIS, N, K, 5, a), y[N * (K + 1)];
    struct morris_effect e[K];
    for (int i = 0; i < N * (K + 1); i++)
        y[i] = 100 + slope[0] * u[i * K] + slope[1] * u[i * K + 1] + slope[2] * u[i * K + 2];
    y[2] = NAN; /* the first trajectory is left out */
    morris_effects(u, y, N, K, e);
    for (int k = 0; k < K; k++) {
        ck_assert_double_eq_tol(e[k].mu, slope[k], 1e-12);
        ck_assert_double_eq_tol(e[k].mu_star, fabs(slope[k]), 1e-12);
        ck_assert_double_eq_tol(e[k].sigma, 0, 1e-12);
        ck_assert_int_eq((int)e[k].n, N - 1);
    }
}
END_TEST

/* Ishigami and Homma (1990), a = 7, b = 0.1. Its indices: Saltelli et al., "Global Sensitivity Analysis" (2008). */
static double ishigami(const double *u)
{
    double x[3];
    for (int k = 0; k < 3; k++)
        x[k] = M_PI * (2 * u[k] - 1);
    return sin(x[0]) + 7 * sin(x[1]) * sin(x[1]) + 0.1 * pow(x[2], 4) * sin(x[0]);
}

START_TEST(sobol_indices_of_ishigami)
{
    enum { N = 4096, K = 3 };
    const double first[K] = {0.3139, 0.4424, 0}, total[K] = {0.5576, 0.4424, 0.2437};
    double *u = sample_unit_cube(SAMPLE_SALTELLI, N, K, 0, a), *y = ARENA_ARRAY(a, double, N *(K + 2));
    struct sobol_index s[K];
    for (int i = 0; i < N * (K + 2); i++)
        y[i] = 1000 + ishigami(u + i * K);
    y[7] = NAN;
    ck_assert_int_eq((int)sobol_indices(y, N, K, s), N - 1);
    for (int k = 0; k < K; k++) {
        ck_assert_double_eq_tol(s[k].first, first[k], 0.02);
        ck_assert_double_eq_tol(s[k].total, total[k], 0.02);
        ck_assert(s[k].first_ci95 > 0 && s[k].first_ci95 < 0.1);
        ck_assert(s[k].total_ci95 > 0 && s[k].total_ci95 < 0.1);
    }
}
END_TEST

START_TEST(sobol_indices_of_a_constant_are_nothing)
{
    double y[10];
    struct sobol_index s[3];
    for (int i = 0; i < 10; i++)
        y[i] = 5;
    sobol_indices(y, 2, 3, s);
    ck_assert(isnan(s[0].first) && isnan(s[2].total));
}
END_TEST

/* --- Pareto ---------------------------------------------------------------------------------------------------------- */

static bool is_beaten(const double *v, int n, int k, int i)
{
    for (int j = 0; j < n; j++) {
        bool worse = false, better = false;
        for (int x = 0; x < k; x++) {
            worse |= v[j * k + x] > v[i * k + x];
            better |= v[j * k + x] < v[i * k + x];
        }
        if (better && !worse)
            return true;
    }
    return false;
}

START_TEST(pareto_front_is_what_nobody_beats)
{
    enum { N = 300 };
    double v[N * 3];
    bool front[N];
    gsl_rng *rng = rng_stream(1, 0, "test pareto");
    for (int k = 1; k <= 3; k++) {
        for (int i = 0; i < N * k; i++)
            v[i] = (double)gsl_rng_uniform_int(rng, 20); /* with many ties */
        pareto_front(v, N, (uint32_t)k, front);
        for (int i = 0; i < N; i++)
            ck_assert(front[i] == !is_beaten(v, N, k, i));
    }
    gsl_rng_free(rng);
}
END_TEST

/* --- the pool --------------------------------------------------------------------------------------------------------- */

enum { SAYS, LONG, ABORTS, HANGS, EATS, KILLED, HALF, LEAVES_CHILD, N_WORK };

static void eat(void)
{
#ifdef __SANITIZE_ADDRESS__
    pause(); /* its address space has no limit: time is the one that ends it */
#endif
    for (;;)
        memset(checked_alloc(malloc(1 << 24)), 1, 1 << 24);
}

static void work(void *ctx, uint32_t id, FILE *out)
{
    (void)ctx;
    fprintf(out, "work %u", id);
    fflush(out);
    if (id == LONG)
        for (int i = 0; i < 100000; i++)
            fputs("0123456789", out);
    if (id == ABORTS) {
        fputs("last words", stderr);
        abort();
    }
    if (id == HANGS)
        pause();
    if (id == EATS)
        eat();
    if (id == KILLED)
        kill(getpid(), SIGKILL);
    if (id == HALF)
        _exit(0);
    if (id == LEAVES_CHILD && fork() == 0)
        for (;;)
            pause(); /* holds the pipe open: only the time limit ends it */
}

static void run_pool(struct pool_limits limits, struct pool_answer *answers)
{
    struct pool *p = pool_new(&limits, work, NULL);
    struct pool_answer one;
    uint32_t next = 0, got = 0;
    while (got < N_WORK) {
        while (next < N_WORK && !pool_is_full(p))
            ck_assert_int_eq(pool_start(p, next++, d), 0);
        if (pool_wait(p, 0.1, &one)) {
            answers[one.id] = one;
            got++;
        }
    }
    ck_assert(pool_is_empty(p));
    pool_free(p);
}

START_TEST(children_that_end_badly_are_answers)
{
    struct pool_limits limits = {.jobs = 3, .time_s = 1};
    struct pool_answer r[N_WORK];
#ifndef __SANITIZE_ADDRESS__
    limits.memory_B = (uint64_t)2 << 30;
#endif
    run_pool(limits, r);
    ck_assert(!r[SAYS].died && r[SAYS].len == strlen("work 0"));
    ck_assert_str_eq(r[SAYS].data, "work 0");
    ck_assert(!r[LONG].died && r[LONG].len == strlen("work 1") + 1000000);
    ck_assert_str_eq(r[ABORTS].data, "work 2"); /* what came before is there */
    ck_assert_ptr_nonnull(strstr(r[ABORTS].died, "killed by signal 6 (Aborted): last words"));
    ck_assert(!r[ABORTS].killed && !r[ABORTS].by_limit);
    ck_assert_ptr_nonnull(strstr(r[HANGS].died, "took longer than 1 s (time limit)"));
    ck_assert(r[HANGS].by_limit && !r[HANGS].killed);
    ck_assert(r[EATS].died && r[EATS].by_limit);
    ck_assert(r[KILLED].died && r[KILLED].killed);
    ck_assert_ptr_nonnull(strstr(r[HALF].died, "ended with status 0 before it had a result"));
    ck_assert(!r[LEAVES_CHILD].died || r[LEAVES_CHILD].by_limit);
    for (int i = 0; i < N_WORK; i++) {
        free(r[i].data);
        free(r[i].died);
    }
}
END_TEST

/* --- results there and back ---------------------------------------------------------------------------------------------- */

#define ODD "odd \"name\", with \\ and '\ttab\nline"

static struct result_metric metrics[] = {
    {.name = "makespan", .value = 0.1 + 0.2, .dim = DIM_TIME, .doc = ODD, .recorded = 0.25},
    {.name = "point", .value = NAN, .dim = DIM_RATIO, .doc = "a name that another column has", .recorded = NAN}};
static struct result_part parts[] = {{"busy", "d", 1.0 / 3}};
static struct result_phase phases[] = {
    {.name = ODD, .layer = 3, .lane = "compute", .recorded_s = NAN, .simulated_s = 2e-3, .start_s = 1e-9, .end_s = 1}};
static const struct result_column columns[] = {{"label", DIM_COUNT, "d", true}, {"size", DIM_BYTES, "d", false}};
static struct result_cell cells[] = {{NAN, "=1+1"}, {4096, ""}, {NAN, ODD}, {NAN, ""}};
static struct result_table tables[] = {{"sizes", ODD, columns, 2, cells, 2}};
static const char *notes[] = {ODD, "another"};
static const struct result result = {.kind = "k",
                                     .metrics = metrics,
                                     .n_metrics = 2,
                                     .parts = parts,
                                     .n_parts = 1,
                                     .phases = phases,
                                     .n_phases = 1,
                                     .tables = tables,
                                     .n_tables = 1,
                                     .notes = notes,
                                     .n_notes = 2};

static void same_number(double x, double y)
{
    ck_assert((isnan(x) && isnan(y)) || x == y);
}

static void same_result(const struct result *r)
{
    ck_assert_int_eq((int)r->n_metrics, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(r->metrics[i].name, metrics[i].name);
        ck_assert_str_eq(r->metrics[i].doc, metrics[i].doc);
        ck_assert_int_eq(r->metrics[i].dim, metrics[i].dim);
        same_number(r->metrics[i].value, metrics[i].value);
        same_number(r->metrics[i].recorded, metrics[i].recorded);
    }
    ck_assert_int_eq((int)r->n_parts, 1);
    same_number(r->parts[0].value_s, parts[0].value_s);
    ck_assert_int_eq((int)r->n_phases, 1);
    ck_assert_str_eq(r->phases[0].name, ODD);
    ck_assert_int_eq(r->phases[0].layer, 3);
    same_number(r->phases[0].recorded_s, NAN);
    same_number(r->phases[0].start_s, 1e-9);
    ck_assert_int_eq((int)r->n_tables, 1);
    ck_assert_int_eq((int)r->tables[0].n_rows, 2);
    ck_assert_int_eq((int)r->tables[0].n_columns, 2);
    ck_assert(r->tables[0].columns[0].is_text && !r->tables[0].columns[1].is_text);
    for (int i = 0; i < 4; i++) {
        same_number(r->tables[0].cells[i].value, cells[i].value);
        ck_assert_str_eq(r->tables[0].cells[i].text, cells[i].text);
    }
    ck_assert_int_eq((int)r->n_notes, 2);
    ck_assert_str_eq(r->notes[0], ODD);
}

START_TEST(a_result_survives_json)
{
    cJSON *root = cJSON_CreateObject();
    struct result back;
    const char *why;
    result_to_json(root, &result);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    root = cJSON_Parse(text);
    ck_assert_int_eq(result_from_json(root, a, &back, &why), 0);
    same_result(&back);
    cJSON_Delete(root);
    cJSON_free(text);
}
END_TEST

START_TEST(what_is_no_result_is_refused)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "3",
        "{\"metrics\": 3}",
        "{\"metrics\": {\"x\": {\"value\": 1}}}",
        "{\"metrics\": {}, \"tables\": {}}",
        "{\"metrics\": {}, \"tables\": [3]}",
        "{\"metrics\": {}, \"tables\": [{\"name\": \"x\", \"doc\": \"d\", \"columns\": [{}], \"rows\": [[]]}]}",
        "{\"metrics\": {}, \"notes\": [3]}",
        "{\"metrics\": {}, \"phases\": [{}]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cJSON *root = cJSON_Parse(wrong[i]);
        struct result back;
        const char *why = NULL;
        ck_assert_int_eq(result_from_json(root, a, &back, &why), -1);
        ck_assert_ptr_nonnull(why);
        cJSON_Delete(root);
    }
}
END_TEST

static struct sweep_axis axes[] = {{"cluster.nic.bandwidth", "doc", CFG_QUANTITY, DIM_BANDWIDTH},
                                   {"description", "doc", CFG_STRING, DIM_RATIO}};
static const struct cfg_value values[] = {{CFG_QUANTITY, "12.5 GB/s", 12.5e9}, {CFG_STRING, ODD, NAN}};
static struct sweep_line changed[] = {{1, "two: 2"}};
static const struct sweep_about about = {.program = "p",
                                         .build = "b",
                                         .design = "sweep: {}",
                                         .design_sha256 = "h",
                                         .scenario = "one: 1\ntwo: 1\n",
                                         .n_points = 3,
                                         .n_settings = 3,
                                         .n_seeds = 1,
                                         .shard = "",
                                         .axes = axes,
                                         .n_axes = 2};

static struct sweep_db *written(void)
{
    struct sweep_writer *w = sweep_writer_new(NULL, &about, d);
    struct sweep_db *db = NULL;
    ck_assert_ptr_nonnull(w);
    for (uint32_t i = 0; i < 3; i++) {
        struct sweep_point p = {.point = i,
                                .setting = i,
                                .values = values,
                                .exit_code = i == 1 ? EXIT_BUG : EXIT_OK,
                                .message = i == 1 ? ODD : "",
                                .sha256 = "s",
                                .n_lines = 2,
                                .changed = changed,
                                .n_changed = i == 2};
        if (i != 1)
            p.result = result;
        sweep_writer_add(w, &p);
    }
    ck_assert_int_eq(sweep_writer_close(w, &db, d), 0);
    ck_assert_ptr_nonnull(db);
    return db;
}

START_TEST(points_survive_a_database)
{
    struct sweep_db *db = written();
    struct sweep_point p;
    const uint32_t *points;
    ck_assert_int_eq((int)sweep_db_points(db, &points), 3);
    ck_assert_int_eq(sweep_db_read(db, 2, a, &p, d), 0);
    same_result(&p.result);
    ck_assert_str_eq(p.values[1].text, ODD);
    same_number(p.values[0].number, 12.5e9);
    ck_assert_int_eq((int)p.n_changed, 1);
    ck_assert_int_eq(sweep_db_read(db, 1, a, &p, d), 0);
    ck_assert_int_eq(p.exit_code, EXIT_BUG);
    ck_assert_str_eq(p.message, ODD);
    ck_assert_int_eq((int)p.result.n_metrics, 0);
    ck_assert_str_eq(sweep_db_about(db)->scenario, about.scenario);
    ck_assert_int_eq(sweep_db_about(db)->axes[0].dim, DIM_BANDWIDTH);
    sweep_db_close(db);
}
END_TEST

START_TEST(views_show_what_was_written)
{
    struct sweep_db *db = written();
    struct sweep_query q;
    struct sweep_cell c[4];
    ck_assert_int_eq(sweep_query_open(db, "SELECT yaml FROM resolved ORDER BY point DESC", a, &q, d), 0);
    ck_assert_int_eq(sweep_query_next(&q, c, d), 1);
    ck_assert_str_eq(c[0].text, "one: 1\ntwo: 2\n");
    sweep_query_close(&q);
    ck_assert_int_eq(sweep_query_open(db,
                                      "SELECT point, makespan, \"metric.point\", \"cluster.nic.bandwidth\" FROM wide"
                                      " WHERE status = 'ok'",
                                      a, &q, d),
                     0);
    ck_assert_int_eq(sweep_query_next(&q, c, d), 1);
    ck_assert(c[1].number == 0.1 + 0.2 && c[2].type == SWEEP_NULL && c[3].number == 12.5e9);
    sweep_query_close(&q);
    ck_assert_int_eq(sweep_query_open(db, "SELECT \"size\" FROM table_sizes WHERE label = '=1+1'", a, &q, d), 0);
    ck_assert_int_eq(sweep_query_next(&q, c, d), 1);
    ck_assert(c[0].number == 4096);
    sweep_query_close(&q);
    sweep_db_close(db);
}
END_TEST

START_TEST(rows_of_items_are_named_by_their_texts)
{
    struct item_list list = {.arena = a};
    items_of_result(&result, &list);
    ck_assert_int_eq((int)list.n, 2 + 1 + 1 + 4);
    ck_assert_str_eq(list.items[0].key, "metric makespan");
    ck_assert_str_eq(list.items[5].key, "sizes[=1+1].size");
    ck_assert_str_eq(list.items[6].text, ODD);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sweep");
    TCase *t = tcase_create("sweep");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, samples_lie_in_the_cube);
    tcase_add_test(t, latin_hypercube_has_each_part_once);
    tcase_add_test(t, sobol_sequence_integrates);
    tcase_add_test(t, morris_moves_each_dimension_once);
    tcase_add_test(t, morris_of_a_linear_function_is_its_slopes);
    tcase_add_test(t, sobol_indices_of_ishigami);
    tcase_add_test(t, sobol_indices_of_a_constant_are_nothing);
    tcase_add_test(t, pareto_front_is_what_nobody_beats);
    tcase_add_test(t, children_that_end_badly_are_answers);
    tcase_add_test(t, a_result_survives_json);
    tcase_add_test(t, what_is_no_result_is_refused);
    tcase_add_test(t, points_survive_a_database);
    tcase_add_test(t, views_show_what_was_written);
    tcase_add_test(t, rows_of_items_are_named_by_their_texts);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
