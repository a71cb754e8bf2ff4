/* Filled logs become months: row for row, while others read and write. */
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>

/* The place of a migration, whatever number it has. */
static size_t place_of(const char *name)
{
    size_t i = 0;

    while (i < inventory_migration_count && !strstr(inventory_migrations[i].name, name))
        i++;
    assert_true(i < inventory_migration_count);
    return i;
}

static void migrate(const char *conninfo, size_t count)
{
    struct mu_error err;
    int applied = 0;

    if (mu_pg_migrate(conninfo, inventory_migrations, count, &applied, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static char database[32], conninfo[PG_SERVER_CONNINFO_SIZE];

static void old_database(void)
{
    pg_server_database(&world_server, conninfo);
    (void)snprintf(database, sizeof(database), "test_%u", world_server.database_count);
    migrate(conninfo, place_of("_log_bounds"));
}

static char *sql(const char *text)
{
    return pg_server_sql(&world_server, database, text);
}

static void assert_says(const char *text, const char *expected)
{
    char *found = sql(text);

    assert_string_equal(found ? found : "", expected);
    free(found);
}

/* Rows of a year, and of clocks that were wrong. */
static void fill(void)
{
    free(sql(
            "INSERT INTO audit_log SELECT md5('a' || n)::uuid, now() - n * interval '1 h', 'ann', "
            "'token', 'viewer', 'GET', '/v1/assets', '{}', 200 FROM generate_series(1, 9000) n; "
            "INSERT INTO audit_log SELECT md5('b' || n)::uuid, t, 'ann', 'token', 'viewer', 'GET', "
            "'/', '{}', 200 FROM unnest(ARRAY['1990-01-01Z', '2150-01-01Z']::timestamptz[]) WITH "
            "ORDINALITY u (t, n)"));
    free(sql("INSERT INTO gate_instances VALUES ('g', 9003); INSERT INTO gate_decisions (instance, "
             "sequence, decided_at, source, repository, digest, allowed, would_deny, verdict, "
             "reason, cache_generation, lost_before, chain, known_at) SELECT 'g', n, CASE n WHEN "
             "9001 THEN '1990-01-01Z' WHEN 9002 THEN '2150-01-01Z' ELSE now() - n * interval '1 h' "
             "END, 'api', 'r', 'd', true, false, 'none', 'r', 1, 0, 'c', now() FROM "
             "generate_series(1, 9002) n"));
    free(sql("INSERT INTO policy_decisions (decided_at, asked_by, image, verdict, reason, policy, "
             "facts, known_at) SELECT now() - n * interval '1 h', 'ann', 'a:1', 'approved', 'r', "
             "'p', '{\"n\":1}', now() FROM generate_series(1, 900) n"));
    free(sql("INSERT INTO notifications SELECT md5('n' || n)::uuid, 'tag_moved', 'warning', 'a:1', "
             "'why', now(), now() - n * interval '1 h' FROM generate_series(1, 900) n; INSERT INTO "
             "webhook_deliveries (delivery_id, target, notification_id, state, next_try_at, "
             "created_at) SELECT md5('t ' || notification_id)::uuid, 't', notification_id, "
             "'pending', now(), known_at FROM notifications"));
}

/* Of every row; free it. */
static char *fingerprint(void)
{
    return sql("SELECT string_agg(s.sum, ' ') FROM (VALUES ('audit_log'), ('gate_decisions'), "
               "('policy_decisions'), ('notifications'), ('webhook_deliveries')) t (name), "
               "LATERAL (SELECT (xpath('/row/x/text()', query_to_xml('SELECT count(*) || md5("
               "string_agg(r, '','' ORDER BY r)) AS x FROM (SELECT (to_jsonb(t) - "
               "''written_at'')::text AS r FROM ' || t.name || ' t) s', true, true, '')))[1]::text "
               "AS sum) s");
}

static char *oids(void)
{
    return sql("SELECT concat_ws(' ', (SELECT min(tableoid) FROM audit_log WHERE at < now() AND at "
               "> '2000-01-01Z'), (SELECT min(tableoid) FROM gate_decisions WHERE sequence = 1), "
               "(SELECT min(tableoid) FROM policy_decisions), (SELECT min(tableoid) FROM "
               "notifications), (SELECT min(tableoid) FROM webhook_deliveries))");
}

static void a_filled_log_is_the_first_month_as_it_lies(void **state)
{
    char *rows, *places, *found;

    (void)state;
    old_database();
    fill();
    rows = fingerprint();
    places = oids();
    migrate(conninfo, inventory_migration_count);
    found = fingerprint();
    assert_string_equal(found, rows);
    free(found);
    found = oids();
    assert_string_equal(found, places);
    free(found), free(rows), free(places);
    assert_says("SELECT string_agg(tableoid::regclass::text, ' ' ORDER BY at) FROM audit_log WHERE "
                "path = '/'",
                "audit_log_before audit_log_default");
    assert_says("SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT "
                "indisvalid",
                "");
    assert_says("SELECT string_agg(relname, ' ') FROM pg_class WHERE relname LIKE '%\\_ahead'", "");
}

static void what_was_written_before_is_not_written_again(void **state)
{
    (void)state;
    old_database();
    fill();
    migrate(conninfo, inventory_migration_count);
    free(sql(
            "INSERT INTO audit_log (record_id, at, principal, authentication, roles, method, path, "
            "parameters, status) SELECT record_id, at, principal, authentication, roles, method, "
            "path, parameters, status FROM audit_log ON CONFLICT DO NOTHING"));
    assert_says("SELECT count(*) FROM audit_log", "9002");
    free(sql(
            "UPDATE gate_instances SET next_sequence = 1; SELECT gate_ship(now(), 'g', "
            "array_agg(sequence), array_agg(chain), array_agg(jsonb_build_object('at', decided_at, "
            "'source', 'api', 'allowed', true, 'would_deny', false, 'verdict', 'none', 'reason', "
            "'r', 'generation', 1, 'lost_before', 0)::text)) FROM gate_decisions"));
    assert_says("SELECT count(*) || ' ' || max(sequence) FROM gate_decisions", "9002 9002");
}

/* Empty ones leave nothing behind. */
static void an_empty_log_has_months_alone(void **state)
{
    (void)state;
    old_database();
    migrate(conninfo, inventory_migration_count);
    assert_says("SELECT string_agg(relname, ' ') FROM pg_class WHERE relname ~ "
                "'^(audit|gate|policy|notif|webhook).*_before$'",
                "");
}

/* What the operator granted holds on. */
static void rights_are_as_they_were(void **state)
{
    (void)state;
    old_database();
    free(sql("CREATE ROLE siem NOLOGIN; GRANT SELECT ON audit_log TO siem WITH GRANT OPTION; "
             "REVOKE ALL ON gate_decisions FROM muster_read"));
    migrate(conninfo, place_of("_log_retention")); /* that one grants anew */
    assert_says("SELECT has_table_privilege('siem', 'audit_log', 'SELECT WITH GRANT OPTION')", "t");
    assert_says("SELECT has_table_privilege('siem', 'audit_log', 'INSERT')", "f");
    assert_says("SELECT has_table_privilege('muster_read', 'gate_decisions', 'SELECT')", "f");
    assert_says("SELECT has_table_privilege('muster_inventory', 'notifications', 'DELETE')", "f");
    free(sql("REVOKE ALL ON audit_log FROM siem; DROP ROLE siem"));
}

/* ---- while others work ---- */

enum { PATIENCE_MS = 300, LONGEST_MS = 2500 };

struct others {
    PGconn *reader; /* has looked into the log, and its transaction is open */
    atomic_bool done;
    uint64_t longest_ms;
    int written, waited;
    bool failed;
};

/* Writes until the migration is done, now and then by a wrong clock. The reader ends only when a
 * write has waited behind the migration's lock and went on: so it was the migration that gave way.
 */
static void *write_meanwhile(void *opaque)
{
    struct others *others = opaque;
    PGconn *connection = PQconnectdb(conninfo);

    PQclear(PQprepare(connection, "write",
                      "INSERT INTO audit_log (record_id, at, principal, authentication, roles, "
                      "method, path, parameters, status) VALUES (md5($1)::uuid, "
                      "$2::text::timestamptz, 'bob', 'token', 'viewer', 'GET', '/', '{}', 200) ON "
                      "CONFLICT DO NOTHING",
                      0, NULL));
    while (!atomic_load(&others->done) && !others->failed) {
        uint64_t start_ms = mu_monotonic_ms(), took_ms;
        char number[16];
        const char *const values[] = {number, others->written % 7 ? "now" : "2150-01-01Z"};
        PGresult *result;

        (void)snprintf(number, sizeof(number), "w%d", others->written);
        result = PQexecPrepared(connection, "write", 2, values, NULL, NULL, 0);
        others->failed = PQresultStatus(result) != PGRES_COMMAND_OK;
        if (others->failed)
            (void)fprintf(stderr, "%s\n", PQerrorMessage(connection));
        PQclear(result);
        took_ms = mu_monotonic_ms() - start_ms;
        others->longest_ms = took_ms > others->longest_ms ? took_ms : others->longest_ms;
        others->waited += took_ms > PATIENCE_MS;
        others->written++;
        if (others->waited == 2 && others->reader) {
            PQfinish(others->reader);
            others->reader = NULL;
        }
    }
    PQfinish(connection);
    return NULL;
}

static void who_reads_long_is_waited_for_and_who_writes_is_not_held_up(void **state)
{
    struct others others = {.written = 0};
    pthread_t writer;
    char text[64];

    (void)state;
    old_database();
    fill();
    others.reader = PQconnectdb(conninfo);
    PQclear(PQexec(others.reader, "BEGIN; SELECT count(*) FROM audit_log"));
    assert_int_equal(pthread_create(&writer, NULL, write_meanwhile, &others), 0);
    migrate(conninfo, inventory_migration_count);
    atomic_store(&others.done, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_false(others.failed);
    assert_null(others.reader);
    if (others.longest_ms > LONGEST_MS)
        fail_msg("a write took %llu ms", (unsigned long long)others.longest_ms);
    (void)snprintf(text, sizeof(text), "%d %d", others.written, (others.written + 6) / 7);
    assert_says("SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE at > '2100-01-01Z')) FROM "
                "audit_log WHERE principal = 'bob'",
                text);
    assert_says("SELECT count(*) FROM audit_log WHERE principal = 'ann'", "9002");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_filled_log_is_the_first_month_as_it_lies),
            cmocka_unit_test(what_was_written_before_is_not_written_again),
            cmocka_unit_test(an_empty_log_has_months_alone),
            cmocka_unit_test(rights_are_as_they_were),
            cmocka_unit_test(who_reads_long_is_waited_for_and_who_writes_is_not_held_up),
    };

    return pg_server_group(&world_server, tests);
}
