/* Claims for people: a list grouped by section on a terminal. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "io/results/claim_writers.h"

const char *const verdict_names[] = {"ok", "miss", "disputed", "unvalidated", "regressed", "error", NULL};

enum { WIDTH = 112, INDENT = 13 };

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A number as people write it: the paper's own digits, and no more than 5 of ours. */
static const char *number_text(double value, struct arena *arena)
{
    return fabs(value) >= 1e5 && value == round(value) ? arena_printf(arena, "%.0f", value)
                                                       : arena_printf(arena, "%.5g", value);
}

static const char *with_unit(const char *number, const struct claim *c, struct arena *arena)
{
    return *c->unit ? arena_printf(arena, "%s %s", number, c->unit) : number;
}

const char *claim_value_text(const struct claim *c, double value, struct arena *arena)
{
    return isnan(value) ? "-" : with_unit(number_text(value, arena), c, arena);
}

const char *claim_paper_text(const struct claim_result *r, struct arena *arena)
{
    const struct claim_expect *e = &r->claim->expect;
    static const char *const orders[] = {"", "below", "above", "like"};
    if (e->order != ORDER_NONE)
        return arena_printf(arena, "%s %s", orders[e->order], claim_value_text(r->claim, r->other, arena));
    if (!isnan(e->value))
        return with_unit(e->value_text, r->claim, arena);
    if (isnan(e->at_most))
        return with_unit(arena_printf(arena, ">= %s", e->at_least_text), r->claim, arena);
    if (isnan(e->at_least))
        return with_unit(arena_printf(arena, "<= %s", e->at_most_text), r->claim, arena);
    return with_unit(arena_printf(arena, "%s to %s", e->at_least_text, e->at_most_text), r->claim, arena);
}

const char *claim_deviation_text(const struct claim_result *r, struct arena *arena)
{
    if (isnan(r->deviation_ratio))
        return "-";
    const struct claim_expect *e = &r->claim->expect;
    double percent = 100 * r->deviation_ratio;
    if (e->order == ORDER_NONE && isnan(e->value) && percent == 0)
        return "within";
    return fabs(percent) >= 1000 ? arena_printf(arena, "x %.3g", 1 + r->deviation_ratio)
                                 : arena_printf(arena, "%+.*f %%", fabs(percent) < 9.995 ? 2 : 0, percent + 0.0);
}

/* --- terminal ----------------------------------------------------------------------------------------------------- */

/* Columns that a UTF-8 text takes, near enough. */
static int columns(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* printf counts bytes where a column counts characters. */
static void pad(struct outfile *f, const char *text, int width, bool right)
{
    int blanks = width > columns(text) ? width - columns(text) : 0;
    outfile_printf(f, "%*s%s%*s", right ? blanks : 0, "", text, right ? 0 : blanks, "");
}

/* The words of a text in lines behind an indent. */
static void wrap(struct outfile *f, const char *text)
{
    int at = 0; /* columns of this line */
    while (*text) {
        int n = (int)strcspn(text, " \n");
        if (at && at + 1 + n > WIDTH) {
            outfile_printf(f, "\n");
            at = 0;
        }
        outfile_printf(f, "%*s%.*s", at ? 1 : INDENT, "", n, text);
        at += n + (at ? 1 : INDENT);
        text += n;
        text += strspn(text, " \n");
    }
    outfile_printf(f, "\n");
}

const char *claim_sum_text(const struct claim_result *r, struct arena *arena)
{
    if (!*r->arithmetic || strstr(r->arithmetic, "error: "))
        return r->arithmetic;
    return arena_printf(arena, "%s = %s", r->arithmetic, claim_value_text(r->claim, r->ours, arena));
}

const char *claim_interval_text(const struct claim_result *r, struct arena *arena)
{
    if (!r->n_seeds)
        return "";
    return arena_printf(arena, "mean of %u seeds %s +- %s (95 %%)", r->n_seeds, number_text(r->mean, arena),
                        with_unit(arena_printf(arena, "%.2g", r->half), r->claim, arena));
}

/* What a reader needs beside the line. */
static void print_reasons(const struct claim_result *r, bool detail, struct arena *arena, struct outfile *f)
{
    const struct claim *c = r->claim;
    const char *sum = claim_sum_text(r, arena), *interval = claim_interval_text(r, arena);
    if (detail)
        wrap(f, arena_printf(arena, "\"%s\"", c->quote));
    if (*interval)
        wrap(f, interval);
    if (*r->message)
        wrap(f, r->message);
    if (r->verdict == VERDICT_DISPUTED)
        wrap(f, c->disputed);
    if (*sum && (detail || (r->verdict != VERDICT_OK && r->verdict != VERDICT_UNVALIDATED)))
        wrap(f, sum);
    if (detail && *c->constants)
        wrap(f, arena_printf(arena, "fitted: %s", c->constants));
    if (*c->remark && (detail || r->verdict == VERDICT_MISS))
        wrap(f, c->remark);
    if (detail || r->verdict >= VERDICT_REGRESSED)
        wrap(f, c->ours.line);
    if ((detail || r->verdict >= VERDICT_REGRESSED) && c->other.line != c->ours.line && c->expect.order != ORDER_NONE)
        wrap(f, c->other.line);
}

struct widths {
    int id, paper, ours;
};

static struct widths measure(const struct claim_results *all, struct arena *arena)
{
    struct widths w = {2, 5, 4};
    for (uint32_t i = 0; i < all->n; i++) {
        const struct claim_result *r = &all->results[i];
        int id = columns(r->claim->id), paper = columns(claim_paper_text(r, arena)),
            ours = columns(claim_value_text(r->claim, r->ours, arena));
        w.id = id > w.id ? id : w.id;
        w.paper = paper > w.paper ? paper : w.paper;
        w.ours = ours > w.ours ? ours : w.ours;
    }
    return w;
}

static void print_line(const struct claim_result *r, struct widths w, struct arena *arena, struct outfile *f)
{
    outfile_printf(f, "  %-11s  ", verdict_names[r->verdict]);
    pad(f, r->claim->id, w.id, false);
    outfile_printf(f, "  ");
    pad(f, claim_paper_text(r, arena), w.paper, true);
    outfile_printf(f, "  ");
    pad(f, claim_value_text(r->claim, r->ours, arena), w.ours, true);
    outfile_printf(f, "  %9s  %-11s %6.2f s\n", claim_deviation_text(r, arena), claim_class_names[r->claim->class],
                   r->wall_s);
}

static bool same_section(const struct claim_results *all, uint32_t i)
{
    return i && !strcmp(all->results[i].claim->section, all->results[i - 1].claim->section);
}

static void print_summary(const struct claim_results *all, struct outfile *f)
{
    outfile_printf(f, "\n%u claims:", all->n);
    for (int v = 0; v < N_VERDICTS; v++)
        if (all->count[v] || v == VERDICT_OK || v == VERDICT_REGRESSED)
            outfile_printf(f, "%s %u %s", v ? "," : "", all->count[v], verdict_names[v]);
    outfile_printf(f, "; %u runs in %.1f s\n", all->n_runs, all->wall_s);
}

static void print_all(const struct claim_results *all, bool detail, struct arena *arena, struct outfile *f)
{
    struct widths w = measure(all, arena);
    outfile_printf(f, "  verdict      ");
    pad(f, "claim", w.id, false);
    outfile_printf(f, "  ");
    pad(f, "paper", w.paper, true);
    outfile_printf(f, "  ");
    pad(f, "ours", w.ours, true);
    outfile_printf(f, "  %9s  %-11s %8s\n", "deviation", "class", "time");
    for (uint32_t i = 0; i < all->n; i++) {
        if (!same_section(all, i))
            outfile_printf(f, "\n%s\n", all->results[i].claim->section);
        print_line(&all->results[i], w, arena, f);
        print_reasons(&all->results[i], detail, arena, f);
    }
    print_summary(all, f);
}

void claims_write_text(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    print_all(all, false, arena, f);
}

void claims_write_detail(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    print_all(all, true, arena, f);
}
