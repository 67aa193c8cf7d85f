/* A network as `moesim topo` writes it. Each writer fills an outfile, which appears whole or not at
 * all; those that cannot express a network say why before they write. */
#ifndef MOESIM_IO_TOPO_TOPO_WRITERS_H
#define MOESIM_IO_TOPO_TOPO_WRITERS_H

#include "base/outfile.h"
#include "io/inputs/cluster_file.h"
#include "topology/cost.h"
#include "topology/metrics.h"
#include "topology/net_file.h"
#include "topology/table3.h"

struct topo_report {
    const struct topology_type *type;
    const struct cluster_file *cluster;
    struct topo_counts counts;   /* in closed form */
    const struct topology *topo; /* NULL: counted only, like the next two */
    const struct net_graph *graph;
    const struct topo_metrics *metrics; /* NULL: not asked for */
    const struct topo_cost *cost;       /* NULL: not asked for */
    const struct cfg *prices;
    const char *prices_file;
    struct arena *arena;
};

/* One number about a network. */
struct topo_figure {
    const char *name; /* "diameter" */
    double value;     /* NaN: there is none */
    enum unit_dim dim;
    const char *unit; /* "hops"; NULL = the dimension's */
    const char *doc, *method;
};

#define FIGURE_CLOSED "closed form"
#define FIGURE_BUILT "counted on the network as built"

/* All figures of a report, in order; arena-owned. Returns how many. */
enum { TOPO_MOST_GPUS = 4096 }; /* flows of an all-to-all are counted up to so many: each pair is looked at */
uint32_t topo_figures(const struct topo_report *r, struct topo_figure **out);

/* Rates of the network's cables, and ports in use where a file says which (else 0). */
struct net_extent topo_extent(const struct topo_report *r);
/* What the prices are of and the network is not; NULL: they are of such ports. The arena's. */
const char *topo_cost_note(const struct topo_report *r);

typedef int topo_writer(const struct topo_report *r, struct outfile *f, struct diag *diag);
topo_writer topo_write_text, topo_write_json, topo_write_dot, topo_write_simgrid, topo_write_htsim, topo_write_ibsim;

void table3_write_text(const struct table3 *t, const char *prices_file, struct outfile *f);
void table3_write_latex(const struct table3 *t, const char *prices_file, struct arena *arena, struct outfile *f);
void table3_write_json(const struct table3 *t, const struct cfg *prices, struct outfile *f);

#endif
