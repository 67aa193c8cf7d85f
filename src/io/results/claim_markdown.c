/* Claims as the page doc/VALIDATION.md. Nothing in it depends on when or how fast it was made. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "io/results/claim_writers.h"

static const char preamble[] =
    "<!-- Made by 'make validation' from scenarios/claims/: do not edit. -->\n"
    "# What moesim reproduces of the paper\n\n"
    "Every number of the paper beside ours, as `moesim claims` finds them. `moesim claims --detail ID` shows a\n"
    "claim's command line and arithmetic.\n\n"
    "Classes: **closed-form** follows from the paper's own formula; **count** is counted; **calibrated** was used to\n"
    "choose a constant, or is one, so it says nothing about the model; **predicted** was not; **unvalidated** is what "
    "the\n"
    "paper proposes or expects without a measurement. Verdicts: **ok** it holds within the claim's tolerance; **miss** "
    "it\n"
    "does not, and the value is recorded so that a change is noticed; **disputed** it cannot hold as printed, for the\n"
    "reason given; **unvalidated** ours goes the way that the paper expects, which is no agreement with anything "
    "measured.\n"
    "Only **ok** counts as reproduced.\n";

/* Text that Markdown and its tables would read as markup. */
static void put(struct outfile *f, const char *s)
{
    for (; *s; s++)
        if (*s == '\n')
            outfile_printf(f, " ");
        else
            outfile_printf(f, strchr("|<>*_`[]\\", *s) ? "\\%c" : "%c", *s);
}

static void put_cell(struct outfile *f, const char *s)
{
    put(f, s);
    outfile_printf(f, " | ");
}

static void put_row(const struct claim_result *r, struct arena *arena, struct outfile *f)
{
    outfile_printf(f, "| ");
    put_cell(f, r->claim->id);
    put_cell(f, r->claim->quote);
    put_cell(f, claim_paper_text(r, arena));
    put_cell(f, claim_value_text(r->claim, r->ours, arena));
    put_cell(f, claim_deviation_text(r, arena));
    put_cell(f, claim_class_names[r->claim->class]);
    outfile_printf(f, "%s |\n", verdict_names[r->verdict]);
}

static void put_item(struct outfile *f, const char *what, const char *text)
{
    if (!*text)
        return;
    outfile_printf(f, " %s", what);
    put(f, text);
    outfile_printf(f, "%s", strchr(".:;", text[strlen(text) - 1]) ? "" : ".");
}

static bool needs_note(const struct claim_result *r)
{
    return r->n_seeds || *r->claim->constants || *r->claim->remark || r->verdict != VERDICT_OK;
}

static void put_note(const struct claim_result *r, struct arena *arena, struct outfile *f)
{
    if (!needs_note(r))
        return;
    outfile_printf(f, "* ");
    put(f, r->claim->id);
    outfile_printf(f, ":");
    put_item(f, "", r->message);
    put_item(f, "disputed: ", r->verdict == VERDICT_DISPUTED ? r->claim->disputed : "");
    put_item(f, "", r->verdict == VERDICT_OK ? "" : claim_sum_text(r, arena));
    put_item(f, "", claim_interval_text(r, arena));
    put_item(f, "fitted: ", r->claim->constants);
    put_item(f, "", r->claim->remark);
    outfile_printf(f, "\n");
}

/* How many of the class hold; values_only: those that give a number of the paper's, not a bound or an order. */
static uint32_t count_ok(const struct claim_results *all, int class, bool values_only)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        const struct claim *c = all->results[i].claim;
        n += c->class == class && all->results[i].verdict == VERDICT_OK && !(values_only && isnan(c->expect.value));
    }
    return n;
}

static void put_summary(const struct claim_results *all, struct outfile *f)
{
    static const char *const words[N_VERDICTS] = {"hold",        "miss",      "disputed",
                                                  "unvalidated", "regressed", "without a number"};
    outfile_printf(f, "\n%u claims:", all->n);
    for (int v = 0; v < N_VERDICTS; v++)
        if (all->count[v])
            outfile_printf(f, "%s %u %s", v ? "," : "", all->count[v], words[v]);
    outfile_printf(f, ". Of those that hold, by class:");
    for (int class = 0; class < CLASS_UNVALIDATED; class ++)
        outfile_printf(f, "%s %u %s", class ? "," : "", count_ok(all, class, false), claim_class_names[class]);
    outfile_printf(f, " (%u a value, the others a bound or an order, which is less).\n",
                   count_ok(all, CLASS_PREDICTED, true));
}

void claims_write_markdown(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    outfile_printf(f, "%s", preamble);
    put_summary(all, f);
    for (uint32_t i = 0, n; i < all->n; i += n) {
        const char *section = all->results[i].claim->section;
        outfile_printf(f,
                       "\n## %s\n\n| claim | the paper's words | paper | ours | deviation | class | verdict |\n"
                       "|---|---|---|---|---|---|---|\n",
                       section);
        for (n = 0; i + n < all->n && !strcmp(all->results[i + n].claim->section, section); n++)
            put_row(&all->results[i + n], arena, f);
        bool any = false;
        for (uint32_t k = i; k < i + n; k++) {
            if (!any && needs_note(&all->results[k])) {
                outfile_printf(f, "\n");
                any = true;
            }
            put_note(&all->results[k], arena, f);
        }
    }
}
