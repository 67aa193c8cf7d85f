/* Constants from a user's own benchmark: of each kernel and phase a start, on the rows with the fewest tokens, and the
 * share of raw NVLink, on those with the most. A start adds to a time, so it moves by the mean difference; the share is
 * found by halving, and left alone where NVLink does not limit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stats.h"
#include "campaign/comm_check_priv.h"

enum { ROWS = 3, HALVINGS = 12 };

struct fitting {
    struct comm_check check; /* with `hw` of its own */
    struct cluster_hw hw;
    struct arena *arena;
    struct comm_fits *out;
    struct diag *diag;
};

/* The rows of one kernel and phase in one file, those with the fewest tokens first. */
struct sorted {
    const struct comm_rows *file;
    const struct comm_row **row;
    uint32_t n;
};

static int by_tokens(const void *a, const void *b)
{
    const struct comm_row *x = *(const struct comm_row *const *)a, *y = *(const struct comm_row *const *)b;
    if (x->tokens != y->tokens)
        return x->tokens < y->tokens ? -1 : 1;
    return x->sms != y->sms ? x->sms < y->sms ? -1 : 1 : x->line - y->line;
}

static struct sorted sort_rows(const struct fitting *f, const struct comm_rows *file, const struct ep_kernel_type *k,
                               enum ep_phase phase)
{
    struct sorted s = {.file = file, .row = ARENA_ARRAY(f->arena, const struct comm_row *, file->n)};
    for (uint32_t i = 0; i < file->n; i++)
        if (!file->rows[i].is_collective && file->rows[i].phase == phase &&
            comm_row_kernel(&file->rows[i], &f->hw) == k && comm_row_gpus(&file->rows[i], &f->hw) <= f->hw.node.gpus)
            s.row[s.n++] = &file->rows[i];
    qsort(s.row, s.n, sizeof *s.row, by_tokens);
    return s;
}

/* Mean of ln(predicted / measured) over three rows, and the median of the differences: one row in a hundred is an
 * accident of the benchmark. */
static int miss(struct fitting *f, const struct sorted *s, bool most, double *log_ratio, double *difference_s)
{
    uint32_t n = s->n < ROWS ? s->n : ROWS;
    double differs_s[ROWS];
    *log_ratio = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct comm_row *row = s->row[most ? s->n - 1 - i : i];
        double predicted_s, measured_s = comm_row_measured_s(row, &f->hw);
        if (comm_row_s(&f->check, s->file, row, &predicted_s, f->diag))
            return -1;
        *log_ratio += log(predicted_s / measured_s) / n;
        differs_s[i] = measured_s - predicted_s;
    }
    *difference_s = stats_quantile(differs_s, n, 0.5);
    return 0;
}

static void add(struct fitting *f, const struct sorted *s, bool most, const char *key, double was, double is, bool time)
{
    struct comm_fit *fit = &f->out->fits[f->out->n++];
    *fit = (struct comm_fit){.key = key, .was = was, .is = is, .is_time = time, .file = s->file->file};
    for (uint32_t i = 0; i < s->n && i < ROWS; i++)
        fit->lines[fit->n_lines++] = s->row[most ? s->n - 1 - i : i]->line;
}

static int fit_share(struct fitting *f, const struct sorted *s, double *share)
{
    double low = 0.02, high = f->hw.node.nvlink_efficiency_ratio, log_ratio, difference_s; /* links limit, too */
    for (int i = 0; i < HALVINGS; i++) {
        *share = sqrt(low * high);
        if (miss(f, s, true, &log_ratio, &difference_s))
            return -1;
        *(log_ratio > 0 ? &low : &high) = *share;
    }
    return 0;
}

static const char *key_of(struct fitting *f, const struct ep_kernel_type *k, enum ep_phase phase, const char *what)
{
    return arena_printf(f->arena, "cluster.ep_kernel.%s.%s_%s", k->name, ep_phase_names[phase], what);
}

static int fit_phase(struct fitting *f, const struct comm_rows *file, const struct ep_kernel_type *k,
                     enum ep_phase phase)
{
    struct sorted s = sort_rows(f, file, k, phase);
    struct hw_ep_constants *own = (void *)((char *)&f->hw.ep_kernel + k->constants);
    double log_ratio, difference_s;
    if (!s.n)
        return 0;
    *own = *ep_constants(k, &f->hw.ep_kernel);
    double share = own->nvlink_ratio[phase], start_s = own->start_s[phase];
    for (int round = 0; round < 2; round++) { /* each needs the other */
        if (fit_share(f, &s, &own->nvlink_ratio[phase]) || miss(f, &s, false, &log_ratio, &difference_s))
            return -1;
        own->start_s[phase] = fmax(0, own->start_s[phase] + difference_s);
    }
    add(f, &s, false, key_of(f, k, phase, "start"), start_s, own->start_s[phase], true);
    add(f, &s, true, key_of(f, k, phase, "nvlink"), share, own->nvlink_ratio[phase], false);
    return 0;
}

int comm_fit(const struct comm_check *c, struct arena *arena, struct comm_fits *out, struct diag *diag)
{
    struct fitting f = {.check = *c, .hw = *c->hw, .arena = arena, .out = out, .diag = diag};
    const struct ep_kernel_type *const *all = ep_kernel_all();
    uint32_t kernels = 0;
    while (all[kernels])
        kernels++;
    f.check.hw = &f.hw;
    *out = (struct comm_fits){.fits = ARENA_ARRAY(arena, struct comm_fit, (size_t)4 * kernels * c->n_files)};
    for (uint32_t i = 0; i < c->n_files; i++)
        for (uint32_t k = 0; k < kernels; k++)
            for (int phase = EP_DISPATCH; phase <= EP_COMBINE && all[k]->constants; phase++)
                if (fit_phase(&f, &c->files[i], all[k], (enum ep_phase)phase))
                    return -1;
    return 0;
}
