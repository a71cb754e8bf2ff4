/*
 * feeder: takes scan requests from Kafka in order of urgency and feeds the workers.
 *
 * One consumer per priority. Urgent requests are taken first, then normal ones; of bulk ones never
 * more than half the workers' worth are under way, so that a fleet's rescan delays nobody. An
 * offset is stored when its request and all before it in the partition are done.
 *
 * Threads: runs on the caller's thread until a stop is requested.
 */
#ifndef SCANNER_JOB_FEEDER_H
#define SCANNER_JOB_FEEDER_H

#include "job/worker_pool.h"

struct feeder_config {
    const struct mu_bus_config *bus;
    struct worker_pool *pool;
    unsigned workers;
};

/* Errors: MU_E_UNAVAILABLE, MU_E_INVALID (Kafka settings); otherwise returns MU_OK after a stop. */
enum mu_status feeder_run(const struct feeder_config *config, struct mu_error *err) MU_MUST_CHECK;

#endif
