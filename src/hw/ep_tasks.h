/* What the SMs of dispatch and combine do, task by task (paper 4.4.1), and which tasks hardware does instead
 * (4.4.2). */
#ifndef MOESIM_HW_EP_TASKS_H
#define MOESIM_HW_EP_TASKS_H

#include <stdbool.h>

#include "base/cfg.h"

struct hw_ep_kernel;

/* Tasks that need no SMs. */
struct hw_offload {
    bool forwarding, transport, reduce, layout, cast;
    double rate_Bps; /* payload that this hardware moves per GPU and direction; 0 = as fast as the links */
};

extern const struct cfg_table hw_offload_table;

/* SMs that a dispatch or a combine holds for what is left to them. */
double ep_sms_held(const struct hw_ep_kernel *kernel, bool combine);
double ep_sms_held_most(const struct hw_ep_kernel *kernel); /* of both */

/* The two copy engines that a token passes: at the GPU whose token it is, and at the GPU of the other node. */
enum ep_engine { EP_HOME, EP_AWAY };
/* Whether SMs still copy there. */
bool ep_engine_on_sms(const struct hw_ep_kernel *kernel, bool combine, enum ep_engine engine);

#endif
