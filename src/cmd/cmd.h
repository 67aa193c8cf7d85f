/* The commands: each is a function in cmd_NAME.c with its own options; returns an exit code. */
#ifndef MOESIM_CMD_CMD_H
#define MOESIM_CMD_CMD_H

#include <argp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

int cmd_run(int argc, char **argv);
int cmd_claims(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_sensitivity(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_pareto(int argc, char **argv);
int cmd_comm(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_reproduce(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_fabric(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_topo(int argc, char **argv);
int cmd_formats(int argc, char **argv);
int cmd_kernels(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_validate(int argc, char **argv);
int cmd_proposals(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_schema(int argc, char **argv);

/* --progress=WHEN, for commands that may take long. */
extern const struct argp_child progress_options[];

/* Flag of an option that may be given several times. Every other one with a value is an error when it is there twice: the
 * second would take the first one's place without a word. */
enum { OPTION_LIST = 0x1000 };

/* Reads the command line by argp's table, with that rule; ends with EXIT_USAGE and a message when it is wrong. */
void options_parse(const struct argp *argp, int argc, char **argv, void *input);

struct argp_state;
/* `moesim COMMAND info|import`: the end with a message when the word is neither. */
void option_verb(const char *word, const char *command, struct argp_state *state);
/* A whole number from least to most, or the end with a message that names the option (`what`). */
uint64_t option_whole(const char *text, uint64_t least, uint64_t most, const char *what, struct argp_state *state);
/* Whether a share that was written without '%' must have been meant with it: '5', which is 500 %. */
bool option_lacks_percent(const char *text, double value);
/* A share of more than nothing, as a number below 1 or in per cent up to 1000 ("0.1", "10 %"), or the end with a message. */
double option_share(const char *text, const char *what, struct argp_state *state);

/* Runs the command that argv[0] names; its exit code. */
int run_command(int argc, char **argv);
/* Names of all commands, NULL-terminated. */
void command_names(const char **names, size_t max);

/* The generated sections of moesim-scenario(5). */
void schema_print_roff(FILE *out);

struct result_table;
struct diag;
/* A table as the options of a command want it: to the file of -o (JSON, CSV or LaTeX), else as JSON or text on standard
 * output. `notes` are those of all points that it is of (NULL-terminated; NULL: none), for people and LaTeX. */
void print_table(const struct result_table *table, const char *const *notes, const char *path, bool json,
                 struct diag *diag);
/* Which of the words (NULL-terminated) it is, or the end with a message: "there is no WHAT 'x'; ...". */
int option_word(const char *word, const char *const *words, const char *what, struct argp_state *state);
/* I/N of --shard, or the end with a message. */
void option_shard(const char *text, uint32_t *shard, uint32_t *n_shards, struct argp_state *state);
/* One more output beside `n` others: the end with a message when it is one of them. */
void option_output(const char *path, const char *const *others, int n, struct argp_state *state);
/* -o FILE.json, FILE.csv or FILE.tex, or the end with a message. */
const char *option_table_file(const char *path, struct argp_state *state);

/* Flushes standard output; the exit code, or EXIT_IO with a message when a write failed. */
int finish_stdout(int code);

#endif
