#include "io/inputs/comm_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "io/whole_file.h"
#include "models/comm/wire_format.h"

enum { MAX_COLUMNS = 64, MAX_ERRORS = 20, MAX_FILE_B = 256 << 20 };

enum column {
    NODES,
    GPUS,
    TOKENS,
    HIDDEN,
    TOP_K,
    EXPERTS,
    DISPATCH_SMS,
    COMBINE_SMS,
    FORMAT,
    OPERATION,
    KERNEL,
    DISTRIBUTION,
    SIZE,
    DTYPE,
    TIME,
    DISPATCH_TIME,
    COMBINE_TIME,
    DISPATCH_NOTIFY,
    COMBINE_NOTIFY,
    SIZE_B,
    DISPATCH_RATE,
    COMBINE_RATE,
    NOTE,
    N_COLUMNS
};

/* What a column may be called; those with several names are of several benchmarks. */
static const char *const names[N_COLUMNS][4] = {
    [NODES] = {"node_num", "nodes"},
    [GPUS] = {"moe_ep_size", "num_gpus", "gpus", "ep_size"},
    [TOKENS] = {"num_token", "num_tokens", "tokens"},
    [HIDDEN] = {"hidden_size", "hidden"},
    [TOP_K] = {"num_topk", "topk", "top_k"},
    [EXPERTS] = {"num_experts", "experts"},
    [DISPATCH_SMS] = {"dispatch_sms", "sms"},
    [COMBINE_SMS] = {"combine_sms"},
    [FORMAT] = {"moe_dtype", "format", "dtype"},
    [OPERATION] = {"op_name", "op", "operation", "phase"},
    [KERNEL] = {"kernel_source", "kernel"},
    [DISTRIBUTION] = {"distribution"},
    [SIZE] = {"message_size"},
    [DTYPE] = {"nccl_dtype"},
    [TIME] = {"latency_us", "time_us"},
    [DISPATCH_TIME] = {"dispatch_avg_t_us", "dispatch_transmit_us", "dispatch_us"},
    [COMBINE_TIME] = {"combine_avg_t_us", "combine_transmit_us", "combine_us"},
    [DISPATCH_NOTIFY] = {"dispatch_notify_us"},
    [COMBINE_NOTIFY] = {"combine_notify_us"},
    [SIZE_B] = {"size", "size_bytes"},
    [DISPATCH_RATE] = {"dispatch_GBps"},
    [COMBINE_RATE] = {"combine_GBps"},
    [NOTE] = {"note", "source", "remark"},
};

struct reading {
    struct comm_rows *out;
    struct arena *arena;
    struct diag *diag;
    const char *path, *text, *end;
    int line, errors;
    int column[MAX_COLUMNS]; /* enum column, or -1 */
    int at[N_COLUMNS];       /* which column of the file; -1 = none */
    int n_columns;
    struct {
        const char *text;
        size_t len;
    } cell[MAX_COLUMNS];
    uint32_t room;
};

static struct srcloc place(const struct reading *r, const char *at)
{
    const char *line = at;
    while (line > r->text && line[-1] != '\n')
        line--;
    return (struct srcloc){.file = r->path,
                           .text = r->text,
                           .text_len = (size_t)(r->end - r->text),
                           .line = r->line,
                           .column = (int)(at - line) + 1};
}

#define COMPLAIN(r, where, ...) \
    do { \
        if ((r)->errors++ < MAX_ERRORS) \
            diag_error((r)->diag, EXIT_BAD_INPUT, place((r), (where)), __VA_ARGS__); \
    } while (0)

/* --- lines ------------------------------------------------------------------------------------------------ */

/* Cells of the line at `at`; returns the next line. Fields are plain: none of these files quotes. */
static const char *split(struct reading *r, const char *at, int *n)
{
    *n = 0;
    for (;;) {
        const char *p = at;
        while (p < r->end && *p != ',' && *p != '\n')
            p++;
        size_t len = (size_t)(p - at);
        if (len && at[len - 1] == '\r')
            len--;
        if (*n < MAX_COLUMNS) {
            r->cell[*n].text = at;
            r->cell[*n].len = len;
        }
        ++*n;
        if (p == r->end || *p == '\n')
            return p == r->end ? p : p + 1;
        at = p + 1;
    }
}

static int column_named(const char *name, size_t len)
{
    for (int c = 0; c < N_COLUMNS; c++)
        for (int i = 0; i < 4 && names[c][i]; i++)
            if (strlen(names[c][i]) == len && !memcmp(names[c][i], name, len))
                return c;
    return -1;
}

static void read_header(struct reading *r, int n)
{
    for (int c = 0; c < N_COLUMNS; c++)
        r->at[c] = -1;
    r->n_columns = n;
    for (int i = 0; i < n && i < MAX_COLUMNS; i++) {
        int c = column_named(r->cell[i].text, r->cell[i].len);
        if (c >= 0 && r->at[c] >= 0)
            COMPLAIN(r, r->cell[i].text, "a second column of the same meaning as column %d; leave one out",
                     r->at[c] + 1);
        else if (c >= 0)
            r->at[c] = i;
        else
            r->out->unread = arena_printf(r->arena, "%s%s%.*s", r->out->unread ? r->out->unread : "",
                                          r->out->unread ? ", " : "", (int)r->cell[i].len, r->cell[i].text);
    }
}

static bool has(const struct reading *r, enum column c)
{
    return r->at[c] >= 0 && r->cell[r->at[c]].len > 0;
}

static void need(struct reading *r, enum column c, const char *what)
{
    if (r->at[c] < 0)
        COMPLAIN(r, r->text, "no column %s: %s", names[c][0], what);
}

static bool is_of_collectives(const struct reading *r)
{
    return r->at[SIZE] >= 0 || r->at[SIZE_B] >= 0;
}

/* Which columns there must be; errors at the header. */
static void check_header(struct reading *r)
{
    bool times = false, any = false;
    for (int c = 0; c < N_COLUMNS; c++)
        any |= r->at[c] >= 0 && c != NOTE;
    if (!any) {
        COMPLAIN(r, r->text,
                 "no column of it is known: measured exchanges have node_num, num_token, hidden_size, num_topk, "
                 "num_experts and times, collectives op_name, num_gpus, size and latency_us");
        return;
    }
    for (int c = DISPATCH_TIME; c <= COMBINE_RATE; c++)
        times |= (c <= COMBINE_TIME || c >= DISPATCH_RATE) && r->at[c] >= 0;
    if (!times)
        need(r, TIME, "measured times, in microseconds");
    if (is_of_collectives(r)) {
        if (r->at[SIZE] >= 0)
            need(r, DTYPE, "of what message_size counts; or give bytes, as size");
        need(r, OPERATION, "all_gather, all_reduce, alltoall or reduce_scatter");
        need(r, GPUS, "of how many GPUs");
        return;
    }
    if (r->at[NODES] < 0 && r->at[GPUS] < 0)
        COMPLAIN(r, r->text, "neither node_num nor moe_ep_size: of how many nodes or GPUs?");
    need(r, TOKENS, "of a GPU");
    need(r, HIDDEN, "the length of a token");
    need(r, TOP_K, "experts of a token");
    need(r, EXPERTS, "of all GPUs together");
    if (!times)
        need(r, OPERATION, "dispatch, combine or prepare");
}

/* --- cells ------------------------------------------------------------------------------------------------ */

static double number(struct reading *r, enum column c, double least, double most)
{
    char copy[64], *end;
    const char *text = r->cell[r->at[c]].text;
    size_t len = r->cell[r->at[c]].len;
    if (!len || len >= sizeof copy) {
        COMPLAIN(r, text, "%s is a number", names[c][0]);
        return least;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    double value = strtod(copy, &end);
    if (*end || !isfinite(value))
        COMPLAIN(r, text, "%s is a number, not '%.24s'", names[c][0], copy);
    else if (value < least || value > most)
        COMPLAIN(r, text, "%s is %g; it is from %g to %g", names[c][0], value, least, most);
    else
        return value;
    return least;
}

static bool says(const struct reading *r, enum column c, const char *word)
{
    size_t n = strlen(word);
    return has(r, c) && r->cell[r->at[c]].len == n && !memcmp(r->cell[r->at[c]].text, word, n);
}

static const char *text_of(const struct reading *r, enum column c)
{
    return has(r, c) ? arena_printf(r->arena, "%.*s", (int)r->cell[r->at[c]].len, r->cell[r->at[c]].text) : NULL;
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static void add(struct reading *r, const struct comm_row *row)
{
    struct comm_rows *o = r->out;
    if (o->n == r->room) {
        struct comm_row *more = ARENA_ARRAY(r->arena, struct comm_row, r->room = r->room ? 2 * r->room : 256);
        if (o->n)
            memcpy(more, o->rows, o->n * sizeof *more);
        o->rows = more;
    }
    o->rows[o->n++] = *row;
}

static const struct {
    const char *name;
    const char *kernel;
} sources[] = {{"NVLinkOneSided", "nvlink_one_sided"},
               {"NVLinkTwoSided", "nvlink_two_sided"},
               {"DeepEP", "deepep_normal"},
               {"DeepEPLowLatency", "deepep_low_latency"},
               {"NCCL", "nccl_all_to_all"}};

static const char *kernel_of(struct reading *r)
{
    const char *text = text_of(r, KERNEL);
    if (!text)
        return r->at[DISPATCH_TIME] < 0 && r->at[DISPATCH_RATE] < 0 ? NULL
               : r->at[DISPATCH_SMS] >= 0                           ? "deepep_normal"
                                                                    : "deepep_low_latency";
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (!strcmp(text, sources[i].name))
            return sources[i].kernel;
    const struct ep_kernel_type *k = ep_kernel_find(text);
    if (!k)
        COMPLAIN(r, r->cell[r->at[KERNEL]].text, "unknown kernel '%.40s' ('moesim list ep_kernels' lists them)", text);
    return k ? k->name : NULL;
}

static const char *format_of(struct reading *r, enum ep_phase phase)
{
    char why[200];
    const char *text = text_of(r, FORMAT);
    if (phase == EP_COMBINE)
        return says(r, OPERATION, "alltoall_combine_low_precision") ? "nvfp4" : "bf16";
    if (!text)
        return "fp8";
    if (!strcmp(text, "bfloat16") || !strcmp(text, "float16") || !strcmp(text, "half"))
        return "bf16";
    if (!strcmp(text, "fp8_block"))
        return "fp8";
    if (wire_name_check(text, why, sizeof why)) {
        COMPLAIN(r, r->cell[r->at[FORMAT]].text, "%s", why);
        return "fp8";
    }
    return text;
}

static void measured(struct reading *r, struct comm_row row, enum column time, enum ep_phase phase, enum column sms)
{
    row.phase = phase;
    row.format = format_of(r, phase);
    if (sms != N_COLUMNS && has(r, sms))
        row.sms = number(r, sms, 1, 4096);
    if (time == DISPATCH_RATE || time == COMBINE_RATE)
        row.logical_Bps = 1e9 * number(r, time, 1e-6, 1e6);
    else
        row.measured_s = 1e-6 * number(r, time, 1e-3, 1e12);
    add(r, &row);
}

static bool phase_of(struct reading *r, enum ep_phase *out)
{
    static const struct {
        const char *word;
        enum ep_phase phase;
    } words[] = {{"alltoall_prepare", EP_PREPARE},
                 {"prepare", EP_PREPARE},
                 {"alltoall_dispatch", EP_DISPATCH},
                 {"dispatch", EP_DISPATCH},
                 {"alltoall_combine", EP_COMBINE},
                 {"alltoall_combine_low_precision", EP_COMBINE},
                 {"combine", EP_COMBINE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (says(r, OPERATION, words[i].word)) {
            *out = words[i].phase;
            return true;
        }
    COMPLAIN(r, r->cell[r->at[OPERATION]].text, "an operation is dispatch, combine or prepare");
    return false;
}

/* Kernels that did not run took 0 us. */
static bool says_more(const struct reading *r, enum column c)
{
    return has(r, c) && !says(r, c, "0");
}

static void read_exchange(struct reading *r)
{
    struct comm_row row = {.line = r->line,
                           .kernel = kernel_of(r),
                           .choice = says(r, DISTRIBUTION, "balanced") ? EP_DEALT : EP_UNIFORM,
                           .tokens = number(r, TOKENS, 1, 1e8),
                           .hidden = (int64_t)number(r, HIDDEN, 1, 1e6),
                           .top_k = (int64_t)number(r, TOP_K, 1, 64),
                           .experts = (int64_t)number(r, EXPERTS, 1, 65536)};
    enum ep_phase phase;
    if (has(r, NODES))
        row.nodes = (uint32_t)number(r, NODES, 1, 4096);
    if (has(r, GPUS))
        row.gpus = (uint32_t)number(r, GPUS, 1, 65536);
    if (has(r, DISPATCH_TIME))
        measured(r, row, DISPATCH_TIME, EP_DISPATCH, DISPATCH_SMS);
    if (has(r, COMBINE_TIME))
        measured(r, row, COMBINE_TIME, EP_COMBINE, r->at[COMBINE_SMS] < 0 ? DISPATCH_SMS : COMBINE_SMS);
    if (has(r, DISPATCH_RATE))
        measured(r, row, DISPATCH_RATE, EP_DISPATCH, DISPATCH_SMS);
    if (has(r, COMBINE_RATE))
        measured(r, row, COMBINE_RATE, EP_COMBINE, r->at[COMBINE_SMS] < 0 ? DISPATCH_SMS : COMBINE_SMS);
    if (row.nodes > 1 && says_more(r, DISPATCH_NOTIFY))
        measured(r, row, DISPATCH_NOTIFY, EP_PREPARE, DISPATCH_SMS);
    if (row.nodes > 1 && says_more(r, COMBINE_NOTIFY))
        measured(r, row, COMBINE_NOTIFY, EP_PREPARE_COMBINE, r->at[COMBINE_SMS] < 0 ? DISPATCH_SMS : COMBINE_SMS);
    if (has(r, TIME) && phase_of(r, &phase))
        measured(r, row, TIME, phase, DISPATCH_SMS);
}

static void read_collective(struct reading *r)
{
    static const char *const words[] = {"alltoall", "all_gather", "reduce_scatter", "all_reduce", "broadcast", NULL};
    struct comm_row row = {.line = r->line, .is_collective = true, .operation = -1};
    double value_B = says(r, DTYPE, "int8") || says(r, DTYPE, "fp8") ? 1 : says(r, DTYPE, "float") ? 4 : 2;
    for (int i = 0; words[i]; i++)
        if (says(r, OPERATION, words[i]) || says(r, OPERATION, collective_operation_names[i]))
            row.operation = i;
    if (row.operation < 0) {
        COMPLAIN(r, r->cell[r->at[OPERATION]].text,
                 "an operation is all_gather, all_reduce, alltoall, broadcast or reduce_scatter");
        return;
    }
    row.gpus = (uint32_t)number(r, GPUS, 2, 65536);
    row.size_B = has(r, SIZE_B) ? number(r, SIZE_B, 1, 1e15) : value_B * number(r, SIZE, 1, 1e13);
    row.integer = says(r, DTYPE, "int8");
    row.measured_s = 1e-6 * number(r, TIME, 1e-3, 1e12);
    add(r, &row);
}

static int read_text(struct reading *r)
{
    int n;
    const char *at = split(r, r->text, &n);
    read_header(r, n);
    check_header(r);
    while (at < r->end && !r->errors) {
        r->line++;
        const char *line = at;
        at = split(r, at, &n);
        if (n == 1 && !r->cell[0].len)
            continue;
        if (n != r->n_columns)
            COMPLAIN(r, line, "%d values in a file of %d columns", n, r->n_columns);
        else
            (is_of_collectives(r) ? read_collective : read_exchange)(r);
    }
    if (!r->errors && !r->out->n)
        COMPLAIN(r, r->text, "no rows below the header");
    return r->errors ? -1 : 0;
}

int comm_file_read(const char *path, struct arena *arena, struct comm_rows *out, struct diag *diag)
{
    char *bytes;
    size_t len;
    *out = (struct comm_rows){.file = arena_strdup(arena, path)};
    if (whole_file_read(path, MAX_FILE_B, &bytes, &len, diag))
        return -1;
    char *text = ARENA_ARRAY(arena, char, len + 1);
    memcpy(text, bytes, len);
    free(bytes);
    struct reading r = {
        .out = out, .arena = arena, .diag = diag, .path = out->file, .text = text, .end = text + len, .line = 1};
    return read_text(&r);
}
