/* The paper's Tables 1 and 2 from the model files, and a model's own figures. */
#ifndef MOESIM_IO_RESULTS_MODEL_TABLES_H
#define MOESIM_IO_RESULTS_MODEL_TABLES_H

#include "io/inputs/model_file.h"

enum model_output { MODEL_TEXT, MODEL_JSON, MODEL_LATEX };

struct model_question {
    double sequence, context; /* tokens: of training, of decoding */
    struct model_layout layout;
};

struct model_figure {
    const char *name;
    double value;
    enum unit_dim dim;
    const char *doc;
};

enum { MODEL_FIGURES = 32 };

/* How many of out[MODEL_FIGURES]; -1 when the layout cannot be. */
int model_figures(const struct model_file *m, const struct model_question *q, struct model_figure *out,
                  struct diag *diag);

void model_write_text(const struct model_file *m, const struct model_figure *f, int n, struct outfile *out);
void model_write_json(const struct model_file *m, const struct model_figure *f, int n, struct outfile *out);

/* Prints table 1 or 2; 0 when every printed digit that can follow from the paper's own figures is met, 1
 * when not, -1 on errors. */
int model_paper_table(int number, enum model_output format, struct arena *arena, struct outfile *out,
                      struct diag *diag);

#endif
