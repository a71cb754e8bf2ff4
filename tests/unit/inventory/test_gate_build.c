/* From the database into the cache, and from the log into the database. */
#include "finding_world.h"

#include "gate_cache_build.h"

#include "gate/decision.h"
#include "gate/gate_build.h"
#include "gate/gate_ship.h"
#include "gate/gate_statements.h"
#include "policy/approval.h"
#include "policy/approval_command.h"
#include "policy/evidence_facts.h"
#include "policy/evidence_reading.h"

static struct world w;
static struct mu_ed25519 *key;
static struct gate_cache *cache;
static char cache_path[128], log_folder[128];

static int open_world(void **state)
{
    (void)state;
    world_open(&w);
    key = gate_test_key_new();
    (void)snprintf(cache_path, sizeof(cache_path), "%s/cache", w.folder);
    (void)snprintf(log_folder, sizeof(log_folder), "%s/log", w.folder);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    gate_cache_close(cache);
    cache = NULL;
    mu_ed25519_free(key);
    world_close(&w);
    return 0;
}

static struct mu_pg *policy_pg(void)
{
    struct mu_pg *pg = NULL;
    struct mu_error err;

    if (policy_pg_open(w.conninfo, &pg, &err) != MU_OK)
        fail_msg("%s", err.message);
    return pg;
}

static void read_evidence(void)
{
    MU_AUTO(pg) struct mu_pg *pg = policy_pg();
    struct evidence_reading reading = {
            .store = w.evidence, .most = 100, .write_bytes = EVIDENCE_FACTS_MAX_BYTES};
    struct mu_error err;
    bool busy = false;

    if (evidence_reading_round(pg, &reading, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void build(void)
{
    const struct gate_build_config config = {w.conninfo, cache_path, key};
    struct gate_cache_info info;
    struct mu_error err;

    gate_cache_close(cache);
    cache = NULL;
    if (gate_build(&config, &info, &err) != MU_OK ||
        gate_cache_open(cache_path, key, &cache, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void assert_entry(const char *name, enum verdict verdict, enum verdict_reason reason)
{
    struct gate_entry entry;

    if (!gate_cache_find(cache, name, &entry))
        fail_msg("'%s' is not there", name);
    if (entry.verdict != verdict || entry.reason != reason)
        fail_msg("'%s' is %s, %s: %s", name, verdict_word(entry.verdict),
                 verdict_reason_word(entry.reason), entry.detail);
}

static void push_and_scan(const char *tag, char digit, const char *findings)
{
    const char *digest = digest_of(digit);

    add_push(&w, mu_arena_printf(w.arena, "push-%s-%c", tag, digit), tag, digest, T(0));
    if (findings)
        add_scan(&w, mu_arena_printf(w.arena, "scan-%c", digit),
                 (struct scan){.digest = digest,
                               .uai = mu_arena_printf(w.arena, REPO ":%s", tag),
                               .platform = "linux/amd64",
                               .evidence = add_evidence(&w, digest, findings),
                               .at = mu_now_us() - 1000000});
    world_apply(&w);
}

#define CRITICAL                                                                              \
    "[{\"id\":\"CVE-2026-1\",\"package\":\"openssl\",\"package_version\":\"1\",\"severity\":" \
    "\"critical\"}]"
#define EXPLOITED                                                                          \
    "[{\"id\":\"CVE-2026-2\",\"package\":\"bash\",\"package_version\":\"1\",\"severity\":" \
    "\"low\",\"kev\":{\"date_added\":\"2026-01-01\"}}]"

static void each_name_has_the_verdict_of_the_policy(void **state)
{
    (void)state;
    push_and_scan("1.0", 'a', "[]");
    push_and_scan("2.0", 'b', CRITICAL);
    push_and_scan("3.0", 'd', EXPLOITED);
    push_and_scan("4.0", 'e', NULL);
    build();
    assert_entry(REPO ":1.0", VERDICT_APPROVED, REASON_POLICY_PASSED);
    assert_entry(REPO ":2.0", VERDICT_REJECTED, REASON_RULE_BROKEN);
    assert_entry(REPO ":3.0", VERDICT_REJECTED, REASON_RULE_BROKEN);
    assert_entry(REPO ":4.0", VERDICT_WAITING, REASON_NEVER_SCANNED);
    assert_entry(mu_arena_printf(w.arena, REPO "@%s", digest_of('a')), VERDICT_APPROVED,
                 REASON_POLICY_PASSED);
    assert_int_equal(gate_cache_info(cache)->generation, 1);
    build();
    assert_int_equal(gate_cache_info(cache)->generation, 2);
}

static void store_policy(const char *text)
{
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "WITH p AS (INSERT INTO policies VALUES (md5($$%s$$), 't', "
                                       "$$%s$$, 'a', now()) RETURNING policy) INSERT INTO "
                                       "policy_activations (policy, valid_from, author, reason, "
                                       "known_at) SELECT policy, now(), 'a', 'r', now() FROM p",
                                       text, text)));
}

static int64_t days_ago(int64_t days)
{
    return mu_now_us() - days * 24 * 3600 * INT64_C(1000000);
}

static void assert_one(enum verdict verdict, enum verdict_reason reason)
{
    build();
    assert_entry(REPO ":1.0", verdict, reason);
}

static void configuration_is_judged_once_it_was_read(void **state)
{
    (void)state;
    store_policy("name: t\nrules:\n  - {name: c, of: configuration, at_least: high, max: 0}\n");
    push_and_scan("1.0", 'a', "[]");
    assert_one(VERDICT_WAITING, REASON_NEVER_SCANNED);
    read_evidence();
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
}

#define KEV_SINCE(date) "\"kev\":{\"date_added\":\"" date "\"}"

static void an_exploit_learned_from_another_image_counts(void **state)
{
    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    SCAN(&w, digest_of('a'), days_ago(3),
         {.id = "GHSA-aaaa-bbbb-cccc", .severity = "low", .extra = "\"aliases\":[\"CVE-2026-1\"]"},
         {.id = "CVE-2026-3", .severity = "low", .extra = "\"kev\":null"});
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
    push_at(&w, "2.0", 'b', days_ago(2));
    SCAN(&w, digest_of('b'), days_ago(2),
         {.id = "CVE-2026-3", .severity = "low", .extra = KEV_SINCE("2999-01-01")});
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED); /* it is not in the catalog yet */
    SCAN(&w, digest_of('b'), days_ago(1),
         {.id = "CVE-2026-1", .severity = "low", .extra = KEV_SINCE("2026-01-01")});
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
    SCAN(&w, digest_of('b'), days_ago(0) - 1000000,
         {.id = "CVE-2026-1", .severity = "low", .extra = "\"kev\":null"});
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED); /* taken out of the catalog again */
}

static void the_severity_of_nvd_goes_before_the_scanners(void **state)
{
    static const char score[] = "\"scores\":[{\"source\":\"nvd\",\"type\":\"CVSS_V3\","
                                "\"score\":9.8}]";

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    SCAN(&w, digest_of('a'), days_ago(3), {.id = "CVE-2026-1", .severity = "low"});
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
    push_at(&w, "2.0", 'b', days_ago(2));
    SCAN(&w, digest_of('b'), days_ago(2), {.id = "CVE-2026-1", .severity = "low", .extra = score});
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
}

static void an_old_finding_is_old_in_a_new_image(void **state)
{
    (void)state;
    store_policy("name: t\nrules:\n  - {name: overdue, at_least: high, older_than: 30d, max: 0}\n");
    push_at(&w, "1.0", 'a', days_ago(40));
    SCAN(&w, digest_of('a'), days_ago(29), {.id = "CVE-2026-1"});
    push_at(&w, "1.0", 'b', days_ago(2));
    SCAN(&w, digest_of('b'), days_ago(1), {.id = "CVE-2026-1"});
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
    SCAN(&w, digest_of('a'), days_ago(31), {.id = "CVE-2026-1"}); /* told late */
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
}

static void deviate(const char *kind, const char *severity)
{
    static const char sql[] =
            "INSERT INTO deviation_facts (fact_id, deviation, record, at, by, kind, vulnerability, "
            "asset, adjusted_severity, rationale, known_at) VALUES (gen_random_uuid(), '%s', '%s', "
            "now() - interval '1 day', 'ann', %s, %s, %s, %s, 'r', now())";

    free(world_sql(&w, mu_arena_printf(w.arena, sql, kind, "request",
                                       mu_arena_printf(w.arena, "'%s'", kind), "'CVE-2026-1'",
                                       "'" REPO "'", severity)));
    free(world_sql(&w,
                   mu_arena_printf(w.arena, sql, kind, "approve", "NULL", "NULL", "NULL", "NULL")));
}

/* With a finding of that severity, which is in the KEV catalog or not. */
static void scan_one(const char *severity, bool kev)
{
    static int64_t turn;

    SCAN(&w, digest_of('a'), mu_now_us() - 60000000 + turn++ * 1000000,
         {.id = "CVE-2026-1",
          .severity = severity,
          .extra = kev ? KEV_SINCE("2026-01-01") : "\"kev\":null"});
}

static void deviations_count_as_far_as_the_policy_says(void **state)
{
    static const char rules[] =
            "rules:\n  - {name: moderate, at_least: moderate, max: 0}\n  - {name: kev, kev: true, "
            "at_least: unknown, max: 0}\n";

    (void)state;
    push_at(&w, "1.0", 'a', days_ago(3));
    scan_one("moderate", false);
    deviate("operational_requirement", "NULL");
    store_policy(mu_arena_printf(w.arena, "name: a\n%s", rules));
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
    store_policy(mu_arena_printf(
            w.arena, "name: b\ndeviations: [operational_requirement, risk_adjustment]\n%s", rules));
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
    scan_one("high", false); /* not for a high risk */
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
    deviate("risk_adjustment", "'low'");
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
    scan_one("high", true); /* nor for what is exploited, */
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
    deviate("false_positive", "NULL"); /* unless it is not there */
    assert_one(VERDICT_REJECTED, REASON_RULE_BROKEN);
    store_policy(mu_arena_printf(w.arena, "name: c\ndeviations: [false_positive]\n%s", rules));
    assert_one(VERDICT_APPROVED, REASON_POLICY_PASSED);
}

static void a_second_tag_waits_for_a_scan_that_carries_it(void **state)
{
    (void)state;
    push_and_scan("1.0", 'a', "[]");
    read_evidence();
    add_push(&w, "again", "1.0-copy", digest_of('a'), T(1));
    world_apply(&w);
    build();
    assert_entry(REPO ":1.0", VERDICT_APPROVED, REASON_POLICY_PASSED);
    assert_entry(REPO ":1.0-copy", VERDICT_WAITING, REASON_NEVER_SCANNED);
}

static void an_index_is_as_good_as_the_worst_behind_it(void **state)
{
    static const struct mu_scan_child children[] = {
            {.kind = MU_DIGEST_KIND_MANIFEST, .platform = "linux/amd64"},
            {.kind = MU_DIGEST_KIND_MANIFEST, .platform = "linux/arm64"}};
    struct mu_scan_child named[2];

    (void)state;
    memcpy(named, children, sizeof(named));
    named[0].digest = digest_of('a');
    named[1].digest = digest_of('b');
    add_push(&w, "index", "9", digest_of('f'), T(0));
    add_scan(&w, "resolved",
             (struct scan){.digest = digest_of('f'),
                           .outcome = MU_SCAN_RESOLVED,
                           .at = T(1),
                           .children = named,
                           .child_count = 2});
    world_apply(&w);
    for (int i = 0; i < 2; i++) {
        add_scan(&w, i ? "s1" : "s0",
                 (struct scan){.digest = named[i].digest,
                               .uai = REPO ":9",
                               .platform = named[i].platform,
                               .evidence = add_evidence(&w, named[i].digest, i ? CRITICAL : "[]"),
                               .at = mu_now_us() - 1000000});
        world_apply(&w);
        read_evidence();
        build();
        assert_entry(REPO ":9", i ? VERDICT_REJECTED : VERDICT_WAITING,
                     i ? REASON_RULE_BROKEN : REASON_NEVER_SCANNED);
    }
}

static void record_word(const char *decision, const char *tag)
{
    MU_AUTO(pg) struct mu_pg *pg = policy_pg();
    const struct approval approval = {
            .image = mu_arena_printf(w.arena, REPO ":%s", tag),
            .decision = decision,
            .person = "alice",
            .role = "officer",
            .reason = "because",
            .until = strcmp(decision, "approve") == 0 ? "2099-01-01T00:00:00Z" : NULL};
    struct approval_made made;
    struct mu_error err;

    if (approval_record(pg, &approval, w.arena, &made, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void what_people_say_takes_the_place_of_the_policy(void **state)
{
    (void)state;
    push_and_scan("1.0", 'a', "[]");
    push_and_scan("2.0", 'b', CRITICAL);
    read_evidence();
    record_word("revoke", "1.0");
    record_word("approve", "2.0");
    build();
    assert_entry(REPO ":1.0", VERDICT_REJECTED, REASON_PERSON_REVOKED);
    assert_entry(REPO ":2.0", VERDICT_APPROVED, REASON_PERSON_APPROVED);
    record_word("withdraw", "1.0");
    build();
    assert_entry(REPO ":1.0", VERDICT_APPROVED, REASON_POLICY_PASSED);
}

static void a_withdrawal_has_no_end(void **state)
{
    struct approval_config asked = {.where = {.postgres = w.conninfo},
                                    .by = "alice",
                                    .role = "officer",
                                    .reason = "because",
                                    .until = "2099-01-01T00:00:00Z"};

    (void)state;
    push_and_scan("1.0", 'a', "[]");
    assert_refuses(revoke_command, &asked, REPO ":1.0", 0, "");
    assert_refuses(withdraw_command, &asked, REPO ":1.0", 2,
                   "--until is for approve and revoke: withdraw takes back what was said");
    asked.until = NULL;
    assert_refuses(withdraw_command, &asked, REPO ":1.0", 0, "");
}

/* ---- shipping ---- */

static struct decision_log *open_decisions(void)
{
    const struct decision_log_config config = {.folder = log_folder,
                                               .name = "g",
                                               .max_bytes = 1 << 20,
                                               .segment_bytes = 1 << 16,
                                               .queue_bytes = 1 << 16,
                                               .sync_ms = 1};
    struct decision_log *decisions = NULL;
    struct mu_error err;

    if (decision_log_open(&config, &decisions, &err) != MU_OK)
        fail_msg("%s", err.message);
    return decisions;
}

static void decide_after(struct decision_log *decisions, uint64_t lost, enum verdict_reason reason,
                         const char *tag)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf record;
    const struct decision_asker asker = {.source = "admission",
                                         .cluster = "c",
                                         .namespace_name = "n",
                                         .kind = "Pod",
                                         .object = "o",
                                         .container = "c",
                                         .user = "u'\"",
                                         .operation = "CREATE",
                                         .uid = "u",
                                         .image = "i",
                                         .at_us = T(0),
                                         .lost_before = lost};
    const struct gate_answer answer = {.verdict = VERDICT_WAITING,
                                       .reason = reason,
                                       .scope = "s",
                                       .rule = "",
                                       .message = "",
                                       .repository = REPO,
                                       .tag = tag,
                                       .digest = "",
                                       .scan_id = "",
                                       .database_version = ""};
    struct decision_log_state log = {0};
    struct mu_error err;
    uint64_t sequence = 0;

    mu_buf_init(&record, DECISION_MAX_BYTES);
    assert_int_equal(decision_encode(&asker, &answer, NULL, "sha256:c", w.arena, &record, &err),
                     MU_OK);
    assert_int_equal(decision_log_append(decisions, record.data, record.len, lost, &sequence, &err),
                     MU_OK);
    for (int i = 0; i < 20000 && log.synced < sequence; i++) {
        (void)poll(NULL, 0, 1);
        decision_log_state(decisions, &log);
    }
}

static void decide(struct decision_log *decisions, enum verdict_reason reason, const char *tag)
{
    decide_after(decisions, 0, reason, tag);
}

static void ship(struct decision_log *decisions)
{
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;
    bool busy = true;

    assert_int_equal(gate_pg_open(w.conninfo, &pg, &err), MU_OK);
    if (gate_ship_round(decisions, pg, &busy, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_false(busy);
}

static void decisions_are_shipped_once_and_ask_for_scans(void **state)
{
    MU_AUTO(decision_log) struct decision_log *decisions = NULL;

    (void)state;
    add_push(&w, "p", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    decisions = open_decisions();
    decide(decisions, REASON_UNKNOWN_IMAGE, "1.0");
    decide(decisions, REASON_UNKNOWN_IMAGE, "nowhere");
    ship(decisions);
    ship(decisions);
    decide(decisions, REASON_POLICY_PASSED, "1.0");
    ship(decisions);
    assert_sql(&w,
               "SELECT string_agg(sequence || reason, ' ' ORDER BY sequence) FROM gate_decisions",
               "1unknown_image 2unknown_image 3policy_passed");
    assert_sql(&w, "SELECT asked_by FROM gate_decisions WHERE sequence = 1", "u'\"");
    assert_sql(&w,
               "SELECT concat_ws(' ', priority, reason, count(*)) FROM scan_jobs GROUP BY "
               "priority, reason",
               "1 gate 1");
    assert_sql(&w, "SELECT next_sequence FROM gate_instances", "4");
    assert_sql(&w, "SELECT count(*) FROM gate_gaps", "0");
}

static void lose(struct decision_log *decisions, int count)
{
    for (int i = 0; i < count; i++)
        decision_log_lose(decisions);
}

static void decisions_that_were_lost_are_a_finding_told_once(void **state)
{
    MU_AUTO(decision_log) struct decision_log *decisions = open_decisions();

    (void)state;
    decide(decisions, REASON_POLICY_PASSED, "1.0");
    lose(decisions, 3);
    decide_after(decisions, 3, REASON_POLICY_PASSED, "1.0");
    decide(decisions, REASON_POLICY_PASSED, "1.0");
    lose(decisions, 2);
    decide_after(decisions, 2, REASON_POLICY_PASSED, "1.0");
    ship(decisions);
    ship(decisions);
    decide(decisions, REASON_POLICY_PASSED, "1.0");
    ship(decisions);
    assert_sql(&w, "SELECT sum(lost_before) FROM gate_decisions", "5");
    assert_sql(&w,
               "SELECT string_agg(code || ': ' || message, '; ') FROM detection_failures WHERE "
               "source LIKE 'gate/g/%' AND closed_at IS NULL",
               "gate_decisions_missing: the gate could not write down 5 decisions, before its "
               "decisions 2 to 4");
    assert_sql(&w, "SELECT count(*) FROM gate_gaps", "0");
}

static void a_log_that_is_behind_the_database_is_refused(void **state)
{
    MU_AUTO(decision_log) struct decision_log *decisions = open_decisions();
    MU_AUTO(pg) struct mu_pg *pg = NULL;
    struct mu_error err;
    bool busy = false;

    (void)state;
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "INSERT INTO gate_instances (instance, next_sequence) "
                                       "VALUES ('%s', 100)",
                                       decision_log_instance(decisions))));
    assert_int_equal(gate_pg_open(w.conninfo, &pg, &err), MU_OK);
    assert_int_equal(gate_ship_round(decisions, pg, &busy, &err), MU_E_CONFLICT);
}

/* ---- what an image was built from ---- */

/* Layers by a letter each: "12" are two; a '-' before one: it was not read whole. */
static const char *layers_of(const char *letters)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    bool read = true;

    mu_buf_init(&out, 4096);
    for (const char *at = letters; *at; at++) {
        if (*at == '-') {
            read = false;
            continue;
        }
        mu_buf_printf(
                &out, "%s{\"digest\":\"%s\",\"size_bytes\":1,\"diff_id\":\"%s\",\"scanned\":%s}",
                out.len > 0 ? "," : "", digest_of('f'), digest_of(*at), read ? "true" : "false");
        read = true;
    }
    return mu_arena_strdup(w.arena, out.data ? out.data : "");
}

static void push_with_layers(const char *tag, char digit, const char *layers)
{
    const char *digest = digest_of(digit);
    const char *evidence = add_raw_result(
            &w, mu_arena_printf(w.arena,
                                "{\"schema\":\"muster.raw-scan.v1\",\"image\":{\"manifest_digest\":"
                                "\"%s\",\"layers\":[%s]},\"findings\":[]}",
                                digest, layers_of(layers)));

    add_push(&w, mu_arena_printf(w.arena, "push-%c", digit), tag, digest, T(0));
    add_scan(&w, mu_arena_printf(w.arena, "scan-%c", digit),
             (struct scan){.digest = digest,
                           .uai = mu_arena_printf(w.arena, REPO ":%s", tag),
                           .evidence = evidence,
                           .at = mu_now_us() - 1000000});
    world_apply(&w);
}

static void assert_told(const char *name, const char *detail)
{
    struct gate_entry entry;

    assert_true(gate_cache_find(cache, name, &entry));
    if (!strstr(entry.detail, detail))
        fail_msg("'%s' is not in: %s", detail, entry.detail);
}

static void an_image_is_built_from_what_its_layers_begin_with(void **state)
{
    (void)state;
    store_policy("name: t\nbuilt_from: ['registry.example/base/*']\nrules: []\n");
    push_with_layers("base", 'a', "12");
    push_with_layers("1.0", 'b', "123");
    push_with_layers("2.0", 'c', "14");   /* the first layer alone */
    push_with_layers("3.0", 'd', "1-23"); /* one is not known to be what it is said to be */
    push_with_layers("4.0", 'e', "2123");
    push_with_layers("5.0", '9', "");
    build();
    assert_entry(REPO ":1.0", VERDICT_WAITING, REASON_NEVER_SCANNED);
    read_evidence();
    build();
    assert_entry(REPO ":1.0", VERDICT_REJECTED, REASON_RULE_BROKEN);
    assert_told(REPO ":1.0", "its layers begin with those of no other image that is known");
    free(world_sql(&w,
                   mu_arena_printf(w.arena,
                                   "UPDATE scans SET repository = 'registry.example/base/debian' "
                                   "WHERE digest = '%s'",
                                   digest_of('a'))));
    build();
    assert_entry(REPO ":1.0", VERDICT_APPROVED, REASON_POLICY_PASSED);
    for (int i = 2; i <= 5; i++)
        assert_entry(mu_arena_printf(w.arena, REPO ":%d.0", i), VERDICT_REJECTED,
                     REASON_RULE_BROKEN);
    assert_sql(&w,
               mu_arena_printf(w.arena,
                               "SELECT array_to_string(bases, ',') FROM policy_facts(ARRAY['" REPO
                               "'], ARRAY['%s'], now(), 'infinity', '{}', false, '{}', true)",
                               digest_of('b')),
               REPO ",registry.example/base/debian");
    assert_sql(&w, "SELECT count(*) FROM evidence_layers WHERE top IS NULL", "2");
}

static void another_base_is_named_in_the_verdict(void **state)
{
    (void)state;
    store_policy("name: t\nbuilt_from: ['registry.example/base/*']\nrules: []\n");
    push_with_layers("base", 'a', "12");
    push_with_layers("1.0", 'b', "123");
    free(world_sql(&w, mu_arena_printf(w.arena,
                                       "UPDATE scans SET repository = 'registry.example/hub/node' "
                                       "WHERE digest = '%s'",
                                       digest_of('a'))));
    read_evidence();
    build();
    assert_told(REPO ":1.0", "its layers begin with those of registry.example/hub/node alone");
}

/* Raw results that were judged before there were layers are read once more, when the clock says so.
 */
static void raw_results_that_were_read_without_layers_are_read_again(void **state)
{
    (void)state;
    push_with_layers("1.0", 'a', "12");
    read_evidence();
    free(world_sql(&w, "DELETE FROM evidence_layers; DELETE FROM evidence_clock"));
    read_evidence();
    assert_sql(&w, "SELECT cardinality(chain) || ' ' || (top = chain[2]) FROM evidence_layers",
               "2 true");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(each_name_has_the_verdict_of_the_policy),
            CASE(configuration_is_judged_once_it_was_read),
            CASE(an_exploit_learned_from_another_image_counts),
            CASE(the_severity_of_nvd_goes_before_the_scanners),
            CASE(an_old_finding_is_old_in_a_new_image),
            CASE(deviations_count_as_far_as_the_policy_says),
            CASE(a_second_tag_waits_for_a_scan_that_carries_it),
            CASE(an_index_is_as_good_as_the_worst_behind_it),
            CASE(what_people_say_takes_the_place_of_the_policy),
            CASE(a_withdrawal_has_no_end),
            CASE(decisions_are_shipped_once_and_ask_for_scans),
            CASE(decisions_that_were_lost_are_a_finding_told_once),
            CASE(a_log_that_is_behind_the_database_is_refused),
            CASE(an_image_is_built_from_what_its_layers_begin_with),
            CASE(another_base_is_named_in_the_verdict),
            CASE(raw_results_that_were_read_without_layers_are_read_again),
    };

    return pg_server_group(&world_server, tests);
}
