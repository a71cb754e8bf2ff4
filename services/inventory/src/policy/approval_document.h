/*
 * approval_document: a decision on an image as the API takes it (schemas/inventory-api.v1.yaml,
 * ApprovalRequest). Who decides is not in it: that is whoever's credentials they are.
 *
 * Trust: hostile; limits before allocation, unknown members refused.
 */
#ifndef INVENTORY_POLICY_APPROVAL_DOCUMENT_H
#define INVENTORY_POLICY_APPROVAL_DOCUMENT_H

#include "policy/approval.h"

enum { APPROVAL_DOCUMENT_MAX_BYTES = 16 * 1024 };

/* Texts are in the arena; `person` is left NULL. Errors: MU_E_INVALID (naming the member),
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status approval_document_parse(const char *bytes, size_t len, struct mu_arena *arena,
                                       struct approval *ret_approval,
                                       struct mu_error *err) MU_MUST_CHECK;

/* The same decision as such a document. Errors: MU_E_INVALID (naming the member), MU_E_LIMIT. */
enum mu_status approval_document_ask(const struct approval *approval, struct mu_buf *out,
                                     struct mu_error *err) MU_MUST_CHECK;

/* What was recorded. Errors: MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status approval_document_write(const struct approval *approval,
                                       const struct approval_made *made, struct mu_buf *out,
                                       struct mu_error *err) MU_MUST_CHECK;

#endif
