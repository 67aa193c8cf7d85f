#include "hw/kernels/measured.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct measured_family measured_family_at(size_t i)
{
    for (int f = 0; f < KERNEL_FAMILIES; f++) {
        const struct kernel_mechanism *m = kernel_mechanism_of((enum kernel_family)f);
        for (const char *const *file = m ? m->files : NULL; file && *file; file++)
            if (i-- == 0)
                return (struct measured_family){*file, (enum kernel_family)f, m};
    }
    return (struct measured_family){0};
}

/* Names of ai-dynamo/aiconfigurator. */
static bool dtype_named(const char *name, enum kernel_dtype *dtype)
{
    static const char *const names[KERNEL_DTYPES] = {
        [KERNEL_FP8] = "fp8_block",        [KERNEL_BF16] = "bfloat16", [KERNEL_FP8_TENSOR] = "fp8",
        [KERNEL_MXFP8] = "mxfp8",          [KERNEL_NVFP4] = "nvfp4",   [KERNEL_W4A16] = "w4a16_mxfp4",
        [KERNEL_W4A8] = "w4a8_mxfp4_mxfp8"};
    for (int i = 0; i < KERNEL_DTYPES; i++)
        if (!strcmp(name, names[i])) {
            *dtype = (enum kernel_dtype)i;
            return true;
        }
    return false;
}

static bool numbers_are_right(const struct measured_family *family, const struct kernel_call *call)
{
    for (const char *const *name = family->mechanism->members; *name; name++)
        for (const struct kernel_member *k = kernel_members; k->name; k++)
            if (!strcmp(k->name, *name)) {
                double value = *kernel_member_at((struct kernel_call *)call, k);
                if (!(value >= 0 && value <= 1e12))
                    return false;
            }
    return true;
}

/* A size of 0: no such kernel runs, nor can its time be a share of its work. Of what the rows of a family tell: bytes of a
 * cache and heads of keys follow from the model of an MLA row. */
static const char *zero_of(const struct measured_family *family, const struct kernel_call *call)
{
    static _Thread_local char text[96];
    for (const char *const *name = family->mechanism->members; *name; name++) {
        const struct kernel_member *k = kernel_member_named(*name);
        if (!k || !kernel_needs(call->family, *name) || *kernel_member_at((struct kernel_call *)call, k) > 0)
            continue;
        snprintf(text, sizeof text, "%s of this row is 0: write what the kernel worked on, from 1 on", *name);
        return text;
    }
    return NULL;
}

const char *measured_read(const struct measured_family *family, const struct kernel_cells *cells,
                          struct kernel_call *call)
{
    const char *cache = cell_text(cells, "kv_cache_dtype");
    *call = (struct kernel_call){.family = family->family, .warm = true, .casts = true};
    if (!dtype_named(cell_text(cells, family->mechanism->columns[0]), &call->dtype))
        return "unknown number format; there are fp8_block, bfloat16, fp8, mxfp8, nvfp4, w4a16_mxfp4 and "
               "w4a8_mxfp4_mxfp8";
    call->fp8_cache = cache && !strcmp(cache, "fp8");
    const char *why = family->mechanism->read(cells, call);
    if (why)
        return why;
    if (family->mechanism->complete)
        family->mechanism->complete(call);
    if (!numbers_are_right(family, call))
        return "a number that is none, or out of range (from 0 to 1e12)";
    return zero_of(family, call);
}
