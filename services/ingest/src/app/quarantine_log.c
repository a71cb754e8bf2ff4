#include "app/quarantine_log.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { READ_TIMEOUT_MS = 15000 };

struct gathering {
    const struct quarantine_filter *filter;
    struct quarantine_log log;
};

/* ---- what is wanted ---- */

static bool is_wanted_id(const struct quarantine_filter *filter, const char *id)
{
    for (size_t i = 0; i < filter->id_count; i++)
        if (mu_text_starts(id, filter->ids[i]))
            return true;
    return filter->id_count == 0;
}

static bool is_wanted(const struct quarantine_filter *filter,
                      const struct mu_quarantine_record *record)
{
    if (filter->source && !mu_text_equal(filter->source, record->source))
        return false;
    if (filter->since_us != MU_TIME_NONE && record->received_at_us < filter->since_us)
        return false;
    return !filter->reason || mu_text_equal(filter->reason, record->reason_code) ||
           strstr(record->reason, filter->reason) != NULL;
}

/* ---- gathering ---- */

static struct quarantine_entry *find(struct gathering *gathering, const char *id)
{
    for (size_t i = 0; i < gathering->log.count; i++)
        if (mu_text_equal(gathering->log.entries[i].id, id))
            return &gathering->log.entries[i];
    return NULL;
}

/* A free place, or that of the oldest when it is older than the new one; else NULL. */
static struct quarantine_entry *place_for(struct gathering *gathering, int64_t received_at_us)
{
    struct quarantine_entry *oldest = gathering->log.entries;

    if (gathering->log.count < gathering->filter->limit)
        return &gathering->log.entries[gathering->log.count++];
    for (size_t i = 1; i < gathering->log.count; i++)
        if (gathering->log.entries[i].record.received_at_us < oldest->record.received_at_us)
            oldest = &gathering->log.entries[i];
    if (oldest->record.received_at_us >= received_at_us)
        return NULL;
    mu_arena_free(oldest->arena);
    return oldest;
}

static enum mu_status on_message(void *opaque, const struct mu_incoming *message,
                                 struct mu_error *err)
{
    struct gathering *gathering = opaque;
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(4 * MU_MSG_MAX_BYTES);
    const char *id = message->envelope.id;
    struct mu_quarantine_record record;
    struct mu_error ignored;
    struct quarantine_entry *kept;

    if (!id || message->envelope.type != MU_MSG_QUARANTINE_RECORD ||
        mu_msg_decode(MU_MSG_QUARANTINE_RECORD, message->value, message->value_len, arena, &record,
                      &ignored) != MU_OK) {
        gathering->log.unreadable++;
        return MU_OK;
    }
    if (!is_wanted_id(gathering->filter, id) || !is_wanted(gathering->filter, &record))
        return MU_OK;
    kept = find(gathering, id);
    if (kept) {
        kept->times++;
        return MU_OK;
    }
    kept = place_for(gathering, record.received_at_us);
    if (!kept)
        return MU_OK;
    *kept = (struct quarantine_entry){mu_arena_strdup(arena, id), 1, record, arena};
    arena = NULL;
    return kept->id ? MU_OK : mu_fail(err, MU_E_NOMEM, "out of memory");
}

static int compare_times(const void *a, const void *b)
{
    const struct quarantine_entry *left = a, *right = b;
    int64_t l = left->record.received_at_us, r = right->record.received_at_us;

    return (l > r) - (l < r);
}

enum mu_status quarantine_read(const struct mu_bus_config *bus,
                               const struct quarantine_filter *filter,
                               struct quarantine_log *ret_log, struct mu_error *err)
{
    struct gathering gathering = {.filter = filter};
    enum mu_status st;

    gathering.log.entries = mu_xcalloc(filter->limit, sizeof(struct quarantine_entry));
    st = mu_bus_read(bus, MU_TOPIC_QUARANTINE, filter->since_us, READ_TIMEOUT_MS, on_message,
                     &gathering, err);
    if (st != MU_OK) {
        quarantine_log_done(&gathering.log);
        return st;
    }
    qsort(gathering.log.entries, gathering.log.count, sizeof(struct quarantine_entry),
          compare_times);
    *ret_log = gathering.log;
    return MU_OK;
}

void quarantine_log_done(struct quarantine_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        mu_arena_free(log->entries[i].arena);
    free(log->entries);
    *log = (struct quarantine_log){0};
}
