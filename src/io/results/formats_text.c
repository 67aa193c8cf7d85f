#include <math.h>
#include <string.h>

#include "io/results/formats_writers.h"

static void print_errors(const char *title, const struct report_error *rows, size_t n, struct outfile *f)
{
    const char *data = NULL;
    outfile_printf(f, "%s\n", title);
    for (size_t i = 0; i < n; i++) {
        const struct format_error *e = &rows[i].error;
        if (!data || strcmp(data, rows[i].data))
            outfile_printf(f, "\n  %-18s %10s %9s %12s %24s %9s\n", data = rows[i].data, "bits/value", "SNR [dB]",
                           "mean |e|/|x|", "bias", "to zero");
        outfile_printf(f, "  %-18s %10.3f %9.2f %11.4f%% %+11.2e +- %8.1e %8.3f%%\n", rows[i].format->name,
                       rows[i].bits, e->snr_dB, e->relative_ratio * 100, e->bias_ratio, e->bias_se_ratio,
                       e->zeroed_ratio * 100);
    }
}

/* In the formulas s is the step between neighbours, in the natural logarithm. */
static double predicted(const struct report_rounding *r, bool linear)
{
    double s2 = r->step * r->step;
    if (!strcmp(r->data, activations_name(UNIFORM)))
        return linear ? 0 : s2 / 8;
    return linear ? -s2 / 12 : s2 / 24;
}

static void print_rounding(const struct format_report *r, struct outfile *f)
{
    outfile_printf(f,
                   "\nRounding of LogFMT in the linear and in the logarithmic space (paper 3.2): bias, "
                   "and what small steps s predict\n\n"
                   "  %-10s %4s %8s %24s %10s %24s %10s\n",
                   "data", "bits", "step s", "linear", "predicted", "logarithmic", "predicted");
    for (size_t i = 0; i < r->n_rounding; i++) {
        const struct report_rounding *row = &r->rounding[i];
        outfile_printf(f, "  %-10s %4d %8.4f %+12.2e +- %7.1e %+10.2e %+13.2e +- %7.1e %+10.2e\n", row->data, row->bits,
                       row->step, row->linear.bias_ratio, row->linear.bias_se_ratio, predicted(row, true),
                       row->log.bias_ratio, row->log.bias_se_ratio, predicted(row, false));
    }
    outfile_printf(f, "\n  Between two neighbours linear rounding is unbiased where data are spread evenly "
                      "(uniform); logarithmic is not.\n  Where the density falls (gaussian) every rounding "
                      "to nearest shrinks: s^2/12 less for both.\n");
}

static const char *const axes[N_GEMM_AXES] = {
    [GEMM_BY_DEPTH] = "depth of K",
    [GEMM_BY_BITS] = "bits kept in alignment and register",
    [GEMM_BY_INTERVAL] = "K between promotions to FP32",
};

static void print_gemm(const struct format_report *r, struct outfile *f)
{
    int axis = -1;
    outfile_printf(f,
                   "\nGEMM of E4M3, %d x %d x K, one scale per matrix: error of the accumulation alone "
                   "against double\n",
                   REPORT_GEMM_ROWS, REPORT_GEMM_COLUMNS);
    for (size_t i = 0; i < r->n_gemm; i++) {
        const struct report_gemm *g = &r->gemm[i];
        if ((int)g->axis != axis)
            outfile_printf(f, "\n  %s, by %s\n  %6s %5s %9s %10s %10s %11s %13s\n", g->data, axes[axis = (int)g->axis],
                           "K", "bits", "promoted", "rms", "largest", "bias", "quantisation");
        char every[16] = "never";
        if (g->core.promote_every)
            snprintf(every, sizeof every, "%d", g->core.promote_every);
        outfile_printf(f, "  %6u %5d %9s %10.2e %10.2e %+11.2e %13.2e\n", g->k, g->core.align_bits, every,
                       g->accumulation.rms_ratio, g->accumulation.max_ratio, g->accumulation.bias_ratio,
                       g->quantisation.rms_ratio);
    }
}

void formats_write_text(const struct report_request *q, const struct format_report *r, struct outfile *f)
{
    if (q->tables & REPORT_ERRORS)
        print_errors("Values: encoded and decoded once", r->errors, r->n_errors, f);
    if (q->tables & REPORT_COMBINE)
        print_errors("\nCombine (paper 3.2): weighted sum of 8 experts' outputs that came in the format, "
                     "stored in BF16",
                     r->combine, r->n_combine, f);
    if (q->tables & REPORT_ROUNDING)
        print_rounding(r, f);
    if (q->tables & REPORT_GEMM)
        print_gemm(r, f);
}
