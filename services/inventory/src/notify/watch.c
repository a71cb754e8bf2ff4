#include "notify/watch.h"

#include "store/outbox_row.h"
#include "store/rounds.h"
#include "store/statements.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROUND_MAX_CONDITIONS = 500, MS_SIZE = 24, CODE_SIZE = 64 };
#define ROUND_MAX_TEXT "500"

/* Columns of READ_CONDITIONS. */
enum {
    CONDITION_KIND,
    CONDITION_SEVERITY,
    CONDITION_SUBJECT,
    CONDITION_MESSAGE,
    CONDITION_TIME,
    CONDITION_CAUSE,
    CONDITION_JOB,
    CONDITION_REPOSITORY,
    CONDITION_DIGEST
};

static int severity_of(const char *word)
{
    if (mu_text_equal(word, "critical"))
        return MU_NOTIFICATION_CRITICAL;
    return mu_text_equal(word, "warning") ? MU_NOTIFICATION_WARNING : MU_NOTIFICATION_INFO;
}

/* Scans that count for nothing are failures of detection themselves; the cause begins with the
 * code. */
static void open_failure(struct write_set *set, const struct mu_pg_result *rows, size_t row)
{
    const char *job = mu_pg_text(rows, row, CONDITION_JOB);
    const char *parts[] = {job, mu_pg_text(rows, row, CONDITION_CAUSE)};
    char failure_id[MU_UUID_TEXT_SIZE], code[CODE_SIZE];

    if (!job)
        return;
    (void)snprintf(code, sizeof(code), "%.*s", (int)strcspn(parts[1], " "), parts[1]);
    mu_stable_id("muster.detection-failure", parts, 2, failure_id);
    WRITE_SET_ADD(set, WRITE_DETECTION_FAILURES, failure_id, job,
                  mu_pg_text(rows, row, CONDITION_REPOSITORY),
                  mu_pg_text(rows, row, CONDITION_DIGEST), code,
                  mu_pg_text(rows, row, CONDITION_MESSAGE), "1");
}

static enum mu_status tell(struct write_set *set, const struct mu_pg_result *rows, size_t row,
                           struct mu_error *err)
{
    const struct mu_notification notification = {
            .kind = mu_pg_text(rows, row, CONDITION_KIND),
            .severity = severity_of(mu_pg_text(rows, row, CONDITION_SEVERITY)),
            .subject = mu_pg_text(rows, row, CONDITION_SUBJECT),
            .message = mu_pg_text(rows, row, CONDITION_MESSAGE),
            .occurred_at_us = mu_pg_time_us(rows, row, CONDITION_TIME)};

    open_failure(set, rows, row);
    return outbox_notify(set, &notification, mu_pg_text(rows, row, CONDITION_CAUSE), NULL, err);
}

/* ---- claiming ---- */

/* What makes a case: one array per column. */
static const int key_columns[] = {CONDITION_KIND, CONDITION_SUBJECT, CONDITION_CAUSE};
enum { KEY_COLUMNS = sizeof(key_columns) / sizeof(key_columns[0]) };

struct keys {
    struct mu_buf columns[KEY_COLUMNS];
};

static void keys_init(struct keys *keys, const struct mu_pg_result *rows)
{
    for (size_t i = 0; i < KEY_COLUMNS; i++) {
        mu_buf_init(&keys->columns[i], WRITE_SET_COLUMN_MAX_BYTES);
        mu_pg_array_begin(&keys->columns[i]);
        for (size_t row = 0; row < mu_pg_rows(rows); row++)
            mu_pg_array_add(&keys->columns[i], mu_pg_text(rows, row, key_columns[i]));
        mu_pg_array_end(&keys->columns[i]);
    }
}

static void keys_done(struct keys *keys)
{
    for (size_t i = 0; i < KEY_COLUMNS; i++)
        mu_buf_done(&keys->columns[i]);
}

/* Who claims a case tells it. */
static enum mu_status tell_claimed(struct mu_pg *pg, struct write_set *set, const char *known_at,
                                   const struct mu_pg_result *rows, struct mu_error *err)
{
    const char *values[1 + KEY_COLUMNS] = {known_at};
    MU_AUTO_DONE(keys_done) struct keys keys;
    MU_AUTO(pg_result) struct mu_pg_result *claimed = NULL;
    enum mu_status st = MU_OK;

    keys_init(&keys, rows);
    for (size_t i = 0; st == MU_OK && i < KEY_COLUMNS; i++) {
        st = mu_buf_status(&keys.columns[i], "what is to be told", err);
        values[1 + i] = keys.columns[i].data;
    }
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_NOTIFICATIONS_CLAIM, values, &claimed, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(claimed); i++)
        st = tell(set, rows, (size_t)mu_pg_int(claimed, i, 0), err);
    return st;
}

static enum mu_status tell_all(struct mu_pg *pg, const struct mu_pg_result *rows,
                               const struct mu_pg_result *gone, struct mu_error *err)
{
    MU_AUTO(write_set) struct write_set *set = write_set_new();
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    MU_AUTO(pg_result) struct mu_pg_result *tick = NULL;
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_TICK, NULL, &tick, err);
    if (st == MU_OK && mu_pg_rows(rows) > 0)
        st = tell_claimed(pg, set, mu_pg_text(tick, 0, 0), rows, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(gone); i++)
        WRITE_SET_ADD(set, WRITE_FAILURES_ENDED, mu_pg_text(gone, i, 0));
    if (st == MU_OK)
        st = write_set_queue(set, pg, mu_pg_text(tick, 0, 0), err);
    if (st == MU_OK)
        st = mu_pg_sync(pg, err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

/* Looking takes its time and holds no lock; only what is to be told or closed takes the clock. */
enum mu_status watch_round(const struct watch_config *config, struct mu_pg *pg, bool *ret_busy,
                           struct mu_error *err)
{
    char warn[MS_SIZE], grace[MS_SIZE];
    const char *values[] = {warn, grace, ROUND_MAX_TEXT};
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    MU_AUTO(pg_result) struct mu_pg_result *gone = NULL;
    enum mu_status st;

    (void)snprintf(warn, sizeof(warn), "%" PRId64, config->warn_ms);
    (void)snprintf(grace, sizeof(grace), "%" PRId64, config->grace_ms);
    st = mu_pg_execute(pg, READ_CONDITIONS, values, &rows, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, READ_FAILURES_GONE, &values[1], &gone, err);
    if (st == MU_OK && mu_pg_rows(rows) + mu_pg_rows(gone) > 0)
        st = tell_all(pg, rows, gone, err);
    if (st == MU_OK)
        *ret_busy = mu_pg_rows(rows) == ROUND_MAX_CONDITIONS ||
                    mu_pg_rows(gone) == ROUND_MAX_CONDITIONS;
    return st;
}

static enum mu_status open_watch(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct watch_config *config = opaque;

    return inventory_pg_open(config->conninfo, "muster-inventory watch", ret_pg, err);
}

static enum mu_status look(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                           struct mu_error *err)
{
    return watch_round(opaque, pg, ret_busy, err);
}

void watch_run(const struct watch_config *config)
{
    const struct rounds rounds = {.open = open_watch,
                                  .round = look,
                                  .opaque = config,
                                  .waiting = "watching waits, retrying",
                                  .pause_ms = config->interval_ms,
                                  .backoff = {200, 5000, 0}};

    rounds_run(&rounds);
}
