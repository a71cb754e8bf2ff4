/* A verdict from scope, allowances and cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate_cache_build.h"

#include "gate/gate_decide.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define NOW    (INT64_C(1793491200000000)) /* 2026-11-01T00:00:00Z */
#define HOUR   (INT64_C(3600) * 1000000)

static char folder[64], path[PATH_MAX];
static struct mu_ed25519 *key;
static struct gate_cache *cache;
static struct mu_arena *arena;

static const char rules[] =
        "max_cache_age: 1h\n"
        "aliases: {mirror.example: registry.example}\n"
        "scopes:\n"
        "  - {name: system, namespaces: [kube-*], mode: exempt}\n"
        "  - {name: trial, namespaces: [trial], mode: warn}\n"
        "  - {name: open, namespaces: [open], mode: enforce, unknown: allow, waiting: allow,\n"
        "     unavailable: allow}\n"
        "allow:\n"
        "  - {image: 'registry.example/old*', until: '2026-10-01T00:00:00Z', by: bob, reason: r}\n"
        "  - {image: 'registry.example/tool:*', namespaces: [tools], until: "
        "'2026-12-01T00:00:00Z',\n     by: alice, reason: vendor}\n";

static int open_cache(void **state)
{
    const struct gate_entry entries[] = {
            gate_test_entry("registry.example/good:1", VERDICT_APPROVED, REASON_POLICY_PASSED),
            gate_test_entry("registry.example/bad:1", VERDICT_REJECTED, REASON_RULE_BROKEN),
            gate_test_entry("registry.example/new:1", VERDICT_WAITING, REASON_NEVER_SCANNED),
            gate_test_entry("docker.io/library/nginx:latest", VERDICT_APPROVED,
                            REASON_POLICY_PASSED),
            gate_test_entry("registry.example/good@" DIGEST, VERDICT_APPROVED,
                            REASON_POLICY_PASSED),
            gate_test_entry("registry.example/ends:1", VERDICT_APPROVED, REASON_POLICY_PASSED),
            gate_test_entry("registry.example/excepted:1", VERDICT_APPROVED, REASON_POLICY_PASSED)};
    struct gate_entry copy[7];
    struct mu_error err;

    (void)state;
    memcpy(copy, entries, sizeof(copy));
    copy[5].expires_at_us = copy[6].expires_at_us = NOW;
    copy[5].detail = "";
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-decide-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/cache", folder);
    key = gate_test_key_new();
    gate_test_write(path, copy, 7, NOW - HOUR / 2);
    assert_int_equal(gate_cache_open(path, key, &cache, &err), MU_OK);
    arena = mu_arena_new(1 << 20);
    return 0;
}

static int close_cache(void **state)
{
    (void)state;
    gate_cache_close(cache);
    (void)unlink(path);
    (void)rmdir(folder);
    mu_ed25519_free(key);
    mu_arena_free(arena);
    return 0;
}

static struct gate_answer ask_of(const struct gate_cache *from, const char *namespace_name,
                                 const char *image, int64_t now_us)
{
    MU_AUTO(gate_config) struct gate_config *config = NULL;
    const struct gate_question question = {"c", namespace_name, image, now_us};
    struct gate_answer answer;
    struct mu_error err;

    assert_int_equal(gate_config_parse("t", rules, strlen(rules), &config, &err), MU_OK);
    if (gate_decide(config, from, &question, arena, &answer, &err) != MU_OK)
        fail_msg("%s", err.message);
    answer.scope = ""; /* of the configuration, which goes */
    return answer;
}

static void each_image_gets_its_answer_in_each_scope(void **state)
{
    static const struct {
        const char *namespace_name, *image;
        bool allowed, would_deny;
        enum verdict_reason reason;
    } rows[] = {
            {"x", "registry.example/good:1", true, false, REASON_POLICY_PASSED},
            {"x", "mirror.example/good:1", true, false, REASON_POLICY_PASSED},
            {"x", "registry.example/good:1@" DIGEST, true, false, REASON_POLICY_PASSED},
            {"x", "nginx", true, false, REASON_POLICY_PASSED},
            {"x", "registry.example/bad:1", false, false, REASON_RULE_BROKEN},
            {"x", "registry.example/new:1", false, false, REASON_NEVER_SCANNED},
            {"x", "registry.example/none:1", false, false, REASON_UNKNOWN_IMAGE},
            {"x", "registry.example/ends:1", false, false, REASON_SCAN_EXPIRED},
            {"x", "registry.example/excepted:1", false, false, REASON_RULE_BROKEN},
            {"x", "No Image", false, false, REASON_BAD_REFERENCE},
            {"trial", "registry.example/bad:1", true, true, REASON_RULE_BROKEN},
            {"trial", "No Image", true, true, REASON_BAD_REFERENCE},
            {"open", "registry.example/bad:1", false, false, REASON_RULE_BROKEN},
            {"open", "registry.example/new:1", true, false, REASON_NEVER_SCANNED},
            {"open", "registry.example/none:1", true, false, REASON_UNKNOWN_IMAGE},
            {"open", "registry.example/ends:1", true, false, REASON_SCAN_EXPIRED},
            {"open", "registry.example/excepted:1", false, false, REASON_RULE_BROKEN},
            {"kube-system", "registry.example/bad:1", true, false, REASON_EXEMPT},
            {"kube-system", "No Image", true, false, REASON_EXEMPT},
            {"tools", "registry.example/tool:9", true, false, REASON_ALLOWLISTED},
            {"x", "registry.example/tool:9", false, false, REASON_UNKNOWN_IMAGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gate_answer answer = ask_of(cache, rows[i].namespace_name, rows[i].image, NOW);

        if (answer.allowed != rows[i].allowed || answer.would_deny != rows[i].would_deny ||
            answer.reason != rows[i].reason)
            fail_msg("%s in %s: %s %d %d", rows[i].image, rows[i].namespace_name,
                     verdict_reason_word(answer.reason), answer.allowed, answer.would_deny);
        if (!answer.allowed || answer.would_deny)
            assert_non_null(strstr(answer.message, "to mend it: "));
    }
}

static void without_a_cache_or_with_an_old_one_the_scope_decides(void **state)
{
    (void)state;
    assert_int_equal(ask_of(NULL, "x", "registry.example/good:1", NOW).reason, REASON_CACHE_AWAY);
    assert_false(ask_of(NULL, "x", "registry.example/good:1", NOW).allowed);
    assert_true(ask_of(NULL, "open", "registry.example/good:1", NOW).allowed);
    assert_true(ask_of(NULL, "tools", "registry.example/tool:1", NOW).allowed);
    assert_int_equal(ask_of(cache, "x", "registry.example/good:1", NOW + HOUR).reason,
                     REASON_CACHE_STALE);
    assert_true(ask_of(cache, "x", "registry.example/good:1", NOW + HOUR / 2).allowed);
}

static void an_allowance_that_has_ended_is_told_beside_the_reason(void **state)
{
    struct gate_answer answer = ask_of(cache, "x", "registry.example/old:1", NOW);

    (void)state;
    assert_false(answer.allowed);
    assert_non_null(strstr(answer.message, "The allowance by bob ended at 2026-10-01"));
}

static void an_answer_tells_what_it_rests_on(void **state)
{
    struct gate_answer answer = ask_of(cache, "x", "registry.example/bad:1", NOW);

    (void)state;
    assert_string_equal(answer.rule, "rule");
    assert_string_equal(answer.scan_id, "scan");
    assert_string_equal(answer.database_version, "db");
    assert_string_equal(answer.repository, "registry.example/bad");
    assert_string_equal(answer.tag, "1");
    assert_string_equal(answer.digest, "sha256:0");
    assert_int_equal(answer.generation, 7);
    assert_int_equal(answer.verdict, VERDICT_REJECTED);
    assert_non_null(strstr(answer.message, "breaks the rule rule: detail"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_cache, close_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(each_image_gets_its_answer_in_each_scope),
            CASE(without_a_cache_or_with_an_old_one_the_scope_decides),
            CASE(an_allowance_that_has_ended_is_told_beside_the_reason),
            CASE(an_answer_tells_what_it_rests_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
