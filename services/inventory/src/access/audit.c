#include "access/audit.h"

#include "query/queries.h"
#include "store/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "pg/pg.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    QUEUE_MAX = 10000,
    BATCH_MAX = 500,
    ARRAY_MAX_BYTES = 16 * 1024 * 1024,
    RETRY_MS = 1000,
    NUMBER_SIZE = 24
};

/* Columns of AUDIT_INSERT. */
enum { ID, AT, PRINCIPAL, AUTHENTICATION, ROLES, METHOD, PATH, PARAMETERS, STATUS, COLUMN_COUNT };

struct entry {
    struct entry *next;
    char *columns[COLUMN_COUNT]; /* owned */
};

struct audit {
    const char *conninfo;
    struct mu_pg *pg; /* the writer's */
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct entry *first, **last;
    size_t count;
    uint64_t number;
    char process[33]; /* random: makes ids unique */
    bool stopping;
    bool gave_up; /* the writer's */
};

/* ---- entries ---- */

static void entry_free(struct entry *entry)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        free(entry->columns[i]);
    free(entry);
}

static char *clean(const char *text)
{
    char *copy = mu_xstrdup(text ? text : "");

    mu_utf8_clean(copy);
    return copy;
}

static struct entry *entry_new(const struct audit_record *record)
{
    struct entry *entry = mu_xcalloc(1, sizeof(*entry));
    char at[MU_TIME_TEXT_SIZE], status[NUMBER_SIZE];

    mu_time_format(record->at_us, at);
    (void)snprintf(status, sizeof(status), "%d", record->status);
    entry->columns[AT] = mu_xstrdup(at);
    entry->columns[PRINCIPAL] = clean(record->principal);
    entry->columns[AUTHENTICATION] = clean(record->authentication);
    entry->columns[ROLES] = clean(record->roles);
    entry->columns[METHOD] = clean(record->method);
    entry->columns[PATH] = clean(record->path);
    entry->columns[PARAMETERS] = clean(record->parameters);
    entry->columns[STATUS] = mu_xstrdup(status);
    return entry;
}

/* What cannot go to the database goes to the log, whole. */
static void log_entry(struct entry *entry, const char *why)
{
    MU_LOG(MU_LOG_WARN, "audit record kept in the log alone", MU_KV("why", why),
           MU_KV("at", entry->columns[AT]), MU_KV("principal", entry->columns[PRINCIPAL]),
           MU_KV("authentication", entry->columns[AUTHENTICATION]),
           MU_KV("roles", entry->columns[ROLES]), MU_KV("method", entry->columns[METHOD]),
           MU_KV("path", entry->columns[PATH]), MU_KV("parameters", entry->columns[PARAMETERS]),
           MU_KV("status", entry->columns[STATUS]));
    mu_metric_add(&metric_audit_logged, 1);
    entry_free(entry);
}

/* ---- writing ---- */

static enum mu_status insert(struct audit *audit, const struct entry *batch, struct mu_error *err)
{
    struct mu_buf arrays[COLUMN_COUNT];
    const char *values[COLUMN_COUNT];
    enum mu_status st = MU_OK;

    if (audit->pg && !mu_pg_alive(audit->pg)) {
        mu_pg_close(audit->pg);
        audit->pg = NULL;
    }
    if (!audit->pg)
        st = inventory_query_open(audit->conninfo, "muster-inventory audit", &audit->pg, err);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        mu_buf_init(&arrays[i], ARRAY_MAX_BYTES);
        mu_pg_array_begin(&arrays[i]);
        for (const struct entry *entry = batch; entry; entry = entry->next)
            mu_pg_array_add(&arrays[i], entry->columns[i]);
        mu_pg_array_end(&arrays[i]);
        if (st == MU_OK)
            st = mu_buf_status(&arrays[i], "a batch of audit records", err);
        values[i] = arrays[i].data;
    }
    if (st == MU_OK)
        st = mu_pg_execute(audit->pg, QUERY_AUDIT_INSERT, values, NULL, err);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        mu_buf_done(&arrays[i]);
    return st;
}

static struct entry *take_batch(struct audit *audit)
{
    struct entry *batch, **end;
    size_t taken = 0;

    (void)pthread_mutex_lock(&audit->lock);
    batch = audit->first;
    for (end = &batch; *end && taken < BATCH_MAX; end = &(*end)->next)
        taken++;
    audit->first = *end;
    *end = NULL;
    if (!audit->first)
        audit->last = &audit->first;
    audit->count -= taken;
    (void)pthread_mutex_unlock(&audit->lock);
    return batch;
}

static void free_batch(struct entry *batch)
{
    while (batch) {
        struct entry *next = batch->next;

        mu_metric_add(&metric_audit_written, 1);
        entry_free(batch);
        batch = next;
    }
}

static void log_batch(struct entry *batch, const char *why)
{
    while (batch) {
        struct entry *next = batch->next;

        log_entry(batch, why);
        batch = next;
    }
}

/* Waits for `wait_ms`, or until there is to stop. Gives whether there is. */
static bool wait_a_while(struct audit *audit, int64_t wait_ms)
{
    struct timespec until;
    bool stopping;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&audit->lock);
    while (!audit->stopping && pthread_cond_timedwait(&audit->wake, &audit->lock, &until) == 0)
        ;
    stopping = audit->stopping;
    (void)pthread_mutex_unlock(&audit->lock);
    return stopping;
}

/* Until it is written, or cannot be: what the database will never take, or does not take when the
 * program must end, goes to the log. */
static void write_batch(struct audit *audit, struct entry *batch)
{
    bool told = false;
    struct mu_error err;

    for (;;) {
        enum mu_status st = insert(audit, batch, &err);

        if (st == MU_OK) {
            free_batch(batch);
            return;
        }
        if (st == MU_E_INVALID || st == MU_E_LIMIT || st == MU_E_CONFLICT) {
            log_batch(batch, err.message);
            return;
        }
        if (!told)
            MU_LOG(MU_LOG_WARN, "audit records wait for the database, retrying",
                   MU_KV("error", err.message));
        told = true;
        if (wait_a_while(audit, RETRY_MS)) {
            audit->gave_up = true;
            log_batch(batch, err.message);
            return;
        }
    }
}

static void *write_loop(void *opaque)
{
    struct audit *audit = opaque;
    bool stopping = false;

    for (;;) {
        struct entry *batch = take_batch(audit);

        if (batch && audit->gave_up)
            log_batch(batch, "the database is away and the program must end");
        else if (batch)
            write_batch(audit, batch);
        else if (stopping)
            return NULL;
        else
            stopping = wait_a_while(audit, AUDIT_INTERVAL_MS);
    }
}

/* ---- life ---- */

enum mu_status audit_open(const char *conninfo, struct audit **ret_audit, struct mu_error *err)
{
    struct audit *audit;
    uint8_t random[16];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return mu_fail(err, MU_E_UNAVAILABLE, "no random numbers for the audit log");
    audit = mu_xcalloc(1, sizeof(*audit));
    mu_hex_encode(random, sizeof(random), audit->process);
    audit->conninfo = conninfo;
    audit->last = &audit->first;
    (void)pthread_mutex_init(&audit->lock, NULL);
    (void)pthread_cond_init(&audit->wake, NULL);
    if (pthread_create(&audit->writer, NULL, write_loop, audit) != 0) {
        free(audit);
        return mu_fail(err, MU_E_UNAVAILABLE, "no thread to write the audit log");
    }
    *ret_audit = audit;
    return MU_OK;
}

/* False: the queue is full. */
static bool enqueue(struct audit *audit, struct entry *entry)
{
    char number[NUMBER_SIZE], id[MU_UUID_TEXT_SIZE];
    bool room;

    (void)pthread_mutex_lock(&audit->lock);
    room = audit->count < QUEUE_MAX;
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)++audit->number);
    mu_stable_id("audit", (const char *const[]){audit->process, number}, 2, id);
    entry->columns[ID] = mu_xstrdup(id);
    if (room) {
        *audit->last = entry;
        audit->last = &entry->next;
        audit->count++;
    }
    (void)pthread_mutex_unlock(&audit->lock);
    return room;
}

void audit_add(struct audit *audit, const struct audit_record *record)
{
    struct entry *entry = entry_new(record);

    if (!enqueue(audit, entry))
        log_entry(entry, "too many wait for the database");
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    (void)pthread_mutex_lock(&audit->lock);
    audit->stopping = true;
    (void)pthread_cond_signal(&audit->wake);
    (void)pthread_mutex_unlock(&audit->lock);
    (void)pthread_join(audit->writer, NULL);
    mu_pg_close(audit->pg);
    (void)pthread_cond_destroy(&audit->wake);
    (void)pthread_mutex_destroy(&audit->lock);
    free(audit);
}
