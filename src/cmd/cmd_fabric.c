/* moesim fabric info FILE... / moesim fabric import FILE... -o OUT. */
#include <argp.h>
#include <string.h>

#include "base/data_find.h"
#include "base/outfile.h"
#include "cmd/cmd.h"
#include "io/inputs/fabric_import.h"

enum { KEY_GPUS = 256, KEY_CABLES, KEY_NICS, KEY_NO_ROUTES };
enum { MOST_CABLES = 4096 };

struct options {
    const char *verb, *out;
    const char **files; /* room for all arguments */
    int n_files;
    struct fabric_import_options import;
    struct fabric_options write;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0, "import: write the network to FILE, for cluster.network.file (.gz compresses)", 0},
    {"gpus", KEY_GPUS, "N", 0,
     "import: GPUs of a node, where no file says (default: cluster.node.gpus of the scenario)", 0},
    {"cables", KEY_CABLES, "N", 0,
     "cables of each link between switches, where the format does not say (Slurm's); full: as many as hosts hang below",
     0},
    {"nics", KEY_NICS, "N", 0, "NICs of a host, where the format does not say (Slurm's; default: 1)", 0},
    {"no-routes", KEY_NO_ROUTES, NULL, 0, "import: leave tables of switches out, so that routes are computed", 0},
    {0}};

static void check_complete(const struct options *o, struct argp_state *state)
{
    if (!o->verb)
        argp_error(state, "what to do? For example:\n"
                          "  moesim fabric info ibnetdiscover.txt\n"
                          "  moesim fabric import ibnetdiscover.txt lfts.txt -o fabric.yaml");
    else if (!o->n_files)
        argp_error(state, "which fabric? For example:\n  moesim fabric %s ibnetdiscover.txt%s", o->verb,
                   !strcmp(o->verb, "import") ? " -o fabric.yaml" : "");
    else if (!strcmp(o->verb, "import") && !o->out)
        argp_error(state, "where to? For example:\n  moesim fabric import %s -o fabric.yaml", o->files[0]);
    else if (!strcmp(o->verb, "info") && o->out)
        argp_error(state, "'fabric info' prints; -o belongs to 'fabric import'");
    else if (!strcmp(o->verb, "info") && (o->write.gpus || o->write.no_routes))
        argp_error(state, "%s belongs to 'fabric import'", o->write.gpus ? "--gpus" : "--no-routes");
}

static void set_cables(struct options *o, const char *text, struct argp_state *state)
{
    o->import.cables_full = !strcmp(text, "full");
    if (!o->import.cables_full)
        o->import.cables = (uint32_t)option_whole(text, 1, MOST_CABLES, "--cables", state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        o->out = arg;
        return 0;
    case KEY_GPUS:
        o->write.gpus = (uint32_t)option_whole(arg, 1, NODE_MAX_GPUS, "--gpus", state);
        return 0;
    case KEY_CABLES:
        set_cables(o, arg, state);
        return 0;
    case KEY_NICS:
        o->import.nics = (uint32_t)option_whole(arg, 1, FABRIC_MAX_NICS, "--nics", state);
        return 0;
    case KEY_NO_ROUTES:
        o->write.no_routes = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!o->verb)
            option_verb(o->verb = arg, "fabric", state);
        else
            o->files[o->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        check_complete(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "info FILE...\nimport FILE... -o OUT",
    "Describes the network that an operator's files tell, or writes it for topology 'file'. Together they are one "
    "fabric: "
    "what ibnetdiscover prints, with the tables of its switches (dump_lfts.sh, ibroute, OpenSM's dumps), Slurm's "
    "topology.conf or topology.yaml, or InfraGraph; and the inside of its nodes: NCCL's topology, lstopo's XML or "
    "'nvidia-smi topo -m'.",
    NULL,
    NULL,
    NULL};

static void write_fabric(const struct options *o, const struct fabric *f, struct diag *diag)
{
    struct outfile *out = outfile_open(o->out, diag);
    if (!out)
        return;
    if (fabric_write(f, &o->write, out, diag))
        outfile_abandon(out);
    else
        outfile_close(out, diag);
}

static void work(struct options *o, struct arena *arena, struct diag *diag)
{
    for (int i = 0; i < o->n_files; i++)
        o->files[i] = data_given(o->files[i], arena);
    const struct fabric *f = fabric_import(o->files, o->n_files, &o->import, arena, diag);
    if (f && o->out)
        write_fabric(o, f, diag);
    else if (f)
        fabric_print_info(f, stdout, diag);
    for (uint32_t i = 0; f && o->out && i < f->n_notes; i++)
        diag_warning(diag, SRCLOC_NONE, "%s", f->notes[i]);
}

int cmd_fabric(int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct options o = {.files = ARENA_ARRAY(arena, const char *, (size_t)argc)};
    options_parse(&argp, argc, argv, &o);
    work(&o, arena, diag);
    diag_print(diag, stderr);
    int code = finish_stdout(diag_exit_code(diag));
    diag_free(diag);
    arena_free(arena);
    return code;
}
