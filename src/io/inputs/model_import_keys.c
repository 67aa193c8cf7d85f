/* Keys of a config.json: read by any of the names that they go by, remembered as read, and found again in the text when
 * something is wrong with them. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/inputs/model_import_priv.h"

enum { READ_BIT = 1 << 12, MOST_WHOLE = 1 << 24 };

/* cJSON uses the lower bits of a type. */
void import_mark(const cJSON *v)
{
    ((cJSON *)v)->type |= READ_BIT;
}

bool import_marked(const cJSON *v)
{
    return v->type & READ_BIT;
}

static const cJSON *member(const cJSON *o, const char *name, size_t len)
{
    for (const cJSON *v = cJSON_IsObject(o) ? o->child : NULL; v; v = v->next)
        if (strlen(v->string) == len && !memcmp(v->string, name, len))
            return v;
    return NULL;
}

static const cJSON *get_in(const cJSON *o, const char *keys)
{
    const cJSON *found = NULL;
    for (const char *p = keys; *p;) {
        size_t len = strcspn(p, "|");
        const cJSON *v = member(o, p, len);
        if (v)
            import_mark(v);
        if (!found && v && !cJSON_IsNull(v))
            found = v;
        p += len + (p[len] == '|');
    }
    return found;
}

const cJSON *import_get(struct import *im, const char *keys)
{
    return get_in(im->text, keys);
}

const cJSON *import_get_any(struct import *im, const char *keys)
{
    const cJSON *v = get_in(im->text, keys);
    return v || im->text == im->root ? v : get_in(im->root, keys);
}

bool import_is(const cJSON *v, const char *text)
{
    return cJSON_IsString(v) && !strcmp(v->valuestring, text);
}

bool import_has_trait(const struct import *im, enum trait trait)
{
    return im->family->traits & trait;
}

const char *import_clean(struct import *im, const char *text)
{
    char *clean = arena_printf(im->arena, "%.60s", text);
    for (char *p = clean; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *p))
            *p = '_';
    return clean;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* The key that is there, else the first of the names. */
static const char *name_of(struct import *im, const cJSON *v, const char *keys)
{
    return v && v->string ? v->string : arena_printf(im->arena, "%.*s", (int)strcspn(keys, "|"), keys);
}

static bool is_whole(const cJSON *v)
{
    return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= MOST_WHOLE &&
           v->valuedouble == floor(v->valuedouble);
}

static long long whole_or(struct import *im, const cJSON *v, const char *key, long long missing)
{
    if (is_whole(v))
        return (long long)v->valuedouble;
    import_complain(im, key, "is no whole number from 0 to %d", MOST_WHOLE);
    return missing < 0 ? 0 : missing;
}

static long long is_missing(struct import *im, const char *keys, long long missing)
{
    if (missing < 0)
        import_complain(im, name_of(im, NULL, keys), "is missing; it is a whole number");
    return missing < 0 ? 0 : missing;
}

long long import_whole(struct import *im, const char *keys, long long missing)
{
    const cJSON *v = import_get(im, keys);
    return v ? whole_or(im, v, name_of(im, v, keys), missing) : is_missing(im, keys, missing);
}

long long import_whole_of(struct import *im, const cJSON *v, long long missing)
{
    if (!v || cJSON_IsNull(v))
        return missing;
    import_mark(v);
    return whole_or(im, v, v->string ? v->string : "an element", missing);
}

const cJSON *import_of_layer(struct import *im, const char *keys, long long layer)
{
    const cJSON *list = import_get(im, keys);
    if (!cJSON_IsArray(list))
        return NULL;
    if (cJSON_GetArraySize(list) < im->layers) {
        import_complain(im, name_of(im, list, keys), "has %d elements for %lld layers", cJSON_GetArraySize(list),
                        im->layers);
        return NULL;
    }
    return cJSON_GetArrayItem(list, (int)layer);
}

long long import_at(struct import *im, const char *keys, long long layer, long long missing)
{
    const cJSON *v = import_get(im, keys), *of;
    if (!cJSON_IsArray(v))
        return import_whole(im, keys, missing);
    of = import_of_layer(im, keys, layer);
    return of ? whole_or(im, of, name_of(im, v, keys), missing) : missing < 0 ? 0 : missing;
}

bool import_flag(struct import *im, const char *keys, bool missing)
{
    const cJSON *v = import_get(im, keys);
    if (!v)
        return missing;
    if (cJSON_IsNumber(v))
        return v->valuedouble != 0;
    if (!cJSON_IsBool(v))
        import_complain(im, name_of(im, v, keys), "is neither true nor false");
    return cJSON_IsTrue(v);
}

/* --- places --------------------------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* Over a value of text that was parsed before. */
static const char *skip_value(const char *p)
{
    int depth = 0;
    for (p = skip_blanks(p); *p; p = *p == '"' ? skip_string(p) : p + 1) {
        if (depth == 0 && strchr(",}]", *p))
            break;
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
    }
    return p;
}

/* Where the key of the object at p stands; NULL: it has none of that name. */
static const char *find_key(const char *p, const char *key, const char **value)
{
    const char *quoted;
    size_t n = strlen(key);
    for (p = skip_blanks(p); *p == '{' || *p == ',';) {
        quoted = p = skip_blanks(p + 1);
        if (*p != '"')
            return NULL;
        p = skip_blanks(skip_string(p));
        *value = *p == ':' ? skip_blanks(p + 1) : p;
        if (!strncmp(quoted + 1, key, n) && quoted[1 + n] == '"')
            return quoted;
        p = skip_blanks(skip_value(*value));
    }
    return NULL;
}

struct srcloc import_place_of(const char *json, size_t len, const char *at, const char *path)
{
    struct srcloc where = {.file = path, .text = json, .text_len = len, .line = 1, .column = 1};
    for (const char *p = json; p < at; p++, where.column++)
        if (*p == '\n') {
            where.line++;
            where.column = 0;
        }
    return where;
}

struct srcloc import_place(const struct import *im, const char *const *keys)
{
    const char *at = NULL, *value = im->json;
    for (; *keys && value; keys++)
        if (!(at = find_key(value, *keys, &value)))
            return SRCLOC_FILE(im->path);
    return at ? import_place_of(im->json, im->len, at, im->path) : SRCLOC_FILE(im->path);
}

/* In the language model, or else in the whole file. "a.b" is b of a. */
static struct srcloc place_of(struct import *im, const char *key)
{
    const char *path[8] = {0};
    int n = 0;
    for (; im->inside[n]; n++)
        path[n] = im->inside[n];
    path[n] = arena_printf(im->arena, "%.*s", (int)strcspn(key, "."), key);
    if (strchr(key, '.'))
        path[n + 1] = strchr(key, '.') + 1;
    struct srcloc where = import_place(im, path);
    return where.line ? where : import_place(im, path + n);
}

void import_complain(struct import *im, const char *key, const char *fmt, ...)
{
    char what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    const char *said = arena_printf(im->arena, "'%.60s' %s\n", key, what);
    if (strstr(im->complaints, said)) /* of another layer */
        return;
    im->complaints = arena_printf(im->arena, "%s%s", im->complaints, said);
    diag_error(im->diag, EXIT_BAD_INPUT, place_of(im, key), "'%.60s' %s", key, what);
}

void import_warn(struct import *im, const char *key, const char *fmt, ...)
{
    char what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    diag_warning(im->diag, place_of(im, key), "%s", what);
}

void import_note(struct import *im, const char *fmt, ...)
{
    char what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (!strstr(im->notes, what))
        im->notes = arena_printf(im->arena, "%s# %s\n", im->notes, what);
}
