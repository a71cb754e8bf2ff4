/*
 * Applies messages as muster-inventory does and prints the ledger's clock after them.
 *   model_apply CONNINFO EVIDENCE_DIR < MESSAGES
 *
 * One message a line: ce_type, ce_id and JSON, with tabs between; an empty line ends a batch. The
 * clock of "known at" is printed at the end. Every message must be understood: one that is
 * quarantined is a mistake of who wrote it.
 */
#include "apply/batch.h"
#include "evidence/evidence_store.h"
#include "store/migrations.h"
#include "store/statements.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 4096, ARENA_BYTES = 64 * 1024 * 1024 };

struct feed {
    struct batch_applier *applier;
    struct mu_pg *pg;
    struct mu_arena *arena;
    struct mu_incoming batch[BATCH_MAX];
    size_t count;
    int64_t offset;
};

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "model_apply: %s: %s\n", what, why);
    exit(1);
}

static enum mu_topic topic_of(enum mu_msg_type type)
{
    switch (type) {
    case MU_MSG_REGISTRY_EVENT:
        return MU_TOPIC_REGISTRY_EVENTS;
    case MU_MSG_WORKLOAD_EVENT:
        return MU_TOPIC_WORKLOAD_EVENTS;
    case MU_MSG_SCAN_RESULT:
        return MU_TOPIC_SCAN_RESULTS;
    case MU_MSG_SCAN_REQUEST:
    case MU_MSG_QUARANTINE_RECORD:
    case MU_MSG_NOTIFICATION:
    case MU_MSG_SOURCE_HEALTH:
    case MU_MSG_TYPE_COUNT:
        break;
    }
    die("ce_type", "not one of a history");
}

static void flush(struct feed *feed)
{
    struct mu_error err;

    if (feed->count > 0 &&
        batch_apply(feed->applier, feed->pg, feed->batch, feed->count, &err) != MU_OK)
        die("apply", err.message);
    feed->count = 0;
    mu_arena_reset(feed->arena);
}

static void add(struct feed *feed, const char *line)
{
    char *copy = mu_arena_strdup(feed->arena, line);
    char *id = copy ? strchr(copy, '\t') : NULL;
    char *json = id ? strchr(id + 1, '\t') : NULL;
    struct mu_incoming *incoming = &feed->batch[feed->count++];

    if (!json || feed->count == BATCH_MAX)
        die("line", line);
    *id++ = *json++ = '\0';
    *incoming = (struct mu_incoming){.topic = topic_of(mu_msg_type_of(copy)),
                                     .offset = feed->offset++,
                                     .value = json,
                                     .value_len = strlen(json),
                                     .envelope = {.type = mu_msg_type_of(copy),
                                                  .id = id,
                                                  .source = "/model",
                                                  .time_us = MU_TIME_NONE},
                                     .ce_type = copy};
}

static void read_all(struct feed *feed)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    while ((len = getline(&line, &room, stdin)) > 0) {
        line[len - 1] = '\0';
        if (line[0] == '\0')
            flush(feed);
        else
            add(feed, line);
    }
    free(line);
    flush(feed);
}

static void print_clock(struct mu_pg *pg)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    struct mu_error err;

    if (mu_pg_execute(pg, READ_TICK, NULL, &result, &err) != MU_OK)
        die("clock", err.message);
    (void)puts(mu_pg_text(result, 0, 0));
}

int main(int argc, char **argv)
{
    static struct feed feed;
    struct evidence_store *evidence = NULL;
    struct mu_error err;
    int applied = 0;

    if (argc != 3)
        die("usage", "model_apply CONNINFO EVIDENCE_DIR < MESSAGES");
    if (evidence_store_open(argv[2], &evidence, &err) != MU_OK)
        die(argv[2], err.message);
    if (mu_pg_migrate(argv[1], inventory_migrations, inventory_migration_count, &applied, &err) !=
                MU_OK ||
        inventory_pg_open(argv[1], "model", &feed.pg, &err) != MU_OK)
        die("database", err.message);
    feed.arena = mu_arena_new(ARENA_BYTES);
    feed.applier = batch_applier_new(evidence, 0);
    read_all(&feed);
    print_clock(feed.pg);
    batch_applier_free(feed.applier);
    mu_arena_free(feed.arena);
    mu_pg_close(feed.pg);
    evidence_store_close(evidence);
    return 0;
}
