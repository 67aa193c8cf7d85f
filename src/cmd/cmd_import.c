/* moesim import FILE...: finds out what files are, and hands them to the command that reads them. */
#include <argp.h>
#include <string.h>
#include <sys/stat.h>

#include "base/data_find.h"
#include "base/diag.h"
#include "cmd/cmd.h"
#include "io/inputs/input.h"

struct options {
    const char *out;
    const char **files; /* room for all arguments */
    int n_files;
};

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE", 0, "write what was read to FILE, in moesim's own format", 0}, {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        o->files[o->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->n_files)
            argp_error(state, "which file? For example:\n  moesim import profile.json.gz");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {argp_options,
                                 parse_option,
                                 "FILE...",
                                 "Finds out what FILEs are (profiles, execution traces, fabrics, configurations of "
                                 "models) and describes or, with -o, "
                                 "imports them: what 'moesim trace', 'moesim fabric' and 'moesim model' do. Several "
                                 "files are one thing: ranks of one "
                                 "run, parts of one fabric.",
                                 NULL,
                                 NULL,
                                 NULL};

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Of traces, fabrics or models; -1: reported. */
static int kind_of(const char *path, const char **name, struct arena *arena, struct diag *diag)
{
    struct input_head *head = ARENA_NEW(arena, struct input_head);
    *name = "folder";
    if (is_folder(path))
        return INPUT_TRACE;
    if (input_head_read(path, head, diag))
        return -1;
    const struct input_format *format = input_recognise(head);
    if (format) {
        *name = format->name;
        return format->makes;
    }
    const char *known = "";
    for (const struct input_format *const *f = input_formats; *f; f++)
        known = arena_printf(arena, "%s%s%s (%s)", known, *known ? ", " : "", (*f)->name, (*f)->doc);
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path), "this is none of the formats that are known: %s", known);
    return -1;
}

static int kind_of_all(const struct options *o, struct arena *arena, struct diag *diag)
{
    const char *first = NULL, *name;
    int kind = -1;
    for (int i = 0; i < o->n_files; i++) {
        int is = kind_of(o->files[i], &name, arena, diag);
        if (is < 0)
            return -1;
        if (i && is != kind) {
            diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(o->files[i]),
                       "this is %s, and '%s' %s: files that belong together are of one thing", name, o->files[0],
                       first);
            return -1;
        }
        first = i ? first : name;
        kind = is;
    }
    return kind;
}

/* The command line of who reads them. */
static int hand_over(const struct options *o, int kind, struct arena *arena)
{
    static const char *const commands[] = {[INPUT_TRACE] = "trace", [INPUT_MODEL] = "model", [INPUT_FABRIC] = "fabric"};
    char **argv = ARENA_ARRAY(arena, char *, (size_t)o->n_files + 6);
    int argc = 0;
    argv[argc++] = arena_strdup(arena, commands[kind]);
    if (kind == INPUT_MODEL)
        argv[argc++] = arena_strdup(arena, "import");
    else
        argv[argc++] = arena_strdup(arena, o->out ? "import" : "info");
    for (int i = 0; i < o->n_files; i++)
        argv[argc++] = arena_strdup(arena, o->files[i]);
    if (o->out) {
        argv[argc++] = arena_strdup(arena, "-o");
        argv[argc++] = arena_strdup(arena, o->out);
    }
    return run_command(argc, argv);
}

int cmd_import(int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    struct options o = {.files = ARENA_ARRAY(arena, const char *, (size_t)argc)};
    options_parse(&argp, argc, argv, &o);
    int kind = kind_of_all(&o, arena, diag);
    diag_print(diag, stderr);
    int code = kind < 0 ? finish_stdout(diag_exit_code(diag)) : hand_over(&o, kind, arena);
    diag_free(diag);
    arena_free(arena);
    return code;
}
