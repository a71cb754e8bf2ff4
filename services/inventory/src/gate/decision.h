/*
 * decision: one decision of the gate as a record of its log: who asked for what where, what was
 * said, and by which rule, scan, database, cache and configuration. The database takes it apart
 * (gate_decisions in sql/migrations).
 */
#ifndef INVENTORY_GATE_DECISION_H
#define INVENTORY_GATE_DECISION_H

#include "gate/gate_decide.h"

#include "base/buf.h"

/* Texts are never NULL; long ones are cut. */
struct decision_asker {
    const char *source; /* "admission" or "api" */
    const char *cluster, *namespace_name, *kind, *object, *container, *user, *operation, *uid;
    const char *image;
    int64_t at_us;
    uint64_t lost_before; /* decisions that could not be logged since the last record */
};

/* Appends the record. Errors: MU_E_LIMIT, MU_E_NOMEM, MU_E_INVALID. */
enum mu_status decision_encode(const struct decision_asker *asker, const struct gate_answer *answer,
                               const char *policy, const char *config, struct mu_arena *arena,
                               struct mu_buf *out, struct mu_error *err) MU_MUST_CHECK;

#endif
