/* A fabric as a file of topology `file` (topology/net_file.h), and in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "io/inputs/fabric.h"

struct writing {
    const struct fabric *f;
    const struct fabric_options *o;
    struct outfile *out;
    const char **name; /* of each node */
};

/* --- names ---------------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether descriptions tell the switches apart. */
static bool names_tell(const struct fabric *f)
{
    const char **all = ARENA_ARRAY(f->arena, const char *, f->n_nodes + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (f->nodes[i].is_switch && (!f->nodes[i].name || !*f->nodes[i].name))
            return false;
        if (f->nodes[i].is_switch)
            all[n++] = f->nodes[i].name;
    }
    qsort(all, n, sizeof *all, by_text);
    for (uint32_t i = 1; i < n; i++)
        if (!strcmp(all[i], all[i - 1]))
            return false;
    return true;
}

static const char **name_nodes(const struct fabric *f)
{
    const char **name = ARENA_ARRAY(f->arena, const char *, f->n_nodes + 1);
    bool tell = names_tell(f);
    for (uint32_t i = 0; i < f->n_nodes; i++)
        name[i] = cfg_quote(tell && f->nodes[i].is_switch ? f->nodes[i].name : f->nodes[i].id, f->arena);
    return name;
}

/* --- figures --------------------------------------------------------------------------------------------------------- */

struct figures {
    uint32_t switches, cables, most_nics, least_nics, missing_tables;
    uint32_t most_ports; /* in use of a switch */
};

static bool joins_switches(const struct fabric *f, const struct fabric_cable *c)
{
    return f->nodes[c->a].is_switch && f->nodes[c->b].is_switch;
}

static uint32_t most_ports(const struct fabric *f)
{
    struct arena *arena = arena_new();
    uint32_t most = 0, *used = ARENA_ARRAY(arena, uint32_t, f->n_nodes + 1);
    for (uint32_t i = 0; i < f->n_cables; i++) {
        const struct fabric_cable *c = &f->cables[i];
        bool counts = !f->nodes[c->a].left_out && !f->nodes[c->b].left_out;
        used[c->a] += counts;
        used[c->b] += counts;
    }
    for (uint32_t i = 0; i < f->n_nodes; i++)
        most = f->nodes[i].is_switch && used[i] > most ? used[i] : most;
    arena_free(arena);
    return most;
}

static struct figures count(const struct fabric *f)
{
    struct figures n = {.least_nics = UINT32_MAX, .most_ports = most_ports(f)};
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        n.switches += f->nodes[i].is_switch;
        n.missing_tables += f->nodes[i].is_switch && !f->nodes[i].table;
    }
    for (uint32_t i = 0; i < f->n_cables; i++)
        n.cables += joins_switches(f, &f->cables[i]);
    for (uint32_t i = 0; i < f->n_hosts; i++) {
        n.most_nics = f->hosts[i].n_nics > n.most_nics ? f->hosts[i].n_nics : n.most_nics;
        n.least_nics = f->hosts[i].n_nics < n.least_nics ? f->hosts[i].n_nics : n.least_nics;
    }
    return n;
}

static bool has_routes(const struct writing *w)
{
    return w->f->n_tables && !count(w->f).missing_tables && !w->o->no_routes;
}

static uint32_t gpus_of(const struct fabric *f, const struct fabric_options *o)
{
    return o->gpus ? o->gpus : f->inside ? f->inside->n_gpus : f->gpus_a_host;
}

/* --- the head ---------------------------------------------------------------------------------------------------------- */

struct rate_count {
    double rate_Bps;
    uint32_t between, nics;
};

static uint32_t count_rates(const struct fabric *f, struct rate_count *rates, uint32_t most)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_cables; i++) {
        uint32_t k = 0;
        if (f->nodes[f->cables[i].a].left_out || f->nodes[f->cables[i].b].left_out)
            continue;
        while (k < n && rates[k].rate_Bps != f->cables[i].rate_Bps)
            k++;
        if (k == most)
            continue;
        if (k == n)
            rates[n++] = (struct rate_count){.rate_Bps = f->cables[i].rate_Bps};
        if (joins_switches(f, &f->cables[i]))
            rates[k].between++;
        else
            rates[k].nics++;
    }
    return n;
}

static const char *rate_text(const struct fabric *f, double rate_Bps)
{
    return rate_Bps > 0 ? arena_printf(f->arena, "%.10g GB/s", rate_Bps / 1e9) : "a rate that is not named";
}

typedef void line_fn(void *to, const char *text);

static void say_tables(const struct fabric *f, const struct figures *n, line_fn *line, void *to)
{
    if (!f->n_tables)
        line(to, "tables of the switches are missing: routes are computed (cluster.network.routing)");
    else if (n->missing_tables)
        line(to,
             arena_printf(f->arena, "tables are missing of %u of %u switches: routes are computed, none is taken over",
                          n->missing_tables, n->switches));
    else
        line(to, arena_printf(f->arena, "tables of all %u switches", n->switches));
}

static void say(const struct fabric *f, line_fn *line, void *to)
{
    struct figures n = count(f);
    struct rate_count rates[16];
    line(to,
         arena_printf(f->arena, "%u switches, %u cables between them; %u hosts with %u NICs (%s%u a host)", n.switches,
                      n.cables, f->n_hosts, f->n_nics,
                      n.least_nics < n.most_nics ? arena_printf(f->arena, "%u to ", n.least_nics) : "", n.most_nics));
    uint32_t n_rates = count_rates(f, rates, 16);
    for (uint32_t i = 0; i < n_rates; i++)
        line(to, arena_printf(f->arena, "%u cables between switches and %u of NICs have %s", rates[i].between,
                              rates[i].nics, rate_text(f, rates[i].rate_Bps)));
    say_tables(f, &n, line, to);
    for (uint32_t i = 0; i < f->n_notes; i++)
        line(to, f->notes[i]);
}

static void comment(void *to, const char *text)
{
    outfile_printf(to, "# ");
    for (; *text; text++)
        outfile_printf(to, "%c", (unsigned char)*text < ' ' ? '?' : *text);
    outfile_printf(to, "\n");
}

enum { USUAL_PORTS = 64 }; /* of the networks in configs/, but for one chip of 40 and some of more */

static void write_head(struct writing *w)
{
    const struct fabric *f = w->f;
    uint32_t gpus = gpus_of(f, w->o);
    comment(w->out, "A fabric for topology 'file', by moesim fabric import. Its scenario:");
    struct figures n = count(f);
    comment(w->out,
            arena_printf(f->arena,
                         "  cluster: {nodes: %u, topology: file, network: {file: THIS%s}, nic: {per_node: %u}%s}",
                         f->n_hosts,
                         n.most_ports > USUAL_PORTS ? arena_printf(f->arena, ", switch_ports: %u", n.most_ports) : "",
                         n.most_nics, gpus ? arena_printf(f->arena, ", node: {gpus: %u}", gpus) : ""));
    comment(w->out,
            "For a job on some of the hosts: cluster.network.hosts, a file with their names in order of ranks.");
    say(f, comment, w->out);
}

/* --- the lists ---------------------------------------------------------------------------------------------------------- */

static int by_guid(const void *a, const void *b)
{
    const struct fabric_node *const *x = a, *const *y = b;
    if ((*x)->guid != (*y)->guid)
        return (*x)->guid < (*y)->guid ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

/* In order of their GUIDs, as subnet managers take them. */
static void write_switches(struct writing *w)
{
    const struct fabric_node **order = ARENA_ARRAY(w->f->arena, const struct fabric_node *, w->f->n_nodes + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->f->n_nodes; i++)
        if (w->f->nodes[i].is_switch)
            order[n++] = &w->f->nodes[i];
    qsort(order, n, sizeof *order, by_guid);
    outfile_printf(w->out, "switches:\n");
    for (uint32_t i = 0; i < n; i++)
        outfile_printf(w->out, "  - %s\n", w->name[order[i] - w->f->nodes]);
}

static void write_rate(struct writing *w, double rate_Bps)
{
    if (rate_Bps > 0)
        outfile_printf(w->out, ", bandwidth: %.10g GB/s", rate_Bps / 1e9);
}

static void write_cables(struct writing *w)
{
    outfile_printf(w->out, "cables:\n");
    for (uint32_t i = 0; i < w->f->n_cables; i++) {
        const struct fabric_cable *c = &w->f->cables[i];
        if (!joins_switches(w->f, c))
            continue;
        outfile_printf(w->out, "  - {from: %s, to: %s", w->name[c->a], w->name[c->b]);
        if (c->a_port && c->b_port)
            outfile_printf(w->out, ", from_port: %u, to_port: %u", c->a_port, c->b_port);
        write_rate(w, c->rate_Bps);
        outfile_printf(w->out, "}\n");
    }
}

static uint32_t switch_of(const struct fabric *f, const struct fabric_nic *nic)
{
    const struct fabric_cable *c = &f->cables[nic->cable];
    return c->a == nic->node ? c->b : c->a;
}

/* The NICs of each GPU of a host, "[0, 0, [1, 2]]". */
static const char *gpus_text(const struct node_inside *host, struct arena *arena)
{
    static uint32_t nics[NODE_MAX_GPUS][FABRIC_MAX_NICS], n[NODE_MAX_GPUS];
    const char *text = "[";
    node_share_nics(host, nics, n);
    for (uint32_t g = 0; g < host->n_gpus; g++) {
        text = arena_printf(arena, "%s%s%s", text, g ? ", " : "", n[g] > 1 ? "[" : "");
        for (uint32_t i = 0; i < n[g]; i++)
            text = arena_printf(arena, "%s%s%u", text, i ? ", " : "", nics[g][i]);
        text = arena_printf(arena, "%s%s", text, n[g] > 1 ? "]" : "");
    }
    return arena_printf(arena, "%s]", text);
}

/* `gpus` of a host whose inside a file describes, or the number of which an option gives. */
static int write_gpus(struct writing *w, const struct fabric_host *h, struct diag *diag)
{
    struct node_inside host;
    uint32_t gpus = gpus_of(w->f, w->o);
    if (!gpus)
        return 0;
    if (node_of_host(w->f, h, gpus, &host, diag))
        return -1;
    struct arena *arena = arena_new();
    outfile_printf(w->out, "\n    gpus: %s", gpus_text(&host, arena));
    arena_free(arena);
    return 0;
}

static int write_hosts(struct writing *w, struct diag *diag)
{
    int failed = 0;
    outfile_printf(w->out, "hosts:\n");
    for (uint32_t i = 0; i < w->f->n_hosts && !failed; i++) {
        const struct fabric_host *h = &w->f->hosts[i];
        outfile_printf(w->out, "  - name: %s\n    nics:", cfg_quote(h->name, w->f->arena));
        for (uint32_t k = h->first_nic; k < h->first_nic + h->n_nics; k++) {
            const struct fabric_cable *c = &w->f->cables[w->f->nics[k].cable];
            uint32_t port = c->a == w->f->nics[k].node ? c->b_port : c->a_port;
            outfile_printf(w->out, "\n    - {switch: %s", w->name[switch_of(w->f, &w->f->nics[k])]);
            if (port)
                outfile_printf(w->out, ", port: %u", port);
            write_rate(w, w->f->cables[w->f->nics[k].cable].rate_Bps);
            outfile_printf(w->out, "}");
        }
        failed = write_gpus(w, h, diag);
        outfile_printf(w->out, "\n");
    }
    return failed;
}

static void write_routes(struct writing *w)
{
    const struct fabric *f = w->f;
    outfile_printf(w->out, "# ports by which switches send to each NIC, in order of hosts\nroutes:\n");
    for (uint32_t i = 0; i < f->n_nodes; i++) {
        if (!f->nodes[i].is_switch)
            continue;
        outfile_printf(w->out, "  - {switch: %s, to: \"", w->name[i]);
        for (uint32_t k = 0; k < f->n_nics; k++) {
            uint8_t port = f->nics[k].lid ? f->nodes[i].table[f->nics[k].lid] : 255;
            outfile_printf(w->out, k ? " " : "");
            if (port && port < 255)
                outfile_printf(w->out, "%u", port);
            else
                outfile_printf(w->out, "-");
        }
        outfile_printf(w->out, "\"}\n");
    }
}

/* Without a file of their inside GPUs of a node share its NICs, or have several, evenly. */
static int check_sharing(const struct fabric *f, const struct fabric_options *o, struct diag *diag)
{
    uint32_t gpus = gpus_of(f, o), most = count(f).most_nics, uneven = 0;
    const char *first = NULL;
    if (f->inside && o->gpus && o->gpus != f->inside->n_gpus) {
        diag_error(diag, EXIT_USAGE, SRCLOC_FILE(f->inside->path), "--gpus %u: this file says %u; leave it out",
                   o->gpus, f->inside->n_gpus);
        return -1;
    }
    if (!gpus || f->inside || !most)
        return 0;
    if (gpus % most && most % gpus) {
        diag_error(
            diag, EXIT_USAGE, SRCLOC_NONE,
            "%u GPUs cannot share the %u NICs of a host evenly; write --gpus %u, or give a file of the inside of "
            "its nodes (NCCL's topology, lstopo's XML, nvidia-smi topo -m)",
            gpus, most, (gpus / most + 1) * most);
        return -1;
    }
    for (uint32_t i = f->n_hosts; i-- > 0;)
        if (gpus % f->hosts[i].n_nics && f->hosts[i].n_nics % gpus) {
            first = f->hosts[i].name;
            uneven++;
        }
    if (uneven)
        diag_warning(diag, SRCLOC_NONE, "%u GPUs share the NICs of %u hosts unevenly; the first is '%s'", gpus, uneven,
                     first);
    return 0;
}

int fabric_write(const struct fabric *f, const struct fabric_options *o, struct outfile *out, struct diag *diag)
{
    struct writing w = {f, o, out, name_nodes(f)};
    if (check_sharing(f, o, diag))
        return -1;
    write_head(&w);
    write_switches(&w);
    write_cables(&w);
    if (write_hosts(&w, diag))
        return -1;
    if (has_routes(&w))
        write_routes(&w);
    return 0;
}

static void line_out(void *to, const char *text)
{
    fprintf(to, "%s\n", text);
}

/* Of the first host; others may have their NICs in another order. */
static int print_inside(const struct fabric *f, FILE *out, struct diag *diag)
{
    struct node_inside host;
    if (node_of_host(f, &f->hosts[0], f->inside->n_gpus, &host, diag))
        return -1;
    fprintf(out, "inside of a node ('%s'): %u GPUs, %u NICs; GPUs use NICs %s of '%s'\n", f->inside->path,
            f->inside->n_gpus, f->inside->n_nics, gpus_text(&host, f->arena), f->hosts[0].name);
    return 0;
}

int fabric_print_info(const struct fabric *f, FILE *out, struct diag *diag)
{
    say(f, line_out, out);
    return f->inside ? print_inside(f, out, diag) : 0;
}
