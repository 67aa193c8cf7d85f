/* DeepSeek's sparse attention as a module (DeepSeek-V3.2, GLM-5): projections, the indexer that scores all positions for each
 * query, the choice of the 2,048 best, attention to those in latent space, output projection. Short contexts are attended to
 * as a whole, with keys and values expanded (dense); some layers take over the choice of the one before (skip).
 *
 * On the device: projections at a share of the tensor rate, no less than their weights need from memory; the indexer's
 * products, attention's products, and what the caches of requests need from memory. In prefill an eager framework launches
 * some fifty kernels from Python: the host's time is a floor under all of it. Decoding is replayed as a graph, which frameworks
 * hold for batches up to 256 or 512: beyond, the host's floor again.
 *
 * Scores of ragged prefill are a matrix of all queries and the positions of all requests: beyond a few GB it is worked off in
 * pieces, each of which walks over the context (measured: twice the requests with a million positions take three times as
 * long). Sparse attention works on 2,048 positions, be there as many or not. Dense attention makes and joins expanded keys and
 * values of the whole context, for however few queries.
 *
 * Left out: the choice (top-k) apart from the indexer, which its share stands for. */
#include <math.h>
#include <string.h>

#include "hw/kernels/mechanism.h"

enum {
    HOST,
    START,
    TOKEN,
    REQUEST,
    TENSOR,
    INDEX,
    ATTEND,
    MEMORY,
    PAIR,
    LONG,
    LONG_REQUEST,
    WALK,
    PIECE,
    ROOM,
    EXPAND
};

static const struct kernel_constant constants[] = {
    [HOST] = {"host_s", MOVES_NOT, 8e-4, 1e-5, 1e-2, "launching everything from an eager framework"},
    [START] = {"start_s", MOVES_NOT, 6e-5, 1e-6, 5e-3, "launches on the device, one after the other"},
    [TOKEN] = {"token_s", MOVES_BY_CLOCK, 1e-7, 1e-10, 1e-5, "a token, beside its products"},
    [REQUEST] = {"request_s", MOVES_BY_CLOCK, 1e-7, 1e-10, 1e-4, "a request"},
    [TENSOR] = {"tensor_ratio", MOVES_AS_SHARE, 0.5, 0.02, 1, "projections: of the nominal rate of their operands"},
    [INDEX] = {"index_ratio", MOVES_AS_SHARE, 0.2, 0.001, 1, "indexer: of the nominal FP8 rate"},
    [ATTEND] = {"attend_ratio", MOVES_AS_SHARE, 0.4, 0.01, 1, "attention: of the nominal BF16 rate"},
    [MEMORY] = {"memory_ratio", MOVES_AS_SHARE, 0.6, 0.02, 1, "achieved of the memory bandwidth"},
    [PAIR] = {"pair_B", MOVES_AS_SHARE, 8, 1e-2, 100,
              "bytes that a query's score of a position crosses the memory with"},
    [LONG] = {"long_s", MOVES_NOT, 1e-4, 1e-7, 1e-2, "contexts beyond 65,536: another way, on top of the host's time"},
    [LONG_REQUEST] = {"long_request_s", MOVES_NOT, 1e-5, 1e-8, 1e-3, "the same, for each request"},
    [PIECE] = {"piece_s", MOVES_NOT, 5e-5, 1e-7, 1e-3, "a piece of the scores, see scores_B"},
    [WALK] = {"walk_s", MOVES_BY_CLOCK, 2e-9, 1e-11, 1e-7,
              "a position, where a few SMs walk over a context: prefill's scores"},
    [ROOM] = {"scores_B", MOVES_AS_SHARE, 4e9, 1e8, 1e12,
              "room for scores of all queries and positions of all requests: more is worked off in pieces"},
    [EXPAND] = {"expand_passes", MOVES_AS_SHARE, 3, 1e-2, 20, "over expanded keys and values, to make and join them"},
    {0}};

static const double chosen = 2048, index_dim = 128, latent = 512, rope = 64, nope = 128, head = 128,
                    long_context = 98304, index_token_B = 132;

/* What differs between the models, by their width. */
struct sizes {
    double hidden, q_lora, index_heads;
};
static struct sizes sizes_of(const struct kernel_call *call)
{
    return call->k >= 7000 ? (struct sizes){call->k, 1536, 64} : (struct sizes){call->k, 2048, 32};
}

enum way { WITH_INDEXER, WITHOUT_INDEXER, DENSE };

struct module {
    const double *c;
    const struct kernel_device *on;
    const struct kernel_call *call;
    enum way way;
    struct sizes size;
    double tokens, keys; /* keys that a query sees on average, before any choice */
};

/* Of the projections, without what expands the latent cache or takes its place. */
static double weights_of(const struct module *m)
{
    double h = m->call->heads, s = m->size.hidden;
    double common = s * (m->size.q_lora + latent + rope) + m->size.q_lora * h * (nope + rope) + h * head * s;
    double index = m->way == WITH_INDEXER ? m->size.q_lora * m->size.index_heads * index_dim + s * index_dim : 0;
    return common + index;
}

/* Absorbed, for each query; dense, for each position. */
static double latent_flop(const struct module *m)
{
    double times = m->way == DENSE ? m->call->batch * m->call->kv_len : m->tokens;
    return 2 * times * m->call->heads * (nope + head) * latent;
}

static double index_flop(const struct module *m)
{
    return m->way == WITH_INDEXER ? 2 * m->tokens * m->keys * m->size.index_heads * index_dim : 0;
}

static double attend_flop(const struct module *m)
{
    double per_pair = m->way == DENSE ? nope + rope + head : 2 * latent + rope;
    double keys = m->way == DENSE ? m->keys : m->call->q_len > 1 ? chosen : fmin(m->keys, chosen);
    return 2 * m->tokens * m->call->heads * keys * per_pair;
}

/* Caches of the requests, each once for a block of 64 of its queries; scores of the indexer. */
static double cache_bytes(const struct module *m)
{
    const struct kernel_call *call = m->call;
    double token_B = (latent + rope) * (call->fp8_cache ? 1 : 2), blocks = call->batch * ceil(call->q_len / 64);
    double read = m->way == DENSE ? m->keys : fmin(m->keys, chosen) * (call->q_len > 1 ? fmin(call->q_len, 64) : 1);
    double index_B = m->way == WITH_INDEXER ? blocks * m->keys * index_token_B + m->tokens * m->keys * m->c[PAIR] : 0;
    return blocks * read * token_B + index_B;
}

/* Scores of ragged prefill are a matrix of all queries and all positions of all requests. Pieces that fit walk over the
 * context one after the other. */
static double walk_s(const struct module *m)
{
    double scores_B = 4 * m->tokens * m->call->batch * m->call->kv_len;
    if (m->way != WITH_INDEXER || m->call->q_len <= 1)
        return 0;
    return ceil(scores_B / m->c[ROOM]) * (m->c[PIECE] + m->call->kv_len * m->c[WALK]);
}

static double expanded_bytes(const struct module *m)
{
    return m->way == DENSE ? m->c[EXPAND] * 2 * m->call->batch * m->call->kv_len * m->call->heads * (nope + rope + head)
                           : 0;
}

static double device_s(const struct module *m)
{
    const double *c = m->c;
    double weights = weights_of(m), value_B = kernel_value_B(m->call->dtype);
    double tensor_s = (2 * m->tokens * weights + latent_flop(m)) / (c[TENSOR] * device_flops(m->on, m->call->dtype));
    double memory_Bps = c[MEMORY] * m->on->memory_Bps;
    double work_s = fmax(tensor_s, weights * value_B / memory_Bps) +
                    (index_flop(m) > 0 ? index_flop(m) / (c[INDEX] * device_flops(m->on, KERNEL_FP8)) : 0) +
                    fmax(attend_flop(m) / (c[ATTEND] * m->on->bf16_flops), cache_bytes(m) / memory_Bps);
    return c[START] + work_s + walk_s(m) + expanded_bytes(m) / memory_Bps + m->tokens * c[TOKEN] +
           m->call->batch * c[REQUEST];
}

static struct module module_of(const double *c, const struct kernel_device *on, const struct kernel_call *call,
                               enum way way)
{
    double before = call->kv_len - call->q_len;
    return (struct module){c, on, call, way, sizes_of(call), call->batch * call->q_len, before + (call->q_len + 1) / 2};
}

static void set_parts(const struct module *m, bool eager, struct kernel_time *t)
{
    double on_device_s = device_s(m), host_s = eager ? m->c[HOST] : 0;
    t->start_s = m->c[START] + fmax(0, host_s - on_device_s);
    if (eager && m->call->kv_len > long_context)
        t->start_s += m->c[LONG] + m->call->batch * m->c[LONG_REQUEST];
    t->tensor_s = on_device_s - m->c[START];
    t->memory_s = 0;
    t->unhidden_ratio = 0;
}

/* --- families --------------------------------------------------------------------------------------------------- */

static const char *const
    prefill_variants[] = {"indexer", "skip", "dense", NULL},
    *const decode_variants[] = {"indexer_graphs_256", "skip_graphs_256", "indexer_graphs_512", "skip_graphs_512", NULL},
    *const members[] = {"kv_len", "q_len", "batch", "heads", "k", NULL},
    *const prefill_files[] = {"dsa_module_prefill", NULL}, *const decode_files[] = {"dsa_module_decode", NULL},
    *const columns[] = {"gemm_type", "model", "kv_cache_dtype", "num_heads", "batch_size", "isl", "step", NULL};

static bool prefill_offers(int variant, enum kernel_dtype dtype, const char *library)
{
    bool skip = library && strstr(library, "skip"), dense = library && strstr(library, "dense");
    (void)dtype;
    return variant == (dense ? DENSE : skip ? WITHOUT_INDEXER : WITH_INDEXER);
}

static bool decode_offers(int variant, enum kernel_dtype dtype, const char *library)
{
    bool skip = library && strstr(library, "skip");
    (void)dtype;
    return (variant % 2 == 1) == skip;
}

static bool is_among(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name))
        names++;
    return *names != NULL;
}

/* What each way has beside what all have: request_s and token_s are in an indexer's pieces and choice. */
static bool has_of(const char *name, enum way way, bool prefill)
{
    static const char *const indexer[] = {"index_ratio", "pair_B", NULL}, *const pieces[] = {"walk_s", "piece_s",
                                                                                             "scores_B", NULL};
    if (is_among(name, indexer))
        return way == WITH_INDEXER;
    if (is_among(name, pieces))
        return way == WITH_INDEXER && prefill;
    if (!strcmp(name, "expand_passes"))
        return way == DENSE;
    if (!strncmp(name, "long_", 5))
        return way != DENSE;
    if (!strcmp(name, "start_s"))
        return !prefill;
    return strcmp(name, "token_s") != 0 && strcmp(name, "request_s") != 0 ? true : !prefill || way != WITH_INDEXER;
}

static bool prefill_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype;
    return has_of(name, (enum way)variant, true);
}

static bool decode_has(const char *name, enum kernel_dtype dtype, int variant)
{
    (void)dtype;
    return has_of(name, (enum way)(variant % 2), false);
}

static void prefill_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                         struct kernel_time *t)
{
    struct module m = module_of(c, on, call, (enum way)variant);
    set_parts(&m, true, t);
}

static void decode_time(const double *c, int variant, const struct kernel_device *on, const struct kernel_call *call,
                        struct kernel_time *t)
{
    struct module m = module_of(c, on, call, (enum way)(variant % 2));
    set_parts(&m, call->batch > (variant >= 2 ? 512 : 256), t);
}

static const char *read(const struct kernel_cells *cells, struct kernel_call *call)
{
    const char *model = cell_text(cells, "model");
    bool deepseek = strstr(model, "DeepSeek") != NULL;
    if (!deepseek && !strstr(model, "GLM-5"))
        return "unknown model; the modules of DeepSeek-V3.2 and GLM-5 are known";
    call->k = deepseek ? 7168 : 6144;
    call->heads = cell_number(cells, "num_heads");
    call->batch = cell_number(cells, "batch_size");
    call->q_len = cell_number(cells, "isl");
    call->kv_len = cell_number(cells, "step") + call->q_len;
    return NULL;
}

static void axes(const struct kernel_call *call, double *x)
{
    x[0] = log2(1 + call->kv_len);
    x[1] = log2(call->q_len);
    x[2] = log2(call->batch);
    x[3] = log2(call->heads);
    x[4] = 4 * log2(call->k);
}

static uint64_t shape(const struct kernel_call *call)
{
    return kernel_hash(kernel_hash(0, call->heads), call->batch);
}

const struct kernel_mechanism mechanism_dsa_prefill = {.constants = constants,
                                                       .variants = prefill_variants,
                                                       .offers = prefill_offers,
                                                       .has = prefill_has,
                                                       .time = prefill_time,
                                                       .members = members,
                                                       .files = prefill_files,
                                                       .columns = columns,
                                                       .read = read,
                                                       .points = 100,
                                                       .n_axes = 5,
                                                       .axes = axes,
                                                       .shape_axes = 1u << 2 | 1u << 3 | 1u << 4,
                                                       .shape = shape};

const struct kernel_mechanism mechanism_dsa_decode = {.constants = constants,
                                                      .variants = decode_variants,
                                                      .offers = decode_offers,
                                                      .has = decode_has,
                                                      .time = decode_time,
                                                      .members = members,
                                                      .files = decode_files,
                                                      .columns = columns,
                                                      .read = read,
                                                      .points = 90,
                                                      .n_axes = 5,
                                                      .axes = axes,
                                                      .shape_axes = 1u << 2 | 1u << 3 | 1u << 4,
                                                      .shape = shape};
