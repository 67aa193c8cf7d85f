/* The clock: what moesim needs of SimGrid, behind a C face. SimGrid owns time, timers and (for the
 * reference network) hosts, links and communications. One engine per process: see sim_run. */
#ifndef MOESIM_SIM_ENGINE_H
#define MOESIM_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A network model inside SimGrid's loop: next() gives the absolute time of its next event
 * (INFINITY: none), advance() is called whenever the clock has moved. */
struct engine_model {
    double (*next)(void *ctx, double now_s);
    void (*advance)(void *ctx, double now_s);
    void *ctx;
};

typedef void engine_timer_fn(void *ctx, uint32_t a, uint32_t b);
typedef void engine_comm_fn(void *ctx, uint32_t cookie, double now_s);

void engine_init(const struct engine_model *model); /* model may be NULL */
double engine_now(void);
/* Calls fn(ctx, a, b) at that time; times in the past mean now. */
void engine_timer(double at_s, engine_timer_fn *fn, void *ctx, uint32_t a, uint32_t b);
/* The time of the next timer, INFINITY when there is none: until then nothing happens outside the model itself, so that
 * its next() may look ahead. */
double engine_horizon(void);
/* Runs until engine_stop; returns false when nothing was left to wait for before that. */
bool engine_run(void);
void engine_stop(void);

/* SimGrid's own network, pinned to plain max-min (CM02 without cross-traffic, TCP window or
 * latency-weighted sharing). Links carry no latency; the caller delays the start instead. */
void engine_cm02_links(uint32_t n, const double *capacity_Bps);
/* A route from src to dst over exactly these links; returns its id. cap_Bps > 0 limits the route (give a capped transfer
 * a route of its own). */
uint32_t engine_cm02_pair(uint32_t src, uint32_t dst, const uint32_t *links, uint32_t n, double cap_Bps);
void engine_cm02_ready(engine_comm_fn *on_end, void *ctx);
void engine_cm02_start(uint32_t pair, double bytes_B, double weight, uint32_t cookie);
void engine_cm02_capacity(uint32_t link, double capacity_Bps);

#ifdef __cplusplus
}
#endif

#endif
