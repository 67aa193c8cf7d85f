/* compare_vectors FILE: real sums of a Hopper tensor core
 * (tools/hopper/wgmma_vectors.cu) against the model of it, bit by bit. Prints how many
 * agree for each number of fraction bits that the alignment keeps, and where the
 * model's own (13) is wrong first. Exit code 0 when all agree, 1 when one does not, 3
 * when the file is none of vectors.
 *
 * Lines are: K, format (e4m3 or e5m2), codes of a and b in hexadecimal, the sum's bits;
 * '#' begins a remark. Zeros of either sign are the same: the model leaves the sign of
 * a zero out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "hw/formats/tensor_core.h"

enum { MAX_K = 4096, FROM_BITS = 10, TO_BITS = 16, N_BITS = TO_BITS - FROM_BITS + 1 };

struct vectors {
    const struct minifloat *format;
    uint32_t k, bits;
    uint8_t a[MAX_K], b[MAX_K];
};

struct tally {
    unsigned long n, right[N_BITS], first_wrong_line;
    uint32_t first_is, first_should;
};

static int read_codes(const char *text, uint32_t k, uint8_t *codes)
{
    if (!text || strlen(text) != 2 * (size_t)k)
        return -1;
    for (uint32_t i = 0; i < k; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0}, *end;
        codes[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end)
            return -1;
    }
    return 0;
}

/* What is wrong with the line, or NULL. */
static const char *read_line(char *line, struct vectors *v)
{
    const char *k = strtok(line, " \n"), *format = strtok(NULL, " \n");
    const char *a = strtok(NULL, " \n"), *b = strtok(NULL, " \n"), *sum = strtok(NULL, " \n");
    char *end = NULL;
    v->k = (uint32_t)strtoul(k, &end, 10);
    if (*end || !v->k || v->k > MAX_K || v->k % 32)
        return "K must be a multiple of 32, at most 4096";
    v->format = !format                   ? NULL
                : !strcmp(format, "e4m3") ? &minifloat_e4m3
                : !strcmp(format, "e5m2") ? &minifloat_e5m2
                                          : NULL;
    if (!v->format)
        return "the format must be e4m3 or e5m2";
    if (read_codes(a, v->k, v->a) || read_codes(b, v->k, v->b))
        return "a and b must be K codes of two hexadecimal digits each";
    v->bits = sum ? (uint32_t)strtoul(sum, &end, 16) : 0;
    if (!sum || *end || strlen(sum) != 8 || strtok(NULL, " \n"))
        return "the sum must be eight hexadecimal digits, the last ones";
    return NULL;
}

/* A chain of steps of 32 products from an empty register. */
static float chain(const struct tensor_core *tc, const struct vectors *v)
{
    float sum = 0;
    for (uint32_t k = 0; k < v->k; k += (uint32_t)tc->group) {
        double products[TENSOR_CORE_MAX_GROUP];
        int exponents[TENSOR_CORE_MAX_GROUP];
        for (int i = 0; i < tc->group; i++) {
            uint32_t a = v->a[k + (uint32_t)i], b = v->b[k + (uint32_t)i];
            products[i] = (double)minifloat_decode(v->format, a) * (double)minifloat_decode(v->format, b);
            exponents[i] = products[i] == 0 ? TENSOR_CORE_NO_EXPONENT
                                            : minifloat_exponent(v->format, a) + minifloat_exponent(v->format, b);
        }
        sum = tensor_core_step(tc, sum, products, exponents, tc->group);
    }
    return sum;
}

static bool agrees(float is, uint32_t bits)
{
    uint32_t own;
    memcpy(&own, &is, sizeof own);
    return own == bits || !((own | bits) & 0x7fffffff);
}

static void compare(const struct vectors *v, unsigned long line, struct tally *t)
{
    t->n++;
    for (int i = 0; i < N_BITS; i++) {
        struct tensor_core tc = tensor_core_hopper_fp8;
        tc.align_bits = FROM_BITS + i;
        float is = chain(&tc, v);
        bool right = agrees(is, v->bits);
        t->right[i] += right;
        if (right || tc.align_bits != tensor_core_hopper_fp8.align_bits || t->first_wrong_line)
            continue;
        t->first_wrong_line = line;
        memcpy(&t->first_is, &is, sizeof is);
        t->first_should = v->bits;
    }
}

static int read_all(const char *path, FILE *f, struct tally *t)
{
    static char line[4 * MAX_K + 100];
    static struct vectors v;
    for (unsigned long number = 1; fgets(line, sizeof line, f); number++) {
        if (line[0] == '#')
            fputs(line, stdout);
        if (line[0] == '#' || !line[strspn(line, " \n")])
            continue;
        const char *why = read_line(line, &v);
        if (why) {
            fprintf(stderr, "%s:%lu: error: %s\n", path, number, why);
            return EXIT_BAD_INPUT;
        }
        compare(&v, number, t);
    }
    if (!t->n)
        fprintf(stderr, "%s: error: there are no vectors in it\n", path);
    return t->n ? 0 : EXIT_BAD_INPUT;
}

static int report(const char *path, const struct tally *t)
{
    int model = tensor_core_hopper_fp8.align_bits;
    for (int i = 0; i < N_BITS; i++)
        printf("%2d fraction bits: %lu of %lu sums agree bit by bit%s\n", FROM_BITS + i, t->right[i], t->n,
               FROM_BITS + i == model ? " (the model's)" : "");
    if (t->first_wrong_line)
        printf("%s:%lu: the model says %08x, the tensor core %08x\n", path, t->first_wrong_line, t->first_is,
               t->first_should);
    return t->first_wrong_line != 0;
}

int main(int argc, char **argv)
{
    struct tally t = {0};
    if (argc != 2) {
        fputs("usage: compare_vectors FILE (of tools/hopper/wgmma_vectors.cu)\n", stderr);
        return EXIT_USAGE;
    }
    FILE *f = fopen(argv[1], "r");
    if (!f) {
        fprintf(stderr, "%s: error: cannot read it\n", argv[1]);
        return EXIT_IO;
    }
    int code = read_all(argv[1], f, &t);
    fclose(f);
    return code ? code : report(argv[1], &t);
}
