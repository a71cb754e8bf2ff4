/*
 * gate_review: asks about all images of one request, writes each decision down, and gathers what
 * the one who asked is told.
 *
 * Threads: any.
 */
#ifndef INVENTORY_GATE_REVIEW_H
#define INVENTORY_GATE_REVIEW_H

#include "gate/cache_slot.h"
#include "gate/decision.h"
#include "gate/decision_log.h"

struct gate_review {
    const struct gate_config *config;
    struct cache_slot *slot;
    struct decision_log *log; /* NULL: a dry run, of which nothing is kept */
    struct mu_arena *arena;
    struct decision_asker asker; /* image and container are those of the question at hand */

    bool allowed;
    struct mu_buf message; /* of what is denied */
    const char **warnings; /* of what would be; in the arena */
    size_t warning_count, warning_capacity;
    uint64_t first, last; /* sequences; 0: none */
};

void gate_review_begin(struct gate_review *review);
void gate_review_done(struct gate_review *review);

/* Decides, logs, and adds to what is told. `ret_answer` may be NULL. Errors: MU_E_NOMEM. */
enum mu_status gate_review_image(struct gate_review *review, const char *container,
                                 const char *image, struct gate_answer *ret_answer,
                                 struct mu_error *err) MU_MUST_CHECK;
/* A line beside the verdict. */
void gate_review_warn(struct gate_review *review, const char *warning);

#endif
