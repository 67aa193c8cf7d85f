/* The schema of scenarios and the loader hold each other: 1,000 texts, right and wrong, for keys of every type, written
 * with quotes and, where they are numbers, without. What one accepts the other does; only ranges of quantities with a
 * unit are beyond what a schema can say. */
#include <cjson/cJSON.h>
#include <check.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cfg.h"
#include "base/rng.h"
#include "io/scenario.h"
#include "tap_main.h"

enum { TEXTS = 1000, MAX_LEAVES = 4096 };

struct leaf {
    const struct cfg_field *field;
    const cJSON *schema; /* of the bare value */
    const char *name;
};

static struct leaf leaves[MAX_LEAVES];
static size_t n_leaves;
static struct arena *arena;
static gsl_rng *rng;

/* --- the part of JSON Schema that is used ------------------------------------------------------------------------ */

struct value { /* a JSON value: a number, a boolean or a string */
    const char *text;
    char type; /* 'n', 'b', 's' */
};

static bool has_type(const char *type, const struct value *v)
{
    if (!strcmp(type, "string"))
        return v->type == 's';
    if (!strcmp(type, "boolean"))
        return v->type == 'b';
    bool whole = v->type == 'n' && floor(atof(v->text)) == atof(v->text);
    return v->type == 'n' && (!strcmp(type, "number") || (!strcmp(type, "integer") && whole));
}

static bool any_type(const cJSON *type, const struct value *v)
{
    const cJSON *item = NULL;
    if (cJSON_IsString(type))
        return has_type(type->valuestring, v);
    cJSON_ArrayForEach(item, type)
    {
        if (has_type(item->valuestring, v))
            return true;
    }
    return false;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    ck_assert_msg(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0, "%s", pattern);
    bool is = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return is;
}

static bool in_enum(const cJSON *list, const struct value *v)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) ? v->type == 's' && !strcmp(item->valuestring, v->text)
                                 : v->type == 'b' && !strcmp(cJSON_IsTrue(item) ? "true" : "false", v->text))
            return true;
    }
    return false;
}

static bool accepts(const cJSON *schema, const struct value *v)
{
    const cJSON *any = cJSON_GetObjectItem(schema, "anyOf"), *item = NULL;
    const cJSON *type = cJSON_GetObjectItem(schema, "type"), *list = cJSON_GetObjectItem(schema, "enum");
    const cJSON *pattern = cJSON_GetObjectItem(schema, "pattern");
    const cJSON *min = cJSON_GetObjectItem(schema, "minimum"), *max = cJSON_GetObjectItem(schema, "maximum");
    if (any) {
        cJSON_ArrayForEach(item, any)
        {
            if (accepts(item, v))
                return true;
        }
        return false;
    }
    if ((type && !any_type(type, v)) || (list && !in_enum(list, v)))
        return false;
    if (pattern && v->type == 's' && !matches(pattern->valuestring, v->text))
        return false;
    return v->type != 'n' ||
           ((!min || atof(v->text) >= min->valuedouble) && (!max || atof(v->text) <= max->valuedouble));
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* Leaves of the schema, with the field that the loader has for them. */
static void collect(const cJSON *node, struct cfg *cfg, const char *prefix)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(node, "properties"))
    {
        const char *name = arena_printf(arena, "%s%s", prefix, item->string);
        const cJSON *any = cJSON_GetObjectItem(item, "anyOf");
        if (cJSON_GetObjectItem(item, "properties")) {
            collect(item, cfg, arena_printf(arena, "%s.", name));
            continue;
        }
        if (!any || n_leaves == MAX_LEAVES)
            continue;
        struct diag *diag = diag_new();
        const struct cfg_field *field = cfg_leaf(cfg, name, SRCLOC_NONE, diag);
        if (field)
            leaves[n_leaves++] = (struct leaf){field, cJSON_GetArrayItem(any, 0), name};
        diag_free(diag);
    }
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static unsigned pick(unsigned n)
{
    return (unsigned)gsl_rng_uniform_int(rng, n);
}

static const char *number(void)
{
    static const char *const numbers[] = {"0",  "1",   "8",    "-3",  "2.5", "0.5", "64",   "1000000",
                                          "-0", "007", "+5",   " 5",  "5 ",  "1e3", "1E-2", "1_000",
                                          ".5", "5.",  "0x10", "inf", "nan", "",    "1,2",  "99"};
    return numbers[pick(sizeof numbers / sizeof *numbers)];
}

static const char *with_unit(const struct cfg_field *f)
{
    static const char *const between[] = {"", " ", "  "};
    enum unit_dim dim = pick(4) && f->type == CFG_QUANTITY ? f->dim : (enum unit_dim)pick(DIM_MONEY + 1);
    unsigned n = 0;
    while (unit_name(dim, n))
        n++;
    if (dim == DIM_MONEY && !pick(3))
        return arena_printf(arena, "$%s", number());
    return arena_printf(arena, "%s%s%s", number(), between[pick(3)], n ? unit_name(dim, pick(n)) : "");
}

static const char *word(const struct cfg_field *f)
{
    static const char *const words[] = {"true", "false", "yes", "on", "True", "none", "8, 16", "a b"};
    size_t n = 0;
    while (f->type == CFG_ENUM && f->choices[n])
        n++;
    if (n && pick(3))
        return f->choices[pick((unsigned)n)];
    return words[pick(sizeof words / sizeof *words)];
}

static const char *some_text(const struct cfg_field *f)
{
    switch (pick(4)) {
    case 0:
        return number();
    case 1:
        return word(f);
    case 2:
        return f->dflt ? f->dflt : with_unit(f);
    default:
        return with_unit(f);
    }
}

static bool loader_accepts(struct cfg_field f, const char *text, bool ranges)
{
    struct cfg_value v;
    char why[512];
    if (!ranges)
        f.min = f.max = 0;
    return cfg_value_read(&f, text, &v, arena, why, sizeof why) == 0;
}

/* How an editor reads it without quotes: digits as JSON has them, of whole numbers without a point. */
static char bare_type(const char *text)
{
    if (!strcmp(text, "true") || !strcmp(text, "false"))
        return 'b';
    return matches("^-?(0|[1-9][0-9]*)(\\.[0-9]*[1-9])?$", text) ? 'n' : 's';
}

START_TEST(schema_and_loader_agree)
{
    char path[] = "/tmp/moesim-schema-XXXXXX";
    int fd = mkstemp(path), accepted = 0;
    arena = arena_new();
    rng = rng_stream(1, 0, "schema");
    FILE *out = fdopen(fd, "w+");
    cfg_print_schema(scenario_table(), NULL, out);
    long size = ftell(out);
    char *text = arena_alloc(arena, (size_t)size + 1);
    rewind(out);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, out), (size_t)size);
    fclose(out);
    remove(path);
    cJSON *schema = cJSON_Parse(text);
    ck_assert_ptr_nonnull(schema);
    collect(schema, cfg_new(scenario_table(), arena), "");
    ck_assert_uint_gt(n_leaves, 200);
    for (int i = 0; i < TEXTS; i++) {
        const struct leaf *l = &leaves[pick((unsigned)n_leaves)];
        const char *t = some_text(l->field);
        struct value quoted = {t, 's'}, bare = {t, bare_type(t)};
        bool loads = loader_accepts(*l->field, t, false);
        accepted += loads;
        ck_assert_msg(accepts(l->schema, &quoted) == loads, "%s: \"%s\": the loader %s it", l->name, t,
                      loads ? "reads" : "refuses");
        if (bare.type != 's')
            ck_assert_msg(accepts(l->schema, &bare) == loader_accepts(*l->field, t, true), "%s: %s: the loader %s it",
                          l->name, t, loader_accepts(*l->field, t, true) ? "reads" : "refuses");
    }
    ck_assert_int_gt(accepted, TEXTS / 5);
    ck_assert_int_lt(accepted, TEXTS * 4 / 5);
    cJSON_Delete(schema);
    gsl_rng_free(rng);
    arena_free(arena);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("schema");
    TCase *t = tcase_create("schema");
    tcase_add_test(t, schema_and_loader_agree);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tap_main(suite());
}
