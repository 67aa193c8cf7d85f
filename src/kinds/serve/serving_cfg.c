#include "kinds/serve/serving_cfg.h"

#include "base/cfg_rows.h"

static const struct cfg_field grid_fields[] = {
    ROW_TEXT(serving_grid, "batch", batch, "16, 64, 128", "sequences of a GPU; even numbers with two micro-batches"),
    ROW_TEXT(serving_grid, "context", context, "1024, 8192", "positions in the cache of a sequence"),
    ROW_TEXT(serving_grid, "tokens", tokens, "4096, 16384",
             "new positions of a GPU in a prefill step; taken to the next whole prompts"),
    ROW_TEXT(serving_grid, "prompt", prompt, "1024, 8192", "positions of a prompt", .needs = ".before="),
    ROW_TEXT(
        serving_grid, "before", before, "",
        "positions before those that a prefill step computes: with these, steps are simulated as chunks of `tokens` "
        "behind so many, and no whole prompt is; empty: as prompts of `prompt`"),
    ROW_RATIO(serving_grid, "tolerance", tolerance_ratio, "0", 0, 0.1,
              "steps of decoding may be so far off what would be simulated: where the closed form is near enough to it "
              "at a point with more sequences and shorter contexts, others are reckoned from the closed form; 0: all "
              "points are simulated",
              .needs = "sim.network!=bound"),
    {0}};
static const struct cfg_table grid_table = {"grid",
                                            "points at which steps are simulated; what lies between is "
                                            "interpolated",
                                            sizeof(struct serving_grid), grid_fields};

static const char *const schedules[] = {"auto", "mixed", "prefill_first", NULL};
static const char *const prefix_caches[] = {"off", "lru", "unlimited", NULL};

static const struct cfg_field serving_fields[] = {
    ROW_PART(serving_cfg, "requests", requests, requests_table, "what comes"),
    ROW_FLAG(serving_cfg, "colocated", colocated, "false",
             "units prefill and decode; else each does one of them (inference.phase: disaggregated)"),
    ROW_FLAG(serving_cfg, "chunked", chunked, "true",
             "prompts are divided among steps of inference.prefill.tokens; else whole prompts, which colocated hold up "
             "decoding"),
    ROW_CHOICE(
        serving_cfg, "schedule", schedule, "auto", schedules,
        "colocated: steps that prefill decode, too (mixed), or decoding waits for them (prefill_first); auto: mixed "
        "when chunked",
        .needs = ".colocated=true"),
    ROW_CHOICE(
        serving_cfg, "prefix_cache", prefix_cache, "off", prefix_caches,
        "blocks of prompts that are kept for others with the same beginning, of files with hashes of blocks: lru "
        "(prefix_positions of them) or unlimited",
        .needs = ".requests.file!="),
    ROW_COUNT(serving_cfg, "prefix_positions", prefix_positions, "10000000", 1, 1000000000000,
              "that the cache of prefixes of all units holds", .needs = ".prefix_cache=lru"),
    ROW_COUNT(serving_cfg, "prefill_units", prefill_units, "1", 1, 4096,
              "groups of inference.prefill.nodes nodes that prefill; not used when colocated",
              .needs = ".colocated=false"),
    ROW_COUNT(serving_cfg, "units", units, "1", 1, 4096, "groups of nodes that decode, or do both"),
    ROW_COUNT(serving_cfg, "max_batch", max_batch, "0", 0, 65536,
              "sequences that a GPU decodes at most; 0 = the largest of grid.batch"),
    ROW_RATIO(serving_cfg, "acceptance", acceptance_ratio, "85 %", 0, 1,
              "probability that a predicted token is right, with inference.decode.extra_tokens",
              .needs = "inference.decode.extra_tokens>0"),
    ROW_AMOUNT(serving_cfg, "ttft_limit", ttft_limit_s, DIM_TIME, "2 s", 0, 1e6,
               "goodput: longest time to the first token"),
    ROW_AMOUNT(serving_cfg, "tpot_limit", tpot_limit_s, DIM_TIME, "100 ms", 0, 1e6,
               "goodput: longest mean time of a request's further tokens"),
    ROW_RATIO(serving_cfg, "warmup", warmup_ratio, "10 %", 0, 0.9, "first requests that statistics leave out"),
    ROW_PART(serving_cfg, "grid", grid, grid_table, "where steps are simulated"),
    {0}};
static const struct cfg_table serving_table = {"serving", "A service, request by request", sizeof(struct serving_cfg),
                                               serving_fields};
const struct kind_keys serving_keys = {"serving", &serving_table,
                                       "kind serving: requests, units and limits of a service"};
