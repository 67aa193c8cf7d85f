/* Config values: text to a field's value with every check, and back to text that parses
 * to the very same value. Leaves out: where the text came from; the callers add the
 * place. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cfg_priv.h"

#define SHOWN 60 /* characters of a value that a message repeats */

static int check_range(const struct cfg_field *f, double v, const char *text, struct arena *a, char *why,
                       size_t why_size)
{
    if (!(f->min < f->max) || (v >= f->min && v <= f->max))
        return 0;
    snprintf(why, why_size, "'%.*s' is out of range; allowed is %s", SHOWN, text, cfg_range_text(f, a));
    return -1;
}

static int parse_quantity(const struct cfg_field *f, const char *text, double *value, struct arena *a, char *why,
                          size_t why_size)
{
    double v;
    if (unit_parse(text, strlen(text), f->dim, &v, why, why_size) || check_range(f, v, text, a, why, why_size))
        return -1;
    *value = v;
    return 0;
}

static int parse_int(const struct cfg_field *f, const char *text, int64_t *value, struct arena *a, char *why,
                     size_t why_size)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || digits[n] || (digits[0] == '0' && n > 1)) {
        snprintf(why, why_size, "'%.*s' is not a whole number; write digits only, for example '64'", SHOWN, text);
        return -1;
    }
    errno = 0;
    long long v = strtoll(text, NULL, 10);
    if (errno == ERANGE) {
        snprintf(why, why_size, "'%.*s' is too large for a whole number", SHOWN, text);
        return -1;
    }
    if (check_range(f, (double)v, text, a, why, why_size))
        return -1;
    *value = v;
    return 0;
}

static int parse_bool(const char *text, bool *value, char *why, size_t why_size)
{
    static const char *const yes[] = {"true", "yes", "on", "1", "y", NULL};
    static const char *const no[] = {"false", "no", "off", "0", "n", NULL};
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *value = text[0] == 't';
        return 0;
    }
    const char *hint = "true' or 'false";
    for (int i = 0; yes[i]; i++)
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0)
            hint = strcasecmp(text, yes[i]) == 0 ? "true" : "false";
    snprintf(why, why_size, "'%.*s' is neither true nor false; write '%s'", SHOWN, text, hint);
    return -1;
}

static int parse_enum(const struct cfg_field *f, const char *text, int *value, struct arena *a, char *why,
                      size_t why_size)
{
    size_t n = 0;
    for (; f->choices[n]; n++)
        if (strcmp(f->choices[n], text) == 0) {
            *value = (int)n;
            return 0;
        }
    const char *near = cfg_nearest(text, f->choices);
    snprintf(why, why_size, "'%.*s' is not one of the choices; %s%s%schoose %s", SHOWN, text,
             near ? "did you mean '" : "", near ? near : "", near ? "'? " : "", cfg_join(a, f->choices, n, " or "));
    return -1;
}

int cfg_parse_value(const struct cfg_field *f, const char *text, void *value, struct arena *a, char *why,
                    size_t why_size)
{
    switch (f->type) {
    case CFG_QUANTITY:
        return parse_quantity(f, text, value, a, why, why_size);
    case CFG_INT:
        return parse_int(f, text, value, a, why, why_size);
    case CFG_BOOL:
        return parse_bool(text, value, why, why_size);
    case CFG_ENUM:
        return parse_enum(f, text, value, a, why, why_size);
    case CFG_STRING:
        *(const char **)value = arena_strdup(a, text);
        return 0;
    case CFG_TABLE:
    case CFG_MORE:
    case CFG_MAP:
        break;
    }
    BUG("field '%s' holds no value", f->name);
}

size_t cfg_value_size(const struct cfg_field *f)
{
    switch (f->type) {
    case CFG_QUANTITY:
        return sizeof(double);
    case CFG_INT:
        return sizeof(int64_t);
    case CFG_BOOL:
        return sizeof(bool);
    case CFG_ENUM:
        return sizeof(int);
    case CFG_STRING:
        return sizeof(const char *);
    case CFG_TABLE:
    case CFG_MORE:
    case CFG_MAP:
        break;
    }
    BUG("field '%s' holds no value", f->name);
}

/* Shortest decimal that strtod reads back to the same double. */
static const char *exact_number(double v, struct arena *a)
{
    char buf[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, v);
        if (strtod(buf, NULL) == v)
            break;
    }
    return arena_strdup(a, buf);
}

/* Readable where that is exact ("45 GB/s"), else in the SI unit with all digits. */
static const char *quantity_text(double v, enum unit_dim dim, struct arena *a)
{
    char buf[64], why[CFG_WHY_SIZE];
    double back;
    unit_format(v, dim, buf, sizeof buf);
    if (unit_parse(buf, strlen(buf), dim, &back, why, sizeof why) == 0 && back == v)
        return arena_strdup(a, buf);
    const char *si = unit_dim_si(dim);
    return arena_printf(a, "%s%s%s", exact_number(v, a), *si ? " " : "", si);
}

const char *cfg_value_text(const struct cfg_field *f, const void *value, struct arena *a)
{
    switch (f->type) {
    case CFG_QUANTITY:
        return quantity_text(*(const double *)value, f->dim, a);
    case CFG_INT:
        return arena_printf(a, "%" PRId64, *(const int64_t *)value);
    case CFG_BOOL:
        return *(const bool *)value ? "true" : "false";
    case CFG_ENUM:
        return f->choices[*(const int *)value];
    case CFG_STRING:
        return *(const char *const *)value;
    case CFG_TABLE:
    case CFG_MORE:
    case CFG_MAP:
        break;
    }
    BUG("field '%s' holds no value", f->name);
}

const char *cfg_range_text(const struct cfg_field *f, struct arena *a)
{
    if (!(f->min < f->max))
        return NULL;
    bool is_int = f->type == CFG_INT;
    enum unit_dim dim = is_int ? DIM_COUNT : f->dim;
    const char *lo = quantity_text(f->min, dim, a), *hi = quantity_text(f->max, dim, a);
    if (isinf(f->min))
        return arena_printf(a, "at most %s", hi);
    if (isinf(f->max))
        return arena_printf(a, "at least %s", lo);
    return arena_printf(a, "%s to %s", lo, hi);
}

const char *cfg_example(const struct cfg_field *f)
{
    if (f->example)
        return f->example;
    if (f->dflt && *f->dflt)
        return f->dflt;
    switch (f->type) {
    case CFG_QUANTITY:
        return unit_dim_example(f->dim);
    case CFG_INT:
        return "64";
    case CFG_BOOL:
        return "true";
    case CFG_ENUM:
        return f->choices[0];
    default:
        return "some text";
    }
}

/* Room for a value of any type. */
union any_value {
    double quantity;
    int64_t whole;
    bool truth;
    int choice;
    const char *text;
};

static double number_of(const struct cfg_field *f, const union any_value *v)
{
    switch (f->type) {
    case CFG_QUANTITY:
        return v->quantity;
    case CFG_INT:
        return (double)v->whole;
    case CFG_BOOL:
        return v->truth;
    default:
        return NAN;
    }
}

int cfg_value_read(const struct cfg_field *f, const char *text, struct cfg_value *out, struct arena *arena, char *why,
                   size_t why_size)
{
    union any_value v;
    if (cfg_parse_value(f, text, &v, arena, why, why_size))
        return -1;
    *out = (struct cfg_value){.type = f->type, .text = cfg_value_text(f, &v, arena), .number = number_of(f, &v)};
    return 0;
}

int cfg_value_of(const struct cfg_field *f, double number, struct cfg_value *out, struct arena *arena, char *why,
                 size_t why_size)
{
    const char *text = f->type == CFG_INT ? arena_printf(arena, "%.0f", number) : quantity_text(number, f->dim, arena);
    return cfg_value_read(f, text, out, arena, why, why_size);
}
