/* The matrix of `nvidia-smi topo -m`: how near each NIC is to each GPU. Columns and rows are GPU0 ... and NIC0 ... (which a
 * legend names) or, of older drivers, mlx5_0 ...; affinities and NVLink are left out. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/fabric.h"
#include "io/inputs/input.h"
#include "io/inputs/text_lines.h"

enum { MOST_WORDS = 160, OTHER = -1 };

struct column {
    int gpu, nic; /* OTHER */
};

struct reading {
    struct text_lines lines;
    struct node_inside *node;
    struct column columns[MOST_WORDS];
    uint32_t n_columns;
    bool header;
};

/* Words of a line; the colours of a terminal are no part of them. */
static uint32_t split(struct reading *r, const char **words)
{
    char *line = arena_strdup(r->lines.arena, r->lines.line), *to = line, *save = NULL;
    uint32_t n = 0;
    for (const char *at = line; *at; at++) {
        if (*at != 27) {
            *to++ = *at;
            continue;
        }
        while (at[1] && !isalpha((unsigned char)*at))
            at++;
    }
    *to = 0;
    for (char *w = strtok_r(line, " \t", &save); w && n < MOST_WORDS; w = strtok_r(NULL, " \t", &save))
        words[n++] = w;
    return n;
}

static int number_of(const char *word, const char *prefix)
{
    size_t n = strlen(prefix);
    char *end;
    if (strncmp(word, prefix, n) || !isdigit((unsigned char)word[n]))
        return OTHER;
    long value = strtol(word + n, &end, 10);
    return !*end && value < 1000 ? (int)value : OTHER;
}

static bool is_device(const char *word)
{
    return !strncmp(word, "mlx", 3) || !strncmp(word, "bnxt", 4) || !strncmp(word, "irdma", 5) ||
           !strncmp(word, "efa", 3);
}

static void read_header(struct reading *r, const char **words, uint32_t n)
{
    r->header = true;
    for (uint32_t i = 0; i < n && strcmp(words[i], "CPU"); i++) {
        struct column *c = &r->columns[r->n_columns++];
        *c = (struct column){number_of(words[i], "GPU"), OTHER};
        if (c->gpu != OTHER && (c->gpu >= NODE_MAX_GPUS || (uint32_t)c->gpu != r->node->n_gpus)) {
            text_error(&r->lines, "columns GPU0, GPU1, ... stand in order, up to %d", NODE_MAX_GPUS);
            return;
        }
        r->node->n_gpus += c->gpu != OTHER;
        if (number_of(words[i], "NIC") == OTHER && !is_device(words[i]))
            continue;
        if (r->node->n_nics == FABRIC_MAX_NICS) {
            text_error(&r->lines, "more than %d NICs", FABRIC_MAX_NICS);
            return;
        }
        c->nic = (int)r->node->n_nics;
        r->node->nics[r->node->n_nics++] = words[i];
    }
}

static int nearness(const char *word)
{
    for (int i = 0; i < NEAR_UNKNOWN; i++)
        if (!strcmp(word, nearness_names[i]))
            return i;
    return !strcmp(word, "SOC") ? NEAR_SYS : OTHER;
}

static void read_row(struct reading *r, const char **words, uint32_t n)
{
    int gpu = number_of(words[0], "GPU");
    if (gpu == OTHER || (uint32_t)gpu >= r->node->n_gpus)
        return;
    if (n < r->n_columns + 1) {
        text_error(&r->lines, "this row has %u values, and the matrix %u columns", n - 1, r->n_columns);
        return;
    }
    for (uint32_t i = 0; i < r->n_columns; i++) {
        int near = nearness(words[i + 1]);
        if (r->columns[i].nic == OTHER)
            continue;
        if (near == OTHER) {
            text_error(&r->lines, "'%s' between a GPU and a NIC; PIX, PXB, PHB, NODE and SYS are known", words[i + 1]);
            return;
        }
        r->node->near[gpu][r->columns[i].nic] = (uint8_t)near;
    }
}

/* NIC0: mlx5_0 */
static void read_legend(struct reading *r, const char **words)
{
    size_t n = strlen(words[0]);
    for (uint32_t i = 0; i < r->node->n_nics; i++)
        if (words[0][n - 1] == ':' && strlen(r->node->nics[i]) == n - 1 && !strncmp(r->node->nics[i], words[0], n - 1))
            r->node->nics[i] = words[1];
}

static void read_line(struct reading *r)
{
    const char *words[MOST_WORDS];
    uint32_t n = split(r, words);
    if (n && !r->header && !strcmp(words[0], "GPU0"))
        read_header(r, words, n);
    else if (n && r->header && number_of(words[0], "GPU") != OTHER)
        read_row(r, words, n);
    else if (n == 2 && r->header)
        read_legend(r, words);
}

static int read_fabric(const char *path, const char *text, size_t len, struct fabric *f, struct diag *diag)
{
    struct reading *r = ARENA_NEW(f->arena, struct reading);
    *r = (struct reading){.lines = text_lines_of(path, text, len, f->arena, diag),
                          .node = ARENA_NEW(f->arena, struct node_inside)};
    r->node->path = path;
    memset(r->node->near, NEAR_UNKNOWN, sizeof r->node->near);
    while (text_next(&r->lines))
        read_line(r);
    if (!r->lines.failed && !r->node->n_gpus)
        text_error(&r->lines, "no row of GPUs stands in it");
    return r->lines.failed ? -1 : fabric_set_inside(f, r->node, diag);
}

static bool recognises(const struct input_head *head)
{
    return strstr(head->bytes, "GPU0") && (strstr(head->bytes, "CPU Affinity") || strstr(head->bytes, "Legend:"));
}

const struct input_format input_nvidia_smi_topo = {.name = "matrix of a node",
                                                   .doc = "nvidia-smi topo -m",
                                                   .makes = INPUT_FABRIC,
                                                   .recognises = recognises,
                                                   .stage = FABRIC_INSIDE,
                                                   .read_fabric = read_fabric};
