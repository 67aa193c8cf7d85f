/* moesim list WHAT: what a scenario may name, its keys, the scenarios that are shipped. */
#include <argp.h>
#include <string.h>

#include "base/data_find.h"
#include "cmd/cmd.h"
#include "io/hardware.h"
#include "io/kind.h"
#include "models/comm/ep_kernel.h"
#include "models/llm/blocks/block.h"
#include "kinds/train/schedules/schedule.h"
#include "topology/topology.h"

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && !strcmp(s + n - m, suffix);
}

static void list_topologies(struct arena *arena)
{
    (void)arena;
    for (const struct topology_type *const *t = topology_all(); *t; t++)
        printf("%-12s %s (paper %s)\n", (*t)->name, (*t)->doc, (*t)->ref);
}

static void list_kinds(struct arena *arena)
{
    (void)arena;
    for (const struct scenario_kind *const *k = kind_all(); *k; k++)
        printf("%-18s %s (paper %s)\n", (*k)->name, (*k)->doc, (*k)->ref);
}

static void list_blocks(struct arena *arena)
{
    (void)arena;
    for (const struct block_type *const *b = block_all(); *b; b++)
        printf("%-16s %s%s%s%s\n", (*b)->name, (*b)->doc, strcmp((*b)->ref, "none") ? " (paper " : "",
               strcmp((*b)->ref, "none") ? (*b)->ref : "", strcmp((*b)->ref, "none") ? ")" : "");
}

static void list_ep_kernels(struct arena *arena)
{
    (void)arena;
    for (const struct ep_kernel_type *const *k = ep_kernel_all(); *k; k++)
        printf("%-20s %s (paper %s)\n", (*k)->name, (*k)->doc, (*k)->ref);
}

static void list_schedules(struct arena *arena)
{
    (void)arena;
    for (const struct schedule_type *const *s = schedule_all(); *s; s++)
        printf("%-12s %s (paper %s)\n", (*s)->name, (*s)->doc, (*s)->ref);
}

static void print_key(void *ctx, const char *key, const struct cfg_field *f, const void *value, const char *text,
                      const char *source)
{
    (void)ctx, (void)value, (void)text, (void)source;
    printf("%-44s  ", key);
    int width = f->choices ? 0 : printf("%s", cfg_type_text(f));
    for (int i = 0; f->choices && f->choices[i]; i++)
        width += printf("%s%s", i ? "|" : "", f->choices[i]);
    printf("%*s  %-14s  %s\n", width < 14 ? 14 - width : 0, "",
           !f->dflt   ? "(required)"
           : *f->dflt ? f->dflt
                      : "(empty)",
           f->doc ? f->doc : "");
}

static void list_keys(struct arena *arena)
{
    cfg_visit(cfg_new(scenario_table(), arena), print_key, NULL);
}

/* The shipped scenarios of one folder. */
static void list_scenarios_in(const char *folder, struct arena *arena)
{
    for (const char **n = data_list(folder, "", NULL, arena); *n; n++) {
        const char *file = arena_printf(arena, "%s/%s", folder, *n), *path = data_find(file, NULL, arena);
        struct diag *quiet = diag_new();
        const char *text = path && ends_with(*n, ".yaml") ? cfg_peek(path, "description", arena, quiet) : NULL;
        if (path && ends_with(*n, ".yaml"))
            printf("%-44s  %s\n", file, text ? text : "");
        diag_free(quiet);
    }
}

static void list_scenarios(struct arena *arena)
{
    list_scenarios_in("scenarios", arena);
    list_scenarios_in("scenarios/proposals", arena);
}

static void print_parameters(const struct cfg_table *table)
{
    for (const struct cfg_field *f = table->fields; f->name; f++) {
        printf("    %s=%s  %s", f->name, f->dflt ? f->dflt : "(required)", f->doc);
        for (int i = 0; f->choices && f->choices[i]; i++)
            printf("%s%s", i ? ", " : ": ", f->choices[i]);
        printf("\n");
    }
}

static void list_proposals(struct arena *arena)
{
    (void)arena;
    for (const struct proposal *const *p = proposal_all(); *p; p++) {
        printf("%-24s %s (paper %s, %s)\n", (*p)->name, (*p)->doc, (*p)->ref,
               proposal_mechanism_names[(*p)->mechanism]);
        if ((*p)->parameters)
            print_parameters((*p)->parameters);
        printf("    for scenarios of kind %s\n", (*p)->kinds);
    }
}

static void list_networks(struct arena *arena)
{
    (void)arena;
    for (int i = 0; net_kind_names[i]; i++)
        printf("%-12s %s\n", net_kind_names[i], net_kind_docs[i]);
}

/* One scalar of a data file for people; a file that cannot be read says so in its line.
 */
static void print_described(const char *name, const char *file, const char *key, struct arena *arena)
{
    struct diag *diag = diag_new();
    const char *path = data_find(file, NULL, arena);
    const char *text = path ? cfg_peek(path, key, arena, diag) : NULL;
    printf("%-18s %s\n", name, diag_failed(diag) ? arena_printf(arena, "(%s cannot be read)", file) : text ? text : "");
    diag_free(diag);
}

/* Machines, then what may be laid over them. */
static void list_hardware(struct arena *arena)
{
    for (const char *const *n = hardware_names(true, NULL, arena); *n; n++)
        print_described(*n, arena_printf(arena, "configs/%s/chip.yaml", *n), "name", arena);
    for (const char *const *n = hardware_names(false, NULL, arena); *n; n++)
        if (!data_find(arena_printf(arena, "configs/%s/chip.yaml", *n), NULL, arena))
            printf("%-18s a layer over another: 'hardware: h800, %s'\n", *n, *n);
}

static void list_machines(struct arena *arena)
{
    for (const char **n = data_list("configs/edge", "", NULL, arena); *n; n++)
        print_described(arena_printf(arena, "%.*s", (int)strcspn(*n, "."), *n),
                        arena_printf(arena, "configs/edge/%s", *n), "name", arena);
}

static void list_models(struct arena *arena)
{
    for (const char **n = data_list("configs/models", "", NULL, arena); *n; n++)
        if (ends_with(*n, ".yaml"))
            print_described(arena_printf(arena, "%.*s", (int)strlen(*n) - 5, *n),
                            arena_printf(arena, "configs/models/%s", *n), "name", arena);
}

static void list_traces(struct arena *arena)
{
    for (const char **n = data_list("traces", "", NULL, arena); *n; n++)
        if (ends_with(*n, ".trace.json") || ends_with(*n, ".trace.json.gz"))
            printf("traces/%s  recorded trace ('moesim trace info' describes it)\n", *n);
}

static const struct list {
    const char *name;
    void (*print)(struct arena *arena);
} lists[] = {{"kinds", list_kinds},         {"topologies", list_topologies},
             {"hardware", list_hardware},   {"machines", list_machines},
             {"models", list_models},       {"traces", list_traces},
             {"blocks", list_blocks},       {"ep_kernels", list_ep_kernels},
             {"schedules", list_schedules}, {"networks", list_networks},
             {"proposals", list_proposals}, {"keys", list_keys},
             {"scenarios", list_scenarios}, {NULL, NULL}};

static const struct list *find_list(const char *word, struct argp_state *state)
{
    const char *names[sizeof lists / sizeof *lists];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        names[i] = lists[i].name;
        if (names[i] && !strcmp(names[i], word))
            return &lists[i];
    }
    const char *near = cfg_nearest(word, names);
    argp_error(state,
               "there is no list '%s'%s%s%s; lists are kinds, topologies, hardware, machines, "
               "models, traces, blocks, ep_kernels, schedules, networks, proposals, keys, scenarios",
               word, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    const struct list **list = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*list)
            argp_error(state, "one list at a time; '%s' is a second one", arg);
        *list = find_list(arg, state);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which list? For example:\n  moesim list topologies");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    NULL,
    parse_option,
    "LIST",
    "Lists what a scenario may name, its keys, or the scenarios that are there. LIST is kinds, "
    "topologies, hardware, machines, models, traces, blocks, ep_kernels, schedules, networks, proposals, "
    "keys or scenarios.",
    NULL,
    NULL,
    NULL};

int cmd_list(int argc, char **argv)
{
    const struct list *list = NULL;
    options_parse(&argp, argc, argv, &list);
    struct arena *arena = arena_new();
    list->print(arena);
    arena_free(arena);
    return finish_stdout(EXIT_OK);
}
