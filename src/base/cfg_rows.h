/* Rows of config tables (base/cfg.h), one macro a type of value. All begin with the struct, the key and the member, and
 * end with the doc; more members of struct cfg_field may follow it:
 *
 *     ROW_COUNT(infer_cfg, "tp", tp, "1", 1, 64, "GPUs that share each layer", .needs = "inference.phase=decode"),
 *
 * A preset of NULL: the key is required. */
#ifndef MOESIM_BASE_CFG_ROWS_H
#define MOESIM_BASE_CFG_ROWS_H

#include "base/cfg.h"

#define ROW_OF(kind, table, key, member, ...) \
    { \
        .name = key, .type = kind, .offset = offsetof(struct table, member), __VA_ARGS__ \
    }

#define ROW_TEXT(table, key, member, preset, text, ...) \
    ROW_OF(CFG_STRING, table, key, member, .dflt = preset, .doc = text, ##__VA_ARGS__)
#define ROW_FLAG(table, key, member, preset, text, ...) \
    ROW_OF(CFG_BOOL, table, key, member, .dflt = preset, .doc = text, ##__VA_ARGS__)
#define ROW_CHOICE(table, key, member, preset, names, text, ...) \
    ROW_OF(CFG_ENUM, table, key, member, .dflt = preset, .choices = names, .doc = text, ##__VA_ARGS__)
#define ROW_COUNT(table, key, member, preset, low, high, text, ...) \
    ROW_OF(CFG_INT, table, key, member, .dflt = preset, .min = low, .max = high, .doc = text, ##__VA_ARGS__)
/* A quantity of a dimension (base/units.h). */
#define ROW_AMOUNT(table, key, member, dimension, preset, low, high, text, ...) \
    ROW_OF(CFG_QUANTITY, table, key, member, .dim = dimension, .dflt = preset, .min = low, .max = high, .doc = text, \
           ##__VA_ARGS__)
#define ROW_RATIO(table, key, member, preset, low, high, text, ...) \
    ROW_AMOUNT(table, key, member, DIM_RATIO, preset, low, high, text, ##__VA_ARGS__)
#define ROW_PART(table, key, member, part, text, ...) \
    ROW_OF(CFG_TABLE, table, key, member, .sub = &(part), .doc = text, ##__VA_ARGS__)

#endif
