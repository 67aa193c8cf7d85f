/* Claims: the command lines they name run once each, in parallel children; then each claim finds its number in what
 * its command printed, and gets a verdict. */
#ifndef MOESIM_CAMPAIGN_CLAIMS_H
#define MOESIM_CAMPAIGN_CLAIMS_H

#include "io/results/claim_writers.h"

/* Runs one moesim command line (argv[0] is the command's name) and returns its exit code. */
typedef int claims_command_fn(int argc, char **argv);

/* `seeds`: runs with sim.seed 1 to that give each number that depends on it its mean and interval; 0: none. Verdicts are of the
 * command as it stands.
 * 0, or -1 when processes cannot be started. What a command does wrong is its claims' verdict, no error here. */
int claims_run(const struct claim *claims, uint32_t n, uint32_t jobs, uint32_t seeds, claims_command_fn *command,
               struct arena *arena, struct claim_results *out, struct diag *diag);

/* Verdict, deviation and message, from the claim and the values in the result. */
void claim_judge(struct claim_result *r, struct arena *arena);

#endif
