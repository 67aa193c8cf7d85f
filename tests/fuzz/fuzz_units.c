/* Fuzz target of the unit parser. First byte: which dimension; the rest: the text.
 * What is accepted must be finite, and must come back from its own printed form. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum unit_dim dim = (enum unit_dim)(data[0] % DIM_N);
    char why[300] = "", buf[64];
    double si, back;
    /* A copy of the exact size, so that a sanitizer sees every byte read too far. */
    char *text = malloc(size);
    must(text != NULL);
    memcpy(text, data + 1, size - 1);
    if (unit_parse(text, size - 1, dim, &si, why, sizeof why)) {
        must(why[0] != 0);
    } else {
        must(isfinite(si));
        unit_format(si, dim, buf, sizeof buf);
        if (fabs(si) > 1e-290 && fabs(si) < 1e290) {
            must(unit_parse(buf, strlen(buf), dim, &back, why, sizeof why) == 0);
            must(fabs(back - si) <= 5.001e-6 * fabs(si));
        }
    }
    free(text);
    return 0;
}
