#include "kinds/network/queueing_cfg.h"

#include "base/cfg_rows.h"

static const char *const traffic_names[] = {"incast", "pair", "permutation", "all_to_all", "random", NULL};
static const char *const victim_names[] = {"none", "at_sender", "beside", NULL};

#define CLASS(key, member, text, ...) ROW_COUNT(queueing_cfg, key, member, "0", 0, 7, text, ##__VA_ARGS__)

static const struct cfg_field queueing_fields[] = {
    ROW_CHOICE(queueing_cfg, "traffic", traffic, "incast", traffic_names,
               "incast: nodes spread over the cluster to node 0; pair: the last node to node 0; permutation: every GPU "
               "to the one half the cluster away; all_to_all; random: Poisson arrivals"),
    ROW_COUNT(queueing_cfg, "senders", senders, "8", 1, 65536, "incast: how many nodes send, GPU 0 of each",
              .needs = ".traffic=incast"),
    ROW_AMOUNT(queueing_cfg, "size", size_B, DIM_BYTES, "1 MiB", 1, 1e12, "bytes of a message"),
    ROW_COUNT(queueing_cfg, "messages", messages, "100", 1, 1000000, "random: messages of each GPU",
              .needs = ".traffic=random"),
    ROW_RATIO(queueing_cfg, "load", load_ratio, "50 %", 0.001, 10,
              "random: what a GPU offers, over its NIC's payload rate", .needs = ".traffic=random"),
    ROW_CHOICE(queueing_cfg, "victim", victim, "none", victim_names,
               "incast: a message of somebody else's: none; at_sender: from the last sender's node; beside: from the "
               "node behind it",
               .needs = ".traffic=incast"),
    ROW_COUNT(queueing_cfg, "victim_to", victim_to, "1", 1, 65535, "the node that the victim's message goes to",
              .needs = ".traffic=incast .victim!=none"),
    ROW_AMOUNT(queueing_cfg, "victim_size", victim_B, DIM_BYTES, "1 MiB", 1, 1e12, "bytes of it",
               .needs = ".traffic=incast .victim!=none"),
    ROW_COUNT(queueing_cfg, "probes", probes, "0", 0, 1000000,
              "incast and pair: short messages at random times on the victim's way, or the pair's",
              .needs = ".traffic=incast,pair"),
    ROW_AMOUNT(queueing_cfg, "probe_size", probe_B, DIM_BYTES, "64 B", 0, 1e12, "bytes of each",
               .needs = ".traffic=incast,pair .probes>0"),
    CLASS("class", traffic_class, "class of the traffic; 0 is served first"),
    CLASS("victim_class", victim_class, "class of the victim's message", .needs = ".traffic=incast .victim!=none"),
    CLASS("probe_class", probe_class, "class of the probes", .needs = ".traffic=incast,pair .probes>0"),
    ROW_TEXT(queueing_cfg, "variants", variants, "",
             "what to compare, for example 'pfc, credits, pfc+voq_qp+qp_pause, pfc+dcqcn, pfc+rtt, spray+out_of_order, "
             "selective+out_of_order, llr'; each changes cluster.packet or the routing; empty = as they are"),
    ROW_TEXT(queueing_cfg, "loss_rates", loss_rates, "",
             "each variant at these shares of lost packets per link, for example '0, 1e-5, 1e-4'; empty = "
             "cluster.packet.loss"),
    {0}};

static const struct cfg_table queueing_table = {"queueing", "Queues, flow control and loss, packet by packet",
                                                sizeof(struct queueing_cfg), queueing_fields};
const struct kind_keys queueing_keys = {
    "queueing", &queueing_table, "kind queueing: traffic packet by packet under several kinds of switches and NICs"};
