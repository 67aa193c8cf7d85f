/* Cost of networks: the sum of its parts, each price moves what it should, and the price list that comes
 * with moesim gives the five costs of the paper's Table 3. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "io/scenario.h"
#include "tap_main.h"
#include "topology/table3.h"

static struct cost_prices prices(struct arena *a)
{
    struct diag *diag = diag_new();
    struct cfg *cfg = cfg_new(&cost_prices_table, a);
    const char *path = data_find("configs/prices.yaml", NULL, a);
    ck_assert_ptr_nonnull(path);
    cfg_load_file(cfg, path, "", true, NULL, diag);
    cfg_finish(cfg, diag);
    ck_assert_msg(!diag_failed(diag), "%s", diag_text(diag));
    diag_free(diag);
    return *(struct cost_prices *)cfg_struct(cfg);
}

/* The columns' parameters, and the cables inside the groups of the Dragonfly: 511 * C(32, 2). */
static const struct column {
    const char *name;
    struct topo_counts counts;
    double paper_USD, paper_per_endpoint_USD;
} columns[] = {
    {"FT2", {2048, 96, 2048, 0, 0}, 9e6, 4390},
    {"MPFT", {16384, 768, 16384, 0, 0}, 72e6, 4390},
    {"FT3", {65536, 5120, 131072, 0, 0}, 491e6, 7500},
    {"SF", {32928, 1568, 32928, 0, 0}, 146e6, 4400},
    {"DF", {261632, 16352, 384272, 253456, 0}, 1522e6, 5800},
};

/* Rounded to whole millions and, of these, to the digits printed: the paper's values exactly. */
START_TEST(costs_of_table_3)
{
    struct arena *a = arena_new();
    struct cost_prices p = prices(a);
    struct cluster_hw hw = {.network.switch_ports = 64};
    const struct column *c = &columns[_i];
    struct topo_cost cost;
    topo_cost(&c->counts, &hw, &p, &cost);
    ck_assert_double_eq_tol(cost.total_USD, c->paper_USD, 0.01 * c->paper_USD);
    ck_assert_double_eq(round(cost.total_USD / 1e6), c->paper_USD / 1e6);
    double per_endpoint_USD = c->paper_USD / (double)c->counts.endpoints;
    double digit_USD = _i < 2 ? 10 : 100;
    ck_assert_double_le(fabs(per_endpoint_USD - c->paper_per_endpoint_USD), digit_USD / 2);
    arena_free(a);
}
END_TEST

/* The copper of the Dragonfly is needed: with optical cables everywhere it is 1 % and more off. */
START_TEST(dragonfly_needs_its_copper)
{
    struct arena *a = arena_new();
    struct cost_prices p = prices(a);
    struct cluster_hw hw = {.network.switch_ports = 64};
    struct topo_counts all_optical = columns[4].counts;
    struct topo_cost cost;
    all_optical.short_links = 0;
    topo_cost(&all_optical, &hw, &p, &cost);
    ck_assert_double_gt(cost.total_USD, 1.01 * 1522e6);
    arena_free(a);
}
END_TEST

START_TEST(the_total_is_its_parts)
{
    struct cost_prices p = {1000, 10, 200, 50, 20, 0};
    struct cluster_hw hw = {.network.switch_ports = 64};
    struct topo_counts counts = {.endpoints = 100, .switches = 7, .links = 30, .short_links = 12};
    struct topo_cost cost;
    topo_cost(&counts, &hw, &p, &cost);
    ck_assert_double_eq(cost.total_USD, 7 * 1640 + 18 * 200 + 12 * 50 + 100 * 20);
    ck_assert_double_eq(cost.per_endpoint_USD, cost.total_USD / 100);
    double sum_USD = 0;
    for (int i = 0; i < COST_ITEMS; i++)
        sum_USD += cost.items[i].sum_USD;
    ck_assert_double_eq(sum_USD, cost.total_USD);
}
END_TEST

START_TEST(prices_move_the_total)
{
    struct cost_prices p = {1000, 10, 200, 50, 20, 0};
    struct cluster_hw hw = {.network.switch_ports = 64};
    struct topo_counts counts = {.endpoints = 100, .switches = 7, .links = 30};
    struct topo_cost before, after;
    topo_cost(&counts, &hw, &p, &before);
    counts.nic_cables = 400; /* four ports per NIC */
    topo_cost(&counts, &hw, &p, &after);
    ck_assert_double_eq(after.total_USD - before.total_USD, 300 * 20);
    hw.network.switch_ports = 128;
    topo_cost(&counts, &hw, &p, &before);
    ck_assert_double_eq(before.total_USD - after.total_USD, 7 * 64 * 10);
    p.nic_USD = 1500;
    topo_cost(&counts, &hw, &p, &after);
    ck_assert_double_eq(after.total_USD - before.total_USD, 100 * 1500);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("topology_cost");
    TCase *t = tcase_create("cost");
    tcase_add_loop_test(t, costs_of_table_3, 0, 5);
    tcase_add_test(t, dragonfly_needs_its_copper);
    tcase_add_test(t, the_total_is_its_parts);
    tcase_add_test(t, prices_move_the_total);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
