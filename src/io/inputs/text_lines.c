#include "io/inputs/text_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text_lines text_lines_of(const char *path, const char *text, size_t len, struct arena *arena, struct diag *diag)
{
    return (struct text_lines){.path = path, .text = text, .len = len, .next = text, .arena = arena, .diag = diag};
}

bool text_next(struct text_lines *t)
{
    const char *end = t->text + t->len;
    if (t->failed || t->next >= end)
        return false;
    const char *stop = memchr(t->next, '\n', (size_t)(end - t->next));
    stop = stop ? stop : end;
    size_t n = (size_t)(stop - t->next);
    n -= n && t->next[n - 1] == '\r';
    t->line = arena_printf(t->arena, "%.*s", (int)(n < 65536 ? n : 65536), t->next);
    t->next = stop + 1;
    t->number++;
    return true;
}

struct srcloc text_where(const struct text_lines *t)
{
    return (struct srcloc){t->path, t->text, t->len, t->number, 1};
}

int text_error(struct text_lines *t, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_error(t->diag, EXIT_BAD_INPUT, text_where(t), "%s", text);
    t->failed = true;
    return -1;
}

const char *text_quoted(const struct text_lines *t, const char *at, const char **end)
{
    const char *open = strchr(at, '"'), *close = open ? strchr(open + 1, '"') : NULL;
    if (!close)
        return NULL;
    *end = close + 1;
    return arena_printf(t->arena, "%.*s", (int)(close - open - 1), open + 1);
}
