#include "apply/lost.h"

#include "store/outbox_row.h"

#include "base/sha256.h"

#include <inttypes.h>
#include <stdio.h>

enum { SOURCE_SIZE = 128, NUMBER_SIZE = 24 };

void lost_describe(const struct lost *lost, char ret_text[LOST_SENTENCE_SIZE])
{
    const char *topic = mu_topic_name(lost->topic);

    if (lost->found > lost->expected)
        (void)snprintf(ret_text, LOST_SENTENCE_SIZE,
                       "%" PRId64 " events of %s, partition %" PRId32 ", offsets %" PRId64
                       " to %" PRId64
                       ", were gone from Kafka before they were read: what they told "
                       "is not known; keep topics for longer than a backup is old",
                       lost->found - lost->expected, topic, lost->partition, lost->expected,
                       lost->found - 1);
    else
        (void)snprintf(ret_text, LOST_SENTENCE_SIZE,
                       "%s, partition %" PRId32 ", was to be read from offset %" PRId64
                       " on and goes on at %" PRId64
                       ": the topic was made anew or has lost its end, "
                       "and what it held and was not read is not known",
                       topic, lost->partition, lost->expected, lost->found);
}

enum mu_status lost_tell(struct write_set *set, const struct lost *lost, const char *known_at,
                         int64_t known_us, struct mu_error *err)
{
    const char *code = lost->found > lost->expected ? "events_lost" : "topic_recreated";
    char source[SOURCE_SIZE], expected[NUMBER_SIZE], sentence[LOST_SENTENCE_SIZE];
    const char *parts[] = {source, code, expected, known_at};
    char failure_id[MU_UUID_TEXT_SIZE];
    const struct failure_notice notice = {failure_id, source, code, sentence, known_us, NULL};

    (void)snprintf(source, sizeof(source), "kafka/%s/%" PRId32, mu_topic_name(lost->topic),
                   lost->partition);
    (void)snprintf(expected, sizeof(expected), "%" PRId64, lost->expected);
    lost_describe(lost, sentence);
    mu_stable_id("muster.detection-failure", parts, 4, failure_id);
    WRITE_SET_ADD(set, WRITE_SOURCE_FAILURES, failure_id, source, code, sentence, known_at, NULL);
    return outbox_notify_failure(set, &notice, err);
}
