/*
 * finding_list: findings in an arena, growing.
 */
#ifndef SCANNER_MATCH_FINDING_LIST_H
#define SCANNER_MATCH_FINDING_LIST_H

#include "match/match.h"

struct finding_list {
    struct finding *items;
    size_t count, capacity;
};

/* Copies the finding. Errors: MU_E_NOMEM. */
enum mu_status finding_list_add(struct finding_list *list, struct mu_arena *arena,
                                const struct finding *finding, struct mu_error *err) MU_MUST_CHECK;

#endif
