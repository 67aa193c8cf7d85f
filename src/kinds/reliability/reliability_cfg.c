#include "kinds/reliability/reliability.h"

#include "base/cfg_rows.h"

static const char *const detection_names[] = {"people", "checksums", "redundancy", NULL};

static const struct cfg_field fields[] = {
    ROW_TEXT(reliability_cfg, "gpus", gpus, "",
             "sizes of the job, for example '2048, 16384'; empty = all of cluster.nodes"),
    ROW_AMOUNT(reliability_cfg, "interval", interval_s, DIM_TIME, "0 s", 0, 1e10,
               "useful work between checkpoints; 0 = Daly's optimum"),
    ROW_AMOUNT(reliability_cfg, "write", write_s, DIM_TIME, "5 s", 1e-3, 1e10,
               "that training stops for a checkpoint (an assumption; Fire-Flyer: a few seconds)"),
    ROW_AMOUNT(reliability_cfg, "detect", detect_s, DIM_TIME, "10 min", 0, 1e10,
               "until a failure is known and located (MegaScale, NSDI'24: below 10 min)"),
    ROW_AMOUNT(reliability_cfg, "restart", restart_s, DIM_TIME, "5 min", 0, 1e10,
               "until training goes on after that (an assumption)"),
    ROW_CHOICE(reliability_cfg, "detection", detection, "people", detection_names,
               "of silent corruption: people see the loss curve, checksums in hardware, redundancy: computed twice"),
    ROW_AMOUNT(reliability_cfg, "notice", notice_s, DIM_TIME, "1 d", 0, 1e10,
               "until people notice corruption (an assumption)"),
    ROW_AMOUNT(reliability_cfg, "test_every", test_every_s, DIM_TIME, "0 s", 0, 1e10,
               "diagnostics of all GPUs, so often; 0 = never"),
    ROW_AMOUNT(reliability_cfg, "test", test_s, DIM_TIME, "5 min", 0, 1e10, "that they take (an assumption)",
               .needs = ".test_every>0"),
    ROW_RATIO(reliability_cfg, "overhead", overhead_ratio, "2 %", 0, 2,
              "checksums, redundancy: time beyond that without (2 % is an assumption; redundancy: 100 % at least)",
              .needs = ".detection!=people"),
    ROW_RATIO(reliability_cfg, "coverage", coverage_ratio, "95 %", 0, 1,
              "checksums, redundancy: share of corruption that they catch at once", .needs = ".detection!=people"),
    ROW_RATIO(reliability_cfg, "slower", slower_ratio, "0 %", 0, 10,
              "failover: time of a step beyond that without, while a link is out (default: train_replay_h800.yaml with "
              "a NIC down, whose traffic seven others take over)",
              .needs = "cluster.failures.failover=true"),
    ROW_AMOUNT(reliability_cfg, "horizon", horizon_s, DIM_TIME, "60 d", 1, 1e10, "length of a replica"),
    ROW_COUNT(reliability_cfg, "replicas", replicas, "40", 2, 100000, "Monte Carlo: independent runs"),
    {0}};
static const struct cfg_table reliability_table = {"reliability", "Failures, checkpoints and goodput of a long job",
                                                   sizeof(struct reliability_cfg), fields};
const struct kind_keys reliability_keys = {"reliability", &reliability_table,
                                           "kind reliability: failures, checkpoints and goodput"};
