/*
 * item_deviations: what people stated of an item, by the numbers its findings carry.
 */
#ifndef REPORT_ITEMS_ITEM_DEVIATIONS_H
#define REPORT_ITEMS_ITEM_DEVIATIONS_H

#include "snapshot/snapshot.h"

#include <stdbool.h>

enum { ITEM_MAX_DEVIATIONS = 32 };

/* Texts are borrowed during the call. */
typedef enum mu_status item_deviation_fn(void *opaque, const struct deviation_row *deviation,
                                         struct mu_error *err);

/* `numbers`: a line each; NULL: none. Calls `each` for those that the snapshot has, in that order.
 * Errors: MU_E_UNAVAILABLE, MU_E_LIMIT, or what `each` returned. */
enum mu_status item_deviations_each(const struct snapshot *snapshot, const char *numbers,
                                    item_deviation_fn *each, void *opaque,
                                    struct mu_error *err) MU_MUST_CHECK;

bool item_deviation_is_approved(const struct deviation_row *deviation, const char *kind);

#endif
