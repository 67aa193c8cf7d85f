/* Kernel times: the table's ratio on the roofline, or the roofline alone. */
#include <math.h>

#include "base/diag.h"
#include "hw/kernels/fitted.h"
#include "hw/kernels/kernel_origins.h"
#include "hw/kernels/kernel_table.h"
#include "hw/kernels/roofline.h"

double kernel_flop(const struct kernel_call *call)
{
    switch (call->family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return gemm_flop(call);
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_ATTENTION_DECODE:
    case KERNEL_MLA_DECODE:
    case KERNEL_MLA_PREFILL:
    case KERNEL_GQA_DECODE:
    case KERNEL_GQA_PREFILL:
        return attention_flop(call);
    default:
        return 0;
    }
}

double kernel_bytes_B(const struct kernel_call *call)
{
    switch (call->family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return gemm_bytes_B(call);
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_ATTENTION_DECODE:
    case KERNEL_MLA_DECODE:
    case KERNEL_MLA_PREFILL:
    case KERNEL_GQA_DECODE:
    case KERNEL_GQA_PREFILL:
        return attention_bytes_B(call);
    default:
        return call->read_B + call->written_B;
    }
}

/* A window leaves the last keys of a cache. */
static struct kernel_call without_window(const struct kernel_call *call)
{
    struct kernel_call cut = *call;
    if (cut.window > 0)
        cut.kv_len = fmin(cut.kv_len, cut.window);
    return cut;
}

struct kernel_time kernel_roofline(const struct kernel_model *m, const struct kernel_call *call)
{
    struct kernel_call cut = without_window(call);
    struct kernel_time t = {.origin = KERNEL_FROM_ROOFLINE};
    switch (call->family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        roofline_gemm(m, call, &t);
        break;
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_MLA_PREFILL:
    case KERNEL_GQA_PREFILL:
        roofline_attention(m, call, &t);
        break;
    case KERNEL_ATTENTION_DECODE:
    case KERNEL_MLA_DECODE:
    case KERNEL_GQA_DECODE:
        roofline_decode(m, &cut, &t);
        break;
    default:
        roofline_pass(m, call, &t);
        break;
    }
    BUG_IF(!isfinite(t.roofline_s) || t.roofline_s <= 0);
    t.time_s = t.roofline_s;
    return t;
}

struct kernel_model kernel_measured_model(const struct kernel_model *m)
{
    const struct kernel_chip *was = &m->cfg.measured_on;
    struct kernel_model measured = *m;
    measured.chip.sms = was->sms;
    measured.chip.bf16_flops = was->bf16_flops;
    measured.chip.fp8_flops = was->fp8_flops;
    measured.chip.memory_Bps = was->memory_Bps;
    measured.chip.clock_Hz = was->clock_Hz;
    measured.chip.tensor = (struct hw_tensor_core){.promote_every = 128};
    return measured;
}

struct kernel_model *kernel_model_new(const struct cluster_hw *hw, const struct kernel_table *table,
                                      struct arena *arena)
{
    struct kernel_model *m = ARENA_NEW(arena, struct kernel_model);
    m->chip = hw->chip;
    m->cfg = hw->kernels;
    m->fitted = fitted_new(m, table, arena);
    if (!table || !table->n_rows)
        return m;
    struct kernel_model measured = kernel_measured_model(m);
    m->table = *table;
    m->first_folder = table->rows[0].folder;
    m->ratios = ARENA_ARRAY(arena, double, table->n_rows);
    for (uint32_t i = 0; i < table->n_rows; i++)
        m->ratios[i] = table->rows[i].time_s / kernel_roofline(&measured, &table->rows[i].call).roofline_s;
    return m;
}

/* The chip and the SMs that the row was measured on. */
static bool same_machine(const struct kernel_model *m, const struct kernel_call *call, const struct kernel_call *row)
{
    const struct kernel_chip *was = &m->cfg.measured_on;
    struct kernel_model measured = kernel_measured_model(m);
    return !gemm_stays_in_core(m) && m->chip.sms == was->sms && m->chip.bf16_flops == was->bf16_flops &&
           m->chip.fp8_flops == was->fp8_flops && m->chip.memory_Bps == was->memory_Bps &&
           m->chip.clock_Hz == was->clock_Hz && roofline_sms(m, call) == roofline_sms(&measured, row);
}

static bool from_table(const struct kernel_model *m, const struct kernel_call *call, uint32_t without,
                       struct kernel_time *t)
{
    struct table_answer a;
    if (!table_look_up(m, call, without, &a))
        return false;
    bool here = same_machine(m, call, &a.row->call);
    t->time_s = here && a.point ? a.row->time_s : t->roofline_s * a.ratio;
    t->origin = !here ? KERNEL_FROM_SCALING : a.point ? KERNEL_FROM_POINT : KERNEL_FROM_INTERPOLATION;
    t->source = a.row->source;
    t->folder = a.row->folder;
    return true;
}

static bool has_roofline(enum kernel_family family)
{
    return family < KERNEL_MOE || kernel_is_pass(family);
}

/* A table that reaches, of a folder that stands before the kernel's and of this very chip. */
static bool table_goes_before(const struct kernel_model *m, const struct kernel_call *call,
                              const struct kernel_time *fitted, struct kernel_time *t)
{
    if (!m->table.n_rows || fitted->folder <= m->first_folder || !has_roofline(call->family))
        return false;
    *t = kernel_roofline(m, call);
    return from_table(m, call, UINT32_MAX, t) && t->origin != KERNEL_FROM_SCALING && t->folder < fitted->folder;
}

static struct kernel_time time_of(const struct kernel_model *m, const struct kernel_call *call)
{
    struct kernel_time t = {0}, tabled;
    if (fitted_time(m->fitted, call, &t))
        return table_goes_before(m, call, &t, &tabled) ? tabled : t;
    BUG_IF(!has_roofline(call->family));
    t = kernel_roofline(m, call);
    from_table(m, call, UINT32_MAX, &t);
    return t;
}

struct kernel_time kernel_time(const struct kernel_model *m, const struct kernel_call *call)
{
    struct kernel_time t = time_of(m, call);
    if (m->asked)
        kernel_origins_add(m->asked, call, &t, t.time_s);
    return t;
}

bool kernel_model_has(const struct kernel_model *m, const struct kernel_call *call)
{
    struct kernel_time t = {0};
    return has_roofline(call->family) || fitted_time(m->fitted, call, &t);
}

bool kernel_time_without(const struct kernel_model *m, uint32_t row, struct kernel_time *out)
{
    struct kernel_model measured = kernel_measured_model(m);
    *out = kernel_roofline(&measured, &m->table.rows[row].call);
    return from_table(&measured, &m->table.rows[row].call, row, out);
}
