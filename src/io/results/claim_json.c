/* Claims for programs: JSON. Later versions add keys and rename none. wall_s is all that differs from run to run. */
#include <math.h>
#include <string.h>

#include "config.h"
#include "io/results/claim_writers.h"
#include "io/json_config.h"

/* A number where the paper has one, else null: its words are in paper_text. */
static double paper_number(const struct claim_result *r)
{
    const struct claim_expect *e = &r->claim->expect;
    if (e->order != ORDER_NONE)
        return r->other;
    return !isnan(e->value) ? e->value : !isnan(e->at_least) ? e->at_least : e->at_most;
}

static void add_number_or_null(cJSON *to, const char *key, double value)
{
    if (isfinite(value))
        json_add_number(to, key, value);
    else
        cJSON_AddNullToObject(to, key);
}

/* Left out where there is nothing to say. */
static void add_text(cJSON *to, const char *key, const char *text)
{
    if (*text)
        cJSON_AddStringToObject(to, key, text);
}

static cJSON *claim_object(const struct claim_result *r, struct arena *arena)
{
    const struct claim *c = r->claim;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "id", c->id);
    cJSON_AddStringToObject(o, "section", c->section);
    add_number_or_null(o, "paper", paper_number(r));
    add_number_or_null(o, "ours", r->ours);
    cJSON_AddStringToObject(o, "unit", c->unit);
    add_number_or_null(o, "deviation", r->deviation_ratio);
    cJSON_AddStringToObject(o, "class", claim_class_names[c->class]);
    cJSON_AddStringToObject(o, "verdict", verdict_names[r->verdict]);
    json_add_number(o, "wall_s", r->wall_s);
    cJSON_AddStringToObject(o, "paper_text", claim_paper_text(r, arena));
    cJSON_AddStringToObject(o, "quote", c->quote);
    cJSON_AddStringToObject(o, "command", c->ours.line);
    if (c->expect.order != ORDER_NONE && c->other.line != c->ours.line)
        cJSON_AddStringToObject(o, "other_command", c->other.line);
    cJSON_AddStringToObject(o, "metric", c->ours.metric_text);
    add_text(o, "arithmetic", claim_sum_text(r, arena));
    if (r->n_seeds) {
        json_add_number(o, "seeds", r->n_seeds);
        json_add_number(o, "mean", r->mean);
        json_add_number(o, "ci95", r->half);
    }
    add_text(o, "interval", claim_interval_text(r, arena));
    add_text(o, "constants", c->constants);
    add_text(o, "disputed", c->disputed);
    add_text(o, "message", r->message);
    add_text(o, "chip", c->chip);
    add_text(o, "software", c->software);
    add_text(o, "date", c->date);
    add_text(o, "conditions", c->conditions);
    add_text(o, "source", c->origin);
    add_text(o, "peer", c->peer);
    add_text(o, "remark", c->remark);
    return o;
}

void claims_write_json(const struct claim_results *all, struct arena *arena, struct outfile *f)
{
    cJSON *root = cJSON_CreateObject();
    json_add_number(root, "schema_version", 1);
    cJSON_AddStringToObject(root, "kind", "claims");
    cJSON *claims = cJSON_AddArrayToObject(root, "claims");
    for (uint32_t i = 0; i < all->n; i++)
        cJSON_AddItemToArray(claims, claim_object(&all->results[i], arena));
    cJSON *summary = cJSON_AddObjectToObject(root, "summary");
    for (int v = 0; v < N_VERDICTS; v++)
        json_add_number(summary, verdict_names[v], all->count[v]);
    cJSON *p = cJSON_AddObjectToObject(root, "provenance");
    cJSON_AddStringToObject(p, "program", PACKAGE_NAME);
    cJSON_AddStringToObject(p, "version", PACKAGE_VERSION);
    json_write(root, f);
}
