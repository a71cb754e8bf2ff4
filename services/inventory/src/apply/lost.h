/*
 * lost: what Kafka no longer has when it is its turn. A detection failure of the source
 * "kafka/TOPIC/PARTITION" that stays open until a person closes it (acknowledge), and
 * a notification.
 *
 * `events_lost`: reading goes on behind where it was to; what is between is gone.
 * `topic_recreated`: it goes on before that: the topic was made anew, or has lost its end.
 *
 * Threads: as the write set.
 */
#ifndef INVENTORY_APPLY_LOST_H
#define INVENTORY_APPLY_LOST_H

#include "store/write_set.h"

#include "bus/bus.h"

enum { LOST_SENTENCE_SIZE = 512 };

struct lost {
    enum mu_topic topic;
    int32_t partition;
    int64_t expected, found; /* offsets: where reading was to go on (-1: anywhere), and does */
};

void lost_describe(const struct lost *lost, char ret_text[LOST_SENTENCE_SIZE]);

/* `known_at`, `known_us`: of the transaction. Errors: as outbox_notify. */
enum mu_status lost_tell(struct write_set *set, const struct lost *lost, const char *known_at,
                         int64_t known_us, struct mu_error *err) MU_MUST_CHECK;

#endif
