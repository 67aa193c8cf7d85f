/* A resolved config inside a JSON document. */
#ifndef MOESIM_IO_JSON_CONFIG_H
#define MOESIM_IO_JSON_CONFIG_H

#include <cjson/cJSON.h>

#include "base/cfg.h"
#include "base/outfile.h"

/* Writes the document and frees it. */
void json_write(cJSON *root, struct outfile *f);
/* Left out when the value is not finite: JSON has no word for it. */
void json_add_number(cJSON *to, const char *key, double value);
/* Every leaf under its key, nested as in YAML; quantities in SI units. */
void json_config(cJSON *to, const struct cfg *cfg);
/* Dotted key: where its value comes from, for those that say. */
void json_sources(cJSON *to, const struct cfg *cfg);

#endif
