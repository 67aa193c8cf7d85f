/* The parts of the manual page moesim-scenario(5) that the program itself knows: kinds of scenarios, keys, proposals
 * with their parameters, units. man/moesim-scenario.head and .tail hold the rest of the page. */
#include <string.h>

#include "base/roff.h"
#include "cmd/cmd.h"
#include "io/kind.h"

static const char *tables_text(const struct kind_reads *reads, struct arena *a)
{
    const char *text = "";
    for (; reads->keys; reads++)
        text = arena_printf(a, "%s, %s%s", text, reads->keys->name, reads->if_model ? "?" : "");
    return text;
}

static void put_kinds(FILE *out, struct arena *a)
{
    roff_section(out, "KINDS");
    roff_line(out, "What a scenario runs is said by its key kind. Each kind reads its own tables of keys; a key in a "
                   "table that it does not read is an error. A table with a question mark is read where there is a "
                   "model.");
    for (const struct scenario_kind *const *k = kind_all(); *k; k++) {
        roff_term(out, (*k)->name);
        roff_line(out, arena_printf(a, "%s (paper %s).", (*k)->doc, (*k)->ref));
        roff_line(out, arena_printf(a, "Reads %ssim%s.", (*k)->without_cluster ? "" : "hardware, cluster, ",
                                    tables_text((*k)->reads, a)));
    }
}

static void put_keys(FILE *out)
{
    roff_section(out, "KEYS");
    cfg_print_roff(scenario_table(), out);
}

static void put_parameters(const struct proposal *p, FILE *out, struct arena *a)
{
    if (!p->parameters)
        return;
    fputs(".RS\n", out);
    for (const struct cfg_field *f = p->parameters->fields; f->name; f++)
        cfg_roff_field(f, f->name, out, a);
    fputs(".RE\n", out);
}

static void put_proposals(FILE *out, struct arena *a)
{
    roff_section(out, "PROPOSALS");
    roff_line(out, "What the paper wants of future hardware, as values of the key proposals and of the option "
                   "--proposal: NAME or NAME:key=value,...");
    for (const struct proposal *const *p = proposal_all(); *p; p++) {
        roff_term(out, (*p)->name);
        roff_line(out, arena_printf(a, "%s (paper %s, %s). For kinds: %s.", (*p)->doc, (*p)->ref,
                                    proposal_mechanism_names[(*p)->mechanism], (*p)->kinds));
        put_parameters(*p, out, a);
    }
}

static const char *units_text(enum unit_dim dim, struct arena *a)
{
    const char *text = "", *name;
    for (size_t i = 0; (name = unit_name(dim, i)); i++)
        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", name);
    return text;
}

static void put_units(FILE *out, struct arena *a)
{
    roff_section(out, "UNITS");
    roff_line(out, "A quantity is a number and a unit; one without is an error. B are bytes, b are bits; K, M, G are "
                   "powers of 1000, Ki, Mi, Gi of 1024. Bandwidths are of one direction. A ratio is a plain number or "
                   "one with %.");
    for (enum unit_dim dim = 0; dim < DIM_N; dim++) {
        if (dim == DIM_COUNT || dim == DIM_RATIO)
            continue;
        roff_term(out, unit_dim_name(dim));
        roff_line(out, arena_printf(a, "%s. For example: %s", units_text(dim, a), unit_dim_example(dim)));
    }
}

void schema_print_roff(FILE *out)
{
    struct arena *arena = arena_new();
    put_kinds(out, arena);
    put_keys(out);
    put_proposals(out, arena);
    put_units(out, arena);
    arena_free(arena);
}
