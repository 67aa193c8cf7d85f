/* Number formats of a combine. Only the hop over the network is compressed: inside a node partial sums stay BF16.
 *
 * LogFMT takes logarithms and exponentials, of which SMs have few units and for which they lack registers: fused with
 * the all-to-all, encoding and decoding cost 50 to 100 % of it (paper 3.2.1). So where SMs do that a token takes
 * 1 + codec_overhead times as long as it would as BF16, whatever it weighs on the wire. Casts to FP8 or E5M6 are
 * taken to be free, as they are part of kernels that move the data anyway (DeepEP's dispatch casts to FP8 on the way).
 * Units in the NIC or the I/O die encode at line rate. Left out: what the format does to the model. */
#include "models/comm/wire_format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hw/formats/number_format.h"

/* Short names of what kernels send, with the values that share a scale and its bytes. */
static const struct {
    const char *name;
    double value_bits, block, scale_B;
} short_names[] = {{"bf16", 16, 0, 0}, {"fp8", 8, 128, 4}, {"mxfp8", 8, 32, 1}, {"nvfp4", 4, 16, 1}};

double wire_format_B(const char *format, int64_t hidden)
{
    struct number_format f;
    char why[200];
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (!strcmp(format, short_names[i].name))
            return (double)hidden * short_names[i].value_bits / 8 +
                   (short_names[i].block > 0 ? ceil((double)hidden / short_names[i].block) * short_names[i].scale_B
                                             : 0);
    if (number_format_find(format, &f, why, sizeof why))
        BUG("format: %s", why); /* it was checked */
    return (double)hidden * number_format_bits(&f) / 8;
}

int wire_name_check(const char *format, char *why, size_t why_size)
{
    struct number_format f;
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (!strcmp(format, short_names[i].name))
            return 0;
    return number_format_find(format, &f, why, why_size);
}

int wire_format_check(const struct hw_ep_kernel *kernel, char *why, size_t why_size)
{
    struct number_format f;
    return number_format_find(kernel->combine_format, &f, why, why_size);
}

static struct number_format format_of(const struct hw_ep_kernel *kernel)
{
    struct number_format f;
    char why[200];
    const char *name = kernel->combine_format ? kernel->combine_format : "bf16";
    if (number_format_find(name, &f, why, sizeof why))
        BUG("combine format: %s", why); /* the scenario was checked */
    return f;
}

double wire_bf16_B(int64_t hidden)
{
    return 2 * (double)hidden;
}

double wire_combine_B(const struct hw_ep_kernel *kernel, int64_t hidden)
{
    struct number_format f = format_of(kernel);
    return (double)hidden * number_format_bits(&f) / 8;
}

double wire_codec_ratio(const struct hw_ep_kernel *kernel)
{
    bool logarithms = format_of(kernel).kind == FORMAT_LOGFMT;
    return logarithms && kernel->codec == CODEC_SM ? 1 + kernel->codec_overhead_ratio : 1;
}
