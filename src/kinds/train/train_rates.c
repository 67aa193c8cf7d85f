#include "kinds/train/train_rates.h"

struct train_rates train_rates_of(const struct model *m, const struct train_economy *e, double tokens_per_s)
{
    double per_gpu = tokens_per_s / e->gpus;
    struct train_rates r = {.tokens_per_day = tokens_per_s * 86400,
                            .causal_flops = per_gpu * model_train_flop(m, e->sequence, true),
                            .full_flops = per_gpu * model_train_flop(m, e->sequence, false),
                            .gpu_hours = e->total_tokens / per_gpu / 3600};
    r.causal_mfu = r.causal_flops / e->peak_flops;
    r.full_mfu = r.full_flops / e->peak_flops;
    r.cost_USD = r.gpu_hours * e->gpu_hour_USD;
    return r;
}
