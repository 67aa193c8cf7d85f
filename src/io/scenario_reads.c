/* Which keys a scenario reads. A table that its kind does not read is taken out (scenario.c); here is the single key: its
 * kind says which parts of shared tables it reads and when (`only`, `needs`), a field what other keys must say (cfg.h). A
 * key that a file or an option gives and nothing reads is an error; hardware, models and presets may give what they like. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

#include "io/kind.h"

static bool covers(const char *word, size_t length, const char *key)
{
    return !strncmp(key, word, length) && (!key[length] || key[length] == '.');
}

/* --- lists of words ------------------------------------------------------------ */

/* A list of a kind, read once per process: a load asks it about each key. */
struct words {
    const char *text; /* the kind's; NULL: nobody's place */
    struct word {
        const char *at;
        uint16_t length;
        bool minus;
    } * word;
    uint32_t n;
};

static const char *next_word(const char *at, struct word *out)
{
    at += strspn(at, " ");
    out->minus = *at == '-';
    out->at = at += out->minus;
    out->length = (uint16_t)strcspn(at, " ");
    return at + out->length;
}

static void read_words(const char *text, struct words *out)
{
    struct word w;
    *out = (struct words){.text = text};
    for (const char *at = text; *(at = next_word(at, &w)) || w.length;)
        out->n++;
    out->word = checked_alloc(calloc(out->n + 1, sizeof *out->word));
    const char *at = text;
    for (uint32_t i = 0; i < out->n; i++)
        at = next_word(at, &out->word[i]);
}

/* Kinds have some hundreds of lists. */
enum { PLACES = 4096 };

static const struct words *words_of(const char *text)
{
    static struct words known[PLACES];
    size_t at = ((uintptr_t)text * 0x9e3779b97f4a7c15u >> 40) % PLACES;
    while (known[at].text && known[at].text != text)
        at = (at + 1) % PLACES;
    if (!known[at].text)
        read_words(text, &known[at]);
    return &known[at];
}

/* The length of the longest of the words that is the key or a table above it; 0: there is none, or the last of equals has a
 * '-' in front. */
static size_t listed_length(const char *text, const char *key)
{
    const struct words *words = words_of(text);
    uint16_t longest = 0;
    bool listed = false;
    for (uint32_t i = 0; i < words->n; i++) {
        const struct word *w = &words->word[i];
        if (w->length >= longest && *w->at == *key && covers(w->at, w->length, key)) {
            longest = w->length;
            listed = !w->minus;
        }
    }
    return listed ? longest : 0;
}

static bool is_listed(const char *text, const char *key)
{
    return listed_length(text, key) > 0;
}

/* --- keys ---------------------------------------------------------------------- */

static const struct kind_reads *reads_of(const struct scenario_kind *kind, const char *key)
{
    const struct kind_reads *reads = kind->reads;
    while (reads->keys && !covers(reads->keys->name, strlen(reads->keys->name), key))
        reads++;
    return reads;
}

bool kind_reads_key(const struct scenario_kind *kind, const char *key)
{
    const struct kind_reads *reads = reads_of(kind, key);
    if (!reads->keys)
        return covers("sim", 3, key) || (covers("cluster", 7, key) && !kind->without_cluster);
    return !reads->only || is_listed(reads->only, key + strlen(reads->keys->name) + 1);
}

static const struct kind_needs *needs_of(const struct scenario_kind *kind, const char *key)
{
    const struct kind_needs *n = kind->needs;
    while (n && n->keys && !is_listed(n->keys, key))
        n++;
    return n && n->keys ? n : NULL;
}

struct visit {
    struct cfg *cfg;
    const struct scenario_kind *kind;
    struct arena *arena;
};

static struct cfg_unread why_unread(void *ctx, const char *key)
{
    const struct visit *v = ctx;
    if (strchr(key, '.') && !kind_reads_key(v->kind, key))
        return (struct cfg_unread){.why = arena_printf(v->arena, "kind %s does not read it", v->kind->name)};
    const struct kind_needs *needs = needs_of(v->kind, key);
    if (needs && !needs->condition)
        return (struct cfg_unread){.why = needs->why};
    struct cfg_unread u =
        needs ? cfg_unread(v->cfg, key, needs->condition, needs->beside ? 0 : listed_length(needs->keys, key))
              : cfg_unread(v->cfg, key, NULL, 0);
    u.agrees = u.why && needs && needs->agrees && needs->agrees(cfg_struct(v->cfg));
    return u;
}

void scenario_check_reads(struct cfg *c, const struct scenario_kind *kind, struct arena *arena, struct diag *diag)
{
    struct visit v = {c, kind, arena};
    cfg_check_reads(c, why_unread, &v, diag);
}
