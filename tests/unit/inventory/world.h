/*
 * world: a migrated database, an evidence folder and the applier on them, and events in a line.
 * Every test begins with empty tables. Header-only; for tests.
 *
 *     struct world w;
 *     world_open(&w);
 *     add_push(&w, "e1", "1.0", digest_of('a'), T(0));
 *     world_apply(&w);
 *     assert_sql(&w, "SELECT count(*) FROM assets", "1");
 *     world_close(&w);
 */
#ifndef MU_TEST_INVENTORY_WORLD_H
#define MU_TEST_INVENTORY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg_server.h"

#include "apply/batch.h"
#include "evidence/evidence_store.h"
#include "explain/explain_command.h"
#include "query/queries.h"
#include "store/migrations.h"
#include "store/statements.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"

#define REPO     "registry.example/app"
#define RAW_SCAN "{\"schema\":\"muster.raw-scan.v1\",\"image\":{\"manifest_digest\":\"%.80s\"},"
#define T(minutes) \
    (INT64_C(1793491200000000) + INT64_C(60000000) * (minutes)) /* from 2026-11-01T00:00:00Z */
#define DAYS(n) ((n)*INT64_C(24) * 60)

enum { WORLD_EVENTS = 128, WORLD_ARENA_BYTES = 64 * 1024 * 1024 };

struct world {
    char database[32], conninfo[PG_SERVER_CONNINFO_SIZE], folder[64];
    struct mu_pg *pg;
    struct evidence_store *evidence;
    struct batch_applier *applier;
    struct mu_arena *arena;
    struct mu_incoming events[WORLD_EVENTS];
    size_t count;
    int64_t offset;
};

static struct pg_server world_server;

/* "sha256:aaaa..." for 'a'; one of the 16 hex digits. */
static inline const char *digest_of(char digit)
{
    static char digests[128][MU_DIGEST_TEXT_SIZE];
    char *digest = digests[(unsigned char)digit & 127];

    (void)snprintf(digest, MU_DIGEST_TEXT_SIZE, "sha256:");
    memset(digest + 7, digit, 64);
    return digest;
}

/* ---- life ---- */

static inline void world_make_database(void)
{
    static bool made;
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    struct mu_error err;
    int applied = 0;

    if (made)
        return;
    free(pg_server_sql(&world_server, "postgres", "CREATE DATABASE migrated"));
    pg_server_conninfo(&world_server, "migrated", conninfo);
    if (mu_pg_migrate(conninfo, inventory_migrations, inventory_migration_count, &applied, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    made = true;
}

static inline void world_connect(struct world *w)
{
    struct mu_error err;

    mu_pg_close(w->pg);
    w->pg = NULL;
    if (inventory_pg_open(w->conninfo, "test", &w->pg, &err) != MU_OK)
        fail_msg("%s", err.message);
}

/* First cell of the answer or NULL; free it. Over a connection of its own that lasts. */
static inline char *world_sql(struct world *w, const char *sql)
{
    static PGconn *connection;
    char conninfo[PG_SERVER_CONNINFO_SIZE], *cell = NULL;
    PGresult *result;

    pg_server_conninfo(&world_server, w->database, conninfo);
    if (!connection || PQstatus(connection) != CONNECTION_OK) {
        PQfinish(connection);
        connection = PQconnectdb(conninfo);
    }
    result = PQexec(connection, sql);
    if (PQstatus(connection) != CONNECTION_OK) { /* the server was restarted */
        PQclear(result);
        PQreset(connection);
        result = PQexec(connection, sql);
    }
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        cell = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return cell;
}

/* Empties every table; an applier may remember what it wrote, so another takes its place. */
static inline void world_empty(struct world *w)
{
    if (w->applier) {
        batch_applier_free(w->applier);
        w->applier = batch_applier_new(w->evidence, 0);
    }
    free(world_sql(w, "SET TimeZone = UTC; SET jit = off; SET client_min_messages = error; DO $$ "
                      "BEGIN EXECUTE ("
                      "SELECT string_agg(format('DELETE FROM %I', relname), ';' ORDER BY oid DESC) "
                      "FROM pg_class "
                      "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname "
                      "NOT IN ('ledger_clock', 'muster_schema_migrations')); END $$"));
    w->offset = 0;
}

static inline void world_open(struct world *w)
{
    struct mu_error err;

    *w = (struct world){.database = "migrated", .folder = "/tmp/muster-evidence-XXXXXX"};
    world_make_database();
    pg_server_conninfo(&world_server, w->database, w->conninfo);
    world_empty(w);
    world_connect(w);
    assert_non_null(mkdtemp(w->folder));
    assert_int_equal(evidence_store_open(w->folder, &w->evidence, &err), MU_OK);
    w->applier = batch_applier_new(w->evidence, 0);
    w->arena = mu_arena_new(WORLD_ARENA_BYTES);
}

static inline void world_close(struct world *w)
{
    mu_pg_close(w->pg);
    batch_applier_free(w->applier);
    evidence_store_close(w->evidence);
    mu_arena_free(w->arena);
    (void)nftw(w->folder, pg_server_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- looking ---- */

/* First cell of the answer; "" for NULL. */
#define assert_sql(w, sql, expected)                         \
    do {                                                     \
        char *found = world_sql((w), (sql));                 \
        assert_string_equal(found ? found : "", (expected)); \
        free(found);                                         \
    } while (0)

/* What a command writes to a stream (1, 2), from a fresh start of it; free it. */
static inline char *captured_from(int stream, int (*command)(void *, int, char **), void *config,
                                  int argc, char **argv, int *ret_code)
{
    int saved = dup(stream);
    FILE *file = tmpfile();
    char *text;
    long len;

    (void)fflush(NULL);
    assert_true(dup2(fileno(file), stream) == stream);
    *ret_code = command(config, argc, argv);
    (void)fflush(NULL);
    assert_true(dup2(saved, stream) == stream);
    (void)close(saved);
    (void)fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)len + 1);
    assert_int_equal(fread(text, 1, (size_t)len, file), len);
    (void)fclose(file);
    return text;
}

/* What it prints. */
static inline char *captured(int (*command)(void *, int, char **), void *config, int argc,
                             char **argv, int *ret_code)
{
    return captured_from(1, command, config, argc, argv, ret_code);
}

/* That a command ends with this exit code and says this on standard error. */
static inline void assert_refuses(int (*command)(void *, int, char **), void *config,
                                  const char *word, int expected_code, const char *expected)
{
    char copy[200], *words[] = {copy, NULL}, *text;
    int code = -1;

    (void)snprintf(copy, sizeof(copy), "%s", word ? word : "");
    text = captured_from(2, command, config, word ? 1 : 0, words, &code);
    if (code != expected_code || !strstr(text, expected))
        fail_msg("exit %d, '%s' is not in: %s", code, expected, text);
    free(text);
}

/* Until something waits for advisory lock 7, which world_sql holds. */
static inline void world_wait_held(struct world *w)
{
    char *found = NULL;

    while (!(found = world_sql(
                     w, "SELECT true FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))
        (void)usleep(10000);
    free(found);
}

/* Everything that must not depend on the order of arrival; free it. */
static inline char *world_dump(struct world *w)
{
    struct explain_config config = {.postgres = w->conninfo};
    int code = -1;
    char *text = captured(dump_command, &config, 0, NULL, &code);

    assert_int_equal(code, 0);
    return text;
}

/* ---- events ---- */

/* A message as it would come from Kafka; everything is borrowed. */
static inline struct mu_incoming *add_raw(struct world *w, enum mu_topic topic, const char *ce_type,
                                          const char *id, const char *value)
{
    struct mu_incoming *incoming = &w->events[w->count++];

    assert_true(w->count <= WORLD_EVENTS);
    *incoming = (struct mu_incoming){.topic = topic,
                                     .offset = w->offset++,
                                     .value = value,
                                     .value_len = strlen(value),
                                     .envelope = {.type = mu_msg_type_of(ce_type),
                                                  .id = id,
                                                  .source = "/test",
                                                  .time_us = T(0)},
                                     .ce_type = ce_type};
    return incoming;
}

static inline void add_message(struct world *w, enum mu_topic topic, enum mu_msg_type type,
                               const char *id, const void *message)
{
    struct mu_buf json;
    struct mu_error err;

    mu_buf_init(&json, MU_MSG_MAX_BYTES);
    if (mu_msg_encode(type, message, &json, &err) != MU_OK)
        fail_msg("%s", err.message);
    (void)add_raw(w, topic, mu_msg_descriptor(type)->ce_type, id,
                  mu_arena_strdup(w->arena, json.data));
    mu_buf_done(&json);
}

static inline struct mu_registry_event registry_event(int action, const char *tag,
                                                      const char *digest, int64_t at)
{
    return (struct mu_registry_event){.source = "reg",
                                      .source_kind = "distribution",
                                      .source_event_id = "x",
                                      .action = action,
                                      .occurred_at_us = at,
                                      .received_at_us = at,
                                      .repository = REPO,
                                      .tag = tag,
                                      .digest = digest,
                                      .size_bytes = -1};
}

static inline void add_registry(struct world *w, const char *id, const struct mu_registry_event *e)
{
    add_message(w, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_REGISTRY_EVENT, id, e);
}

static inline void add_push(struct world *w, const char *id, const char *tag, const char *digest,
                            int64_t at)
{
    struct mu_registry_event e = registry_event(MU_REGISTRY_PUSH, tag, digest, at);

    add_registry(w, id, &e);
}

static inline void add_delete(struct world *w, const char *id, const char *tag, const char *digest,
                              int64_t at)
{
    struct mu_registry_event e = registry_event(MU_REGISTRY_DELETE, tag, digest, at);

    add_registry(w, id, &e);
}

/* One container of one pod; what is left out is absent. */
struct pod {
    const char *uid; /* also its name */
    const char *container, *repository, *tag, *digest, *platform, *container_id;
    int64_t started, finished, at; /* finished 0: it runs */
    int64_t received;              /* 0: once all that is said of it has happened */
    int kind;
    bool removed, waiting;
};

static inline int64_t received_of(const struct pod *pod)
{
    int64_t last = pod->started > pod->finished ? pod->started : pod->finished;

    if (pod->received)
        return pod->received;
    return pod->at > last ? pod->at : last;
}

static inline void add_pod(struct world *w, const char *id, struct pod pod)
{
    struct mu_workload_container container = {
            .name = pod.container ? pod.container : "main",
            .kind = pod.kind ? pod.kind : MU_CONTAINER_REGULAR,
            .state = pod.waiting    ? MU_CONTAINER_WAITING
                     : pod.finished ? MU_CONTAINER_TERMINATED
                                    : MU_CONTAINER_RUNNING,
            .image = "app",
            .image_id = pod.digest,
            .repository = pod.repository ? pod.repository : REPO,
            .tag = pod.tag,
            .digest = pod.digest,
            .container_id = pod.container_id,
            .started_at_us = pod.started ? pod.started : MU_TIME_NONE,
            .finished_at_us = pod.finished ? pod.finished : MU_TIME_NONE};
    struct mu_workload_event event = {.source = "cluster",
                                      .source_kind = "kubernetes",
                                      .source_event_id = "x",
                                      .action = pod.removed ? MU_WORKLOAD_REMOVED
                                                            : MU_WORKLOAD_OBSERVED,
                                      .occurred_at_us = pod.at,
                                      .received_at_us = received_of(&pod),
                                      .cluster = "prod",
                                      .namespace_name = "default",
                                      .pod = pod.uid,
                                      .pod_uid = pod.uid,
                                      .platform = pod.platform,
                                      .containers = {&container, 1}};

    add_message(w, MU_TOPIC_WORKLOAD_EVENTS, MU_MSG_WORKLOAD_EVENT, id, &event);
}

/* Stores a raw result of `digest` with these findings ("[...]"); gives its own digest. */
static inline const char *add_raw_result(struct world *w, const char *text)
{
    char *name = mu_arena_alloc(w->arena, MU_DIGEST_TEXT_SIZE);
    struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome;
    struct mu_error err;

    mu_sha256_text(text, strlen(text), name);
    assert_int_equal(evidence_writer_open(w->evidence, name, &writer, &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, text, strlen(text), &err), MU_OK);
    assert_int_equal(evidence_writer_commit(writer, &outcome, &err), MU_OK);
    evidence_writer_free(writer);
    return name;
}

static inline const char *add_evidence(struct world *w, const char *digest, const char *findings)
{
    return add_raw_result(
            w, mu_arena_printf(w->arena, RAW_SCAN "\"ecosystem\":\"Debian:12\",\"findings\":%s}",
                               digest, findings));
}

struct scan {
    const char *digest, *uai, *config, *platform, *evidence, *request_id;
    int outcome; /* default: complete, with evidence made for it */
    const char *failure;
    bool final;
    int64_t at;
    const struct mu_scan_child *children;
    size_t child_count;
};

static inline void add_scan(struct world *w, const char *id, struct scan scan)
{
    const char *uais[] = {scan.uai};
    int outcome = scan.outcome ? scan.outcome : MU_SCAN_COMPLETE;
    struct mu_scan_result result = {
            .request_id = scan.request_id ? scan.request_id : "r",
            .job_id = "j",
            .attempt = 1,
            .repository = REPO,
            .digest = scan.digest,
            .outcome = outcome,
            .has_failure = outcome == MU_SCAN_FAILED,
            .failure = {scan.failure, "why", !scan.final},
            .uais = {uais, scan.uai ? 1 : 0},
            .scanner_name = "muster-scanner",
            .scanner_version = "1",
            .database_built_at_us = MU_TIME_NONE,
            .configuration_checksum = digest_of('c'),
            .started_at_us = scan.at,
            .finished_at_us = scan.at,
            .config_digest = scan.config,
            .platform = scan.platform,
            .children = {(void *)(uintptr_t)scan.children, scan.child_count}};

    result.evidence_digest = scan.evidence;
    if (outcome == MU_SCAN_COMPLETE && !scan.evidence)
        result.evidence_digest = add_evidence(w, scan.digest, "[]");
    add_message(w, MU_TOPIC_SCAN_RESULTS, MU_MSG_SCAN_RESULT, id, &result);
}

static inline void world_apply(struct world *w)
{
    struct mu_error err;

    if (batch_apply(w->applier, w->pg, w->events, w->count, &err) != MU_OK)
        fail_msg("%s", err.message);
    w->count = 0;
}

/* State of the only running container of the pod; "" when it does not run. */
static inline void assert_state(struct world *w, const char *pod, int64_t at, const char *expected)
{
    char as_of[MU_TIME_TEXT_SIZE], sql[512];

    mu_time_format(at, as_of);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT c.state FROM coverage_containers('%s', 'infinity') c JOIN instances i "
                   "USING (instance_id) WHERE i.pod_uid = '%s'",
                   as_of, pod);
    assert_sql(w, sql, expected);
}

/* UAI of the only running container of the pod. */
static inline void assert_uai(struct world *w, const char *pod, int64_t at, const char *expected)
{
    char as_of[MU_TIME_TEXT_SIZE], sql[512];

    mu_time_format(at, as_of);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT string_agg(DISTINCT uai, ' ') FROM coverage_images('%s', 'infinity') "
                   "WHERE pod_uid = '%s'",
                   as_of, pod);
    assert_sql(w, sql, expected);
}

#endif
