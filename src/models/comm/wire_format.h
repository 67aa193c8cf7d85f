/* In which number format the tokens of a combine travel (paper 3.2, 6.5), and what encoding them costs. */
#ifndef MOESIM_MODELS_COMM_WIRE_FORMAT_H
#define MOESIM_MODELS_COMM_WIRE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "hw/cluster.h"

/* A token's hidden state, scales included, as bf16, fp8 (1x128 FP32 scales), mxfp8, nvfp4 or any format of
 * hw/formats. */
double wire_format_B(const char *format, int64_t hidden);
/* 0, or -1 and what to write instead of the name. */
int wire_name_check(const char *format, char *why, size_t why_size);
/* A token's hidden state in the format of the kernel's combine. */
double wire_combine_B(const struct hw_ep_kernel *kernel, int64_t hidden);
double wire_bf16_B(int64_t hidden);

/* How much longer a token takes where SMs encode or decode it: 1 where they do not. */
double wire_codec_ratio(const struct hw_ep_kernel *kernel);

/* 0, or -1 and what to write instead of the format's name. */
int wire_format_check(const struct hw_ep_kernel *kernel, char *why, size_t why_size);

#endif
