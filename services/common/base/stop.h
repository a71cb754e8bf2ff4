/*
 * stop: SIGTERM and SIGINT become one flag every loop can read and wait on; SIGHUP wakes the one
 * that waits for it; and the only place that sleeps.
 *
 * Threads: mu_stop_install and mu_reload_install once, before threads start; mu_wake_wait from one
 * thread; the rest from any thread.
 */
#ifndef MU_BASE_STOP_H
#define MU_BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

void mu_stop_install(void); /* also ignores SIGPIPE */
bool mu_stop_requested(void);
void mu_stop_request(void);

/* Waits up to `timeout_ms`; true as soon as a stop is requested. */
bool mu_stop_wait(int64_t timeout_ms);

/* SIGHUP no longer ends the process. */
void mu_reload_install(void);

enum mu_wake { MU_WAKE_TIME, MU_WAKE_STOP, MU_WAKE_RELOAD };
/* Waits up to `timeout_ms`. Reloads asked for while nobody waited are one, and told at the next
 * call. */
enum mu_wake mu_wake_wait(int64_t timeout_ms);

/* Retry delays: doubling from min to max, each drawn between half and all of it. */
struct mu_backoff {
    int64_t min_ms, max_ms;
    unsigned attempt; /* 0 after init and after a success */
};

/* Delay for the next attempt, counting it. */
int64_t mu_backoff_next_ms(struct mu_backoff *backoff);
/* Waits that long; true when a stop was requested. */
bool mu_backoff_wait(struct mu_backoff *backoff);

#endif
