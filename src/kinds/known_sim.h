/* Simulations that somebody of the same family of processes has run: claims and trials simulate the same work again and again,
 * between runs that differ elsewhere. */
#ifndef MOESIM_KINDS_KNOWN_SIM_H
#define MOESIM_KINDS_KNOWN_SIM_H

#include "kinds/kind_run.h"

/* A text of all that decides the outcome of run->spec, or NULL: it may not be shared (nobody is there to share with, somebody
 * looks into the simulation, or it depends on more than is cheap to tell). The arena is run->scratch. */
const char *known_sim_key(const struct kind_run *run);

/* Whether it is known; then run->outcome is what sim_run would have given, but for what is about the child. */
bool known_sim_get(struct kind_run *run, const char *key);
void known_sim_put(const struct kind_run *run, const char *key);

#endif
