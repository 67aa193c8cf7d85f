/* Names of modules in lists of what is quantised or is not: names with all below them, parts of names, globs, and regular
 * expressions ("re:", compressed-tensors). Prefixes before "layers." differ between files of the same model and are left
 * out where they have no wildcard. */
#include <fnmatch.h>
#include <regex.h>
#include <string.h>

#include "io/inputs/model_import_priv.h"

enum { LONGEST_PATTERN = 300, MOST_STARS = 6 };

/* --- regular expressions: those of Python that POSIX has, too ------------------------------------------------------ */

static bool is_strange(const char *p)
{
    if (strlen(p) > LONGEST_PATTERN || strchr(p, '{') || strstr(p, "(?=") || strstr(p, "(?!") || strstr(p, "(?<"))
        return true;
    for (; *p; p++)
        if (*p == '\\' && p[1] && strchr("0123456789bBAZDSW", *++p))
            return true;
    return false;
}

static const char *to_posix(struct arena *arena, const char *p)
{
    char *out = arena_alloc(arena, 5 * strlen(p) + 4), *o = out;
    *o++ = '^';
    for (; *p; p++)
        if (!strncmp(p, "(?:", 3)) {
            *o++ = '(';
            p += 2;
        } else if (!strncmp(p, "\\d", 2)) {
            memcpy(o, "[0-9]", 5);
            o += 5;
            p++;
        } else if (*p == '\\' && p[1] && !strchr("wsd", p[1])) {
            *o++ = *p++;
            *o++ = *p;
        } else {
            *o++ = *p;
        }
    return out;
}

static regex_t *compiled(struct import *im, const cJSON *name, const char *pattern)
{
    for (int i = 0; i < im->n_regex; i++)
        if (im->regex[i].of == name)
            return im->regex[i].good ? &im->regex[i].regex : NULL;
    if (im->n_regex == MOST_REGEX) {
        import_complain(im, "quantization_config", "has more than %d regular expressions", MOST_REGEX);
        return NULL;
    }
    struct import_regex *r = &im->regex[im->n_regex++];
    r->of = name;
    r->good = !is_strange(pattern) && !regcomp(&r->regex, to_posix(im->arena, pattern), REG_EXTENDED | REG_NOSUB);
    if (!r->good)
        import_complain(im, "quantization_config", "has a regular expression that cannot be read here: '%.80s'",
                        pattern);
    return r->good ? &r->regex : NULL;
}

void import_free_regex(struct import *im)
{
    for (int i = 0; i < im->n_regex; i++)
        if (im->regex[i].good)
            regfree(&im->regex[i].regex);
}

static bool matches_regex(struct import *im, const cJSON *name, const char *pattern, const char *module)
{
    static const char *const before[] = {"",          "model.", "language_model.model.", "model.language_model.",
                                         "backbone.", NULL};
    const regex_t *r = compiled(im, name, pattern);
    for (const char *const *b = before; r && *b; b++) {
        char whole[256];
        snprintf(whole, sizeof whole, "%s%s", *b, module);
        if (!regexec(r, whole, 0, NULL, 0))
            return true;
    }
    return false;
}

/* --- names and globs ---------------------------------------------------------------------------------------------- */

/* From "layers." on, where nothing but names of the language model stands before it. */
static const char *without_prefix(const char *name)
{
    static const char *const before[] = {"model.", "language_model.", "text_model.", "backbone.", "decoder.",
                                         "llm.",   "transformer.",    NULL};
    const char *p = name;
    for (int i = 0; before[i]; i++) {
        size_t n = strlen(before[i]);
        if (!strncmp(p, before[i], n)) {
            p += n;
            i = -1;
        }
    }
    return strncmp(p, "layers.", 7) ? name : p;
}

static bool matches_glob(const char *pattern, const char *module)
{
    int stars = 0;
    for (const char *p = pattern; *p; p++)
        stars += *p == '*';
    if (stars > MOST_STARS || strlen(pattern) > LONGEST_PATTERN)
        return false;
    for (const char *end = module; end; end = *end ? end + 1 + strcspn(end + 1, ".") : NULL) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)(end - module), module);
        if (end > module && !fnmatch(pattern, part, FNM_NOESCAPE))
            return true;
    }
    return false;
}

/* The name's words stand in the module's one behind the other; of a name that begins with a layer at its beginning. */
static bool matches_words(const char *name, const char *module)
{
    size_t n = strlen(name);
    for (const char *at = n ? strstr(module, name) : NULL; at; at = strstr(at + 1, name))
        if ((at == module || (at[-1] == '.' && strncmp(name, "layers.", 7) != 0)) && (!at[n] || at[n] == '.'))
            return true;
    return false;
}

static bool matches_name(struct import *im, const cJSON *of, const char *name, const char *module)
{
    if (!strncmp(name, "re:", 3))
        return matches_regex(im, of, name + 3, module);
    if (!strcmp(name, "Linear"))
        return true;
    const char *short_name = without_prefix(name);
    if (strchr(name, '*'))
        return matches_glob(short_name, module) || (short_name == name && matches_glob(name, module));
    return matches_words(short_name, module);
}

bool import_matches(struct import *im, const cJSON *names, const char *algo, const char *module)
{
    for (const cJSON *v = names ? names->child : NULL; v; v = v->next) {
        const char *name = cJSON_IsString(v) ? v->valuestring : v->string;
        if (name && (!algo || import_is(cJSON_GetObjectItemCaseSensitive(v, "quant_algo"), algo)) &&
            matches_name(im, v, name, module))
            return true;
    }
    return false;
}
