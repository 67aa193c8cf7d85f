#include "hw/failures.h"

#define TIME(key, member, preset, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_TIME, .offset = offsetof(struct hw_failures, member), \
        .dflt = preset, .min = 1e-9, .max = 1e15, .doc = text \
    }
#define SWITCH(key, member, text) \
    { \
        .name = key, .type = CFG_BOOL, .offset = offsetof(struct hw_failures, member), .dflt = "false", .doc = text \
    }

static const struct cfg_field fields[] = {
    TIME("gpu", gpu_s, "3377 d", "between failures of a GPU and its memory that end a job"),
    TIME("host", host_s, "2404 d", "of a node beside its GPUs"),
    TIME("software", software_s, "1755 d", "of software, per node"),
    TIME("link", link_s, "21065 d", "of a NIC, its cable or switch port, for good"),
    TIME("silent", silent_s, "147456 d", "of a GPU that computes or stores something wrong unnoticed"),
    TIME("flap", flap_s, "100 d", "between flaps of a NIC's link (an assumption: no source has a rate)"),
    TIME("flap_length", flap_length_s, "3 s", "mean length of a flap, exponential (an assumption)"),
    TIME("repair", repair_s, "1 d", "until a link that failed is repaired (an assumption)"),
    TIME("retry", retry_s, "4.295 s",
         "a lost packet is sent again after so long (NCCL_IB_TIMEOUT 20: 4.096 us * 2^20)"),
    TIME("break", break_s, "30.06 s", "the connection breaks after so long (NCCL_IB_RETRY_CNT 7 times that)"),
    SWITCH("link_retry", link_retry, "links send again what was lost (link-layer retry): a flap costs its length"),
    SWITCH("failover", failover, "a NIC has ports on other planes: flaps and failed links are gone round"),
    TIME("failover_time", failover_s, "50 ms", "until the other way is taken (an assumption)"),
    {0}};
const struct cfg_table hw_failures_table = {"failures", "how often parts fail, and what links do about it",
                                            sizeof(struct hw_failures), fields};
