/* All facts anew from the ledger: the same rows, with the times at which they were learned. */
#include "world.h"

#include "ledger/rebuild.h"
#include "store/tables.h"

static struct world w;

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    free(world_sql(&w, "DELETE FROM ledger_rebuild"));
    world_close(&w);
    return 0;
}

/* Of every row of every derived table, known times included; free it. */
static char *fingerprint(void)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf sql;

    mu_buf_init(&sql, 64 * 1024);
    mu_buf_puts(&sql, "SELECT string_agg(r, E'\\n' ORDER BY r) FROM (SELECT '' AS r");
    for (size_t i = 0; i < inventory_table_count; i++)
        if (inventory_tables[i].derived)
            mu_buf_printf(&sql, " UNION ALL SELECT '%s ' || t::text FROM %s t",
                          inventory_tables[i].name, inventory_tables[i].name);
    mu_buf_puts(&sql, ") rows");
    return world_sql(&w, sql.data);
}

/* Three transactions with something for most tables, a duplicate and a quarantined message. */
static void live(void)
{
    struct mu_registry_event index = registry_event(MU_REGISTRY_PUSH, "2.0", digest_of('d'), T(1));
    const char *evidence =
            add_evidence(&w, digest_of('a'),
                         "[{\"id\":\"CVE-2026-1\",\"package\":\"p\",\"package_version\":\"1\"}]");

    index.digest_kind = MU_DIGEST_KIND_INDEX;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_registry(&w, "e2", &index);
    (void)add_raw(&w, MU_TOPIC_REGISTRY_EVENTS, "muster.registry-event.v1", "bad", "{");
    world_apply(&w);
    add_pod(&w, "e3", (struct pod){.uid = "p1", .digest = digest_of('a'), .at = T(2)});
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_scan(&w, "e4",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .evidence = evidence,
                           .at = T(3)});
    world_apply(&w);
    add_pod(&w, "e5",
            (struct pod){.uid = "p1", .digest = digest_of('a'), .removed = true, .at = T(4)});
    add_delete(&w, "e6", NULL, digest_of('a'), T(5));
    world_apply(&w);
}

static enum mu_status rebuild_all(struct mu_error *err)
{
    MU_AUTO(rebuild) struct rebuild *rebuild = rebuild_new(w.evidence);
    enum mu_status st = rebuild_begin(rebuild, w.pg, true, err);

    while (st == MU_OK)
        st = rebuild_step(rebuild, w.pg, err);
    return st == MU_END ? MU_OK : st;
}

static void rebuilds(void)
{
    struct mu_error err;

    if (rebuild_all(&err) != MU_OK)
        fail_msg("%s", err.message);
}

static void a_step_is_so_many_events(void **state)
{
    MU_AUTO(rebuild) struct rebuild *rebuild = rebuild_new(w.evidence);
    struct mu_error err;

    (void)state;
    live();
    free(world_sql(&w, "UPDATE ledger_payloads SET events = 4000"));
    assert_int_equal(rebuild_begin(rebuild, w.pg, true, &err), MU_OK);
    assert_int_equal(rebuild_step(rebuild, w.pg, &err), MU_OK);
    assert_sql(&w,
               "SELECT count(*) FILTER (WHERE p.known_at <= r.done_to) || ' of ' || count(*) "
               "FROM ledger_payloads p, ledger_rebuild r",
               "2 of 3");
    assert_int_equal(rebuild_step(rebuild, w.pg, &err), MU_OK);
    assert_int_equal(rebuild_step(rebuild, w.pg, &err), MU_END);
}

static void the_tables_are_the_same_row_for_row(void **state)
{
    char *before, *after, *dump_before, *dump_after;

    (void)state;
    live();
    before = fingerprint();
    dump_before = world_dump(&w);
    assert_non_null(strstr(before, "CVE-2026-1"));
    free(world_sql(&w, "UPDATE repositories SET repository = 'damaged'; DELETE FROM run_facts"));
    rebuilds();
    after = fingerprint();
    dump_after = world_dump(&w);
    assert_string_equal(before, after);
    assert_string_equal(dump_before, dump_after);
    assert_sql(&w, "SELECT count(*) FROM ledger_rebuild", "0");
    free(before), free(after), free(dump_before), free(dump_after);
}

static void what_was_decided_and_done_is_left_alone(void **state)
{
    (void)state;
    live();
    free(world_sql(&w, "INSERT INTO exclusions VALUES (gen_random_uuid(), 'x', now(), NULL, 'why', "
                       "'who', now()); UPDATE scan_jobs SET attempts = 7"));
    rebuilds();
    assert_sql(&w, "SELECT count(*) FROM exclusions", "1");
    assert_sql(&w, "SELECT count(DISTINCT attempts) || ' ' || max(attempts) FROM scan_jobs", "1 7");
    assert_sql(&w, "SELECT count(*) FROM outbox", "1");
    assert_sql(&w, "SELECT count(*) FROM ledger", "7");
}

/* What was wrong then and is right now stays as it was judged: the same tables. */
static void evidence_that_came_too_late_stays_missing(void **state)
{
    const char *missing = digest_of('e');
    char *before, *after;

    (void)state;
    add_scan(
            &w, "e1",
            (struct scan){
                    .digest = digest_of('a'), .uai = REPO ":1.0", .evidence = missing, .at = T(1)});
    world_apply(&w);
    assert_sql(&w, "SELECT outcome || ' ' || failure_code FROM scans", "failed evidence_missing");
    before = fingerprint();
    rebuilds();
    after = fingerprint();
    assert_string_equal(before, after);
    free(before), free(after);
}

static void evidence_that_is_gone_stops_the_rebuild_by_name_and_it_goes_on_later(void **state)
{
    const char *evidence = add_evidence(&w, digest_of('a'), "[]");
    char path[256], hidden[264];
    char *before, *after;
    struct mu_error err;

    (void)state;
    add_scan(&w, "e1",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .evidence = evidence,
                           .at = T(1)});
    world_apply(&w);
    before = fingerprint();
    (void)snprintf(path, sizeof(path), "%s/sha256/%.2s/%s", w.folder, evidence + 7, evidence + 7);
    (void)snprintf(hidden, sizeof(hidden), "%s.hidden", path);
    assert_int_equal(rename(path, hidden), 0);
    assert_int_equal(rebuild_all(&err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, evidence));
    assert_int_equal(rename(hidden, path), 0);
    world_connect(&w);
    rebuilds();
    after = fingerprint();
    assert_string_equal(before, after);
    free(before), free(after);
}

/* Nobody learns in between, and the next program goes on where the first was cut off. */
static void a_rebuild_cut_off_is_gone_on_with_and_events_wait_meanwhile(void **state)
{
    struct rebuild *first = rebuild_new(w.evidence);
    char *before, *after;
    struct mu_error err;

    (void)state;
    live();
    before = fingerprint();
    assert_int_equal(rebuild_begin(first, w.pg, true, &err), MU_OK);
    free(world_sql(&w, "UPDATE ledger_rebuild SET known_to = (SELECT min(known_at) FROM "
                       "ledger_payloads)"));
    rebuild_free(first);
    world_connect(&w);
    first = rebuild_new(w.evidence);
    assert_int_equal(rebuild_begin(first, w.pg, true, &err), MU_OK);
    assert_int_equal(rebuild_step(first, w.pg, &err), MU_OK);
    rebuild_free(first);
    free(world_sql(&w, "UPDATE ledger_rebuild SET known_to = (SELECT known_at FROM ledger_clock)"));
    assert_sql(&w, "SELECT events FROM ledger_rebuild", "3");
    assert_sql(&w, "SELECT count(*) FROM pod_facts", "0");
    world_connect(&w);
    add_push(&w, "late", "3.0", digest_of('f'), T(9));
    assert_int_equal(batch_apply(w.applier, w.pg, w.events, w.count, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "being rebuilt"));
    rebuilds();
    after = fingerprint();
    assert_string_equal(before, after);
    world_apply(&w);
    assert_sql(&w, "SELECT count(*) FROM assets WHERE tag = '3.0'", "1");
    free(before), free(after);
}

static void one_rebuild_at_a_time(void **state)
{
    MU_AUTO(rebuild) struct rebuild *first = rebuild_new(w.evidence);
    MU_AUTO(rebuild) struct rebuild *second = rebuild_new(w.evidence);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;

    (void)state;
    live();
    assert_int_equal(rebuild_begin(first, w.pg, true, &err), MU_OK);
    assert_int_equal(inventory_pg_open(w.conninfo, "test", &pg, &err), MU_OK);
    assert_int_equal(rebuild_begin(second, pg, true, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "another rebuild"));
    world_connect(&w);
}

static void processes_at_work_are_told_of_unless_the_lock_is_taken(void **state)
{
    MU_AUTO(rebuild) struct rebuild *rebuild = rebuild_new(w.evidence);
    MU_AUTO(pg) struct mu_pg *writer = NULL;
    char *before, *after;
    struct mu_error err;

    (void)state;
    live();
    before = fingerprint();
    assert_int_equal(inventory_pg_open(w.conninfo, "muster-inventory apply", &writer, &err), MU_OK);
    assert_int_equal(rebuild_begin(rebuild, w.pg, false, &err), MU_E_CONFLICT);
    assert_non_null(strstr(err.message, "1 processes apply events"));
    assert_sql(&w, "SELECT count(*) FROM ledger_rebuild", "0");
    world_connect(&w);
    rebuilds();
    after = fingerprint();
    assert_string_equal(before, after);
    free(before), free(after);
}

/* What `run` keeps of runs and images, brought to the clock; free it. */
static char *kept(void)
{
    free(world_sql(&w, "SELECT derive_runs(); SELECT derive_images()"));
    return world_sql(&w, "SELECT (SELECT string_agg(s::text, ' ' ORDER BY s::text) FROM (SELECT "
                         "instance_id, run_key, started_at, ended_at, known_from, known_until FROM "
                         "run_spans) s) || (SELECT count(*) FROM image_targets) || ' ' || (SELECT "
                         "count(*) FROM cover_scans)");
}

/* Another process derives while facts are missing that the clock says were learned. */
static void what_follows_from_facts_is_made_of_all_of_them(void **state)
{
    MU_AUTO(rebuild) struct rebuild *rebuild = rebuild_new(w.evidence);
    char *before, *after;
    struct mu_error err;
    enum mu_status st;

    (void)state;
    live();
    before = kept();
    assert_non_null(before);
    assert_int_equal(rebuild_begin(rebuild, w.pg, true, &err), MU_OK);
    do {
        free(kept());
        st = rebuild_step(rebuild, w.pg, &err);
    } while (st == MU_OK);
    assert_int_equal(st, MU_END);
    after = kept();
    assert_string_equal(after ? after : "", before);
    free(before), free(after);
}

/* Payloads that retention took: what was known before is left, what came after is made anew. */
static void what_is_older_than_the_payloads_is_kept(void **state)
{
    char *before, *after;

    (void)state;
    live();
    before = fingerprint();
    free(world_sql(&w, "DELETE FROM ledger_payloads WHERE known_at = (SELECT min(known_at) FROM "
                       "ledger_payloads)"));
    rebuilds();
    after = fingerprint();
    assert_string_equal(before, after);
    free(before), free(after);
}

static void a_damaged_payload_is_refused(void **state)
{
    struct mu_error err;

    (void)state;
    live();
    free(world_sql(&w, "UPDATE ledger_payloads SET payload = substr(payload, 1, 20)"));
    assert_int_equal(rebuild_all(&err), MU_E_INVALID);
    assert_non_null(strstr(err.message, "payload block"));
}

static void every_table_says_whether_it_is_rebuilt(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf sql;

    (void)state;
    mu_buf_init(&sql, 64 * 1024);
    mu_buf_puts(&sql,
                "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind IN ('r', 'p') AND "
                "NOT relispartition AND relnamespace = 'public'::regnamespace AND relname <> "
                "ALL (ARRAY[");
    for (size_t i = 0; i < inventory_table_count; i++)
        mu_buf_printf(&sql, "%s'%s'", i ? "," : "", inventory_tables[i].name);
    mu_buf_puts(&sql, "])");
    assert_sql(&w, sql.data, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_step_is_so_many_events),
            TEST(the_tables_are_the_same_row_for_row),
            TEST(what_was_decided_and_done_is_left_alone),
            TEST(evidence_that_came_too_late_stays_missing),
            TEST(evidence_that_is_gone_stops_the_rebuild_by_name_and_it_goes_on_later),
            TEST(a_rebuild_cut_off_is_gone_on_with_and_events_wait_meanwhile),
            TEST(one_rebuild_at_a_time),
            TEST(processes_at_work_are_told_of_unless_the_lock_is_taken),
            TEST(what_follows_from_facts_is_made_of_all_of_them),
            TEST(what_is_older_than_the_payloads_is_kept),
            TEST(a_damaged_payload_is_refused),
            TEST(every_table_says_whether_it_is_rebuilt),
    };

    return pg_server_group(&world_server, tests);
}
