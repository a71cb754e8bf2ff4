/*
 * tag_events: changes of tags as messages that are made durable, some at a time.
 *
 * Threads: one at a time per object; deliveries are reported from whichever made them durable.
 */
#ifndef INGEST_TAG_EVENTS_H
#define INGEST_TAG_EVENTS_H

#include "delivery/delivery.h"
#include "listing/known_tags.h"
#include "listing/tag_diff.h"
#include "source/source_config.h"

struct tag_events;

/* Both outlive it. */
struct tag_events *tag_events_new(const struct source_config *source, struct delivery *delivery);
void tag_events_free(struct tag_events *events); /* waits for what is under way; NULL is fine */

/*
 * Sends a change, soon. `head` is what was known before it: with it, the same change told again has
 * the same id, and the same change made again later has another. `at_us` is when it was true.
 * Errors: MU_E_UNAVAILABLE (something sent earlier was lost), MU_E_NOMEM, MU_E_LIMIT.
 */
enum mu_status tag_events_add(struct tag_events *events, const struct known_tags_head *head,
                              const struct tag_change *change, int64_t at_us,
                              struct mu_error *err) MU_MUST_CHECK;
/* MU_OK: everything added so far is durable. Errors: MU_E_UNAVAILABLE (some of it is not). */
enum mu_status tag_events_settle(struct tag_events *events, struct mu_error *err) MU_MUST_CHECK;

MU_DEFINE_AUTO(tag_events, struct tag_events, tag_events_free)

#endif
