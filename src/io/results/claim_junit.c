/* Claims for continuous integration: JUnit XML, a suite per section. A miss or a dispute is no pass and no failure:
 * it is skipped, with the reason. */
#include <string.h>

#include "io/results/claim_writers.h"

static void put_attribute(struct outfile *f, const char *name, const char *value)
{
    outfile_printf(f, " %s=\"", name);
    outfile_escaped(f, value);
    outfile_printf(f, "\"");
}

static const char *reason(const struct claim_result *r, struct arena *arena)
{
    const char *values = arena_printf(arena, "paper %s, ours %s", claim_paper_text(r, arena),
                                      claim_value_text(r->claim, r->ours, arena));
    switch (r->verdict) {
    case VERDICT_DISPUTED:
        return arena_printf(arena, "disputed: %s: %s", values, r->claim->disputed);
    case VERDICT_MISS:
        return arena_printf(arena, "miss: %s", values);
    case VERDICT_UNVALIDATED:
        return arena_printf(arena, "unvalidated: %s; nobody measured it", values);
    default:
        return r->message;
    }
}

static void put_case(const struct claim_result *r, struct arena *arena, struct outfile *f)
{
    static const char *const elements[N_VERDICTS] = {NULL, "skipped", "skipped", "skipped", "failure", "error"};
    outfile_printf(f, "    <testcase");
    put_attribute(f, "classname", arena_printf(arena, "claims.%s", r->claim->section));
    put_attribute(f, "name", r->claim->id);
    outfile_printf(f, " time=\"%.3f\"", r->wall_s);
    if (elements[r->verdict]) {
        outfile_printf(f, ">\n      <%s", elements[r->verdict]);
        put_attribute(f, "message", reason(r, arena));
        outfile_printf(f, "/>\n    </testcase>\n");
    } else {
        outfile_printf(f, "/>\n");
    }
}

static void put_suite(const struct claim_result *r, uint32_t n, struct arena *arena, struct outfile *f)
{
    uint32_t count[N_VERDICTS] = {0};
    for (uint32_t i = 0; i < n; i++)
        count[r[i].verdict]++;
    outfile_printf(f, "  <testsuite");
    put_attribute(f, "name", r->claim->section);
    outfile_printf(f, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n", n, count[VERDICT_REGRESSED],
                   count[VERDICT_ERROR], count[VERDICT_MISS] + count[VERDICT_DISPUTED] + count[VERDICT_UNVALIDATED]);
    for (uint32_t i = 0; i < n; i++)
        put_case(&r[i], arena, f);
    outfile_printf(f, "  </testsuite>\n");
}

void claims_write_junit(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    outfile_printf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"moesim claims\" tests=\"%u\">\n",
                   all->n);
    for (uint32_t i = 0, n; i < all->n; i += n) {
        for (n = 1; i + n < all->n; n++)
            if (strcmp(all->results[i + n].claim->section, all->results[i].claim->section))
                break;
        put_suite(&all->results[i], n, arena, f);
    }
    outfile_printf(f, "</testsuites>\n");
}
