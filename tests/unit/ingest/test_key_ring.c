/* Which sources share a store of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/key_ring.h"
#include "key_fixture.h"

static EVP_PKEY *key;

static int make_key(void **state)
{
    (void)state;
    key = test_rsa_key(2048);
    return 0;
}

static int free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static void sources_with_one_place_of_keys_share_a_store(void **state)
{
    char path[64], second_path[64];
    struct auth_rule rules[] = {{.kind = SOURCE_AUTH_JWT}, {.kind = SOURCE_AUTH_BEARER},
                                {.kind = SOURCE_AUTH_JWT}, {.kind = SOURCE_AUTH_SNS},
                                {.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct source_config sources[] = {{.name = "a", .rules = rules, .rule_count = 3},
                                      {.name = "b", .rules = rules + 3, .rule_count = 3}};
    struct key_ring *ring = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_ring.%d", (int)getpid());
    (void)snprintf(second_path, sizeof(second_path), "/tmp/test_key_ring.%d.b", (int)getpid());
    key_set_write(path, key, "one");
    key_set_write(second_path, key, "one");
    rules[0].key_config.jwks_file = rules[2].key_config.jwks_file = path;
    rules[5].key_config.jwks_file = second_path;
    rules[4].key_config.private_network = true;
    assert_int_equal(key_ring_open(sources, 2, NULL, &ring, &err), MU_OK);
    assert_non_null(rules[0].keys);
    assert_null(rules[1].keys);
    assert_ptr_equal(rules[0].keys, rules[2].keys);
    assert_ptr_not_equal(rules[3].keys, rules[4].keys);
    assert_ptr_not_equal(rules[0].keys, rules[5].keys);
    key_ring_close(ring);
    (void)unlink(second_path);
    ring = NULL;
    assert_int_equal(key_ring_open(sources, 2, NULL, &ring, &err), MU_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "source 'b'"));
    assert_null(ring);
    (void)unlink(path);
}

static void a_ring_that_follows_shares_what_was_fetched_and_reads_files_again(void **state)
{
    char path[64];
    struct auth_rule before_rules[] = {{.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct auth_rule after_rules[] = {{.kind = SOURCE_AUTH_SNS}, {.kind = SOURCE_AUTH_JWT}};
    struct source_config before = {.name = "a", .rules = before_rules, .rule_count = 2};
    struct source_config after = {.name = "a", .rules = after_rules, .rule_count = 2};
    struct key_ring *first = NULL, *second = NULL;
    struct mu_error err;

    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/test_key_ring.%d.c", (int)getpid());
    key_set_write(path, key, "one");
    before_rules[1].key_config.jwks_file = after_rules[1].key_config.jwks_file = path;
    assert_int_equal(key_ring_open(&before, 1, NULL, &first, &err), MU_OK);
    assert_int_equal(key_ring_open(&after, 1, first, &second, &err), MU_OK);
    assert_ptr_equal(before_rules[0].keys, after_rules[0].keys);
    assert_ptr_not_equal(before_rules[1].keys, after_rules[1].keys);
    key_ring_close(first);
    assert_int_equal(key_ask(after_rules[1].keys, key, "one"), MU_KEY_RIGHT);
    key_ring_close(second);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sources_with_one_place_of_keys_share_a_store),
            cmocka_unit_test(a_ring_that_follows_shares_what_was_fetched_and_reads_files_again),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
