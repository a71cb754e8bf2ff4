/*
 * bus_link: what every librdkafka handle of the bus shares: its configuration, the
 * state of its connections as last reported, and the meaning of error codes.
 * Internal to the bus.
 *
 * librdkafka's own log is switched off: its errors are kept as `last_error` and become
 * part of the statuses the bus returns.
 *
 * Threads: the callbacks run on the thread that polls the handle; bus_link_is_up and
 * bus_link_last_error from any thread.
 */
#ifndef MU_BUS_LINK_H
#define MU_BUS_LINK_H

#include "base/error.h"
#include "bus/bus.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { LINK_ERROR_SIZE = 256 };

enum bus_link_state { LINK_UNKNOWN, LINK_UP, LINK_DOWN };

struct bus_link {
    atomic_int state;  /* enum bus_link_state */
    atomic_bool fatal; /* the handle refuses further work and must be replaced */
    pthread_mutex_t lock;
    char last_error[LINK_ERROR_SIZE]; /* under `lock` */
};

void bus_link_init(struct bus_link *link);
void bus_link_done(struct bus_link *link);
void bus_link_set_up(struct bus_link *link);
bool bus_link_is_up(const struct bus_link *link);
bool bus_link_is_down(
        const struct bus_link *link); /* reported down; neither while nothing is known */
void bus_link_last_error(struct bus_link *link, char ret_text[LINK_ERROR_SIZE]);

struct bus_setting {
    const char *name;
    const char *value;
};

/*
 * Configuration with brokers, client id, `settings` (ended by a NULL name), then the
 * config's `properties`, which win. `link` becomes the handle's opaque and gets its reports.
 * Ownership: the caller destroys *ret_conf or gives it to rd_kafka_new.
 * Errors: MU_E_INVALID names the property.
 */
enum mu_status bus_conf_new(const struct mu_bus_config *config, const struct bus_setting *settings,
                            struct bus_link *link, rd_kafka_conf_t **ret_conf,
                            struct mu_error *err) MU_MUST_CHECK;

/* Takes `conf` in any case. Errors: MU_E_INVALID (librdkafka refuses the configuration). */
enum mu_status bus_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_handle,
                              struct mu_error *err) MU_MUST_CHECK;

/* What a caller should do about a code: DENIED, LIMIT, INVALID, else UNAVAILABLE. */
enum mu_status bus_code_status(rd_kafka_resp_err_t code);

#endif
