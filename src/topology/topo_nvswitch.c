/* The GPUs of one node under NVSwitch, however many there are. */
#include "topology/ends.h"
#include "topology/scale_up.h"

const struct topology_type topo_nvswitch = {
    .name = "nvswitch",
    .doc = "one scale-up domain: the GPUs of one node, no network",
    .ref = "4.4",
    .build = scale_up_build,
    .count = scale_up_count,
    .n_minimal = scale_up_n_minimal,
    .by_destination = scale_up_by_destination,
    .path = scale_up_path,
    .n_turns = scale_up_n_turns,
    .turn = scale_up_turn,
    .link_name = ends_link_name,
};
