/* Real output of a Hopper tensor core, for comparison with the model of it in src/hw/formats/tensor_core.c.
 *
 * Each tile is one chain of WGMMA instructions (wgmma.mma_async m64n8k32, E4M3 or E5M2 operands, FP32 accumulator that
 * starts at zero): K / 32 steps of 32 products. Written are K, the formats, the operands' codes in hexadecimal and the
 * bits of the sum, for some of a tile's 512 dot products, behind lines that say where they come from.
 *
 *     nvcc -O2 -gencode arch=compute_90a,code=sm_90a -o wgmma_vectors wgmma_vectors.cu
 *     ./wgmma_vectors 1 >hopper_fp8.txt
 *
 * Before anything is written, tiles of small whole numbers, whose sums are exact on any adder, must come out right:
 * that proves the layout of operands and results. Reference: PTX ISA 8.0, 9.7.14 (asynchronous warpgroup instructions,
 * matrix descriptors, fragments of D).
 *
 * Left out: scales and promotion to CUDA cores, which are ordinary FP32 arithmetic; sparsity; FP16 accumulators. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <cuda_runtime.h>

enum { M = 64, N = 8, STEP = 32, MAX_K = 512, THREADS = 128 };

/* --- one chain, on the GPU -------------------------------------------------------------------------------- */

/* Operands without swizzling: core matrices of 8 rows x 16 bytes, the two along K of a step behind each other (128
 * bytes), those along M or N after them (256 bytes). */
static __device__ uint64_t descriptor(const uint8_t *tile)
{
    uint64_t address = (uint64_t)__cvta_generic_to_shared(tile);
    return (address & 0x3ffff) >> 4 | (uint64_t)(128 >> 4) << 16 | (uint64_t)(256 >> 4) << 32;
}

static __device__ uint32_t place(uint32_t row, uint32_t k)
{
    return row / 8 * 256 + k / 16 * 128 + row % 8 * 16 + k % 16;
}

#define WGMMA(a_type, b_type) \
    asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n" \
                 "wgmma.mma_async.sync.aligned.m64n8k32.f32." a_type "." b_type \
                 " {%0, %1, %2, %3}, %4, %5, p, 1, 1;\n}\n" \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) \
                 : "l"(descriptor(a_tile)), "l"(descriptor(b_tile)), "r"((int)(k > 0)))

/* a[M][k_all], b[N][k_all], out[M][N]; e5m2: of both operands. */
static __global__ void chain(const uint8_t *a, const uint8_t *b, uint32_t k_all, bool e5m2, float *out)
{
    __shared__ alignas(128) uint8_t a_tile[M * STEP], b_tile[N * STEP];
    float d[4] = {0, 0, 0, 0};
    for (uint32_t k = 0; k < k_all; k += STEP) {
        for (uint32_t i = threadIdx.x; i < M * STEP; i += THREADS)
            a_tile[place(i / STEP, i % STEP)] = a[i / STEP * k_all + k + i % STEP];
        for (uint32_t i = threadIdx.x; i < N * STEP; i += THREADS)
            b_tile[place(i / STEP, i % STEP)] = b[i / STEP * k_all + k + i % STEP];
        asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
        __syncthreads();
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        if (e5m2)
            WGMMA("e5m2", "e5m2");
        else
            WGMMA("e4m3", "e4m3");
        asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
        __syncthreads();
    }
    uint32_t row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    for (uint32_t i = 0; i < 4; i++)
        out[(row + i / 2 * 8) * N + column + i % 2] = d[i];
}

static void check(cudaError_t e, const char *what)
{
    if (e == cudaSuccess)
        return;
    fprintf(stderr, "wgmma_vectors: error: %s: %s\n", what, cudaGetErrorString(e));
    exit(1);
}

struct tile {
    uint8_t a[M * MAX_K], b[N * MAX_K];
    float out[M * N];
};

static uint8_t *a_device, *b_device;
static float *out_device;

static void run(struct tile *t, uint32_t k, bool e5m2)
{
    check(cudaMemcpy(a_device, t->a, M * k, cudaMemcpyHostToDevice), "copying a");
    check(cudaMemcpy(b_device, t->b, N * k, cudaMemcpyHostToDevice), "copying b");
    chain<<<1, THREADS>>>(a_device, b_device, k, e5m2, out_device);
    check(cudaGetLastError(), "starting the kernel");
    check(cudaMemcpy(t->out, out_device, sizeof t->out, cudaMemcpyDeviceToHost), "copying the result");
}

/* --- operands ------------------------------------------------------------------------------------------------ */

static uint64_t state;

static uint32_t draw(uint32_t n) /* 0 .. n - 1; splitmix64 */
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % n);
}

enum data { ALL_CODES, NEAR_ONE, SMALL_SUBNORMAL, POSITIVE, N_DATA };
static const char *const data_names[] = {"all finite codes", "exponents near 1", "small and subnormal", "positive"};

static uint8_t draw_code(enum data data, bool e5m2)
{
    uint32_t mantissa = e5m2 ? 2 : 3, bias = e5m2 ? 15 : 7, code;
    switch (data) {
    case NEAR_ONE: /* exponents -3 .. 3 */
        code = draw(256) & ((1u << mantissa) - 1) | (bias - 3 + draw(7)) << mantissa | draw(2) << 7;
        break;
    case SMALL_SUBNORMAL: /* the lowest four exponents */
        code = draw(4u << mantissa) | draw(2) << 7;
        break;
    case POSITIVE: /* all exponents up to 1: sums that grow */
        code = draw(bias + 1) << mantissa | draw(1u << mantissa);
        break;
    default:
        do
            code = draw(256);
        while ((code & 0x7f) >= (e5m2 ? 0x7cu : 0x7fu));
    }
    return (uint8_t)code;
}

/* -3 .. 3, by their codes in E4M3 */
static int whole_number(uint8_t *code)
{
    static const uint8_t codes[] = {0x00, 0x38, 0x40, 0x44};
    int value = (int)draw(7) - 3;
    *code = (uint8_t)(codes[abs(value)] | (value < 0) << 7);
    return value;
}

static void check_layout(struct tile *t)
{
    static int a[M * MAX_K], b[N * MAX_K];
    for (uint32_t k = STEP; k <= MAX_K; k *= 2) {
        for (uint32_t i = 0; i < M * k; i++)
            a[i] = whole_number(&t->a[i]);
        for (uint32_t i = 0; i < N * k; i++)
            b[i] = whole_number(&t->b[i]);
        run(t, k, false);
        for (uint32_t i = 0; i < M * N; i++) {
            int sum = 0;
            for (uint32_t x = 0; x < k; x++)
                sum += a[i / N * k + x] * b[i % N * k + x];
            if (t->out[i] != (float)sum) {
                fprintf(stderr,
                        "wgmma_vectors: error: the layout of operands is not understood: K %u, row %u, column %u: %g, "
                        "not %d\n",
                        k, i / N, i % N, t->out[i], sum);
                exit(1);
            }
        }
    }
}

/* --- output ---------------------------------------------------------------------------------------------------- */

static void print_codes(const uint8_t *codes, uint32_t k)
{
    for (uint32_t i = 0; i < k; i++)
        printf("%02x", codes[i]);
    putchar(' ');
}

static void print_tile(const struct tile *t, uint32_t k, bool e5m2, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = draw(M * N), bits;
        memcpy(&bits, &t->out[at], sizeof bits);
        printf("%u %s ", k, e5m2 ? "e5m2" : "e4m3");
        print_codes(t->a + at / N * k, k);
        print_codes(t->b + at % N * k, k);
        printf("%08x\n", bits);
    }
}

static void print_origin(unsigned long seed)
{
    cudaDeviceProp p;
    int driver, runtime;
    char date[32];
    time_t now = time(NULL);
    check(cudaGetDeviceProperties(&p, 0), "asking for the GPU");
    check(cudaDriverGetVersion(&driver), "asking for the driver");
    check(cudaRuntimeGetVersion(&runtime), "asking for the runtime");
    if (p.major != 9) {
        fprintf(stderr, "wgmma_vectors: error: %s is no Hopper GPU (compute capability %d.%d, not 9.0)\n", p.name,
                p.major, p.minor);
        exit(1);
    }
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    printf("# source: %s, compute capability %d.%d, CUDA driver %d, runtime %d, %s\n", p.name, p.major, p.minor, driver,
           runtime, date);
    printf("# instruction: wgmma.mma_async.sync.aligned.m64n8k32.f32, accumulator from zero; "
           "tools/hopper/wgmma_vectors.cu, seed %lu\n",
           seed);
    puts("# K format a b sum: codes and the sum's bits in hexadecimal");
}

int main(int argc, char **argv)
{
    static const uint32_t depths[] = {32, 64, 128, 512}, shown[] = {24, 16, 8, 2};
    static struct tile t;
    unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    state = seed;
    check(cudaMalloc(&a_device, sizeof t.a), "memory");
    check(cudaMalloc(&b_device, sizeof t.b), "memory");
    check(cudaMalloc(&out_device, sizeof t.out), "memory");
    print_origin(seed);
    check_layout(&t);
    for (int e5m2 = 0; e5m2 < 2; e5m2++)
        for (int data = 0; data < N_DATA; data++)
            for (int d = 0; d < 4; d++) {
                uint32_t k = depths[d];
                for (uint32_t i = 0; i < M * k; i++)
                    t.a[i] = draw_code((enum data)data, e5m2);
                for (uint32_t i = 0; i < N * k; i++)
                    t.b[i] = draw_code((enum data)data, e5m2);
                run(&t, k, e5m2);
                printf("# %s\n", data_names[data]);
                print_tile(&t, k, e5m2, shown[d]);
            }
    return 0;
}
