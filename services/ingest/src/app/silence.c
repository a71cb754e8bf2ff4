#include "app/silence.h"

#include "watch/known_pods.h"

#include "base/log.h"
#include "base/sha256.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t second_us = INT64_C(1000000);

struct silence {
    struct health *health;
    struct delivery *delivery;
    const char *state_folder;
    /* One message under way per row. */
    struct telling {
        struct health *health;
        size_t index;
        bool silent;
        atomic_bool under_way;
        struct timespec counted_at; /* change and size of the file of which `left` was counted */
        off_t counted_size;
        size_t left; /* pods not told as removed */
    } tellings[HEALTH_MAX_ROWS];
};

struct silence *silence_new(struct health *health, struct delivery *delivery,
                            const char *state_folder)
{
    struct silence *silence = mu_xcalloc(1, sizeof(*silence));

    silence->health = health;
    silence->delivery = delivery;
    silence->state_folder = state_folder;
    for (size_t i = 0; i < HEALTH_MAX_ROWS; i++) {
        silence->tellings[i].health = health;
        silence->tellings[i].index = i;
        atomic_init(&silence->tellings[i].under_way, false);
    }
    return silence;
}

void silence_free(struct silence *silence)
{
    free(silence);
}

static void on_told(void *opaque, enum mu_status status)
{
    struct telling *telling = opaque;

    if (status == MU_OK)
        health_set_told(telling->health, telling->index, telling->silent);
    atomic_store(&telling->under_way, false);
}

/* Pods of a source that is no longer configured; of a file that cannot be read as many as it had.
 */
static size_t left_behind(const struct silence *silence, struct telling *telling, const char *name)
{
    MU_AUTO_FREE char *path = known_pods_path(silence->state_folder, name);
    struct stat file;
    struct mu_error err;

    if (!path || stat(path, &file) != 0)
        return 0;
    if (memcmp(&file.st_mtim, &telling->counted_at, sizeof(file.st_mtim)) != 0 ||
        file.st_size != telling->counted_size) {
        json_auto_t *uids = json_object();

        if (known_pods_read(path, uids, &err) != MU_OK)
            return telling->left;
        telling->left = json_object_size(uids);
        telling->counted_at = file.st_mtim;
        telling->counted_size = file.st_size;
    }
    return telling->left;
}

static int state_of(const struct silence *silence, struct telling *telling, struct health_row *row)
{
    size_t left;

    if (row->kind)
        return row->state == HEALTH_SILENT ? MU_SOURCE_SILENT : MU_SOURCE_SPEAKING;
    left = left_behind(silence, telling, row->name);
    if (left == 0)
        return MU_SOURCE_REMOVED;
    (void)snprintf(row->last_error, sizeof(row->last_error),
                   "no longer configured, and %zu of its pods are not told as removed: see "
                   "muster-ingest retire --help",
                   left);
    return MU_SOURCE_SILENT;
}

static void log_change(const struct health_row *row, int state)
{
    char last[MU_TIME_TEXT_SIZE] = "never";

    if (row->last_event_at_us != MU_TIME_NONE)
        mu_time_format(row->last_event_at_us, last);
    if (state == MU_SOURCE_SILENT)
        MU_LOG(MU_LOG_ERROR, "source is silent: images may go unseen, check its sender",
               MU_KV("source", row->name), MU_KV("last_event_at", last),
               MU_KV_INT("silent_after_seconds", row->silent_after_us / second_us),
               MU_KV("last_error", row->last_error));
    else
        MU_LOG(MU_LOG_INFO, "source is no longer silent", MU_KV("source", row->name),
               MU_KV("reason", state == MU_SOURCE_REMOVED ? "removed" : "speaking"));
}

/* Each telling has its own id: that a change is told twice does no harm. */
static void identify(const struct health_row *row, int state, int64_t now_us,
                     char ret_id[MU_UUID_TEXT_SIZE])
{
    char number[24], when[24];
    const char *parts[] = {row->name, number, when};

    (void)snprintf(number, sizeof(number), "%d", state);
    (void)snprintf(when, sizeof(when), "%" PRId64, now_us);
    mu_stable_id("muster.source-health.v1", parts, 3, ret_id);
}

static void tell(struct silence *silence, struct telling *telling, const struct health_row *row,
                 int state, int64_t now_us)
{
    const struct mu_source_health message = {
            .source = row->name,
            .source_kind = row->kind ? row->kind : "removed",
            .state = state,
            .observed_at_us = now_us,
            .last_event_at_us = row->last_event_at_us,
            .silent_after_seconds = row->silent_after_us / second_us,
            .usual_interval_seconds = row->usual_interval_us / second_us,
            .last_error = row->last_error[0] ? row->last_error : NULL};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf value;
    char id[MU_UUID_TEXT_SIZE], source[128], traceparent[MU_TRACEPARENT_SIZE];
    struct mu_outgoing outgoing = {.topic = MU_TOPIC_REGISTRY_EVENTS,
                                   .key = row->name,
                                   .envelope = {.type = MU_MSG_SOURCE_HEALTH,
                                                .id = id,
                                                .source = source,
                                                .time_us = now_us,
                                                .traceparent = traceparent}};
    struct mu_error err;

    mu_buf_init(&value, MU_MSG_MAX_BYTES);
    if (mu_msg_encode(MU_MSG_SOURCE_HEALTH, &message, &value, &err) != MU_OK) {
        MU_LOG(MU_LOG_ERROR, "the health of a source cannot be told", MU_KV("source", row->name),
               MU_KV("error", err.message));
        return;
    }
    identify(row, state, now_us, id);
    (void)snprintf(source, sizeof(source), "/muster/ingest/%s", row->name);
    mu_traceparent_new(NULL, traceparent);
    outgoing.value = value.data;
    outgoing.value_len = value.len;
    log_change(row, state);
    telling->silent = state == MU_SOURCE_SILENT;
    atomic_store(&telling->under_way, true);
    delivery_send(silence->delivery, &outgoing, 1, on_told, telling);
}

void silence_check(struct silence *silence, int64_t now_us)
{
    struct health_row row;

    for (size_t i = 0; health_row_at(silence->health, i, now_us, &row); i++) {
        struct telling *telling = &silence->tellings[i];
        int state = state_of(silence, telling, &row);

        if (row.told_silent != (state == MU_SOURCE_SILENT) && !atomic_load(&telling->under_way))
            tell(silence, telling, &row, state, now_us);
    }
}
