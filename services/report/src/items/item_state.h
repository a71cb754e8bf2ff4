/* item_state: what an open item is at `as_of`, the most urgent first; each is in exactly one. */
#ifndef REPORT_ITEMS_ITEM_STATE_H
#define REPORT_ITEMS_ITEM_STATE_H

#include "snapshot/snapshot.h"

enum item_state { ITEM_LATE, ITEM_DUE, ITEM_OPEN, ITEM_HELD, ITEM_FALSE_POSITIVE, ITEM_STATES };

/* `next_us`: when the next submission speaks of; MU_TIME_NONE: nothing is due before it. */
enum item_state item_state_of(const struct finding_row *row, int64_t next_us);

#endif
