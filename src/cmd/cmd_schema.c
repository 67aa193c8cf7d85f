/* moesim schema: the JSON Schema of a scenario, for editors that complete and check
 * YAML. */
#include <argp.h>

#include "cmd/cmd.h"
#include "io/scenario.h"

enum { KEY_ROFF = 256 };

static const struct argp_option argp_options[] = {
    {"roff", KEY_ROFF, NULL, 0, "print kinds, keys, proposals and units as the sections of a manual page instead", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    bool *roff = state->input;
    if (key == KEY_ROFF) {
        *roff = true;
        return 0;
    }
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    argp_error(state, "'%s' is not wanted: the schema is of all scenarios", arg);
    return 0;
}

static const struct argp argp = {argp_options,
                                 parse_option,
                                 NULL,
                                 "Prints the JSON Schema (draft 2020-12) of a "
                                 "scenario. An editor with a YAML language server "
                                 "uses it to complete keys and to mark mistakes.",
                                 NULL,
                                 NULL,
                                 NULL};

static const struct cfg_extra extra[] = {
    {"sweep",
     "{\"type\": \"object\", \"description\": \"what moesim sweep varies: axes, zip, where, sample, seeds; see "
     "doc/SWEEP.md\"}"},
    {0}};

int cmd_schema(int argc, char **argv)
{
    bool roff = false;
    options_parse(&argp, argc, argv, &roff);
    if (roff)
        schema_print_roff(stdout);
    else
        cfg_print_schema(scenario_table(), extra, stdout);
    return finish_stdout(EXIT_OK);
}
