/* Calls: what each kind of kernel must say, and rows of groups that only their sum is known of. */
#include <math.h>
#include <string.h>

#include "hw/kernels/kernels.h"

const struct kernel_member kernel_members[] = {
    {"m", offsetof(struct kernel_call, m), "GEMM: rows of the output; with groups, of each on average"},
    {"n", offsetof(struct kernel_call, n), "GEMM: columns of the output"},
    {"k", offsetof(struct kernel_call, k), "GEMM: what is summed over"},
    {"batch", offsetof(struct kernel_call, batch), "attention: sequences or requests"},
    {"q_len", offsetof(struct kernel_call, q_len), "attention: queries of each"},
    {"kv_len", offsetof(struct kernel_call, kv_len), "attention: keys of each"},
    {"heads", offsetof(struct kernel_call, heads), "attention: heads of queries"},
    {"kv_heads", offsetof(struct kernel_call, kv_heads), "attention: heads of keys and values"},
    {"qk_dim", offsetof(struct kernel_call, qk_dim), "attention: length of a query or key"},
    {"v_dim", offsetof(struct kernel_call, v_dim), "attention: length of a value"},
    {"window", offsetof(struct kernel_call, window), "attention: the last keys that a query sees, its own with them"},
    {"kv_token_B", offsetof(struct kernel_call, kv_token_B), "decoding: bytes of the cache per token"},
    {"top_k", offsetof(struct kernel_call, top_k), "experts: how many a token goes to"},
    {"experts", offsetof(struct kernel_call, experts), "experts: how many there are on all ranks"},
    {"ranks", offsetof(struct kernel_call, ranks), "experts: ranks that share them (expert parallelism)"},
    {"split", offsetof(struct kernel_call, split), "experts: ranks that each is split over (tensor parallelism)"},
    {"skew", offsetof(struct kernel_call, skew), "experts: exponent of the power law of their loads"},
    {"read_B", offsetof(struct kernel_call, read_B), "passes: bytes read"},
    {"written_B", offsetof(struct kernel_call, written_B), "passes: bytes written"},
    {"sms", offsetof(struct kernel_call, sms), "SMs that the kernel may use"},
    {NULL, 0, NULL}};

/* Numbers of a family's calls; the first `n_needed` must be there. */
struct family_numbers {
    const char *const *names;
    size_t n_needed;
};

static struct family_numbers numbers_of(enum kernel_family family)
{
    static const char *const gemm[] = {"m", "n", "k", "sms", NULL}, *const batched[] = {"m",     "n",   "k",
                                                                                        "heads", "sms", NULL},
                             *const attention[] = {"batch", "q_len",  "heads",  "kv_heads", "qk_dim",
                                                   "v_dim", "kv_len", "window", "sms",      NULL},
                             *const decode[] = {"batch", "q_len",      "kv_len", "heads", "kv_heads", "qk_dim",
                                                "v_dim", "kv_token_B", "window", "sms",   NULL},
                             *const experts[] = {"batch", "n",     "k",    "top_k", "experts",
                                                 "ranks", "split", "skew", "sms",   NULL},
                             *const sparse[] = {"batch", "q_len", "kv_len", "heads", "k", "sms", NULL},
                             *const pass[] = {"read_B", "written_B", "sms", NULL};
    switch (family) {
    case KERNEL_GEMM:
    case KERNEL_WGRAD:
    case KERNEL_GROUPED_CONTIGUOUS:
    case KERNEL_GROUPED_MASKED:
        return (struct family_numbers){gemm, 3};
    case KERNEL_MLA_BMM:
        return (struct family_numbers){batched, 4};
    case KERNEL_ATTENTION_FORWARD:
    case KERNEL_ATTENTION_BACKWARD:
    case KERNEL_MLA_PREFILL:
    case KERNEL_GQA_PREFILL:
        return (struct family_numbers){attention, 6};
    case KERNEL_ATTENTION_DECODE:
    case KERNEL_MLA_DECODE:
    case KERNEL_GQA_DECODE:
        return (struct family_numbers){decode, 8};
    case KERNEL_MOE:
    case KERNEL_MOE_CONTIGUOUS:
    case KERNEL_MOE_MASKED:
        return (struct family_numbers){experts, 5};
    case KERNEL_DSA_DECODE:
    case KERNEL_DSA_PREFILL:
        return (struct family_numbers){sparse, 5};
    default:
        return (struct family_numbers){pass, 1};
    }
}

bool kernel_is_grouped(enum kernel_family family)
{
    return family == KERNEL_GROUPED_CONTIGUOUS || family == KERNEL_GROUPED_MASKED || family == KERNEL_WGRAD;
}

bool kernel_uses(enum kernel_family family, const char *member)
{
    for (const char *const *name = numbers_of(family).names; *name; name++)
        if (!strcmp(*name, member))
            return true;
    return false;
}

bool kernel_needs(enum kernel_family family, const char *member)
{
    struct family_numbers f = numbers_of(family);
    for (size_t i = 0; i < f.n_needed; i++)
        if (!strcmp(f.names[i], member))
            return true;
    return false;
}

const struct kernel_member *kernel_member_named(const char *name)
{
    for (const struct kernel_member *k = kernel_members; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    return NULL;
}

double *kernel_member_at(struct kernel_call *call, const struct kernel_member *member)
{
    return (double *)(void *)((char *)call + member->offset);
}

const char *kernel_missing(const struct kernel_call *call)
{
    struct family_numbers f = numbers_of(call->family);
    for (size_t i = 0; i < f.n_needed; i++)
        if (!(*kernel_member_at((struct kernel_call *)call, kernel_member_named(f.names[i])) > 0))
            return f.names[i];
    return NULL;
}

bool kernel_named(const char *name, enum kernel_family *family, enum kernel_dtype *dtype)
{
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        size_t n = strlen(kernel_family_names[f]);
        if (strncmp(name, kernel_family_names[f], n))
            continue;
        *family = (enum kernel_family)f;
        *dtype = KERNEL_BF16;
        if (kernel_is_pass(*family) && !name[n])
            return true;
        for (int d = 0; kernel_dtype_names[d] && !kernel_is_pass(*family); d++)
            if (name[n] == '_' && !strcmp(name + n + 1, kernel_dtype_names[d])) {
                *dtype = (enum kernel_dtype)d;
                return true;
            }
    }
    return false;
}

/* Evenly spaced from 0.7 to 1.3 times the mean, as DeepGEMM's benchmarks draw them, in whole rows; what is
 * missing of the sum, or too much, falls evenly on the groups. */
const double *kernel_spread_rows(uint32_t groups, double mean, double sum, struct arena *arena)
{
    double *rows = ARENA_ARRAY(arena, double, groups), missing = sum;
    for (uint32_t g = 0; g < groups; g++) {
        rows[g] = floor(mean * (0.7 + 0.6 * (g + 0.5) / groups));
        missing -= rows[g];
    }
    double each = trunc(missing / groups), rest = missing - each * groups;
    for (uint32_t g = 0; g < groups; g++) {
        double more = each + (fabs(rest) >= 1 ? copysign(1, rest) : rest);
        if (rows[g] + more < 0)
            more = -rows[g];
        rows[g] += more;
        rest -= more - each;
    }
    return rows;
}
