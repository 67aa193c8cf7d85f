#include "io/json_config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cJSON prints 15 digits where the rest is below its own tolerance; the document gives as many as
 * read back to the very same double. */
void json_write(cJSON *root, struct outfile *f)
{
    char *text = checked_alloc(cJSON_Print(root));
    outfile_write(f, text, strlen(text));
    outfile_write(f, "\n", 1);
    cJSON_free(text);
    cJSON_Delete(root);
}

void json_add_number(cJSON *to, const char *key, double value)
{
    char text[32];
    if (!isfinite(value))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    cJSON_AddRawToObject(to, key, text);
}

/* "cluster.nic" below root, made on the way */
static cJSON *table_at(cJSON *root, const char *dotted_key, const char **leaf)
{
    char part[128];
    const char *dot;
    while ((dot = strchr(dotted_key, '.'))) {
        size_t n = (size_t)(dot - dotted_key);
        BUG_IF(n >= sizeof part);
        memcpy(part, dotted_key, n);
        part[n] = '\0';
        cJSON *child = cJSON_GetObjectItemCaseSensitive(root, part);
        root = child ? child : cJSON_AddObjectToObject(root, part);
        dotted_key = dot + 1;
    }
    *leaf = dotted_key;
    return root;
}

static void add_config_value(void *ctx, const char *dotted_key, const struct cfg_field *field, const void *value,
                             const char *value_text, const char *source)
{
    const char *leaf;
    cJSON *table = table_at(ctx, dotted_key, &leaf);
    (void)source;
    switch (field->type) {
    case CFG_QUANTITY:
        json_add_number(table, leaf, *(const double *)value);
        break;
    case CFG_INT:
        cJSON_AddNumberToObject(table, leaf, (double)*(const int64_t *)value);
        break;
    case CFG_BOOL:
        cJSON_AddBoolToObject(table, leaf, *(const bool *)value);
        break;
    case CFG_STRING: {
        const char *text = *(const char *const *)value;
        cJSON_AddStringToObject(table, leaf, text ? text : "");
        break;
    }
    case CFG_ENUM:
        cJSON_AddStringToObject(table, leaf, field->choices[*(const int *)value]);
        break;
    default:
        BUG("config leaf %s = %s has no scalar type", dotted_key, value_text);
    }
}

static void add_source(void *ctx, const char *dotted_key, const struct cfg_field *field, const void *value,
                       const char *value_text, const char *source)
{
    (void)field, (void)value, (void)value_text;
    if (source)
        cJSON_AddStringToObject(ctx, dotted_key, source);
}

void json_config(cJSON *to, const struct cfg *cfg)
{
    cfg_visit(cfg, add_config_value, to);
}

void json_sources(cJSON *to, const struct cfg *cfg)
{
    cfg_visit(cfg, add_source, to);
}
