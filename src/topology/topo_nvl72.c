/* A GB200 NVL72 rack: 72 GPUs under NVSwitch, 900 GB/s per GPU and direction (hardware gb200_nvl72). */
#include "topology/ends.h"
#include "topology/scale_up.h"

enum { RACK_GPUS = 72 };

static int count(const struct cluster_hw *hw, struct topo_counts *out, struct diag *diag)
{
    if (hw->node.gpus != RACK_GPUS) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_NONE,
                   "an NVL72 has %d GPUs, cluster.node.gpus is %lld; choose hardware gb200_nvl72, or topology "
                   "nvswitch for nodes of another size",
                   RACK_GPUS, (long long)hw->node.gpus);
        return -1;
    }
    return scale_up_count(hw, out, diag);
}

static int build(struct topology *t, const struct cluster_hw *hw, struct arena *a, struct diag *diag)
{
    struct topo_counts counts = {0};
    return count(hw, &counts, diag) ? -1 : scale_up_build(t, hw, a, diag);
}

const struct topology_type topo_nvl72 = {
    .name = "nvl72",
    .doc = "a GB200 NVL72 rack: 72 GPUs under NVSwitch, no network (hardware gb200_nvl72)",
    .ref = "2.3.2",
    .build = build,
    .count = count,
    .n_minimal = scale_up_n_minimal,
    .by_destination = scale_up_by_destination,
    .path = scale_up_path,
    .n_turns = scale_up_n_turns,
    .turn = scale_up_turn,
    .link_name = ends_link_name,
};
