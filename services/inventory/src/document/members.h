/*
 * members: what a document that people write may hold: a member that its field table does not have
 * is a mistake, and not passed over.
 *
 * Trust: hostile; the document's depth is bounded by who parsed it.
 */
#ifndef INVENTORY_DOCUMENT_MEMBERS_H
#define INVENTORY_DOCUMENT_MEMBERS_H

#include "json/json_doc.h"
#include "json/json_table.h"

/* Errors: MU_E_INVALID, naming the object and the member. */
enum mu_status members_check(const struct mu_json_object *object, const json_t *value,
                             struct mu_error *err) MU_MUST_CHECK;

#endif
