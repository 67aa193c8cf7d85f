/* The proposals of one scenario, in the order in which they are applied. */
#ifndef MOESIM_PROPOSALS_STACK_H
#define MOESIM_PROPOSALS_STACK_H

#include "proposals/proposal.h"

struct proposal_use {
    const struct proposal *type;
    const char *text; /* "NAME:key=value,..." as given */
    struct srcloc where;
    void *parameters;   /* NULL = none */
    uint32_t changed;   /* keys */
    uint32_t rewritten; /* by a rewrite, in all simulations so far */
};

/* Who set a key to what. */
struct proposal_key {
    const char *key, *value;
    uint32_t use;
    bool scaled; /* relative to what stood there */
};

struct proposal_stack {
    struct arena *arena;
    struct proposal_use *uses;
    uint32_t n_uses, cap_uses;
    struct proposal_key *keys;
    uint32_t n_keys, cap_keys;
};

struct proposal_stack *proposal_stack_new(struct arena *arena);
/* Adds "--proposal TEXT" of a command line. */
int proposal_stack_add_option(struct proposal_stack *s, const char *text, struct diag *diag);
/* Adds those of the key `proposals`: separated by ';'. */
int proposal_stack_add_list(struct proposal_stack *s, const char *list, struct srcloc where, struct diag *diag);
/* Takes one out again, before any is applied. */
void proposal_stack_leave_out(struct proposal_stack *s, uint32_t use);
/* Applies all patches, policies and keys of rewrites to a config that is complete. overrides_give_way: they may set
 * what -s gives. 0 or -1. */
int proposal_stack_apply(struct proposal_stack *s, struct cfg *cfg, const char *kind, bool overrides_give_way,
                         struct diag *diag);
/* Applies all rewrites to the work of a simulation. */
void proposal_stack_rewrite(struct proposal_stack *s, const struct proposal_work *work);
/* After a run: reports rewrites that found nothing to change. 0 or -1. */
int proposal_stack_check_consumed(const struct proposal_stack *s, struct diag *diag);
/* As a list; rewrites_only: those that are not yet part of the config. "" when there are none. */
const char *proposal_stack_text(const struct proposal_stack *s, bool rewrites_only, struct arena *arena);

#endif
