/* What collectives moved, between whom: arguments of their kernels ("Collective name" and its like), or of the CPU
 * operator that stands behind a kernel (the same "External id"), or that operator's shapes.
 *
 * Sizes become those of nccl-tests: elements times the size of "dtype". Groups are named; who is in a group is in
 * distributedInfo.pg_config (an array; in on-demand traces a text behind the events), in "Process Group Ranks" (a text
 * that ends in "..." after 30 ranks), or in "Global rank start" and "stride". Splits of an all_to_allv end in "..."
 * likewise; cut ones count as even.
 *
 * Leaves out: coalesced calls of several groups; tensors' addresses.
 * Reference: pytorch torch/csrc/distributed/c10d/ParamCommsUtils.cpp, torch/csrc/profiler/util.h;
 * libkineto output_json.cpp. */
#include "io/inputs/kineto_priv.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "models/trace.h"

#define MAX_ELEMENTS 1e15
#define MAX_GROUP 1048576

/* --- words --------------------------------------------------------------------------------------------------- */

/* Letters only, lower case: "_allgather_base" and "AllGather_RING_LL" both begin like "allgather". */
static void letters_of(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; *text && n + 1 < size; text++)
        if (isalpha((unsigned char)*text))
            out[n++] = (char)tolower((unsigned char)*text);
    out[n] = '\0';
}

struct word {
    const char *letters;
    uint8_t operation;
};

/* The first that is in the text counts. */
static const struct word words[] = {{"allreduce", OPERATION_ALL_REDUCE},
                                    {"reducescatter", OPERATION_REDUCE_SCATTER},
                                    {"allgather", OPERATION_ALL_GATHER},
                                    {"alltoall", OPERATION_ALL_TO_ALL},
                                    {"crossdevicereduce", OPERATION_ALL_REDUCE},
                                    {"sendrecv", OPERATION_SEND_RECV},
                                    {"broadcast", OPERATION_BROADCAST},
                                    {"barrier", OPERATION_BARRIER},
                                    {NULL, 0}};
/* Short words stand in other names, too: they count where they are the whole text, or begin a kernel of the library. */
static const struct word whole_words[] = {{"reduce", OPERATION_REDUCE},   {"gather", OPERATION_GATHER},
                                          {"scatter", OPERATION_SCATTER}, {"send", OPERATION_SEND},
                                          {"recv", OPERATION_RECV},       {NULL, 0}};

static const char *behind_library(const char *letters)
{
    static const char *const prefixes[] = {"ncclsymkdevkernel", "nccldevkernel", "ncclkernel"};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(letters, prefixes[i], strlen(prefixes[i])))
            return letters + strlen(prefixes[i]);
    return NULL;
}

uint8_t kin_operation_of(const char *name)
{
    char letters[256];

    letters_of(name, letters, sizeof letters);
    const char *behind = behind_library(letters);
    for (const struct word *w = words; w->letters; w++)
        if (strstr(letters, w->letters))
            return w->operation;
    for (const struct word *w = whole_words; w->letters; w++)
        if (!strcmp(letters, w->letters) || (behind && !strncmp(behind, w->letters, strlen(w->letters))))
            return w->operation;
    return OPERATION_UNKNOWN;
}

/* Bytes of an element, in PyTorch's names of types (c10/core/ScalarType.h; TensorImpl's in "Input type"); 0 =
 * unknown. */
static double size_of_type(const char *type)
{
    static const struct {
        const char *name;
        double size_B;
    } types[] = {
        {"byte", 1},          {"uint8", 1},   {"char", 1},         {"int8", 1},           {"bool", 1},
        {"half", 2},          {"float16", 2}, {"bfloat16", 2},     {"short", 2},          {"int16", 2},
        {"uint16", 2},        {"int", 4},     {"int32", 4},        {"uint32", 4},         {"float", 4},
        {"float32", 4},       {"long", 8},    {"long int", 8},     {"int64", 8},          {"uint64", 8},
        {"double", 8},        {"float64", 8}, {"complexfloat", 8}, {"complexdouble", 16}, {"signed char", 1},
        {"unsigned char", 1},
    };
    const char *colons = strrchr(type, ':');

    type = colons ? colons + 1 : type;
    if (!strncasecmp(type, "float8_", 7))
        return 1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcasecmp(type, types[i].name))
            return types[i].size_B;
    return 0;
}

/* --- lists --------------------------------------------------------------------------------------------------- */

/* Numbers of a list: an array of JSON, or a text "[1, 2, ...]". *cut: it does not end. At most `max` are kept; all are
 * counted. */
static size_t read_list(const cJSON *list, double *out, size_t max, bool *cut)
{
    size_t n = 0;

    *cut = false;
    if (cJSON_IsArray(list)) {
        for (const cJSON *item = list->child; item; item = item->next, n++)
            if (n < max)
                out[n] = cJSON_IsNumber(item) ? item->valuedouble : -1;
        return n;
    }
    const char *p = cJSON_GetStringValue(list);
    *cut = p && strstr(p, "...");
    while (p && *p) {
        if (!isdigit((unsigned char)*p) && *p != '-') {
            p++;
            continue;
        }
        char *end = NULL;
        double value = strtod(p, &end);
        if (n < max)
            out[n] = value;
        n += end > p;
        p = end > p ? end : p + 1;
    }
    return n;
}

/* --- groups -------------------------------------------------------------------------------------------------- */

static bool same_ranks(const struct kin_group *g, const double *ranks, size_t n)
{
    if (g->size != n || !g->ranks)
        return false;
    for (size_t i = 0; i < n; i++)
        if (g->ranks[i] != (uint32_t)ranks[i])
            return false;
    return true;
}

static bool are_ranks(const double *ranks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(ranks[i] >= 0 && ranks[i] <= INT32_MAX) || ranks[i] != floor(ranks[i]))
            return false;
    return true;
}

/* The group of that name, size and ranks (NULL: not known), known before or new. */
static uint32_t group_of(struct kineto *k, const char *name, size_t size, const double *ranks)
{
    for (size_t i = 0; i < k->n_groups; i++) {
        const struct kin_group *g = &k->groups[i];
        if (g->name == name && (ranks ? same_ranks(g, ranks, size) : !g->ranks && g->size == size))
            return (uint32_t)i;
    }
    struct kin_group *g = KIN_PUSH(k, groups);
    g->name = name;
    g->size = (uint32_t)size;
    if (!ranks)
        return (uint32_t)(k->n_groups - 1);
    g->ranks = ARENA_ARRAY(k->arena, uint32_t, size);
    for (size_t i = 0; i < size; i++)
        g->ranks[i] = (uint32_t)ranks[i];
    return (uint32_t)(k->n_groups - 1);
}

/* Ranks that an event itself names: whole, or a start and a stride. How many there are, or 0. */
static size_t ranks_of_event(const cJSON *args, size_t size, double *ranks)
{
    const cJSON *start = cJSON_GetObjectItemCaseSensitive(args, "Global rank start");
    const cJSON *stride = cJSON_GetObjectItemCaseSensitive(args, "Global rank stride");
    bool cut;
    size_t n = read_list(cJSON_GetObjectItemCaseSensitive(args, "Process Group Ranks"), ranks, MAX_GROUP, &cut);

    if (n && n <= MAX_GROUP && !cut && (!size || n == size) && are_ranks(ranks, n))
        return n;
    if (!size || !cJSON_IsNumber(start) || !cJSON_IsNumber(stride) || start->valuedouble < 0 || stride->valuedouble < 1)
        return 0;
    for (size_t i = 0; i < size; i++)
        ranks[i] = start->valuedouble + (double)i * stride->valuedouble;
    return are_ranks(ranks, size) ? size : 0;
}

static double *scratch(struct kineto *k)
{
    if (!k->numbers)
        k->numbers = checked_alloc(malloc(MAX_GROUP * sizeof *k->numbers));
    return k->numbers;
}

static uint32_t read_group(struct kineto *k, const cJSON *args)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(args, "Process Group Name"));
    const cJSON *size_item = cJSON_GetObjectItemCaseSensitive(args, "Group size");
    double *ranks = scratch(k);
    size_t size = 0;

    if (cJSON_IsNumber(size_item) && size_item->valuedouble >= 1 && size_item->valuedouble <= MAX_GROUP)
        size = (size_t)size_item->valuedouble;
    size_t n = ranks_of_event(args, size, ranks);
    if (!n && !size && !name)
        return KIN_NONE;
    return group_of(k, kin_intern(k, name ? name : ""), n ? n : size, n ? ranks : NULL);
}

static void read_pg_config(struct kineto *k, const cJSON *list)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "pg_name"));
        double *ranks = scratch(k);
        bool cut;
        size_t n = read_list(cJSON_GetObjectItemCaseSensitive(item, "ranks"), ranks, MAX_GROUP, &cut);
        if (!name || !n || n > MAX_GROUP || cut || !are_ranks(ranks, n))
            continue;
        struct kin_group *g = KIN_PUSH(k, named);
        g->name = kin_intern(k, name);
        g->size = (uint32_t)n;
        g->ranks = ARENA_ARRAY(k->arena, uint32_t, n);
        for (size_t i = 0; i < n; i++)
            g->ranks[i] = (uint32_t)ranks[i];
    }
}

void kin_read_groups(struct kineto *k, const cJSON *pg_config)
{
    const char *text = cJSON_GetStringValue(pg_config);

    if (!text) {
        read_pg_config(k, pg_config);
        return;
    }
    cJSON *parsed = cJSON_Parse(text);
    read_pg_config(k, parsed);
    cJSON_Delete(parsed);
}

/* --- messages ------------------------------------------------------------------------------------------------ */

static double elements(const cJSON *args, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(args, key);

    return cJSON_IsNumber(n) && n->valuedouble > 0 && n->valuedouble <= MAX_ELEMENTS ? n->valuedouble : 0;
}

/* Elements as nccl-tests counts them. */
static double elements_of(uint8_t operation, const cJSON *args, double members)
{
    double in = elements(args, "In msg nelems"), out = elements(args, "Out msg nelems");

    switch (operation) {
    case OPERATION_ALL_GATHER:
    case OPERATION_GATHER:
        return out > 0 ? out : in * members;
    case OPERATION_REDUCE_SCATTER:
    case OPERATION_SCATTER:
        return in > 0 ? in : out * members;
    default: /* a receiver has no input */
        return in > 0 ? in : out;
    }
}

static double element_size(struct kineto *k, const cJSON *args)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(args, "dtype"));
    double size_B = type ? size_of_type(type) : 0;

    if (type && size_B <= 0) {
        k->n_bad_types++;
        k->bad_type = kin_intern(k, type);
    }
    return size_B;
}

/* What goes to each member, where that is said for all of them and is not even. */
static void read_splits(struct kineto *k, const cJSON *args, uint32_t members, struct kin_message *m)
{
    double *split = scratch(k), sum = 0;
    bool cut, even = true;
    size_t n = read_list(cJSON_GetObjectItemCaseSensitive(args, "In split size"), split, MAX_GROUP, &cut);

    if (cut || (n && n != members)) {
        k->n_cut_splits++;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(split[i] >= 0 && split[i] <= MAX_ELEMENTS))
            return;
        sum += split[i];
        even &= split[i] == split[0];
    }
    if (even || sum <= 0)
        return;
    m->split_B = ARENA_ARRAY(k->arena, double, n);
    for (size_t i = 0; i < n; i++) /* splits may count rows of the tensor */
        m->split_B[i] = split[i] / sum * m->bytes_B;
}

static int32_t read_peer(const cJSON *args, uint8_t operation)
{
    const char *key = operation == OPERATION_SEND ? "Dst Rank" : operation == OPERATION_RECV ? "Src Rank" : NULL;
    const cJSON *rank = key ? cJSON_GetObjectItemCaseSensitive(args, key) : NULL;

    return cJSON_IsNumber(rank) && rank->valuedouble >= 0 && rank->valuedouble <= INT32_MAX ? (int32_t)rank->valuedouble
                                                                                            : -1;
}

bool kin_read_message(struct kineto *k, const cJSON *args, struct kin_message *m)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(args, "Collective name"));
    const cJSON *sequence = cJSON_GetObjectItemCaseSensitive(args, "Seq");

    if (!name || !*name)
        return false;
    *m = (struct kin_message){.operation = kin_operation_of(name), .group = read_group(k, args), .sequence = -1};
    double size_B = element_size(k, args), members = m->group == KIN_NONE ? 1 : k->groups[m->group].size;
    m->peer = read_peer(args, m->operation);
    m->bytes_B = size_B * elements_of(m->operation, args, members);
    if (cJSON_IsNumber(sequence) && sequence->valuedouble >= 0 && sequence->valuedouble < 9e15)
        m->sequence = (int64_t)sequence->valuedouble;
    if (m->operation == OPERATION_ALL_TO_ALL && m->bytes_B > 0)
        read_splits(k, args, (uint32_t)members, m);
    return true;
}

/* --- operators behind kernels -------------------------------------------------------------------------------- */

/* Elements of the tensors of an operator's first argument: dimensions, or a list of such. */
static double elements_of_shape(const cJSON *dims)
{
    double product = 1, sum = 0;
    bool nested = false;

    for (const cJSON *item = dims ? dims->child : NULL; item; item = item->next)
        if (cJSON_IsArray(item)) {
            nested = true;
            sum += elements_of_shape(item);
        } else {
            product *= cJSON_IsNumber(item) && item->valuedouble >= 0 ? item->valuedouble : 0;
        }
    return nested ? sum : dims && dims->child ? product : 0;
}

static bool message_of_shape(const char *name, const cJSON *args, struct kin_message *m)
{
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(args, "Input Dims");
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(args, "Input type");
    uint8_t operation = strncmp(name, "aten::", 6) ? kin_operation_of(name) : OPERATION_UNKNOWN;

    if (operation == OPERATION_UNKNOWN)
        return false;
    const char *type = cJSON_GetStringValue(cJSON_GetArrayItem(types, 0));
    double n = elements_of_shape(cJSON_GetArrayItem(dims, 0));
    double bytes_B = n <= MAX_ELEMENTS ? n * (type ? size_of_type(type) : 0) : 0;
    bool whole = operation == OPERATION_ALL_REDUCE || operation == OPERATION_BROADCAST;
    *m = (struct kin_message){
        .operation = operation, .group = KIN_NONE, .peer = -1, .sequence = -1, .bytes_B = whole ? bytes_B : 0};
    return bytes_B > 0 && whole;
}

void kin_read_operator(struct kineto *k, const cJSON *event)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "name"));
    struct kin_message m;
    int64_t id = kin_external_id(args);

    if (!name || id < 0 || (!kin_read_message(k, args, &m) && !message_of_shape(name, args, &m)))
        return;
    struct kin_operator *o = KIN_PUSH(k, operators);
    o->external_id = id;
    o->message = m;
    o->number = (uint32_t)(k->n_operators - 1);
}

int64_t kin_external_id(const cJSON *args)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(args, "External id");

    id = id ? id : cJSON_GetObjectItemCaseSensitive(args, "external id");
    return cJSON_IsNumber(id) && id->valuedouble > 0 && id->valuedouble < 9e15 ? (int64_t)id->valuedouble : -1;
}

static int by_external_id(const void *pa, const void *pb)
{
    const struct kin_operator *a = pa, *b = pb;

    if (a->external_id != b->external_id)
        return a->external_id < b->external_id ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* The last operator of the id: the innermost. */
static const struct kin_operator *operator_of(const struct kineto *k, int64_t id)
{
    size_t low = 0, high = k->n_operators;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (k->operators[middle].external_id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low && k->operators[low - 1].external_id == id ? &k->operators[low - 1] : NULL;
}

/* Ranks of the groups that events only name. */
static void complete_groups(struct kineto *k)
{
    for (size_t i = 0; i < k->n_groups; i++) {
        struct kin_group *g = &k->groups[i];
        for (size_t n = 0; !g->ranks && n < k->n_named; n++)
            if (g->name == k->named[n].name && (!g->size || g->size == k->named[n].size)) {
                g->ranks = k->named[n].ranks;
                g->size = k->named[n].size;
            }
    }
}

void kin_link_messages(struct kineto *k)
{
    if (k->n_operators)
        qsort(k->operators, k->n_operators, sizeof *k->operators, by_external_id);
    for (size_t i = 0; i < k->n_gpus; i++) {
        struct kin_gpu *g = &k->gpus[i];
        bool communicates = g->rule->collective == COLL_LIBRARY || g->rule->collective == COLL_OWN;
        const struct kin_operator *o =
            communicates && g->message == KIN_NONE && g->external_id > 0 ? operator_of(k, g->external_id) : NULL;
        if (!o)
            continue;
        *(struct kin_message *)KIN_PUSH(k, messages) = o->message;
        g->message = (uint32_t)(k->n_messages - 1);
    }
    complete_groups(k);
}
