/* moesim model NAME: parameters, FLOPs and bytes of a model; Tables 1 and 2; import of a config.json. */
#include <argp.h>
#include <string.h>

#include "cmd/cmd.h"
#include "io/results/model_tables.h"

enum { MAX_SET = 64, KEY_SEQUENCE = 256, KEY_CONTEXT, KEY_PP, KEY_TP, KEY_EP, KEY_REDUNDANT, KEY_TABLE1, KEY_TABLE2 };
enum { DEFAULT_TOKENS = 4096, MOST_TOKENS = 1 << 30, MOST_GPUS = 1 << 20 };

#define DEFAULT_QUESTION \
    { \
        DEFAULT_TOKENS, DEFAULT_TOKENS, \
        { \
            1, 1, 1, 0 \
        } \
    }

struct options {
    const char *name, *import, *out, *set[MAX_SET];
    int n_set, table;
    struct model_question question;
    enum model_output format;
    bool has_format;
};

static const struct argp_option argp_options[] = {
    {"set", 's', "KEY=VALUE", OPTION_LIST, "change one value, for example moe.top_k=4", 0},
    {"sequence", KEY_SEQUENCE, "N", 0, "tokens of a training sequence (default: 4096)", 0},
    {"context", KEY_CONTEXT, "N", 0, "tokens before the one that is generated (default: 4096)", 0},
    {"pp", KEY_PP, "N", 0, "pipeline stages (default: 1)", 0},
    {"tp", KEY_TP, "N", 0, "tensor parallelism (default: 1)", 0},
    {"ep", KEY_EP, "N", 0, "expert parallelism (default: 1)", 0},
    {"redundant", KEY_REDUNDANT, "N", 0, "replicas of a layer's experts beyond one of each (default: 0)", 0},
    {"table1", KEY_TABLE1, NULL, 0, "Table 1 of the paper: KV cache per token", 0},
    {"table2", KEY_TABLE2, NULL, 0,
     "Table 2 of the paper: training cost per token; exit code 1 when a printed value is not met", 0},
    {"format", 'f', "FORMAT", 0, "text, json, or latex (--table1, --table2); default: latex for FILE.tex, else text",
     0},
    {"output", 'o', "FILE", 0, "write to FILE, whole or not at all (.gz compresses)", 0},
    {0}};

static enum model_output format_of(const char *word, struct argp_state *state)
{
    static const char *const words[] = {"text", "json", "latex", NULL};
    return (enum model_output)option_word(word, words, "output format", state);
}

static void add_name(struct options *o, const char *word, struct argp_state *state)
{
    if (o->name && !strcmp(o->name, "import") && !o->import)
        o->import = word;
    else if (o->name)
        argp_error(state, "one model at a time; '%s' is a second one", word);
    else
        o->name = word;
}

/* Nothing that was written is ignored. */
static void check_all(struct options *o, struct argp_state *state)
{
    static const struct model_question asked = DEFAULT_QUESTION;
    bool import = o->name && !strcmp(o->name, "import");
    bool about_one = o->n_set || memcmp(&o->question, &asked, sizeof asked);
    if (!o->has_format && o->out && outfile_ends_in(o->out, ".tex"))
        o->format = MODEL_LATEX;
    if (o->format == MODEL_LATEX && !o->table)
        argp_error(state, "LaTeX is written of --table1 and --table2; leave out the format or write json");
    if (!o->name && !o->table)
        argp_error(state, "which model? For example:\n  moesim model deepseek_v3");
    if (import && !o->import)
        argp_error(state, "which file? For example:\n  moesim model import config.json -o mine.yaml");
    if (o->name && o->table)
        argp_error(state, "the paper's tables are of the paper's models; leave out '%s'", o->name);
    if (about_one && (o->table || import))
        argp_error(state, "-s, --sequence, --context, --pp, --tp, --ep and --redundant are about one model; "
                          "leave them out");
    if (o->format != MODEL_TEXT && import)
        argp_error(state, "an import is YAML; leave out --format");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
        if (o->n_set == MAX_SET)
            argp_error(state, "more than %d changes", MAX_SET);
        o->set[o->n_set++] = arg;
        return 0;
    case KEY_SEQUENCE:
        o->question.sequence = (double)option_whole(arg, 1, MOST_TOKENS, "--sequence", state);
        return 0;
    case KEY_CONTEXT:
        o->question.context = (double)option_whole(arg, 1, MOST_TOKENS, "--context", state);
        return 0;
    case KEY_PP:
        o->question.layout.pp = (uint32_t)option_whole(arg, 1, MOST_GPUS, "--pp", state);
        return 0;
    case KEY_TP:
        o->question.layout.tp = (uint32_t)option_whole(arg, 1, MOST_GPUS, "--tp", state);
        return 0;
    case KEY_EP:
        o->question.layout.ep = (uint32_t)option_whole(arg, 1, MOST_GPUS, "--ep", state);
        return 0;
    case KEY_REDUNDANT:
        o->question.layout.redundant = (uint32_t)option_whole(arg, 0, MOST_GPUS, "--redundant", state);
        return 0;
    case KEY_TABLE1:
    case KEY_TABLE2:
        if (o->table && o->table != key - KEY_TABLE1 + 1)
            argp_error(state, "one table at a time");
        o->table = key - KEY_TABLE1 + 1;
        return 0;
    case 'f':
        o->format = format_of(arg, state);
        o->has_format = true;
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        add_name(o, arg, state);
        return 0;
    case ARGP_KEY_END:
        check_all(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    argp_options,
    parse_option,
    "NAME\nFILE.yaml\nimport CONFIG.JSON",
    "Prints parameters, KV cache, training and decoding FLOPs and bytes, and weights per GPU of a model: one "
    "of 'moesim list models', or a file of your own. 'import' makes such a file of a Hugging Face config.json.",
    NULL,
    NULL,
    NULL};

static int describe(const struct options *o, struct arena *arena, struct outfile *f, struct diag *diag)
{
    struct model_file m;
    struct model_figure figures[MODEL_FIGURES];
    if (model_load(o->name, o->set, o->n_set, arena, &m, diag))
        return -1;
    int n = model_figures(&m, &o->question, figures, diag);
    if (n < 0)
        return -1;
    (o->format == MODEL_JSON ? model_write_json : model_write_text)(&m, figures, n, f);
    return 0;
}

static int answer(const struct options *o, struct arena *arena, struct diag *diag)
{
    struct outfile *f = outfile_open(o->out ? o->out : "-", diag);
    int code = -1;
    if (!f)
        return -1;
    if (o->table)
        code = model_paper_table(o->table, o->format, arena, f, diag);
    else if (o->import)
        code = model_import(o->import, arena, f, diag);
    else
        code = describe(o, arena, f, diag);
    if (code >= 0)
        return outfile_close(f, diag) ? -1 : code;
    outfile_abandon(f);
    return -1;
}

int cmd_model(int argc, char **argv)
{
    struct options o = {.question = DEFAULT_QUESTION};
    options_parse(&argp, argc, argv, &o);
    struct arena *arena = arena_new();
    struct diag *diag = diag_new();
    int missed = answer(&o, arena, diag);
    diag_print(diag, stderr);
    int code = diag_exit_code(diag);
    diag_free(diag);
    arena_free(arena);
    return code ? code : missed == 1 ? EXIT_NO : EXIT_OK;
}
