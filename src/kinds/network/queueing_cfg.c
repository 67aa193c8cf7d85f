#include "kinds/network/queueing_cfg.h"

static const char *const traffic_names[] = {"incast", "pair", "permutation", "all_to_all", "random", NULL};
static const char *const victim_names[] = {"none", "at_sender", "beside", NULL};

#define AT(member) offsetof(struct queueing_cfg, member)
#define COUNT(key, member, preset, low, high, text) \
    { \
        .name = key, .type = CFG_INT, .offset = AT(member), .dflt = preset, .min = (low), .max = (high), .doc = text \
    }
#define SIZE(key, member, preset, low, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_BYTES, .offset = AT(member), .dflt = preset, .min = (low), \
        .max = 1e12, .doc = text \
    }
#define TEXT(key, member, preset, text) \
    { \
        .name = key, .type = CFG_STRING, .offset = AT(member), .dflt = preset, .doc = text \
    }
#define CLASS(key, member, text) COUNT(key, member, "0", 0, 7, text)

static const struct cfg_field queueing_fields[] = {
    {.name = "traffic",
     .type = CFG_ENUM,
     .offset = AT(traffic),
     .dflt = "incast",
     .choices = traffic_names,
     .doc = "incast: nodes spread over the cluster to node 0; pair: the last node to "
            "node 0; "
            "permutation: every GPU to the one half the cluster away; all_to_all; "
            "random: Poisson "
            "arrivals"},
    COUNT("senders", senders, "8", 1, 65536, "incast: how many nodes send, GPU 0 of each"),
    SIZE("size", size_B, "1 MiB", 1, "bytes of a message"),
    COUNT("messages", messages, "100", 1, 1000000, "random: messages of each GPU"),
    {.name = "load",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = AT(load_ratio),
     .dflt = "50 %",
     .min = 0.001,
     .max = 10,
     .doc = "random: what a GPU offers, over its NIC's payload rate"},
    {.name = "victim",
     .type = CFG_ENUM,
     .offset = AT(victim),
     .dflt = "none",
     .choices = victim_names,
     .doc = "incast: a message of somebody else's: none; at_sender: from the last "
            "sender's node; "
            "beside: from the node behind it"},
    COUNT("victim_to", victim_to, "1", 1, 65535, "the node that the victim's message goes to"),
    SIZE("victim_size", victim_B, "1 MiB", 1, "bytes of it"),
    COUNT("probes", probes, "0", 0, 1000000,
          "incast and pair: short messages at random times on the victim's way, or the "
          "pair's"),
    SIZE("probe_size", probe_B, "64 B", 0, "bytes of each"),
    CLASS("class", traffic_class, "class of the traffic; 0 is served first"),
    CLASS("victim_class", victim_class, "class of the victim's message"),
    CLASS("probe_class", probe_class, "class of the probes"),
    TEXT("variants", variants, "",
         "what to compare, for example 'pfc, credits, pfc+voq_qp+qp_pause, pfc+dcqcn, "
         "pfc+rtt, "
         "spray+out_of_order, selective+out_of_order, llr'; each changes "
         "cluster.packet or the "
         "routing; empty = as they are"),
    TEXT("loss_rates", loss_rates, "",
         "each variant at these shares of lost packets per link, for example '0, 1e-5, "
         "1e-4'; "
         "empty = cluster.packet.loss"),
    {0}};

static const struct cfg_table queueing_table = {"queueing", "Queues, flow control and loss, packet by packet",
                                                sizeof(struct queueing_cfg), queueing_fields};
const struct kind_keys queueing_keys = {
    "queueing", &queueing_table, "kind queueing: traffic packet by packet under several kinds of switches and NICs"};
