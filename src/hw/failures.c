#include "hw/failures.h"

#include "base/cfg_rows.h"

static const struct cfg_field fields[] = {
    ROW_AMOUNT(hw_failures, "gpu", gpu_s, DIM_TIME, "3377 d", 1e-9, 1e15,
               "between failures of a GPU and its memory that end a job"),
    ROW_AMOUNT(hw_failures, "host", host_s, DIM_TIME, "2404 d", 1e-9, 1e15, "of a node beside its GPUs"),
    ROW_AMOUNT(hw_failures, "software", software_s, DIM_TIME, "1755 d", 1e-9, 1e15, "of software, per node"),
    ROW_AMOUNT(hw_failures, "link", link_s, DIM_TIME, "21065 d", 1e-9, 1e15,
               "of a NIC, its cable or switch port, for good"),
    ROW_AMOUNT(hw_failures, "silent", silent_s, DIM_TIME, "147456 d", 1e-9, 1e15,
               "of a GPU that computes or stores something wrong unnoticed"),
    ROW_AMOUNT(hw_failures, "flap", flap_s, DIM_TIME, "100 d", 1e-9, 1e15,
               "between flaps of a NIC's link (an assumption: no source has a rate)"),
    ROW_AMOUNT(hw_failures, "flap_length", flap_length_s, DIM_TIME, "3 s", 1e-9, 1e15,
               "mean length of a flap, exponential (an assumption)"),
    ROW_AMOUNT(hw_failures, "repair", repair_s, DIM_TIME, "1 d", 1e-9, 1e15,
               "until a link that failed is repaired (an assumption)"),
    ROW_AMOUNT(hw_failures, "retry", retry_s, DIM_TIME, "4.295 s", 1e-9, 1e15,
               "a lost packet is sent again after so long (NCCL_IB_TIMEOUT 20: 4.096 us * 2^20)"),
    ROW_AMOUNT(hw_failures, "break", break_s, DIM_TIME, "30.06 s", 1e-9, 1e15,
               "the connection breaks after so long (NCCL_IB_RETRY_CNT 7 times that)"),
    ROW_FLAG(hw_failures, "link_retry", link_retry, "false",
             "links send again what was lost (link-layer retry): a flap costs its length"),
    ROW_FLAG(hw_failures, "failover", failover, "false",
             "a NIC has ports on other planes: flaps and failed links are gone round"),
    ROW_AMOUNT(hw_failures, "failover_time", failover_s, DIM_TIME, "50 ms", 1e-9, 1e15,
               "until the other way is taken (an assumption)"),
    {0}};
const struct cfg_table hw_failures_table = {"failures", "how often parts fail, and what links do about it",
                                            sizeof(struct hw_failures), fields};
