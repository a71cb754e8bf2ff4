#include "notify/watch.h"

#include "store/outbox_row.h"
#include "store/rounds.h"
#include "store/statements.h"

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

/* Who claims the case tells it. */
static enum mu_status tell(struct mu_pg *pg, struct write_set *set, const char *known_at,
                           const struct mu_pg_result *rows, size_t row, struct mu_error *err)
{
    const char *cause = mu_pg_text(rows, row, CONDITION_CAUSE);
    const char *key[] = {mu_pg_text(rows, row, CONDITION_KIND),
                         mu_pg_text(rows, row, CONDITION_SUBJECT), cause, known_at};
    struct mu_notification notification = {
            .kind = key[0],
            .severity = severity_of(mu_pg_text(rows, row, CONDITION_SEVERITY)),
            .subject = key[1],
            .message = mu_pg_text(rows, row, CONDITION_MESSAGE),
            .occurred_at_us = mu_pg_time_us(rows, row, CONDITION_TIME)};
    MU_AUTO(pg_result) struct mu_pg_result *claimed = NULL;

    if (mu_pg_execute(pg, READ_NOTIFICATION_CLAIM, key, &claimed, err) != MU_OK)
        return err->status;
    if (mu_pg_rows(claimed) == 0)
        return MU_OK;
    open_failure(set, rows, row);
    return outbox_notify(set, &notification, cause, NULL, err);
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
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++)
        st = tell(pg, set, mu_pg_text(tick, 0, 0), rows, i, err);
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
