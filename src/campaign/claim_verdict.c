/* Whether a claim holds. What does not hold is a miss as long as it stays where it was found (the baseline): an
 * honest difference between model and machine. Moving away from there, or not holding any more without having been
 * recorded as a miss, is a regression. What nobody measured is never reproduced: going the expected way is a verdict
 * of its own. */
#include <math.h>
#include <stdbool.h>

#include "campaign/claims.h"

/* Values that arithmetic in another order would give, too. */
static const double same_ratio = 1e-9;

static double rounded(double x, const struct claim_expect *e)
{
    double scale = pow(10, e->digits);
    if (e->rounding == ROUNDING_DOWN)
        return floor(x * scale * (1 + same_ratio)) / scale;
    return round(x * scale) / scale;
}

static bool close_to(double x, double y, double tolerance_ratio)
{
    return fabs(x - y) <= (tolerance_ratio + same_ratio) * fabs(y);
}

static bool order_holds(const struct claim_result *r)
{
    const struct claim_expect *e = &r->claim->expect;
    if (e->order == ORDER_BELOW)
        return r->ours < r->other;
    if (e->order == ORDER_ABOVE)
        return r->ours > r->other;
    return close_to(r->ours, r->other, e->tolerance_ratio);
}

static bool holds(const struct claim_result *r)
{
    const struct claim_expect *e = &r->claim->expect;
    if (e->order != ORDER_NONE)
        return order_holds(r);
    if (!isnan(e->value))
        return isnan(e->digits) ? close_to(r->ours, e->value, e->tolerance_ratio)
                                : close_to(rounded(r->ours, e), e->value, 0);
    bool low = !isnan(e->at_least) && r->ours < e->at_least * (1 - same_ratio);
    bool high = !isnan(e->at_most) && r->ours > e->at_most * (1 + same_ratio);
    return !low && !high;
}

/* Over the paper's value, the other side, or the bound that is broken - 1; within bounds 0; NaN over 0. */
static double deviation(const struct claim_result *r)
{
    const struct claim_expect *e = &r->claim->expect;
    double from = e->order != ORDER_NONE ? r->other : e->value;
    if (isnan(from))
        from = r->ours < e->at_least ? e->at_least : r->ours > e->at_most ? e->at_most : r->ours;
    return r->ours == from ? 0 : from == 0 ? NAN : r->ours / from - 1;
}

static bool moved(const struct claim_result *r)
{
    return !close_to(r->ours, r->claim->baseline, r->claim->baseline_tolerance_ratio);
}

void claim_judge(struct claim_result *r, struct arena *arena)
{
    const struct claim *c = r->claim;
    bool disputed = *c->disputed, met = holds(r);
    r->deviation_ratio = deviation(r);
    if (met && !disputed) {
        r->verdict = c->class == CLASS_UNVALIDATED ? VERDICT_UNVALIDATED : VERDICT_OK;
    } else if (isnan(c->baseline)) {
        r->verdict = VERDICT_REGRESSED;
        r->message = arena_printf(arena, "regressed: the paper has %s, ours is %s", claim_paper_text(r, arena),
                                  claim_value_text(c, r->ours, arena));
    } else if (moved(r)) {
        r->verdict = VERDICT_REGRESSED;
        r->message = arena_printf(arena, "regressed: ours moved from %s to %s", claim_value_text(c, c->baseline, arena),
                                  claim_value_text(c, r->ours, arena));
    } else {
        r->verdict = disputed ? VERDICT_DISPUTED : VERDICT_MISS;
    }
}
