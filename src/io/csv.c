#include "io/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void csv_text(struct outfile *f, const char *text)
{
    const char *guard = *text && strchr("=+-@\t\r", *text) ? "'" : "";
    if (!text[strcspn(text, ",\"\r\n")]) {
        outfile_printf(f, "%s%s", guard, text);
        return;
    }
    outfile_printf(f, "\"%s", guard);
    for (; *text; text++)
        outfile_printf(f, *text == '"' ? "\"\"" : "%c", *text);
    outfile_printf(f, "\"");
}

void csv_number(struct outfile *f, double value)
{
    char text[32];
    if (!isfinite(value))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    outfile_printf(f, "%s", text);
}
