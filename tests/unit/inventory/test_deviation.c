/* The commands of people: what they store, refuse, list, and carry from one database to another. */
#include "world.h"

#include "deviation/statement_command.h"
#include "deviation/statement_store.h"
#include "explain/explain_command.h"

#include <sys/resource.h>

static struct world w;
static char path[96];

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    (void)snprintf(path, sizeof(path), "%s/file", w.folder);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static char *run_command_of(int (*command)(void *, int, char **), struct statement_config config,
                            const char *verb, char *file, int expected)
{
    char *argv[] = {(char *)(uintptr_t)verb, file, NULL};
    int code = -1;
    char *text;

    config.where.postgres = w.conninfo;
    text = captured(command, &config, file ? 2 : 1, argv, &code);
    assert_int_equal(code, expected);
    return text;
}

#define RUN(command, verb, code, ...) \
    free(run_command_of(command, (struct statement_config){__VA_ARGS__}, verb, NULL, code))

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define END "2027-11-01T00:00:00Z"

static void request(const char *name, const char *kind)
{
    RUN(deviation_command, "add", 0, .name = name, .kind = kind, .cve = "CVE-2026-1", .asset = "*",
        .by = "ann", .rationale = "not reachable", .at = "2026-11-01T00:00:00Z");
}

#define STATES                                                                    \
    "SELECT string_agg(deviation || ' ' || state, ', ' ORDER BY deviation) FROM " \
    "deviations_known('2027-01-01', 'infinity')"

static void a_request_is_approved_by_somebody_else(void **state)
{
    (void)state;
    request("D1", "accepted");
    assert_sql(&w, STATES, "D1 pending");
    RUN(deviation_command, "approve", 1, .name = "D1", .by = "ann", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z");
    RUN(deviation_command, "approve", 2, .name = "D1", .by = "bob", .role = "AO");
    assert_sql(&w, STATES, "D1 pending");
    RUN(deviation_command, "approve", 0, .name = "D1", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z", .expires = END);
    assert_sql(&w, STATES, "D1 approved");
}

/* The request or the approval says until when; other deviations need no end. */
static void a_vulnerability_is_accepted_until_a_time(void **state)
{
    (void)state;
    request("D1", "accepted");
    RUN(deviation_command, "approve", 1, .name = "D1", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z");
    RUN(deviation_command, "approve", 1, .name = "D1", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z", .expires = "2026-11-02T00:00:00Z");
    assert_sql(&w, STATES, "D1 pending");
    assert_sql(&w,
               "SELECT record_deviation(ledger_tick(), jsonb_populate_record(NULL::deviation_facts,"
               " '{\"deviation\":\"D1\",\"record\":\"approve\",\"at\":\"2026-11-02\",\"by\":"
               "\"bob\"}'))",
               "expires_at: a vulnerability is accepted until a time; say until when");
    RUN(deviation_command, "add", 0, .name = "D2", .kind = "accepted", .cve = "CVE-2026-1",
        .asset = "*", .by = "ann", .rationale = "not reachable", .at = "2026-11-01T00:00:00Z",
        .expires = END);
    RUN(deviation_command, "approve", 0, .name = "D2", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z");
    request("D3", "false_positive");
    RUN(deviation_command, "approve", 0, .name = "D3", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-02T00:00:00Z");
    assert_sql(&w, STATES, "D1 pending, D2 approved, D3 approved");
}

static void a_withdrawal_is_a_fact_and_final(void **state)
{
    (void)state;
    request("D1", "accepted");
    RUN(deviation_command, "withdraw", 0, .name = "D1", .by = "ann", .at = "2026-11-03T00:00:00Z");
    RUN(deviation_command, "approve", 1, .name = "D1", .by = "bob", .role = "AO",
        .evidence = "mail", .at = "2026-11-04T00:00:00Z");
    assert_sql(&w, STATES, "D1 withdrawn");
    assert_sql(&w, "SELECT count(*) FROM deviation_facts", "2");
    assert_sql(&w, "SELECT state FROM deviations_known('2026-11-02', 'infinity')", "pending");
}

static void what_nobody_requested_cannot_be_decided(void **state)
{
    (void)state;
    RUN(deviation_command, "reject", 1, .name = "D9", .by = "bob");
    request("D1", "accepted");
    RUN(deviation_command, "check-in", 1, .name = "D1", .by = "bob", .evidence = "call");
    RUN(deviation_command, "reject", 1, .name = "D1", .by = "bob", .at = "2026-10-01T00:00:00Z");
    RUN(deviation_command, "add", 1, .name = "D1", .kind = "false_positive", .cve = "CVE-2026-1",
        .asset = "*", .by = "ann", .rationale = "another");
    assert_sql(&w, STATES, "D1 pending");
}

static void the_same_record_again_changes_nothing(void **state)
{
    (void)state;
    request("D1", "accepted");
    request("D1", "accepted");
    assert_sql(&w, "SELECT count(*) FROM deviation_facts", "1");
}

static void a_file_goes_in_whole_or_not_at_all(void **state)
{
    (void)state;
    write_file("deviation,record,at,by,kind,vulnerability,asset,rationale\n"
               "D1,request,2026-11-01T00:00:00Z,ann,accepted,CVE-2026-1,*,why\n"
               "D1,reject,2026-10-01T00:00:00Z,bob,,,,\n");
    free(run_command_of(deviation_command, (struct statement_config){0}, "import", path, 1));
    assert_sql(&w, "SELECT count(*) FROM deviation_facts", "0");
    write_file("deviation,record,at,by,kind,vulnerability,asset,rationale\n"
               "D1,request,2026-11-01T00:00:00Z,ann,acepted,CVE-2026-1,*,why\n");
    free(run_command_of(deviation_command, (struct statement_config){0}, "import", path, 2));
}

/* ---- more than a batch ---- */

#define MANY_HEAD "deviation,record,at,by,role,kind,vulnerability,asset,rationale,evidence\n"
#define MANY_REQUEST(name) \
    name ",request,2026-11-01T00:00:00Z,ann,,false_positive,CVE-2026-1,*,why,\n"
#define MANY_APPROVE(name) name ",approve,2026-11-02T00:00:00Z,bob,AO,,,,,mail\n"

/* Stores the file; `ret_wrong` counts from the line behind the head. */
static enum mu_status store(const struct mu_buf *file, size_t *ret_wrong, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(RECORD_ARENA_MAX_BYTES);
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct record_set set = {0};

    assert_int_equal(record_file_parse(&statement_records[STATEMENT_DEVIATION], file->data,
                                       file->len, arena, &set, err),
                     MU_OK);
    assert_int_equal(statement_store_open(w.conninfo, &pg, err), MU_OK);
    return statement_store_add(pg, STATEMENT_DEVIATION, &set, ret_wrong, err);
}

/* A request, then `pairs` of a request and its approval, each behind the other; approval `wrong`
 * and one later are of nothing. */
static void write_pairs(struct mu_buf *file, int pairs, int wrong)
{
    mu_buf_init(file, RECORD_FILE_MAX_BYTES);
    mu_buf_puts(file, MANY_HEAD MANY_REQUEST("first"));
    for (int i = 0; i < pairs; i++) {
        mu_buf_printf(file, MANY_REQUEST("D%d"), i);
        mu_buf_printf(file,
                      i == wrong || (wrong >= 0 && i == wrong + 200) ? MANY_APPROVE("X%d")
                                                                     : MANY_APPROVE("D%d"),
                      i);
    }
}

static void records_of_a_file_may_build_on_those_before(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct mu_error err;
    size_t wrong = 0;

    (void)state;
    write_pairs(&file, 1250, -1);
    if (store(&file, &wrong, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_sql(&w,
               "SELECT string_agg(state || ' ' || n, ', ') FROM (SELECT state, count(*) AS n FROM "
               "deviations_known('2027-01-01', 'infinity') GROUP BY state ORDER BY state) s",
               "approved 1250, pending 1");
    assert_sql(&w, "SELECT count(DISTINCT known_at) FROM deviation_facts", "1");
    assert_int_equal(store(&file, &wrong, &err), MU_OK); /* twice is once */
    assert_sql(&w, "SELECT count(*) FROM deviation_facts", "2501");
}

static void a_record_cannot_build_on_one_behind_it(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct mu_error err;
    size_t wrong = 0;

    (void)state;
    mu_buf_init(&file, RECORD_FILE_MAX_BYTES);
    mu_buf_puts(&file, MANY_HEAD MANY_REQUEST("D1") MANY_APPROVE("D2") MANY_REQUEST("D2"));
    assert_int_equal(store(&file, &wrong, &err), MU_E_CONFLICT);
    assert_int_equal(wrong, 1);
    assert_sql(&w, "SELECT count(*) FROM deviation_facts", "0");
}

static void the_first_wrong_record_of_many_is_named_and_nothing_is_kept(void **state)
{
    static const int pairs[] = {0, 499, 700, 1049}; /* of the first batch, its end, the others */

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
        struct mu_error err;
        size_t wrong = 0;

        write_pairs(&file, 1250, pairs[i]);
        assert_int_equal(store(&file, &wrong, &err), MU_E_CONFLICT);
        assert_int_equal(wrong, 2 * pairs[i] + 2);
        assert_string_equal(err.message, "deviation: nobody has requested it");
        assert_sql(&w, "SELECT count(*) FROM deviation_facts", "0");
    }
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* What a process has held at most stays; an allocator that keeps what is freed tells nothing. */
static long export_kib;
static int measured_exposure(void *config, int argc, char **argv)
{
    struct rusage before, after;
    int code;

    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    code = exposure_command(config, argc, argv);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    export_kib = after.ru_maxrss - before.ru_maxrss;
    return code;
}

static void an_export_is_as_long_as_there_are_records(void **state)
{
    static const char *const formats[] = {"csv", "json"};

    (void)state;
    free(world_sql(&w, "INSERT INTO exposure_facts (fact_id, asset, public, at, by, rationale, "
                       "known_at) SELECT gen_random_uuid(), 'a' || n, 'no', '2026-11-01', 'ann', "
                       "repeat('why ', 100), now() FROM generate_series(1, 100001) n"));
    for (int i = 0; i < 2; i++) {
        char *text =
                run_command_of(measured_exposure, (struct statement_config){.format = formats[i]},
                               "export", NULL, 0);

        assert_int_equal(lines_of(text), i ? 100003 : 100002);
        assert_non_null(strstr(text, "a100001"));
        free(text);
#ifndef __SANITIZE_ADDRESS__
        assert_in_range(export_kib, 0, 8 * 1024); /* of 44 MB */
#endif
    }
}

static void an_export_gives_the_same_in_another_database(void **state)
{
    static const char *const formats[] = {"csv", "json"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *first, *second;

        world_empty(&w);
        request("D2", "accepted");
        request("D1", "risk_adjustment");
        RUN(deviation_command, "approve", 0, .name = "D2", .by = "bob", .role = "AO",
            .evidence = "a \"quoted\", thing", .at = "2026-11-02T00:00:00Z",
            .expires = "2027-01-01T00:00:00+01:00");
        first = run_command_of(deviation_command, (struct statement_config){.format = formats[i]},
                               "export", NULL, 0);
        world_empty(&w);
        write_file(first);
        free(run_command_of(deviation_command, (struct statement_config){0}, "import", path, 0));
        second = run_command_of(deviation_command, (struct statement_config){.format = formats[i]},
                                "export", NULL, 0);
        assert_string_equal(first, second);
        assert_non_null(strstr(first, "2026-12-31T23:00:00"));
        free(first);
        free(second);
    }
}

/* ---- the others ---- */

static void hardening_shows_withdrawal_expiry_and_drift(void **state)
{
    (void)state;
    add_push(&w, "p1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    RUN(hardening_command, "add", 0, .asset = REPO ":1.0", .baseline = "CIS Docker 1.6.0",
        .by = "assessor", .evidence = "report 7", .digest = digest_of('a'), .drift = "none",
        .at = "2026-11-02T00:00:00Z", .expires = "2026-12-01T00:00:00Z");
#define HARDENING(at) "SELECT state FROM hardening_known('" at "', 'infinity')"
    assert_sql(&w, HARDENING("2026-11-01"), "");
    assert_sql(&w, HARDENING("2026-11-03"), "valid");
    add_push(&w, "p2", "1.0", digest_of('b'), T(DAYS(5)));
    world_apply(&w);
    assert_sql(&w, HARDENING("2026-11-07"), "image_changed");
    assert_sql(&w, HARDENING("2026-12-02"), "expired");
    RUN(hardening_command, "withdraw", 0, .asset = REPO ":1.0", .baseline = "CIS Docker 1.6.0",
        .by = "assessor", .at = "2026-11-20T00:00:00Z");
    assert_sql(&w, HARDENING("2026-11-21"), "withdrawn");
    RUN(hardening_command, "withdraw", 1, .asset = "other", .baseline = "CIS", .by = "assessor");
}

/* Mistyped it would reach nothing, and nobody would be told. */
static void a_baseline_is_of_what_is_known(void **state)
{
    (void)state;
    add_push(&w, "p1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    RUN(hardening_command, "add", 1, .asset = REPO ":l.0", .baseline = "CIS", .by = "assessor",
        .evidence = "report 7");
    RUN(hardening_command, "add", 1, .asset = REPO, .baseline = "CIS", .by = "assessor",
        .evidence = "report 7", .digest = digest_of('a'));
    assert_sql(&w, "SELECT count(*) FROM hardening_facts", "0");
    RUN(hardening_command, "add", 0, .asset = REPO, .baseline = "CIS", .by = "assessor",
        .evidence = "report 7");
    RUN(hardening_command, "add", 0, .asset = "*", .baseline = "CIS", .by = "assessor",
        .evidence = "report 7");
}

static void the_narrowest_word_on_exposure_counts(void **state)
{
    (void)state;
    RUN(exposure_command, "add", 0, .asset = "*", .is_public = "no", .by = "ann",
        .at = "2026-11-01T00:00:00Z");
    RUN(exposure_command, "add", 0, .asset = REPO ":1.0", .is_public = "yes", .by = "ann",
        .at = "2026-11-02T00:00:00Z");
    RUN(exposure_command, "add", 0, .asset = REPO, .is_public = "no", .by = "ann",
        .at = "2026-11-03T00:00:00Z");
    assert_sql(&w,
               "SELECT public || ' ' || since FROM asset_exposure('" REPO ":1.0', '" REPO
               "', '2026-11-09', 'infinity')",
               "true 2026-11-02 00:00:00+00");
    assert_sql(&w,
               "SELECT public FROM asset_exposure('" REPO ":2', '" REPO
               "', '2026-11-09', 'infinity')",
               "f");
    RUN(exposure_command, "add", 2, .asset = "*", .is_public = "perhaps", .by = "ann");
}

#define EXCLUDED(at, known) "SELECT state FROM coverage_containers('" at "', '" known "')"
#define TOTAL(at, known) \
    "SELECT containers FROM coverage_totals('" at "', '" known "') WHERE state = 'excluded'"

static void an_exclusion_holds_until_its_end_or_its_withdrawal(void **state)
{
    char *known;

    (void)state;
    add_pod(&w, "e",
            (struct pod){.uid = "p",
                         .tag = "1.0",
                         .digest = digest_of('a'),
                         .started = T(0),
                         .at = T(0)});
    world_apply(&w);
    RUN(exclusion_command, "add", 2, .asset = REPO ":1.0", .by = "ann", .rationale = "drains",
        .at = "2026-11-02T00:00:00Z"); /* without an end */
    RUN(exclusion_command, "add", 1, .asset = REPO ":1.0", .by = "ann", .rationale = "drains",
        .at = "2026-11-02T00:00:00Z", .expires = "2026-11-02T00:00:00Z");
    RUN(exclusion_command, "add", 1, .asset = REPO ":l.0", .by = "ann", .rationale = "drains",
        .at = "2026-11-02T00:00:00Z", .expires = "2026-11-20T00:00:00Z"); /* mistyped */
    RUN(exclusion_command, "add", 0, .asset = REPO ":1.0", .by = "ann", .rationale = "drains",
        .at = "2026-11-02T00:00:00Z", .expires = "2026-11-20T00:00:00Z");
    assert_sql(&w, EXCLUDED("2026-11-01 12:00", "infinity"), "unresolved");
    assert_sql(&w, EXCLUDED("2026-11-02", "infinity"), "excluded");
    assert_sql(&w, TOTAL("2026-11-02", "infinity"), "1");
    assert_sql(&w, EXCLUDED("2026-11-20", "infinity"), "unresolved");
    RUN(exclusion_command, "add", 1, .asset = REPO ":1.0", .by = "bob", .rationale = "again",
        .at = "2026-11-19T00:00:00Z", .expires = "2026-11-30T00:00:00Z");
    RUN(exclusion_command, "withdraw", 1, .asset = REPO ":1.0", .by = "bob",
        .at = "2026-11-21T00:00:00Z");
    known = world_sql(&w, "SELECT known_at FROM ledger_clock");
    RUN(exclusion_command, "withdraw", 0, .asset = REPO ":1.0", .by = "bob", .rationale = "no",
        .at = "2026-11-10T00:00:00Z");
    assert_sql(&w, EXCLUDED("2026-11-09", "infinity"), "excluded");
    assert_sql(&w, EXCLUDED("2026-11-10", "infinity"), "unresolved");
    assert_sql(&w, TOTAL("2026-11-10", "infinity"), "0");
    assert_sql(&w, /* it was not known so before */
               mu_arena_printf(w.arena, EXCLUDED("2026-11-10", "%s"), known), "excluded");
    free(known);
    RUN(exclusion_command, "add", 0, .asset = REPO ":1.0", .by = "bob", .rationale = "again",
        .at = "2026-11-12T00:00:00Z", .expires = "2026-11-14T00:00:00Z");
    assert_sql(&w, EXCLUDED("2026-11-13", "infinity"), "excluded");
    assert_sql(&w,
               "SELECT string_agg(state || ' ' || COALESCE(withdrawn_by, '-'), ', ' ORDER BY "
               "at) FROM exclusions_stated('2026-11-13', 'infinity')",
               "withdrawn bob, holds -");
    assert_sql(&w,
               "SELECT string_agg(kind, ' ' ORDER BY at) FROM list_history('infinity', "
               "'infinity', '" REPO ":1.0') WHERE kind LIKE 'excl%'",
               "excluded exclusion_withdrawn excluded");
}

#define DETECTED(known)                                                                          \
    "SELECT string_agg(vulnerability || ' ' || to_char(first_detected_at, 'DD'), ', ' ORDER BY " \
    "vulnerability) FROM finding_history_known('registry.example/new', '" known "')"

static const char *evidence_of(char digit, const char *ids)
{
    return add_evidence(&w, digest_of(digit),
                        mu_arena_printf(w.arena,
                                        "[{\"id\":\"CVE-2026-1\",\"package\":\"p\","
                                        "\"package_version\":\"1\",\"severity\":\"high\"}%s]",
                                        ids));
}

/* What was found on the 2nd under the old name, and on the 11th under the new. */
static void move_a_repository(void)
{
    struct mu_registry_event push =
            registry_event(MU_REGISTRY_PUSH, "1.0", digest_of('b'), T(DAYS(10)));

    add_push(&w, "old", "1.0", digest_of('a'), T(0));
    add_scan(&w, "scan old",
             (struct scan){.digest = digest_of('a'),
                           .uai = REPO ":1.0",
                           .evidence = evidence_of('a', ""),
                           .at = T(DAYS(1))});
    push.repository = "registry.example/new";
    add_registry(&w, "new", &push);
    world_apply(&w);
    add_scan(&w, "scan new",
             (struct scan){.digest = digest_of('b'),
                           .uai = "registry.example/new:1.0",
                           .evidence = evidence_of('b', ",{\"id\":\"CVE-2026-2\",\"package\":\"p\","
                                                        "\"package_version\":\"1\",\"severity\":"
                                                        "\"high\"}"),
                           .at = T(DAYS(10) + 60)});
    world_apply(&w);
}

static void a_move_keeps_the_first_detection_and_is_told_by_both_names(void **state)
{
    char *known;

    (void)state;
    move_a_repository();
    assert_sql(&w, DETECTED("infinity"), "CVE-2026-1 11, CVE-2026-2 11");
    RUN(move_command, "add", 2, .repository = REPO, .moved_to = "registry.example/new",
        .by = "ann");
    RUN(move_command, "add", 1, .repository = REPO, .moved_to = "registry.example/nwe", .by = "ann",
        .rationale = "renamed");
    RUN(move_command, "add", 1, .repository = REPO, .moved_to = REPO, .by = "ann",
        .rationale = "renamed");
    known = world_sql(&w, "SELECT known_at FROM ledger_clock");
    RUN(move_command, "add", 0, .repository = REPO, .moved_to = "registry.example/new", .by = "ann",
        .rationale = "renamed", .at = "2026-11-10T00:00:00Z");
    assert_sql(&w, DETECTED("infinity"), "CVE-2026-1 02, CVE-2026-2 11");
    assert_sql(&w,
               "SELECT string_agg(concat_ws(' ', event, subject), ', ' ORDER BY at) FROM "
               "clock_events_known('registry.example/new:1.0', 'registry.example/new', "
               "'CVE-2026-1', '2026-11-30', 'infinity') WHERE clock = 'remediation'",
               "moved " REPO ", started CVE-2026-1");
    assert_sql(&w, mu_arena_printf(w.arena, DETECTED("%s"), known), "CVE-2026-1 11, CVE-2026-2 11");
    free(known);
    RUN(move_command, "add", 1, .repository = "registry.example/new", .moved_to = REPO, .by = "ann",
        .rationale = "back");
    for (int i = 0; i < 2; i++)
        assert_sql(&w,
                   mu_arena_printf(w.arena,
                                   "SELECT detail FROM list_history('infinity', 'infinity', "
                                   "'%s:1.0') WHERE kind = 'moved'",
                                   i ? REPO : "registry.example/new"),
                   "renamed (ann)");
    RUN(move_command, "withdraw", 0, .repository = REPO, .moved_to = "registry.example/new",
        .by = "bob");
    assert_sql(&w, DETECTED("infinity"), "CVE-2026-1 11, CVE-2026-2 11");
    RUN(move_command, "withdraw", 1, .repository = REPO, .moved_to = "registry.example/new",
        .by = "bob");
}

/* Mended before it moved, it is another one. */
static void what_was_mended_before_the_move_begins_anew(void **state)
{
    (void)state;
    move_a_repository();
    add_scan(&w, "mended",
             (struct scan){.digest = digest_of('a'), .uai = REPO ":1.0", .at = T(DAYS(5))});
    world_apply(&w);
    RUN(move_command, "add", 0, .repository = REPO, .moved_to = "registry.example/new", .by = "ann",
        .rationale = "renamed", .at = "2026-11-10T00:00:00Z");
    assert_sql(&w, DETECTED("infinity"), "CVE-2026-1 11, CVE-2026-2 11");
}

/* What the finding on the new name is, with its deviations, as of an instant and as known at one.
 */
#define STATUS(valid, known)                                                                    \
    "SELECT COALESCE(string_agg(status || ' ' || array_to_string(deviations, '+'), ', ' "       \
    "ORDER BY uai), '') FROM finding_clocks_known('registry.example/new', '" valid "', '" known \
    "', 'rev5', '1 day') WHERE vulnerability = 'CVE-2026-1'"
#define HELD(uai)                                                                       \
    "SELECT (f.findings->0->>'held') FROM policy_facts(ARRAY['registry.example/new'], " \
    "ARRAY['" uai                                                                       \
    "'], '2026-11-12', 'infinity', ARRAY['high'], false, ARRAY['accepted'], false) f"

static void accept_of(const char *name, const char *asset, const char *at)
{
    RUN(deviation_command, "add", 0, .name = name, .kind = "accepted", .cve = "CVE-2026-1",
        .asset = asset, .by = "ann", .rationale = "not reachable", .at = at);
    RUN(deviation_command, "approve", 0, .name = name, .by = "bob", .role = "AO",
        .evidence = "mail", .at = at, .expires = END);
}

static char *explained(const char *subject)
{
    struct explain_config config = {.postgres = w.conninfo, .format = "json"};
    char *argv[] = {(char *)(uintptr_t)subject, NULL};
    int code = -1;
    char *text = captured(explain_command, &config, 1, argv, &code);

    assert_int_equal(code, 0);
    return text;
}

static void deviations_follow_a_move_and_say_so(void **state)
{
    char *known, *text;

    (void)state;
    move_a_repository();
    accept_of("D1", REPO ":1.0", "2026-11-03T00:00:00Z");
    accept_of("D2", REPO ":2.0", "2026-11-03T00:00:00Z");
    known = world_sql(&w, "SELECT known_at FROM ledger_clock");
    assert_sql(&w, STATUS("2026-11-12", "infinity"), "open ");
    RUN(move_command, "add", 0, .repository = REPO, .moved_to = "registry.example/new", .by = "ann",
        .rationale = "renamed", .at = "2026-11-10T00:00:00Z");
    assert_sql(&w, STATUS("2026-11-12", "infinity"), "accepted D1");
    assert_sql(&w, mu_arena_printf(w.arena, STATUS("2026-11-12", "%s"), known), "open ");
    free(known);
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "UPDATE scans SET repository = 'registry.example/new' "
                                       "WHERE digest = '%s'",
                                       digest_of('b'))));
    assert_sql(&w, mu_arena_printf(w.arena, HELD("%s"), digest_of('b')), "true");
    assert_sql(
            &w,
            "SELECT string_agg(detail, ';' ORDER BY at, event) FROM clock_events_known("
            "'registry.example/new:1.0', 'registry.example/new', NULL, '2026-11-12', 'infinity') "
            "WHERE clock = 'deviation'",
            "accepted of CVE-2026-1 by bob, stated of " REPO
            ":1.0;accepted of CVE-2026-1 by ann, stated of " REPO ":1.0");
    text = explained("registry.example/new:1.0");
    assert_non_null(strstr(text, "\"deviation\":\"D1\",\"state\":\"approved\",\"kind\":"
                                 "\"accepted\",\"vulnerability\":\"CVE-2026-1\",\"asset\":"
                                 "\"registry.example/new:1.0\",\"moved_from\":\"" REPO ":1.0\""));
    assert_null(strstr(text, "D2"));
    free(text);
    RUN(move_command, "withdraw", 0, .repository = REPO, .moved_to = "registry.example/new",
        .by = "bob");
    assert_sql(&w, STATUS("2026-11-12", "infinity"), "open ");
}

/* Of a repository, over two moves, and only what was stated before it left its name. */
static void what_is_stated_of_the_old_name_after_the_move_stays_there(void **state)
{
    (void)state;
    move_a_repository();
    free(world_sql(&w, "INSERT INTO repositories VALUES ('registry.example/middle', NULL, "
                       "'2026-11-01')"));
    accept_of("D1", REPO, "2026-11-03T00:00:00Z");
    accept_of("D2", REPO, "2026-11-09T00:00:00Z");
    accept_of("D3", "registry.example/appendix", "2026-11-03T00:00:00Z");
    RUN(move_command, "add", 0, .repository = REPO, .moved_to = "registry.example/middle",
        .by = "ann", .rationale = "renamed", .at = "2026-11-05T00:00:00Z");
    assert_sql(&w, STATUS("2026-11-12", "infinity"), "open ");
    RUN(move_command, "add", 0, .repository = "registry.example/middle",
        .moved_to = "registry.example/new", .by = "ann", .rationale = "renamed again",
        .at = "2026-11-12T00:00:00Z");
    assert_sql(&w, STATUS("2026-11-11 12:00", "infinity"), "open "); /* it has not come so far */
    assert_sql(&w, STATUS("2026-11-12", "infinity"), "accepted D1");
}

static void lists_are_for_people_and_for_programs(void **state)
{
    char *text;

    (void)state;
    request("D1", "accepted");
    RUN(ssvc_command, "add", 0, .cve = "CVE-2026-1", .automatable = "no", .impact = "partial",
        .by = "ann");
    text = run_command_of(deviation_command, (struct statement_config){.format = "json"}, "list",
                          NULL, 0);
    assert_non_null(strstr(text, "\"state\":\"pending\""));
    free(text);
    text = run_command_of(ssvc_command, (struct statement_config){0}, "list", NULL, 0);
    assert_non_null(strstr(text, "CVE-2026-1"));
    free(text);
    RUN(ssvc_command, "delete", 2);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_request_is_approved_by_somebody_else),
            CASE(a_vulnerability_is_accepted_until_a_time),
            CASE(a_withdrawal_is_a_fact_and_final),
            CASE(what_nobody_requested_cannot_be_decided),
            CASE(the_same_record_again_changes_nothing),
            CASE(a_file_goes_in_whole_or_not_at_all),
            CASE(records_of_a_file_may_build_on_those_before),
            CASE(a_record_cannot_build_on_one_behind_it),
            CASE(the_first_wrong_record_of_many_is_named_and_nothing_is_kept),
            CASE(an_export_is_as_long_as_there_are_records),
            CASE(an_export_gives_the_same_in_another_database),
            CASE(hardening_shows_withdrawal_expiry_and_drift),
            CASE(a_baseline_is_of_what_is_known),
            CASE(the_narrowest_word_on_exposure_counts),
            CASE(an_exclusion_holds_until_its_end_or_its_withdrawal),
            CASE(a_move_keeps_the_first_detection_and_is_told_by_both_names),
            CASE(what_was_mended_before_the_move_begins_anew),
            CASE(deviations_follow_a_move_and_say_so),
            CASE(what_is_stated_of_the_old_name_after_the_move_stays_there),
            CASE(lists_are_for_people_and_for_programs),
    };

    return pg_server_group(&world_server, tests);
}
