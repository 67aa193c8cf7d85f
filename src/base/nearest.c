/* "Did you mean": the nearest name by restricted Damerau-Levenshtein distance (insert,
 * delete, replace, swap neighbours), where a difference of case costs nothing on the
 * first look. Reference: G. V. Bard, "Spelling-error tolerant, order-independent
 * pass-phrases", 2007. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cfg.h"

#define MAX_WORD 64 /* longer words are not compared */

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

static int distance(const char *a, int na, const char *b, int nb)
{
    int rows[3][MAX_WORD + 1];
    int *before = rows[0], *prev = rows[1], *cur = rows[2];
    for (int j = 0; j <= nb; j++)
        prev[j] = j;
    for (int i = 1; i <= na; i++) {
        cur[0] = i;
        for (int j = 1; j <= nb; j++) {
            int cost = a[i - 1] != b[j - 1];
            cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < cur[j])
                cur[j] = before[j - 2] + 1;
        }
        int *oldest = before;
        before = prev;
        prev = cur;
        cur = oldest;
    }
    return prev[nb];
}

/* Twice the distance. A started word ("band" for "bandwidth") is nearly as good as one wrong letter, and so is
 * a word with something at its end ("bandwidth_Bps"). */
static int badness(const char *word, int n, const char *name, int m)
{
    if (n == m && strncasecmp(word, name, (size_t)n) == 0)
        return 0;
    int common = n < m ? n : m;
    if (common >= 3 && n <= 2 * m + 2 && strncasecmp(word, name, (size_t)common) == 0)
        return 3;
    return 2 * distance(word, n, name, m);
}

/* Parts of dotted keys that both begin or end with prove nothing about the part that differs. */
static void strip_common(const char **word, int *n, const char **name, int *m)
{
    for (int i = 0; i < *n && i < *m && (*word)[i] == (*name)[i]; i++)
        if ((*word)[i] == '.') {
            *word += i + 1, *name += i + 1;
            *n -= i + 1, *m -= i + 1;
            i = -1;
        }
    int same = 0;
    for (int i = 1; i <= *n && i <= *m && (*word)[*n - i] == (*name)[*m - i]; i++)
        if ((*word)[*n - i] == '.')
            same = i;
    *n -= same, *m -= same;
}

static int allowed_for(int n)
{
    return n < 2 ? 0 : n <= 4 ? 3 : 2 * ((n + 2) / 3);
}

const char *cfg_nearest(const char *word, const char *const *names)
{
    int best_d = 2 * MAX_WORD;
    const char *best = NULL;
    if (!*word || strnlen(word, MAX_WORD + 1) > MAX_WORD)
        return NULL;
    for (; *names; names++) {
        const char *w = word, *name = *names;
        int n = (int)strlen(word), m = (int)strnlen(name, MAX_WORD + 1);
        if (m > MAX_WORD)
            continue;
        strip_common(&w, &n, &name, &m);
        int d = badness(w, n, name, m);
        if (d <= allowed_for(n) && d < best_d) {
            best = *names;
            best_d = d;
        }
    }
    return best;
}
