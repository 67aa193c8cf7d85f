/* Tasks of DeepEP's normal kernels, by the warps that do them (csrc/kernels/internode.cu, February 2025).
 *
 * A channel is two SMs, one per copy engine. Of a dispatch: 8 warps forward from RDMA to NVLink buffers and 1 counts
 * what they have freed; 7 copy tokens into RDMA buffers, 1 posts requests, 8 copy from NVLink buffers to the output.
 * Of a combine among 8 nodes: 8 warps copy expert outputs into NVLink buffers, 16 add up what the nodes return, 1
 * counts; 24 add up what a node's GPUs have and send it on, 1 counts.
 *
 * The share of a task in an SM is its share of the warps that work there; warps that add and send on count half for
 * each. SMs of tasks that hardware does are given back; the others work at the same rate as before. An assumption:
 * nobody has measured kernels with single tasks taken out. Casts are kernels of their own and hold no such SMs. */
#include "hw/ep_tasks.h"

#include <math.h>

#include "base/cfg_rows.h"
#include "hw/cluster.h"

static const struct cfg_field offload_fields[] = {
    ROW_FLAG(hw_offload, "forwarding", forwarding, "false", "between the network and NVLink (paper 4.4.1, 1)"),
    ROW_FLAG(hw_offload, "transport", transport, "false", "between RDMA buffers and input or output buffers (2)"),
    ROW_FLAG(hw_offload, "reduce", reduce, "false", "adding up in a combine (3)"),
    ROW_FLAG(hw_offload, "layout", layout, "false",
             "chunks, their places, requests to the NIC; the layout kernel of a dispatch (4)"),
    ROW_FLAG(hw_offload, "cast", cast, "false", "casts on the communication stream, around dispatch and combine (5)"),
    ROW_AMOUNT(hw_offload, "rate", rate_Bps, DIM_BANDWIDTH, "0 B/s", 0, 1e14,
               "what this hardware moves per GPU, logical bytes as copy_per_sm; 0 = as fast as the links",
               .needs = ".forwarding=true | .transport=true | .reduce=true | .layout=true | .cast=true"),
    {0}};
const struct cfg_table hw_offload_table = {"offload", "tasks of dispatch and combine that hardware does without SMs",
                                           sizeof(struct hw_offload), offload_fields};

/* Warps of an SM by task. */
struct warps {
    double forwarding, transport, reduce, layout;
};

static const struct warps engine_warps[2][2] = {
    /* [combine][engine] */
    {[EP_HOME] = {.transport = 15, .layout = 1}, [EP_AWAY] = {.forwarding = 8, .layout = 1}},
    {[EP_HOME] = {.transport = 8, .reduce = 16, .layout = 1},
     [EP_AWAY] = {.forwarding = 12, .reduce = 12, .layout = 1}},
};

/* Of one engine's SMs, the share that still has work. */
static double share_left(const struct hw_offload *o, const struct warps *w)
{
    double all = w->forwarding + w->transport + w->reduce + w->layout;
    double gone =
        o->forwarding * w->forwarding + o->transport * w->transport + o->reduce * w->reduce + o->layout * w->layout;
    return 1 - gone / all;
}

double ep_sms_held(const struct hw_ep_kernel *kernel, bool combine)
{
    const struct warps *w = engine_warps[combine];
    double left = share_left(&kernel->offload, &w[EP_HOME]) + share_left(&kernel->offload, &w[EP_AWAY]);
    return ceil((double)kernel->sms * left / 2 - 1e-9);
}

double ep_sms_held_most(const struct hw_ep_kernel *kernel)
{
    return fmax(ep_sms_held(kernel, false), ep_sms_held(kernel, true));
}

bool ep_engine_on_sms(const struct hw_ep_kernel *kernel, bool combine, enum ep_engine engine)
{
    const struct hw_offload *o = &kernel->offload;
    if (kernel->sms <= 0)
        return false;
    if (engine == EP_HOME)
        return combine ? !o->reduce : !o->transport;
    return combine ? !(o->forwarding && o->reduce) : !o->forwarding;
}
