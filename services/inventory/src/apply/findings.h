/*
 * findings: findings of a raw result, or of another scanner's imported report, read from the
 * evidence store into rows.
 * Trust: the raw result is bounded in size, depth and, but in a replay, which takes what was taken
 * then, number of values; members that are no texts are left out.
 */
#ifndef INVENTORY_APPLY_FINDINGS_H
#define INVENTORY_APPLY_FINDINGS_H

#include "apply/effects.h"
#include "evidence/evidence_store.h"

/*
 * Adds the findings of the evidence that `event` (a complete scan) points at. Errors:
 * MU_E_NOT_FOUND (the evidence is not there, or not the report that it was imported from),
 * MU_E_INVALID (no raw result, or of another digest; an imported one that lacks a UAI),
 * MU_E_LIMIT, MU_E_UNAVAILABLE (disk).
 */
enum mu_status findings_load(struct effects *effects, const struct evidence_store *store,
                             const struct event *event, struct mu_error *err) MU_MUST_CHECK;

/* The same from the bytes of the evidence; rows are added only on success. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status findings_parse(struct effects *effects, const struct event *event, const char *bytes,
                              size_t len, struct mu_error *err) MU_MUST_CHECK;

#endif
