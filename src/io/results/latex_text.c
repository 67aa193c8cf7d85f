/* Text that LaTeX prints as it is, with the default encoding of pdflatex as with those of later engines. Reference: D. E.
 * Knuth, The TeXbook, chapter 7; LaTeX2e kernel, textcomp. */
#include <string.h>

#include "io/results/latex.h"

struct escape {
    char c;
    const char *text;
};

/* Two hyphens, or ?` and !`, would become one glyph; < > | " are others in the old encoding. */
static const struct escape escapes[] = {
    {'\\', "\\textbackslash{}"},
    {'{', "\\{"},
    {'}', "\\}"},
    {'$', "\\$"},
    {'&', "\\&"},
    {'#', "\\#"},
    {'_', "\\_"},
    {'%', "\\%"},
    {'^', "\\textasciicircum{}"},
    {'~', "\\textasciitilde{}"},
    {'<', "\\textless{}"},
    {'>', "\\textgreater{}"},
    {'|', "\\textbar{}"},
    {'"', "{\\char34}"},
    {'\'', "\\textquotesingle{}"},
    {'`', "\\textasciigrave{}"},
    {'-', "-{}"},
    {'[', "{[}"},
    {']', "{]}"},
};

/* Letters that texts of moesim have and pdflatex does not know by themselves. */
struct symbol {
    const char *utf8, *text;
};
static const struct symbol symbols[] = {
    {"\u00b5", "\\ensuremath{\\mu}"},
    {"\u03bc", "\\ensuremath{\\mu}"},
    {"\u00d7", "\\ensuremath{\\times}"},
    {"\u2248", "\\ensuremath{\\approx}"},
    {"\u2264", "\\ensuremath{\\le}"},
    {"\u2265", "\\ensuremath{\\ge}"},
    {"\u2192", "\\ensuremath{\\rightarrow}"},
    {"\u2212", "\\ensuremath{-}"},
    {"\u00b1", "\\ensuremath{\\pm}"},
    {"\u03c0", "\\ensuremath{\\pi}"},
    {"\u00a0", "~"},
};

/* Bytes of a well-formed UTF-8 character, 0 when it is none. */
static size_t character(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static const char *escaped(char c)
{
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (escapes[i].c == c)
            return escapes[i].text;
    return NULL;
}

static const char *symbol(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (strlen(symbols[i].utf8) == n && !strncmp(symbols[i].utf8, s, n))
            return symbols[i].text;
    return NULL;
}

static void put_character(struct outfile *f, const char *s, size_t n)
{
    bool is_hyphen = *s == '-' && s[1] != '-';
    const char *other = is_hyphen ? NULL : n == 1 ? escaped(*s) : symbol(s, n);
    if (!n || (n == 1 && ((unsigned char)*s < ' ' || *s == 0x7f)))
        outfile_printf(f, n && strchr("\n\t", *s) ? " " : "?");
    else if (other)
        outfile_printf(f, "%s", other);
    else
        outfile_write(f, s, n);
}

void latex_text(struct outfile *f, const char *text)
{
    while (*text) {
        size_t n = character((const unsigned char *)text);
        put_character(f, text, n);
        text += n ? n : 1;
    }
}

void latex_code(struct outfile *f, const char *text)
{
    outfile_printf(f, "\\texttt{");
    while (*text) {
        size_t n = character((const unsigned char *)text);
        put_character(f, text, n);
        if (strchr("/,=._", *text))
            outfile_printf(f, "\\allowbreak{}");
        text += n ? n : 1;
    }
    outfile_printf(f, "}");
}

const char *unit_in_print(const char *unit, struct arena *arena)
{
    size_t n = strlen(unit);
    bool micro = n > 1 && unit[n - 2] == 'u' && (n == 2 || unit[n - 3] == ' ');
    return micro ? arena_printf(arena, "%.*s\u00b5%s", (int)n - 2, unit, unit + n - 1) : arena_strdup(arena, unit);
}

const char *words_of_key(const char *key, struct arena *arena)
{
    const char *dot = strrchr(key, '.');
    char *words = arena_strdup(arena, dot && dot[1] && !strchr(key, ' ') ? dot + 1 : key);
    for (char *p = words; *p; p++)
        if (*p == '_')
            *p = ' ';
    return words;
}
