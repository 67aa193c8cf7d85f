/* Parts of `moesim kernels` that have files of their own. */
#ifndef MOESIM_CMD_CMD_KERNELS_H
#define MOESIM_CMD_CMD_KERNELS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/outfile.h"
#include "hw/kernels/kernels.h"
#include "io/inputs/cluster_file.h"

/* Rows of measured files, with doubts about their units and repeats; 0, or -1 with errors. */
int kernels_read_rows(const char *const *files, int n_files, const char *family, const struct hw_chip *chip,
                      struct arena *arena, struct kernel_table *out, struct diag *diag);

/* --check: measured files against the model of a hardware. */
struct kernels_check {
    struct cluster_source from;
    const char *const *files;
    int n_files;
    const char *family; /* NULL: as files are called */
    int folds;          /* --leave-out; 0 = none */
    double tolerance;   /* of medians; 0 = not asked for */
    bool json;
};
/* 0, or -1 with errors; medians above the tolerance make the exit code EXIT_NO. */
int kernels_check(const struct kernels_check *c, struct arena *arena, struct outfile *f, struct diag *diag);

/* --fit: kernels of a chip from measured files, as a folder. */
struct kernels_fit {
    struct cluster_source from; /* whose chip.yaml, with changes, tells the chip's figures */
    const char *const *files;
    int n_files;
    const char *family;              /* NULL: as files are called */
    const char *chip, *out;          /* what the chip is called; the folder to make */
    const char *source, *conditions; /* what the files say of themselves: whose measurements, under which conditions */
    int folds;                       /* --leave-out: validate each kernel, too; 0 = no */
    const char *const *known;        /* --known: constants that are not fitted, "memory_ratio=0.9" */
    int n_known;
};
int kernels_fit(const struct kernels_fit *c, struct arena *arena, struct diag *diag);

#endif
