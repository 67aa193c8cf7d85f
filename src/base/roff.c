/* Text of manual pages. Reference: man(7), groff_char(7). */
#include "base/roff.h"

/* What roff prints as something else, or what starts a request at the beginning of a line. */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '"':
        return "\\(dq";
    default:
        return NULL;
    }
}

/* Text as it stands, within a line. */
static void roff_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *escape = escape_of(*text);
        if (escape)
            fputs(escape, out);
        else
            fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void request(FILE *out, const char *name, const char *text)
{
    fprintf(out, ".%s \"", name);
    roff_text(out, text);
    fputs("\"\n", out);
}

void roff_section(FILE *out, const char *title)
{
    request(out, "SH", title);
}

void roff_subsection(FILE *out, const char *title)
{
    request(out, "SS", title);
}

void roff_term(FILE *out, const char *term)
{
    fputs(".TP\n", out);
    request(out, "B", term);
}

void roff_line(FILE *out, const char *text)
{
    if (*text == '.')
        fputs("\\&", out);
    roff_text(out, text);
    fputc('\n', out);
}
