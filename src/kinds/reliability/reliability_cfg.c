#include "kinds/reliability/reliability.h"

static const char *const detection_names[] = {"people", "checksums", "redundancy", NULL};

#define TIME(key, member, preset, low, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_TIME, .offset = offsetof(struct reliability_cfg, member), \
        .dflt = preset, .min = (low), .max = 1e10, .doc = text \
    }
#define RATIO(key, member, preset, high, text) \
    { \
        .name = key, .type = CFG_QUANTITY, .dim = DIM_RATIO, .offset = offsetof(struct reliability_cfg, member), \
        .dflt = preset, .min = 0, .max = (high), .doc = text \
    }

static const struct cfg_field fields[] = {
    {.name = "gpus",
     .type = CFG_STRING,
     .offset = offsetof(struct reliability_cfg, gpus),
     .dflt = "",
     .doc = "sizes of the job, for example '2048, 16384'; empty = all of cluster.nodes"},
    TIME("interval", interval_s, "0 s", 0, "useful work between checkpoints; 0 = Daly's optimum"),
    TIME("write", write_s, "5 s", 1e-3,
         "that training stops for a checkpoint (an assumption; Fire-Flyer: a few seconds)"),
    TIME("detect", detect_s, "10 min", 0, "until a failure is known and located (MegaScale, NSDI'24: below 10 min)"),
    TIME("restart", restart_s, "5 min", 0, "until training goes on after that (an assumption)"),
    {.name = "detection",
     .type = CFG_ENUM,
     .offset = offsetof(struct reliability_cfg, detection),
     .dflt = "people",
     .choices = detection_names,
     .doc = "of silent corruption: people see the loss curve, checksums in hardware, redundancy: computed twice"},
    TIME("notice", notice_s, "1 d", 0, "until people notice corruption (an assumption)"),
    TIME("test_every", test_every_s, "0 s", 0, "diagnostics of all GPUs, so often; 0 = never"),
    TIME("test", test_s, "5 min", 0, "that they take (an assumption)"),
    RATIO("overhead", overhead_ratio, "2 %", 2,
          "checksums, redundancy: time beyond that without (2 % is an assumption; redundancy: 100 % at least)"),
    RATIO("coverage", coverage_ratio, "95 %", 1, "checksums, redundancy: share of corruption that they catch at once"),
    RATIO("slower", slower_ratio, "0 %", 10,
          "failover: time of a step beyond that without, while a link is out (default: train_replay_h800.yaml with a "
          "NIC down, whose traffic seven others take over)"),
    TIME("horizon", horizon_s, "60 d", 1, "length of a replica"),
    {.name = "replicas",
     .type = CFG_INT,
     .offset = offsetof(struct reliability_cfg, replicas),
     .dflt = "40",
     .min = 2,
     .max = 100000,
     .doc = "Monte Carlo: independent runs"},
    {0}};
static const struct cfg_table reliability_table = {"reliability", "Failures, checkpoints and goodput of a long job",
                                                   sizeof(struct reliability_cfg), fields};
const struct kind_keys reliability_keys = {"reliability", &reliability_table,
                                           "kind reliability: failures, checkpoints and goodput"};
