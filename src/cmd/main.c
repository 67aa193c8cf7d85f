/* moesim COMMAND ...: finds the command and hands over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/build_id.h"
#include "base/cfg.h"
#include "base/diag.h"
#include "base/outfile.h"
#include "cmd/cmd.h"
#include "commit.h"
#include "config.h"

struct command {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *doc;
};

static const struct command commands[] = {
    {"run", cmd_run, "simulate a scenario and print the result"},
    {"sweep", cmd_sweep, "run a scenario for many values of its keys, into a database"},
    {"merge", cmd_merge, "join the shards of a sweep"},
    {"export", cmd_export, "a sweep's result as CSV, JSON or LaTeX"},
    {"sensitivity", cmd_sensitivity, "which axes of a sweep matter: Morris, Sobol indices"},
    {"search", cmd_search, "the best points of a space, without simulating all"},
    {"pareto", cmd_pareto, "the points of a sweep that no other point beats"},
    {"reproduce", cmd_reproduce, "run a result's scenario again and compare"},
    {"compare", cmd_compare, "what moved between two results"},
    {"trace", cmd_trace, "look at or import a recorded trace (Kineto or our own format)"},
    {"import", cmd_import, "find out what a file is: profile, fabric, model; read it"},
    {"fabric", cmd_fabric, "read an operator's network: InfiniBand dumps, host files"},
    {"topo", cmd_topo, "count, measure, price and export a network; Table 3"},
    {"model", cmd_model, "parameters, FLOPs and bytes of a model; Tables 1 and 2"},
    {"kernels", cmd_kernels, "how long kernels run: measured tables, the roofline, one kernel"},
    {"comm", cmd_comm, "exchanges and collectives beside measured rows"},
    {"formats", cmd_formats, "errors of FP8, MX, LogFMT and of narrow accumulation"},
    {"claims", cmd_claims, "every number of the paper beside ours: what holds, what misses"},
    {"proposals", cmd_proposals, "try the paper's proposals: with and without, one table"},
    {"plot", cmd_plot, "a figure of a result: lines or bars with intervals, as PDF or SVG"},
    {"report", cmd_report, "results as one HTML page: claims, charts, networks, timelines"},
    {"validate", cmd_validate, "check scenarios without running them"},
    {"list", cmd_list, "what a scenario may name: keys, networks, hardware, models, ..."},
    {"schema", cmd_schema, "print the JSON Schema of a scenario"},
    {NULL, NULL, NULL},
};

/* (help2man makes the manual page moesim(1) of this) */
static void print_help(FILE *out)
{
    fputs("Usage: moesim COMMAND [OPTIONS] [ARGUMENTS]\n"
          "Simulates mixture-of-experts models on GPU clusters.\n\n"
          "Commands:\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-11s  %s\n", c->name, c->doc);
    fputs("\n'moesim COMMAND --help' explains a command.\n\n"
          "Start with:\n"
          "  moesim run scenarios/train_replay_h800.yaml\n",
          out);
}

enum { N_COMMANDS = sizeof commands / sizeof *commands }; /* with the terminating one */

void command_names(const char **names, size_t max)
{
    BUG_IF(max < N_COMMANDS);
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    command_names(names, N_COMMANDS);
    const char *near = cfg_nearest(word, names);
    fprintf(stderr, "moesim: error: there is no command '%s'", word);
    if (near)
        fprintf(stderr, "; did you mean '%s'?", near);
    fputs("\n'moesim --help' lists the commands.\n", stderr);
    return EXIT_USAGE;
}

/* Usage messages then say "moesim run", which is what one types. */
static int hand_over(const struct command *c, int argc, char **argv)
{
    char name[32];
    snprintf(name, sizeof name, "moesim %s", c->name);
    argv[0] = name;
    return c->fn(argc, argv);
}

int run_command(int argc, char **argv)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(argv[0], c->name))
            return hand_over(c, argc, argv);
    return unknown_command(argv[0]);
}

/* moesim help COMMAND */
static int help_of(char *command)
{
    char help[] = "--help", *argv[] = {command, help, NULL};
    return run_command(2, argv);
}

static void print_version(void)
{
    puts(PACKAGE_STRING "\n"
                        "License GPL-3.0-or-later: <https://gnu.org/licenses/gpl.html>\n"
                        "This is free software: you are free to change and redistribute it.\n"
                        "There is no warranty, to the extent permitted by law.");
}

/* An interrupted run leaves no temporary file; the simulation's child dies with its parent. */
static void on_interrupt(int sig)
{
    outfile_abandon_all();
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv)
{
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    signal(SIGHUP, on_interrupt);
    signal(SIGPIPE, on_interrupt);
    build_commit = BUILD_COMMIT;
    command_line = command_line_of(PACKAGE_NAME, argc - 1, argv + 1);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing, like a full disk */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "help") && argc > 2)
        return help_of(argv[2]);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return finish_stdout(EXIT_OK);
    }
    if (!strcmp(argv[1], "--version")) {
        print_version();
        return finish_stdout(EXIT_OK);
    }
    return run_command(argc - 1, argv + 1);
}
