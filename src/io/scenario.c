/* Scenarios: layers laid over one another, then checked as a whole.
 *
 * Defaults of the tables, then configs/HARDWARE/{chip,node,nic,network,...}.yaml
 * (every number there with its source) and configs/models/MODEL.yaml, then the scenario
 * file, then -s. Which HARDWARE and MODEL the last two layers decide, so they are laid
 * twice: once for those keys, once for good. Tables that the kind does not read are
 * taken out, and a key given in one is an error.
 *
 * Checked here is what no single table can see: names of plugins, numbers
 * that must fit each other; then the scenario's kind checks the keys that it reads. */
#include "io/scenario.h"

#include <math.h>
#include <string.h>

#include "base/data_find.h"
#include "base/yaml_text.h"
#include "io/hardware.h"
#include "io/kind.h"
#include "io/inputs/model_file.h"
#include "models/comm/ep_kernel.h"
#include "models/comm/wire_format.h"
#include "topology/topo_keys.h"
#include "topology/topology.h"

struct loading {
    const char *path, *text; /* read once: it may be a pipe; NULL = cannot be read */
    size_t len;
    const struct scenario_options *options;
    struct arena *arena;
    struct cfg *cfg;
    struct scenario *scenario;
    const char *const *file_topologies; /* that the file names, before -s and proposals */
    struct proposal_stack *proposals;
    struct diag *diag;
};

/* --- messages
 * --------------------------------------------------------------------------------------
 */

struct srcloc scenario_place(const struct scenario_file *file, const char *dotted_key)
{
    struct srcloc where = cfg_where(file->cfg, dotted_key);
    return where.file ? where : SRCLOC_FILE(file->path);
}

static struct srcloc place(const struct loading *l, const char *key)
{
    struct scenario_file file = {l->scenario, l->cfg, l->path, NULL};
    return scenario_place(&file, key);
}

/* --- layers
 * ----------------------------------------------------------------------------------------
 */

/* What else a scenario's file may hold: read by who owns it (campaign/design.c). */
static const char *const sections[] = {"sweep", NULL};

static void lay_file(const struct loading *l)
{
    if (l->text)
        cfg_load_text(l->cfg, l->text, l->len, l->path, "", false, sections, l->diag);
}

static void lay_overrides(const struct loading *l)
{
    for (int i = 0; i < l->options->n_overrides; i++)
        cfg_override(l->cfg, l->options->overrides[i], l->diag);
}

/* What the last two layers say of the layers below them. Mistakes are reported when the layers are laid for
 * good. */
struct peeked {
    const char *hardware, *model;
    const struct scenario_kind *kind; /* NULL: unknown */
    struct srcloc hardware_at, model_at;
};

static struct peeked peek(const struct loading *l)
{
    struct loading peek = *l;
    peek.cfg = cfg_new(scenario_table(), l->arena);
    peek.diag = diag_new();
    lay_file(&peek);
    lay_overrides(&peek);
    diag_free(peek.diag);
    const struct scenario *s = cfg_struct(peek.cfg);
    return (struct peeked){.hardware = s->hardware,
                           .model = s->model,
                           .kind = kind_find(s->kind),
                           .hardware_at = place(&peek, "hardware"),
                           .model_at = place(&peek, "model")};
}

static void lay_presets(const struct loading *l, const struct scenario_kind *kind)
{
    if (kind && kind->presets)
        cfg_load_text(l->cfg, kind->presets, strlen(kind->presets), arena_printf(l->arena, "kind %s", kind->name), "",
                      false, NULL, l->diag);
}

/* False when nothing can be said about the cluster's keys. */
static bool lay_hardware(const struct loading *l, const struct peeked *p)
{
    return *p->hardware && !hardware_lay(l->cfg, p->hardware, p->hardware_at, l->path, l->arena, l->diag);
}

/* False when nothing can be said about the model's keys. */
static bool lay_model(const struct loading *l, const struct peeked *p)
{
    bool wanted = p->kind && kind_reads(p->kind, "llm");
    return wanted && *p->model && !model_lay(l->cfg, "llm", p->model, p->model_at, l->path, l->arena, l->diag);
}

/* Without hardware every key of the cluster would be missing; one message is enough. So with the model. */
static void check_complete(const struct loading *l, bool has_hardware, bool has_model, size_t errors_before)
{
    bool is_read = cfg_where(l->cfg, "").file;
    bool told = diag_count(l->diag) != errors_before;
    if (!has_hardware && !told)
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, ""),
                   "required key 'hardware' is missing; write for example 'hardware: h800' "
                   "('moesim list hardware' lists what there is)");
    if (!has_model && !told)
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, ""),
                   "required key 'model' is missing; write for example 'model: deepseek_v3' "
                   "('moesim list models' lists what there is)");
    if (has_hardware && has_model && is_read)
        cfg_finish(l->cfg, l->diag);
}

/* --- tables of other kinds
 * --------------------------------------------------------------------------
 */

static bool has_model(const struct loading *l)
{
    return *l->scenario->model || cfg_where(l->cfg, "llm").file;
}

static bool applies(const struct loading *l, const struct scenario_kind *kind, const char *table)
{
    enum reads reads = kind_reads(kind, table);
    if (!strcmp(table, "sim") || (!strcmp(table, "cluster") && !kind->without_cluster))
        return true;
    return reads == READS_ALWAYS || (reads == READS_IF_MODEL && has_model(l));
}

static const char *why_unread(const struct loading *l, const struct scenario_kind *kind, const char *table)
{
    if (kind_reads(kind, table) == READS_IF_MODEL)
        return "there is no model to change; write for example 'model: deepseek_v3'";
    return arena_printf(l->arena, "kind %s does not read '%s'; leave it out", kind->name, table);
}

/* A key that nothing reads is a mistake: in a table of another kind it would have no effect. */
static void exclude_unread(const struct loading *l, const struct scenario_kind *kind)
{
    for (const struct cfg_field *f = scenario_table()->fields; f->name; f++)
        if (f->type == CFG_TABLE && !applies(l, kind, f->name))
            cfg_exclude(l->cfg, f->name, why_unread(l, kind, f->name), l->diag);
    if (*l->scenario->hardware && kind->without_cluster)
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, "hardware"),
                   "'hardware' changes nothing: kind %s has no cluster; leave it out", kind->name);
    if (*l->scenario->model && !kind_reads(kind, "llm"))
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, "model"),
                   "'model' changes nothing: kind %s has no language model; leave it out", kind->name);
}

/* --- checks across keys
 * ---------------------------------------------------------------------------- */

static void check_kind(const struct loading *l)
{
    struct scenario_file file = {l->scenario, l->cfg, l->path, NULL};
    kind_find(l->scenario->kind)->check(&file, l->arena, l->diag);
}

/* Which other keys there must be is unknown then. */
static bool kind_is_unknown(const struct loading *l)
{
    return cfg_where(l->cfg, "kind").file && !kind_find(l->scenario->kind);
}

static void report_kind(const struct loading *l)
{
    const struct scenario_kind *const *all = kind_all();
    size_t n = 0;
    while (all[n])
        n++;
    const char **names = ARENA_ARRAY(l->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        names[i] = all[i]->name;
    report_unknown(l->diag, EXIT_BAD_INPUT, place(l, "kind"), "kind", l->scenario->kind, names, l->arena);
}

static void check_topology(const struct loading *l)
{
    const struct cluster_hw *hw = &l->scenario->cluster;
    const struct topology_type *const *all = topology_all();
    size_t n = 0;
    while (all[n] && strcmp(all[n]->name, hw->topology))
        n++;
    if (!all[n]) {
        const char **names = ARENA_ARRAY(l->arena, const char *, n + 1);
        for (size_t i = 0; i < n; i++)
            names[i] = all[i]->name;
        report_unknown(l->diag, EXIT_BAD_INPUT, place(l, "cluster.topology"), "topology", hw->topology, names,
                       l->arena);
        return;
    }
    if (!cfg_is_read(l->cfg, "cluster.nodes"))
        return; /* the kind has its own sizes */
    struct topo_counts counts;
    diag_default_place(l->diag, place(l, "cluster.nodes"));
    all[n]->count(hw, &counts, l->diag);
    diag_default_place(l->diag, SRCLOC_NONE);
}

/* --- topologies
 * -------------------------------------------------------------------------------------- */

/* The cluster's topology and those that the kind compares with it, NULL-terminated. */
static const char **named_topologies(const struct loading *l, const struct scenario_kind *kind)
{
    struct cfg_leaf_state listed = {.text = ""};
    if (kind && kind->networks)
        cfg_state(l->cfg, kind->networks, &listed);
    const char **names = ARENA_ARRAY(l->arena, const char *, strlen(listed.text) + 3), *name;
    char *rest = arena_strdup(l->arena, listed.text);
    size_t n = 0;
    if (l->scenario->cluster.topology && *l->scenario->cluster.topology)
        names[n++] = l->scenario->cluster.topology;
    while ((name = strsep(&rest, ", ")))
        if (*name && (!n || strcmp(name, names[0])))
            names[n++] = name;
    return names;
}

static void check_topology_keys(const struct loading *l, const struct scenario_kind *kind)
{
    struct topo_keys_use use = {.prefix = "cluster.network",
                                .used = named_topologies(l, kind),
                                .file = l->path,
                                .used_in_file = l->file_topologies};
    topo_keys_check(l->cfg, &use, &l->scenario->cluster, l->diag);
}

/* What the checks behind this one take instead of an unknown kernel, which was reported. */
static void check_ep_kernel(const struct loading *l, const char *key, const char **kernel)
{
    const char *name = *kernel;
    const char **names = ARENA_ARRAY(l->arena, const char *, 64);
    uint32_t n = 0;
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++)
        names[n++] = (*k)->name;
    if (ep_kernel_find(name))
        return;
    const char *near = cfg_nearest(name, names);
    diag_error(l->diag, EXIT_BAD_INPUT, place(l, key),
               "unknown kernel '%.40s'%s%s%s; 'moesim list ep_kernels' lists them", name,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    *kernel = ep_kernel_all()[0]->name;
}

static void check_ep_kernels(const struct loading *l)
{
    struct hw_ep_kernel *k = &l->scenario->cluster.ep_kernel;
    char why[200];
    if (strcmp(k->kernel, "auto") != 0)
        check_ep_kernel(l, "cluster.ep_kernel.kernel", &k->kernel);
    check_ep_kernel(l, "cluster.ep_kernel.throughput_kernel", &k->throughput_kernel);
    check_ep_kernel(l, "cluster.ep_kernel.latency_kernel", &k->latency_kernel);
    if (wire_name_check(k->dispatch_format, why, sizeof why)) {
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, "cluster.ep_kernel.dispatch_format"),
                   "cluster.ep_kernel.dispatch_format: %s", why);
        k->dispatch_format = "fp8";
    }
}

static void check_node(const struct loading *l)
{
    const struct cluster_hw *hw = &l->scenario->cluster;
    char why[200];
    check_ep_kernels(l);
    if (wire_format_check(&hw->ep_kernel, why, sizeof why))
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, "cluster.ep_kernel.combine_format"),
                   "cluster.ep_kernel.combine_format: %s", why);
    if (hw->ep_kernel.sms >= hw->chip.sms)
        diag_error(l->diag, EXIT_BAD_INPUT, place(l, "cluster.ep_kernel.sms"),
                   "communication kernels hold %lld of %lld SMs (cluster.chip.sms): "
                   "nothing is left to "
                   "compute",
                   (long long)hw->ep_kernel.sms, (long long)hw->chip.sms);
}

static void report_packet(void *ctx, const char *key, const char *message)
{
    const struct loading *l = ctx;
    diag_error(l->diag, EXIT_BAD_INPUT, place(l, arena_printf(l->arena, "cluster.%s", key)), "%s", message);
}

static void check_packet(struct loading *l)
{
    const struct cluster_hw *hw = &l->scenario->cluster;
    double needed_B = hw_packet_headroom_B(hw, fmax(hw_copper_s(&hw->network), hw_optical_s(&hw->network)));
    if (l->scenario->sim.network != NET_PACKET)
        return;
    hw_packet_check(hw, report_packet, l);
    if (hw->packet.flow_control == FLOW_CONTROL_PFC && hw->packet.headroom_B < needed_B)
        diag_warning(l->diag, place(l, "cluster.packet.headroom"),
                     "%.0f B of headroom, and %.0f B can come after a pause was asked for: packets may be dropped",
                     hw->packet.headroom_B, needed_B);
}

static int check_model(const struct loading *l)
{
    const struct scenario_kind *kind = kind_find(l->scenario->kind);
    return kind && applies(l, kind, "llm") ? model_open(l->cfg, "llm.", &l->scenario->llm, l->arena, l->diag) : 0;
}

static void check_all(struct loading *l)
{
    const struct scenario_kind *kind = kind_find(l->scenario->kind);
    if (cfg_is_read(l->cfg, "cluster.topology"))
        check_topology(l);
    if (kind_reads_key(kind, "cluster.topology")) {
        check_topology_keys(l, kind);
        check_packet(l);
    }
    if (kind_reads_key(kind, "cluster.ep_kernel.sms"))
        check_node(l);
    if (check_model(l) == 0) /* kinds compute with the model */
        check_kind(l);
}

/* "scenarios/train_replay_h800.yaml" is called train_replay_h800. */
static const char *name_of_file(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return arena_printf(arena, "%.*s", (int)(dot > base ? (size_t)(dot - base) : strlen(base)), base);
}

/* --- proposals
 * -------------------------------------------------------------------------------------- */

/* They change a scenario that is complete and right by itself; what they make of it is checked like the rest. */
static void apply_proposals(struct loading *l, const struct scenario_kind *kind)
{
    const struct scenario_options *o = l->options;
    int bad = proposal_stack_add_list(l->proposals, l->scenario->proposals, place(l, "proposals"), l->diag);
    for (int i = 0; i < o->n_proposals; i++)
        bad |= proposal_stack_add_option(l->proposals, o->proposals[i], l->diag);
    if (o->left_out)
        proposal_stack_leave_out(l->proposals, o->left_out - 1);
    if (!bad)
        proposal_stack_apply(l->proposals, l->cfg, kind->name, o->overrides_give_way, l->diag);
    /* what the others did is in the keys now */
    l->scenario->proposals = proposal_stack_text(l->proposals, true, l->arena);
}

int scenario_load_with(const char *path, const struct scenario_options *options, struct arena *arena,
                       struct scenario_file *out, struct diag *diag)
{
    size_t before = diag_count(diag);
    path = data_given(path, arena);
    struct loading l = {.path = path,
                        .options = options,
                        .arena = arena,
                        .cfg = cfg_new(scenario_table(), arena),
                        .proposals = proposal_stack_new(arena),
                        .diag = diag};
    l.scenario = cfg_struct(l.cfg);
    if (options->text) {
        l.text = options->text;
        l.len = strlen(l.text);
    } else {
        yaml_text_read(path, arena, &l.text, &l.len, diag);
    }
    struct peeked below = peek(&l);
    lay_presets(&l, below.kind);
    bool has_cluster = !below.kind || !below.kind->without_cluster;
    bool hardware_laid = has_cluster && lay_hardware(&l, &below), model_laid = lay_model(&l, &below);
    cfg_ground(l.cfg);
    lay_file(&l);
    l.file_topologies = named_topologies(&l, below.kind);
    lay_overrides(&l);
    l.scenario->cluster.network.beside = path;
    l.scenario->cluster.nic.bandwidth_at = cfg_where(l.cfg, "cluster.nic.bandwidth");
    l.scenario->cluster.network.port_given = cfg_is_own(l.cfg, "cluster.network.port_bandwidth");
    if (below.kind)
        exclude_unread(&l, below.kind);
    else if (!has_model(&l)) /* one message about the kind is enough */
        cfg_exclude(l.cfg, "llm", "no kind reads it", diag);
    if (below.kind) /* after an error only for what is required */
        scenario_check_reads(l.cfg, below.kind, arena, diag_count(diag) == before ? diag : NULL);
    bool needs_model = below.kind && kind_reads(below.kind, "llm") == READS_ALWAYS && !has_model(&l);
    if (kind_is_unknown(&l))
        report_kind(&l);
    else
        check_complete(&l, hardware_laid || !has_cluster, model_laid || !(needs_model || *below.model), before);
    if (diag_count(diag) == before && below.kind)
        apply_proposals(&l, below.kind);
    if (diag_count(diag) == before && below.kind)
        scenario_check_reads(l.cfg, below.kind, arena, NULL); /* proposals may have changed what decides */
    if (diag_count(diag) == before)
        check_all(&l);
    if (!*l.scenario->name)
        l.scenario->name = name_of_file(path, arena);
    *out = (struct scenario_file){l.scenario, l.cfg, path, l.proposals};
    return diag_count(diag) > before ? -1 : 0;
}

int scenario_load(const char *path, const char *const *overrides, int n_overrides, struct arena *arena,
                  struct scenario_file *out, struct diag *diag)
{
    struct scenario_options options = {.overrides = overrides, .n_overrides = n_overrides};
    return scenario_load_with(path, &options, arena, out, diag);
}
