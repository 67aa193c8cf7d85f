/* A module is a layer of the model's last kind behind a projection of two vectors to one, and the model's head
 * (DeepSeek-V3 report 2.2). Its first pass takes all tokens that the step verified, so that its own cache gets
 * them, and predicts from the last one that was accepted; each further token is one more pass, over one token of
 * each sequence. A model with fewer modules than tokens uses the last one again.
 *
 * The layer's time is the mean of the model's own layers in the same step: same attention, same exchanges. Passes
 * are not overlapped with anything else. Left out: the choice of tokens, and what the CPU does between passes. */
#include "kinds/infer/spec_step.h"

#include <math.h>

static int run_case(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context,
                    int64_t extra, bool closed_form, struct infer_outcome *out, struct diag *diag)
{
    struct infer_case c;
    infer_case_of(setup, false, &c);
    c.closed_form = closed_form;
    c.cfg.decode.batch = batch;
    c.cfg.decode.context = context;
    c.cfg.decode.extra_tokens = extra;
    c.cfg.decode.acceptance_ratio = 0;
    c.account_alone = true;
    return infer_case_check(&c, run->arena, diag) || infer_case_run(run, &c, out, diag) ? -1 : 0;
}

int spec_plain(struct kind_run *run, const struct infer_setup *setup, int64_t batch, int64_t context, bool closed_form,
               struct spec_plain *out, struct diag *diag)
{
    struct infer_outcome o;
    if (run_case(run, setup, batch, context, 0, closed_form, &o, diag))
        return -1;
    *out = (struct spec_plain){.batch = batch,
                               .context = context,
                               .closed_form = closed_form,
                               .step_s = o.step_s,
                               .layer_s = o.account.layer.step_s,
                               .head_s = o.account.total.stage_s[STAGE_HEAD],
                               .gap_s = infer_cfg(run->file->scenario)->decode.launch_gap_s,
                               .kernels = o.kernels};
    return 0;
}

/* The projection of [hidden state, embedding] to one vector, BF16. */
static double projection_s(const struct spec_plain *p, double rows, double hidden)
{
    struct kernel_call call = {.family = KERNEL_GEMM, .dtype = KERNEL_BF16, .m = rows, .n = hidden, .k = 2 * hidden};
    return p->gap_s + kernel_time(p->kernels, &call).time_s;
}

/* The first pass takes what the step verified, the further ones a token of each sequence. */
static double draft_s(const struct kind_run *run, const struct spec_plain *plain, const struct infer_outcome *o,
                      int64_t extra)
{
    double batch = (double)plain->batch, hidden = (double)run->file->scenario->llm.hidden;
    double first_s = projection_s(plain, batch * (1 + (double)extra), hidden) + o->account.layer.step_s + plain->head_s;
    double further_s = projection_s(plain, batch, hidden) + plain->layer_s + plain->head_s;
    return first_s + ((double)extra - 1) * further_s;
}

int spec_step(struct kind_run *run, const struct infer_setup *setup, const struct spec_plain *plain, int64_t extra,
              struct spec_step *out, struct diag *diag)
{
    struct infer_outcome o;
    if (!extra) {
        *out = (struct spec_step){plain->step_s, 0};
        return 0;
    }
    if (run_case(run, setup, plain->batch, plain->context, extra, plain->closed_form, &o, diag))
        return -1;
    *out = (struct spec_step){o.step_s, draft_s(run, plain, &o, extra)};
    return 0;
}

int spec_count(struct kind_run *run, const struct infer_case *c, struct infer_outcome *o, struct diag *diag)
{
    const struct infer_decode_cfg *d = &c->cfg.decode;
    struct spec_plain plain;
    if (c->prefill || d->acceptance_ratio <= 0)
        return 0;
    if (spec_plain(run, c->setup, d->batch, d->context, c->closed_form, &plain, diag))
        return -1;
    o->draft_s = draft_s(run, &plain, o, d->extra_tokens);
    o->step_s += o->draft_s;
    o->tokens_per_step = spec_tokens(d->acceptance_ratio, d->extra_tokens);
    return 0;
}

double spec_tokens(double acceptance, int64_t extra)
{
    double sum = 1;
    for (int64_t i = 1; i <= extra; i++)
        sum += pow(acceptance, (double)i);
    return sum;
}
