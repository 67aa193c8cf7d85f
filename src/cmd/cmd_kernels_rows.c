/* Measured files of --check and --fit, and what is doubtful in them. */
#include "cmd/cmd_kernels.h"

#include <math.h>

#include "hw/kernels/kernel_doubts.h"
#include "io/inputs/measured_file.h"

/* No kernel is that far from its mechanism for a reason of its own: milliseconds and nanoseconds are. */
static const double unlikely = 30, unequal = 5;

static void doubt_units(const char *file, double ratio, const char *chip, struct diag *diag)
{
    if (ratio > unlikely || ratio < 1 / unlikely)
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(file),
                   "its times are about %.3g times what such kernels take on %s; write latency_us in microseconds "
                   "(milliseconds times 1000, nanoseconds divided by 1000), or name the chip with --hardware",
                   ratio, chip);
}

static void doubt_repeats(const char *file, const struct kernel_repeats *r, struct diag *diag)
{
    if (!r->n)
        return;
    if (r->most < unequal)
        diag_warning(diag, SRCLOC_FILE(file),
                     "%u rows repeat others with other times, %.1f %% apart at most (lines %d and %d): all count, "
                     "points have their median",
                     r->n, 100 * (r->most - 1), r->first->line, r->again->line);
    else
        diag_error(diag, EXIT_BAD_INPUT, (struct srcloc){.file = file, .line = r->again->line, .column = 1},
                   "repeats line %d with a time %.3g times as different; of %u such rows keep one, or give them a "
                   "kernel_source of their own",
                   r->first->line, r->most, r->n);
}

int kernels_read_rows(const char *const *files, int n_files, const char *family, const struct hw_chip *chip,
                      struct arena *arena, struct kernel_table *out, struct diag *diag)
{
    struct kernel_device on = kernel_device_of(chip);
    int failed = 0;
    for (int i = 0; i < n_files; i++) {
        uint32_t before = out->n_rows;
        if (measured_file_read(files[i], family, arena, out, diag)) {
            failed = -1;
            continue;
        }
        const struct kernel_row *rows = out->rows + before;
        struct kernel_repeats repeats = kernel_find_repeats(rows, out->n_rows - before, arena);
        doubt_units(files[i], kernel_times_ratio(rows, out->n_rows - before, &on, arena), chip->name, diag);
        doubt_repeats(files[i], &repeats, diag);
    }
    return failed || diag_failed(diag) ? -1 : 0;
}
