/* Traces: what the import of a small hand-written profile (tests/data/tiny_kineto.json)
 * must find, our own format out and in again, and where errors in it are told to be.
 * The expected values were worked out by hand from the rules that the heads of
 * src/io/kineto_*.c state, not printed by the program. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "folders.h"
#include "io/inputs/trace_import.h"
#include "io/trace/trace_file.h"
#include "tap_main.h"

#define TINY MOESIM_SRCDIR "/tests/data/tiny_kineto.json"

static struct trace *import_memory(const void *bytes, size_t len, const char *name, const struct class_table *classes,
                                   struct arena *arena, struct diag *d)
{
    struct trace_set *set = trace_import_memory(bytes, len, name, classes, arena, d);
    return set ? set->traces[0] : NULL;
}

static struct arena *arena;
static struct diag *d;
static char folder[64];

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
    strcpy(folder, "/tmp/moesim-trace-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[128];

    diag_free(d);
    arena_free(arena);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static char *read_bytes(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");

    ck_assert_msg(f, "cannot open %s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    *len = (size_t)ftell(f);
    rewind(f);
    char *bytes = arena_alloc(arena, *len + 1);
    ck_assert_uint_eq(fread(bytes, 1, *len, f), *len);
    fclose(f);
    return bytes;
}

static const char *write_bytes(const char *name, const char *bytes, size_t len)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    return path;
}

static struct trace *import(const char *path, const char *classes)
{
    struct trace *t = trace_import(path, classes, arena, d);

    ck_assert_msg(t && !diag_failed(d), "%s", diag_text(d));
    return t;
}

/* --- the small profile -------------------------------------------------------------- */

enum { NO = -1 };

struct expected {
    const char *class_name, *stream, *phase;
    int layer;
    double start_us, duration_us, launch_us;
    int32_t grid[3];
    uint32_t blocks;
    double rows;
    int dep, launch_after; /* NO = none; no kernel there has two */
};

/* In order of start. Launch and start count from the first kernel, which started at 100. */
static const struct expected tiny[] = {
    /* launched before the recording began: counts as launched when it started */
    {"nccl_all_gather", "communication", NULL, 0, 0, 12, 0, {8, 1, 1}, 8, 0, NO, NO},
    /* 8 blocks of 256 threads fit on each of 4 SMs */
    {"norm", "compute", "attn(F)", 1, 20, 30, 10, {64, 1, 1}, 32, 0, NO, NO},
    /* 200,000 B of shared memory: one block per SM */
    {"gemm_bf16", "compute", "attn(F)", 1, 51, 49, 14, {3, 2, 1}, 4, 0, NO, NO},
    {"a2a_layout", "communication", "dispatch(F)", 1, 102, 8, 24, {2, 1, 1}, 2, 0, 2, NO},
    {"a2a_notify_dispatch", "communication", "dispatch(F)", 1, 111, 49, 26, {3, 1, 1}, 3, 0, NO, NO},
    /* the CPU polled for the counts of the kernel before */
    {"a2a_dispatch", "communication", "dispatch(F)", 1, 166, 134, 164, {3, 1, 1}, 3, 0, NO, 4},
    /* launched by the thread of the backward pass, which has no annotation of its own.
     * Waits for the dispatch, which implies that the CPU's wait for 4 is over */
    {"moe_permute", "compute", "mlp(B)", 1, 302, 18, 175, {10, 1, 1}, 10, 160, 5, NO},
    {"grouped_gemm_fp8", "compute", "mlp(B)", 1, 321, 79, 177, {4, 1, 1}, 4, 160, NO, NO},
    {"memcpy", "compute", "mlp(B)", 1, 401, 2, 179, {0, 0, 0}, 0, 0, NO, NO},
    {"memset", "compute", "mlp(B)", 1, 404, 0, 181, {0, 0, 0}, 0, 0, NO, NO},
    /* a block per row: covers 10 * 16 rows, the next one does not */
    {"swiglu_cast", "compute", "mlp(B)", 1, 405, 15, 183, {160, 1, 1}, 64, 160, NO, NO},
    {"swiglu_cast", "compute", "mlp(B)", 1, 421, 9, 185, {128, 1, 1}, 64, 0, NO, NO},
    /* four weight gradients on two streams share the rows of mlp(B); the second stream
     * is forked off behind the kernel before */
    {"wgrad_gemm_fp8", "compute", "mlp(W)", 1, 431, 29, 194, {1, 1, 1}, 1, 40, NO, NO},
    {"wgrad_gemm_fp8", "compute2", "mlp(W)", 1, 432, 38, 196, {1, 1, 1}, 1, 40, 11, NO},
    {"wgrad_gemm_fp8", "compute", "mlp(W)", 1, 461, 14, 200, {1, 1, 1}, 1, 40, NO, NO},
    {"wgrad_gemm_fp8", "compute2", "mlp(W)", 1, 471, 9.25, 198, {1, 1, 1}, 1, 40, NO, NO},
    /* two waits in a row before the launch of the combine: the first is for this kernel,
     * the next one on another stream */
    {"norm", "compute", "attn(B)", 1, 482.125, 7.75, 252, {2, 2, 2}, 8, 0, 15, NO},
    {"a2a_combine", "communication", "combine(F)", 1, 490.125, 109.875, 244, {3, 1, 1}, 3, 0, 15, NO},
    /* after cudaDeviceSynchronize, which stood until the combine's end */
    {"norm", "compute", "attn(F)", 2, 612, 8, 610, {64, 1, 1}, 32, 0, NO, 17},
    {"unclassified:mystery", "compute2", NULL, 0, 910, 10, 905, {1, 1, 1}, 1, 0, NO, 17},
};
enum { N_TINY = sizeof tiny / sizeof tiny[0] };

static void check_kernel(const struct trace *t, uint32_t i, const struct expected *want)
{
    const struct trace_kernel *k = &t->kernels[i];
    const char *phase = k->phase == TRACE_NONE ? "none" : t->phases[k->phase];
    const char *class_name = t->classes[k->class_id].name;

    ck_assert_msg(!strcmp(class_name, want->class_name), "kernel %u: class %s", i, class_name);
    ck_assert_msg(!strcmp(t->streams[k->stream], want->stream), "kernel %u: stream %s", i, t->streams[k->stream]);
    ck_assert_msg(!strcmp(phase, want->phase ? want->phase : "none"), "kernel %u: phase %s", i, phase);
    ck_assert_msg(k->layer == want->layer, "kernel %u: layer %d", i, k->layer);
    ck_assert_double_eq_tol(k->start_s * 1e6, want->start_us, 1e-9);
    ck_assert_double_eq_tol(k->duration_s * 1e6, want->duration_us, 1e-9);
    ck_assert_double_eq_tol(k->launch_s * 1e6, want->launch_us, 1e-9);
    ck_assert_mem_eq(k->grid, want->grid, sizeof k->grid);
    ck_assert_msg(k->blocks == want->blocks, "kernel %u: %u blocks", i, k->blocks);
    ck_assert_msg(k->rows == want->rows, "kernel %u: %g rows", i, k->rows);
    ck_assert_msg(k->n_deps == (want->dep != NO), "kernel %u: %u deps", i, k->n_deps);
    if (k->n_deps)
        ck_assert_msg(t->deps[k->first_dep] == (uint32_t)want->dep, "kernel %u: dep %u", i, t->deps[k->first_dep]);
    ck_assert_msg(k->launch_after == (uint32_t)want->launch_after, /* NO is TRACE_NONE */
                  "kernel %u: launch_after %u", i, k->launch_after);
}

START_TEST(test_tiny_kernels)
{
    const struct trace *t = import(TINY, NULL);

    ck_assert_uint_eq(t->n_kernels, N_TINY);
    for (uint32_t i = 0; i < N_TINY; i++)
        check_kernel(t, i, &tiny[i]);
}
END_TEST

START_TEST(test_tiny_header)
{
    const struct trace *t = import(TINY, NULL);

    ck_assert_str_eq(t->name, "tiny_ep16_hidden512_seqlen128");
    ck_assert_str_eq(t->device, "NVIDIA Tiny");
    ck_assert_int_eq(t->sms, 4);
    ck_assert_int_eq(t->rank, 3);
    ck_assert_int_eq(t->world_size, 16);
    ck_assert_int_eq(t->ep, 16);
    ck_assert_int_eq(t->hidden, 512);
    ck_assert_int_eq(t->seq_len, 128);
    ck_assert_int_eq(t->experts, 0);
    ck_assert_uint_eq(t->n_streams, 3);
    ck_assert_uint_eq(t->n_phases, 6); /* ProfilerStep#5 holds no kernel by itself */
    for (uint32_t i = 0; i < t->n_classes; i++) {
        bool permutes = !strcmp(t->classes[i].name, "moe_permute");
        bool grouped = !strcmp(t->classes[i].name, "grouped_gemm_fp8");
        ck_assert_int_eq(t->classes[i].per_token, permutes || grouped);
    }
}
END_TEST

START_TEST(test_unclassified_warning)
{
    import(TINY, NULL);
    ck_assert_ptr_nonnull(strstr(diag_text(d), "warning: 1 kernel has no class"));
    ck_assert_ptr_nonnull(strstr(diag_text(d), "'mystery<int>'"));
}
END_TEST

static const struct trace_class *class_of(const struct trace *t, uint32_t kernel)
{
    return &t->classes[t->kernels[kernel].class_id];
}

START_TEST(test_user_classes_come_first)
{
    static const char table[] = "- {match: 'mystery', class: mine, bound: latency}\n"
                                "- {match: 'layer_norm::*backward', class: norm_bwd, bound: compute}\n"
                                "- {match: 'nvjet', class: gemm_bf16}\n";
    const struct trace *t = import(TINY, write_bytes("user.yaml", table, sizeof table - 1));

    ck_assert_str_eq(diag_text(d), "");
    ck_assert_str_eq(class_of(t, 19)->name, "mine");
    ck_assert_int_eq(class_of(t, 19)->bound, BOUND_LATENCY);
    ck_assert_str_eq(class_of(t, 16)->name, "norm_bwd");
    ck_assert_str_eq(class_of(t, 18)->name, "norm");
    ck_assert_int_eq(class_of(t, 2)->bound, BOUND_COMPUTE); /* said in the shipped table */
}
END_TEST

/* --- out and in again --------------------------------------------------------------- */

static void check_same_texts(const char *const *a, uint32_t n_a, const char *const *b, uint32_t n_b)
{
    ck_assert_uint_eq(n_a, n_b);
    for (uint32_t i = 0; i < n_a; i++)
        ck_assert_str_eq(a[i], b[i]);
}

/* Times are kept to the nanosecond. */
static void check_same_kernel(const struct trace *a, const struct trace *b, uint32_t i)
{
    const struct trace_kernel *x = &a->kernels[i], *y = &b->kernels[i];

    ck_assert_uint_eq(x->class_id, y->class_id);
    ck_assert_uint_eq(x->stream, y->stream);
    ck_assert_uint_eq(x->phase, y->phase);
    ck_assert_int_eq(x->layer, y->layer);
    ck_assert_double_eq_tol(x->start_s, y->start_s, 0.5001e-9);
    ck_assert_double_eq_tol(x->duration_s, y->duration_s, 0.5001e-9);
    ck_assert_double_eq_tol(x->launch_s, y->launch_s, 0.5001e-9);
    ck_assert_mem_eq(x->grid, y->grid, sizeof x->grid);
    ck_assert_uint_eq(x->blocks, y->blocks);
    ck_assert_double_eq(x->rows, y->rows);
    ck_assert_uint_eq(x->launch_after, y->launch_after);
    ck_assert_uint_eq(x->n_deps, y->n_deps);
    ck_assert_mem_eq(a->deps + x->first_dep, b->deps + y->first_dep, x->n_deps * sizeof *a->deps);
}

static void check_same_trace(const struct trace *a, const struct trace *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_str_eq(a->device, b->device);
    ck_assert_int_eq(a->world_size, b->world_size);
    ck_assert_int_eq(a->rank, b->rank);
    ck_assert_int_eq(a->sms, b->sms);
    ck_assert_int_eq(a->hidden, b->hidden);
    ck_assert_int_eq(a->seq_len, b->seq_len);
    ck_assert_int_eq(a->experts, b->experts);
    ck_assert_int_eq(a->experts_per_token, b->experts_per_token);
    ck_assert_int_eq(a->ep, b->ep);
    check_same_texts(a->streams, a->n_streams, b->streams, b->n_streams);
    check_same_texts(a->phases, a->n_phases, b->phases, b->n_phases);
    ck_assert_uint_eq(a->n_classes, b->n_classes);
    for (uint32_t i = 0; i < a->n_classes; i++) {
        ck_assert_str_eq(a->classes[i].name, b->classes[i].name);
        ck_assert_int_eq(a->classes[i].bound, b->classes[i].bound);
        ck_assert_int_eq(a->classes[i].collective, b->classes[i].collective);
        ck_assert_int_eq(a->classes[i].per_token, b->classes[i].per_token);
    }
    ck_assert_uint_eq(a->n_kernels, b->n_kernels);
    for (uint32_t i = 0; i < a->n_kernels; i++)
        check_same_kernel(a, b, i);
}

static struct trace *write_and_read(const struct trace *t, const char *name)
{
    const char *path = in_folder(name);

    ck_assert_msg(trace_write(t, path, d) == 0, "%s", diag_text(d));
    struct trace *again = trace_read(path, arena, d);
    ck_assert_msg(again, "%s", diag_text(d));
    ck_assert_str_eq(t->source, again->source);
    check_same_trace(t, again);
    return again;
}

START_TEST(test_round_trip)
{
    size_t len[3];
    const struct trace *t = import(TINY, NULL);
    const struct trace *again = write_and_read(t, "1.json");

    write_and_read(again, "2.json");
    write_and_read(import(in_folder("2.json"), NULL), "3.json");
    char *first = read_bytes(in_folder("1.json"), &len[0]);
    char *second = read_bytes(in_folder("2.json"), &len[1]);
    char *third = read_bytes(in_folder("3.json"), &len[2]);
    ck_assert_uint_eq(len[0], len[1]);
    ck_assert_mem_eq(first, second, len[0]);
    ck_assert_uint_eq(len[0], len[2]);
    ck_assert_mem_eq(first, third, len[0]);
}
END_TEST

START_TEST(test_gzip)
{
    size_t len, packed;
    const char *text = read_bytes(TINY, &len), *path = in_folder("tiny.json.gz");
    gzFile gz = gzopen(path, "wb");

    ck_assert_int_eq(gzwrite(gz, text, (unsigned)len), (int)len);
    ck_assert_int_eq(gzclose(gz), Z_OK);
    const struct trace *t = import(path, NULL);
    check_same_trace(import(TINY, NULL), t);
    write_and_read(t, "own.json.gz");
    const unsigned char *own = (const unsigned char *)read_bytes(in_folder("own.json.gz"), &packed);
    ck_assert_uint_eq(own[0], 0x1f);
    ck_assert_uint_eq(own[1], 0x8b);
}
END_TEST

/* Texts with everything that a name may hold come back as they were. */
START_TEST(test_odd_names)
{
    struct trace *t = import(TINY, NULL);

    t->name = "quote\" back\\slash";
    t->source = "two\nlines and\ta tab\r";
    t->phases[0] = "\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80 / \\u0041";
    write_and_read(t, "odd.json");
}
END_TEST

/* --- errors in our own format ------------------------------------------------------- */

/* Places in messages count its lines and columns. */
static const char good[] = "{\"trace_version\": 1,\n"
                           " \"name\": \"n\", \"source\": \"s\", \"device\": \"d\",\n"
                           " \"world_size\": 1, \"rank\": 0,\n"
                           " \"streams\": [\"compute\", \"communication\"],\n"
                           " \"phases\": [\"attn\"],\n"
                           " \"classes\": [{\"name\": \"norm\", \"bound\": \"memory\"}],\n"
                           " \"columns\": [\"class\", \"stream\", \"phase\", \"layer\", \"start_us\", "
                           "\"duration_us\", \"launch_us\", \"grid\", \"blocks\", \"rows\", \"deps\", "
                           "\"launch_after\"],\n"
                           " \"kernels\": [\n"
                           "  [0, 0, 0, 1, 0, 5, -2, [1, 1, 1], 1],\n"
                           "  [0, 1, null, 0, 7.5, 5, 0, [1, 1, 1], 1, 16, [0], 0]]}\n";

static struct trace *read_text(const char *text, size_t len)
{
    return import_memory(text, len, "t", NULL, arena, d);
}

START_TEST(test_own_good)
{
    const struct trace *t = read_text(good, sizeof good - 1);

    ck_assert_msg(t, "%s", diag_text(d));
    ck_assert_uint_eq(t->n_kernels, 2);
    ck_assert_double_eq_tol(t->kernels[1].start_s, 7.5e-6, 1e-18);
    ck_assert_uint_eq(t->kernels[0].launch_after, TRACE_NONE);
    ck_assert_uint_eq(t->kernels[1].launch_after, 0);
    ck_assert_uint_eq(t->kernels[1].phase, TRACE_NONE);
    ck_assert_uint_eq(t->kernels[1].n_deps, 1);
}
END_TEST

struct spoilt {
    const char *old, *new; /* the first `old` of the good text becomes `new` */
    const char *place, *words;
};

static const struct spoilt spoilt[] = {
    {"1,", "3,", "t:1:19: ", "trace_version 1 and 2; import the trace again"},
    {"1,", "2,", "t:7:13: ", "not the columns of trace_version 2"},
    {"1,", "\"1\",", "t:1:19: ", "trace_version 1"},
    {"\"name\"", "\"nam\"", "t:2:2: ", "unknown key 'nam'"},
    {"\"source\": \"s\", ", "", "t:", "the trace has no 'source'"},
    {"\"n\"", "\"\"", "t:2:10: ", "'name': must be a text"},
    {"\"n\"", "7", "t:2:10: ", "'name': must be a text"},
    {"\"n\"", "\"\\u0001\"", "t:2:10: ", "control character"},
    {"\"n\"", "\"\xff\"", "t:2:10: ", "UTF-8"},
    {"\"source\": \"s\"", "\"name\": \"m\"", "t:2:15: ", "'name' stands here a second time"},
    {"\"rank\": 0", "\"rank\": 0, \"rank\": 0", "t:3:30: ", "'rank' stands here a second time"},
    {"\"rank\": 0", "\"rank\": -1", "t:3:27: ", "'rank' must be a whole number"},
    {"\"rank\": 0", "\"rank\": 0.5", "t:3:27: ", "'rank' must be a whole number"},
    {"\"rank\": 0", "\"rank\": 1e999", "t:3:27: ", "'rank' must be a whole number"},
    {"[\"compute\", \"communication\"]", "\"compute\"", "t:4:13: ", "list of texts"},
    {"\"communication\"]", "3]", "t:4:13: ", "'streams': must be a text"},
    {"\"phases\"", "\"streams\"", "t:5:2: ", "'streams' stands here a second time"},
    {"\"bound\"", "\"bond\"", "t:6:13: ", "this class has no 'bound'"},
    {"\"memory\"", "\"memroy\"", "t:6:13: ", "'memroy' is no 'bound' of a class"},
    {"\"memory\"}", "\"memory\", \"collective\": \"x\"}", "t:6:13: ", "'x' is no 'collective' of a class"},
    {"\"layer\", ", "", "t:7:13: ", "not the columns of trace_version 1"},
    {"\"blocks\", \"rows\"", "\"rows\", \"blocks\"", "t:7:13: ", "not the columns"},
    {"\"phases\": [\"attn\"],", "", "t:8:2: ", "must come after 'streams', 'phases'"},
    {"[0, 0,", "[1, 0,", "t:9:3: ", "kernel 0: 'class' must be an index"},
    {"[0, 0,", "[-1, 0,", "t:9:3: ", "kernel 0: 'class' must be an index"},
    {"[0, 0,", "[0.5, 0,", "t:9:3: ", "kernel 0: 'class' must be an index"},
    {"[0, 0,", "[null, 0,", "t:9:3: ", "kernel 0: 'class' must be an index"},
    {"[0, 1,", "[0, 2,", "t:10:3: ", "kernel 1: 'stream' must be an index"},
    {"0, 0, 0, 1", "0, 0, 1, 1", "t:9:3: ", "kernel 0: 'phase' must be an index"},
    {"0, 0, 0, 1", "0, 0, 0, -1", "t:9:3: ", "kernel 0: 'layer' must be a whole number"},
    {"1, 0, 5,", "1, 1, 5,", "t:9:3: ", "'start_us' must be sorted, the first one 0"},
    {"5, -2", "-5, -2", "t:9:3: ", "kernel 0: 'duration_us' must be a number from 0"},
    {"5, -2", "NaN, -2", "t:9:19: ", "not valid JSON"},
    {"5, -2", "\"5\", -2", "t:9:3: ", "kernel 0: 'duration_us' must be a number"},
    {"5, -2", "5, -1e999", "t:9:3: ", "kernel 0: 'launch_us' must be a number"},
    {"[1, 1, 1], 1]", "[1, 1], 1]", "t:9:3: ", "'grid' must be three whole numbers"},
    {"[1, 1, 1], 1]", "[1, 1, 3e9], 1]", "t:9:3: ", "'grid' must be three whole numbers"},
    {"[1, 1, 1], 1]", "7, 1]", "t:9:3: ", "'grid' must be three whole numbers"},
    {"[1, 1, 1], 1]", "[1, 1, 1]]", "t:9:3: ", "kernel 0 must be a list of 9 to 12 values"},
    {"[1, 1, 1], 1]", "[1, 1, 1], 1.5]", "t:9:3: ", "'blocks' must be a whole number"},
    {"0, [1, 1, 1], 1, 16, [0], 0]", "0, [1, 1, 1], 1, 16, [0], 0, 0]",
     "t:10:3: ", "kernel 1 must be a list of 9 to 12 values"},
    {"[0, 1, null", "7, [0, 1, null", "t:10:3: ", "kernel 1 must be a list"},
    {"7.5", "1e400", "t:10:3: ", "kernel 1: 'start_us' must be a number from 0"},
    {"7.5", "-7.5", "t:10:3: ", "kernel 1: 'start_us' must be a number from 0"},
    {"16, [0]", "-16, [0]", "t:10:3: ", "kernel 1: 'rows' must be a number from 0"},
    {"[0], 0", "[1], 0", "t:10:3: ", "'deps' must be a list of indices of earlier kernels"},
    {"[0], 0", "0, 0", "t:10:3: ", "'deps' must be a list"},
    {"[0], 0", "[0], 1", "t:10:3: ", "'launch_after' must be an index of earlier kernels"},
    {"0]]}", "0]], \"kernels\": []}", "t:10:58: ", "'kernels' stands here a second time"},
    {"0]]}", "0]]}}", "t:10:57: ", "expected the end of the file"},
    {"0]]}", "0]],}", "t:10:57: ", "expected a key in quotes"},
    {"0]]}", "0],]}", "t:10:56: ", "expected a value"},
};

START_TEST(test_own_errors)
{
    const struct spoilt *s = &spoilt[_i];
    const char *at = strstr(good, s->old);

    ck_assert_msg(at, "case %d: no '%s'", _i, s->old);
    const char *text = arena_printf(arena, "%.*s%s%s", (int)(at - good), good, s->new, at + strlen(s->old));
    ck_assert_msg(!read_text(text, strlen(text)), "accepted: %s", s->new);
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
    ck_assert_uint_eq(diag_count(d), 1);
    const char *told = diag_text(d);
    ck_assert_msg(!strncmp(told, s->place, strlen(s->place)) && strstr(told, s->words), "wanted %s%s, got %s", s->place,
                  s->words, told);
}
END_TEST

START_TEST(test_no_kernels)
{
    static const char *const ends[] = {"[]}", "[0]}"};

    for (int i = 0; i < 2; i++) {
        const char *text = arena_printf(arena, "%.*s%s", (int)(strstr(good, "[\n  [") - good), good, ends[i]);
        ck_assert_ptr_null(read_text(text, strlen(text)));
    }
    ck_assert_ptr_nonnull(strstr(diag_text(d), "the trace holds no kernels"));
    ck_assert_ptr_nonnull(strstr(diag_text(d), "t:8:14: "));
}
END_TEST

/* Wherever the file is cut off, the error stands where it ends (or in what the last word
 * was cut to), and nothing is returned. */
static void check_cut(const char *text, size_t len, const struct class_table *classes)
{
    for (size_t cut = 0; cut < len; cut++) {
        struct diag *own = diag_new();
        char *copy = malloc(cut + 1); /* exact: a sanitizer sees every byte too far */
        memcpy(copy, text, cut);
        struct trace *t = import_memory(copy, cut, "t", classes, arena, own);
        ck_assert_msg(!t, "accepted %zu of %zu bytes", cut, len);
        ck_assert_uint_eq(diag_count(own), 1);
        ck_assert_int_eq(diag_exit_code(own), EXIT_BAD_INPUT);
        free(copy);
        diag_free(own);
    }
}

START_TEST(test_own_cut)
{
    check_cut(good, sizeof good - 2, NULL); /* without the newline at its end */
}
END_TEST

/* --- errors in Kineto traces -------------------------------------------------------- */

static const char small[] = "{\"traceEvents\": [\n"
                            "{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"pid\": 1, "
                            "\"tid\": 1, \"ts\": 1, \"dur\": 1, \"args\": {\"correlation\": 1}},\n"
                            "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"k\", \"ts\": 2, \"dur\": 3, \"args\": "
                            "{\"device\": 0, \"stream\": 7, \"correlation\": 1, \"grid\": [1, 2, 3], \"block\": "
                            "[4, 5, 6]}},\n"
                            "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"k\", \"ts\": 9, \"dur\": 3, \"args\": "
                            "{\"device\": 0, \"stream\": 7, \"correlation\": 2, \"grid\": [1, 2, 3], \"block\": "
                            "[4, 5, 6]}}],\n"
                            "\"distributedInfo\": {\"rank\": 0, \"world_size\": 2}}";

static const struct spoilt spoilt_kineto[] = {
    {"traceEvents", "traceEvent", "t: ", "it has neither 'traceEvents'"},
    {"\"kernel\"", "\"kernal\"", "", ""},
    {"\"ts\": 1,", "", "t:2:1: ", "this call has no 'ts'"},
    {"\"ts\": 2,", "\"ts\": \"2\",", "t:3:1: ", "'ts' of this kernel must be a number"},
    {"\"ts\": 2,", "\"ts\": 1e999,", "t:3:1: ", "'ts' of this kernel must be a number"},
    {"\"ts\": 2,", "\"ts\": NaN,", "t:3:", "not valid JSON"},
    {"\"dur\": 3", "\"dur\": -3", "t:3:1: ", "'dur' of this kernel must be a number from 0"},
    {"\"stream\": 7, ", "", "t:3:1: ", "this kernel has no 'stream'"},
    {"\"stream\": 7", "\"stream\": 7.5", "t:3:1: ", "must be a whole number"},
    {"[1, 2, 3]", "[1, 2]", "t:3:1: ", "'grid' of this kernel must be three whole numbers"},
    {"[1, 2, 3]", "[1, 2, -1]", "t:3:1: ", "'grid' of this kernel must be three"},
    {"[1, 2, 3]", "[1, 2, 1.5]", "t:3:1: ", "'grid' of this kernel must be three"},
    {"[4, 5, 6]", "\"4, 5, 6\"", "t:3:1: ", "'block' of this kernel must be three"},
    {"\"k\"", "\"\\u001b[31m\"", "t:3:1: ", "'name' of this kernel: this is a control char"},
    {"\"device\": 0", "\"device\": 1", "t:4:1: ", "this kernel ran on device 0, earlier ones"},
    {"\"ts\": 9", "\"ts\": 9e11", "t: ", "a trace to import is one training step"},
    {"\"rank\": 0", "\"rank\": -1", "t:5:20: ", "'rank' of this distributedInfo"},
    {"{\"ph\"", "7, {\"ph\"", "t:2:1: ", "an event must be an object"},
    {"[\n", "{\n", "t:1:17: ", "expected '[' but found '{'"},
    {"[\n", "[[", "t:1:18: ", "an event must be an object"},
};

static struct class_table *one_class(void)
{
    static const char text[] = "- {match: k, class: k, bound: compute}\n";
    struct class_table *table = ARENA_NEW(arena, struct class_table);

    ck_assert_int_eq(class_table_parse(table, text, sizeof text - 1, "classes", arena, d), 0);
    return table;
}

START_TEST(test_kineto_errors)
{
    const struct spoilt *s = &spoilt_kineto[_i];
    const char *at = strstr(small, s->old);

    ck_assert_msg(at, "case %d: no '%s'", _i, s->old);
    const char *text = arena_printf(arena, "%.*s%s%s", (int)(at - small), small, s->new, at + strlen(s->old));
    struct trace *t = import_memory(text, strlen(text), "t", one_class(), arena, d);
    const char *told = diag_text(d);
    if (!s->words[0]) { /* only makes one kernel less */
        ck_assert_msg(t && t->n_kernels == 1, "%s", told);
        return;
    }
    ck_assert_msg(!t, "accepted: %s", s->new);
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_msg(!strncmp(told, s->place, strlen(s->place)) && strstr(told, s->words), "wanted %s%s, got %s", s->place,
                  s->words, told);
}
END_TEST

START_TEST(test_kineto_cut)
{
    check_cut(small, sizeof small - 1, one_class());
}
END_TEST

/* What the import accepts can be written and read, also at the ends of the ranges. */
START_TEST(test_kineto_extremes)
{
    static const char text[] = "{\"traceName\": \"x/\", \"deviceProperties\": [{\"id\": 0, \"name\": \"\"}],\n"
                               "\"distributedInfo\": {\"rank\": 1000000000, \"world_size\": 1000000000},\n"
                               "\"traceEvents\": [\n"
                               "{\"ph\": \"X\", \"cat\": \"user_annotation\", \"name\": \"\", \"tid\": 1, \"ts\": 0, "
                               "\"dur\": 9},\n"
                               "{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", "
                               "\"tid\": 1, \"ts\": 1, \"dur\": 1, \"args\": {\"correlation\": 1}},\n"
                               "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"k\", \"ts\": 2.000001, \"dur\": "
                               "0.0004, \"args\": {\"stream\": 7, \"correlation\": 1, \"grid\": [2147483647, "
                               "2147483647, 2147483647], \"block\": [2147483647, 2147483647, 2147483647]}}]}";
    static const char rules[] = "- {match: k, class: \"k\\n\\\"\", bound: compute, per_token: "
                                "always, sets_rows: 1e9}\n";
    struct class_table table;

    ck_assert_int_eq(class_table_parse(&table, rules, sizeof rules - 1, "rules", arena, d), 0);
    struct trace *t = import_memory(text, sizeof text - 1, "t", &table, arena, d);
    ck_assert_msg(t, "%s", diag_text(d));
    ck_assert_uint_eq(t->kernels[0].blocks, INT32_MAX);
    write_and_read(t, "extreme.json");
}
END_TEST

/* --- class tables ------------------------------------------------------------------- */

static const struct spoilt bad_rules[] = {
    {NULL, "match: a", "r:1:1: ", "a class table is a list"},
    {NULL, "- a", "r:1:3: ", "a rule is written"},
    {NULL, "- {match: a}", "r:1:3: ", "a rule needs 'match' and 'class'"},
    {NULL, "- {match: a, class: b}", "r:1:3: ", "class 'b' has no 'bound'"},
    {NULL, "- {match: a, clas: b}", "r:1:14: ", "did you mean 'class'?"},
    {NULL, "- {match: a, class: b, bound: memroy}", "r:1:31: ", "did you mean 'memory'?"},
    {NULL, "- {match: a, class: b, bound: memory, match: c}", "r:1:39: ", "given twice"},
    {NULL, "- {match: a, class: b, bound: memory, sets_rows: 2}", "r:1:3: ", "'sets_rows' needs 'per_token: always'"},
    {NULL, "- {match: a, class: b, bound: memory, per_token: grid}", "r:1:3: ", "belong together"},
    {NULL, "- {match: a, class: b, bound: memory, sets_rows: nan, per_token: always}",
     "r:1:50: ", "must be a number above 0"},
    {NULL, "- {match: a, class: b, bound: memory}\n- {match: c, class: b, bound: wait}",
     "r:2:3: ", "bound by wait here but by memory in an earlier rule"},
    {NULL,
     "- {match: a, class: b, bound: wait, collective: notify}\n"
     "- {match: c, class: b, collective: layout}",
     "r:2:3: ", "collective layout here but notify in an earlier rule"},
};

START_TEST(test_bad_rules)
{
    struct class_table table;
    const struct spoilt *s = &bad_rules[_i];

    ck_assert_int_eq(class_table_parse(&table, s->new, strlen(s->new), "r", arena, d), -1);
    const char *told = diag_text(d);
    ck_assert_msg(strstr(told, s->place) && strstr(told, s->words), "wanted %s%s, got %s", s->place, s->words, told);
}
END_TEST

START_TEST(test_matching)
{
    static const char text[] = "- {match: 'a*b*c', class: stars, bound: wait}\n"
                               "- {match: 'ab', class: plain, bound: memory}\n"
                               "- {match: '*', class: rest, bound: compute}\n";
    static const char *const names[][2] = {{"xaybzcw", "stars"}, {"abc", "stars"}, {"acb", "rest"},
                                           {"xxabxx", "plain"},  {"cba", "rest"},  {"", "rest"}};
    struct class_table table;

    ck_assert_int_eq(class_table_parse(&table, text, sizeof text - 1, "r", arena, d), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_str_eq(class_table_find(&table, names[i][0])->class_name, names[i][1]);
}
END_TEST

/* --- memory ------------------------------------------------------------------------- */

/* Events of the CPU are dropped as they are read: 16 MiB of them cost nothing. In a child,
 * so that the peak of other tests does not count. */
enum { FILLER_MIB = 16, PEAK_GROWTH_KIB = 4096 };

static void feed_filler(int fd)
{
    static const char filler[] = "{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"aten::empty\", \"pid\": 1, \"tid\": "
                                 "1, \"ts\": 5, \"dur\": 1, \"args\": {\"Input Dims\": [[4096, 7168], []]}},\n";
    FILE *f = fdopen(fd, "w");
    const char *events = strchr(small, '\n') + 1;

    fwrite(small, 1, (size_t)(events - small), f);
    for (size_t sent = 0; sent < (size_t)FILLER_MIB << 20; sent += sizeof filler - 1)
        fwrite(filler, 1, sizeof filler - 1, f);
    fputs(events, f);
    fclose(f);
}

static long peak_KiB(void)
{
    struct rusage usage;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

START_TEST(test_constant_memory)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    pid_t writer = fork();
    if (!writer) {
        close(ends[0]);
        feed_filler(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    long before = peak_KiB();
    struct trace *t = import(arena_printf(arena, "/dev/fd/%d", ends[0]), NULL);
    long growth = peak_KiB() - before;
    close(ends[0]);
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
    ck_assert_uint_eq(t->n_kernels, 2);
    ck_assert_msg(growth < PEAK_GROWTH_KIB, "%ld KiB more for %d MiB of events", growth, FILLER_MIB);
}
END_TEST

#if defined __SANITIZE_ADDRESS__
enum { SANITIZED = 1 }; /* freed memory is kept back then, so that peaks say nothing */
#else
enum { SANITIZED = 0 };
#endif

static TCase *new_case(Suite *s, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, setup, teardown);
    suite_add_tcase(s, tc);
    return tc;
}

#define N_OF(list) ((int)(sizeof list / sizeof list[0]))

int main(void)
{
    Suite *s = suite_create("io: traces");

    TCase *tc = new_case(s, "import");
    tcase_add_test(tc, test_tiny_kernels);
    tcase_add_test(tc, test_tiny_header);
    tcase_add_test(tc, test_unclassified_warning);
    tcase_add_test(tc, test_user_classes_come_first);
    tcase_add_loop_test(tc, test_kineto_errors, 0, N_OF(spoilt_kineto));
    tcase_add_test(tc, test_kineto_cut);
    tcase_add_test(tc, test_kineto_extremes);
    if (!SANITIZED)
        tcase_add_test(tc, test_constant_memory);

    tc = new_case(s, "our format");
    tcase_add_test(tc, test_round_trip);
    tcase_add_test(tc, test_gzip);
    tcase_add_test(tc, test_odd_names);
    tcase_add_test(tc, test_own_good);
    tcase_add_loop_test(tc, test_own_errors, 0, N_OF(spoilt));
    tcase_add_test(tc, test_no_kernels);
    tcase_add_test(tc, test_own_cut);

    tc = new_case(s, "classes");
    tcase_add_loop_test(tc, test_bad_rules, 0, N_OF(bad_rules));
    tcase_add_test(tc, test_matching);
    return tap_main(s);
}
