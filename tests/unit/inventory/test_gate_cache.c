/* The cache file: what is written is found again; what is not as it was signed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate_cache_build.h"

#include "gate/cache_slot.h"
#include "gate/gate_cache_format.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { MANY = 5000, SWAPS = 60, READERS = 3 };

static char folder[64], path[PATH_MAX];
static struct mu_ed25519 *key;

static int open_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/muster-cache-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/cache", folder);
    key = gate_test_key_new();
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(folder);
    mu_ed25519_free(key);
    return 0;
}

static struct gate_cache *open_cache(void)
{
    struct gate_cache *cache = NULL;
    struct mu_error err;

    if (gate_cache_open(path, key, &cache, &err) != MU_OK)
        fail_msg("%s", err.message);
    return cache;
}

static void every_name_is_found_again_and_no_other(void **state)
{
    MU_AUTO(gate_cache_builder) struct gate_cache_builder *builder = gate_cache_builder_new();
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    const struct gate_cache_info info = {.generation = 9, .built_at_us = 5, .known_at_us = 4};
    struct gate_entry found;
    struct mu_error err;
    char name[64];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct gate_entry entry;

        (void)snprintf(name, sizeof(name), "registry.example/app:%d", i);
        entry = gate_test_entry(name, i % 2 ? VERDICT_APPROVED : VERDICT_REJECTED,
                                REASON_RULE_BROKEN);
        entry.expires_at_us = i;
        assert_int_equal(gate_cache_builder_add(builder, &entry, &err), MU_OK);
    }
    assert_int_equal(gate_cache_builder_write(builder, &info, key, path, &err), MU_OK);
    cache = open_cache();
    assert_int_equal(gate_cache_info(cache)->records, MANY);
    assert_int_equal(gate_cache_info(cache)->generation, 9);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "registry.example/app:%d", i);
        assert_true(gate_cache_find(cache, name, &found));
        assert_string_equal(found.name, name);
        assert_int_equal(found.expires_at_us, i);
        assert_int_equal(found.verdict, i % 2 ? VERDICT_APPROVED : VERDICT_REJECTED);
        assert_string_equal(found.detail, "detail");
    }
    assert_false(gate_cache_find(cache, "registry.example/app:x", &found));
    assert_false(gate_cache_find(cache, "", &found));
}

static void of_equal_names_the_first_stays(void **state)
{
    const struct gate_entry entries[] = {
            gate_test_entry("a", VERDICT_APPROVED, REASON_POLICY_PASSED),
            gate_test_entry("a", VERDICT_REJECTED, REASON_RULE_BROKEN)};
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    struct gate_entry found;

    (void)state;
    gate_test_write(path, entries, 2, 1);
    cache = open_cache();
    assert_int_equal(gate_cache_info(cache)->records, 1);
    assert_true(gate_cache_find(cache, "a", &found));
    assert_int_equal(found.verdict, VERDICT_APPROVED);
}

static void an_empty_cache_is_one(void **state)
{
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    struct gate_entry found;

    (void)state;
    gate_test_write(path, NULL, 0, 1);
    cache = open_cache();
    assert_false(gate_cache_find(cache, "a", &found));
}

/* Each byte of the file, turned: the header, the table, a record, a text. */
static void any_byte_that_was_changed_is_noticed(void **state)
{
    const struct gate_entry entry = gate_test_entry("a", VERDICT_REJECTED, REASON_RULE_BROKEN);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct gate_cache *cache = NULL;
    struct mu_error err;
    size_t unnoticed = 0;

    (void)state;
    mu_buf_init(&file, 1 << 20);
    gate_test_write(path, &entry, 1, 1);
    assert_int_equal(mu_file_read(path, &file, &err), MU_OK);
    for (size_t i = 0; i < file.len; i += i < 300 ? 1 : 61) {
        enum mu_status st;

        file.data[i] = (char)(file.data[i] ^ 1);
        st = gate_cache_parse((const uint8_t *)file.data, file.len, key, &cache, &err);
        file.data[i] = (char)(file.data[i] ^ 1);
        if (st == MU_OK) {
            gate_cache_close(cache);
            unnoticed++;
        } else {
            assert_true(st == MU_E_INVALID || st == MU_E_DENIED);
        }
    }
    assert_int_equal(unnoticed, sizeof(((struct gate_cache_header *)0)->pad));
    for (size_t len = 0; len < file.len; len += len < 300 ? 1 : 997)
        assert_true(gate_cache_parse((const uint8_t *)file.data, len, key, &cache, &err) < 0);
}

static void another_key_a_public_one_and_no_file_are_told_apart(void **state)
{
    static const char other_pem[] =
            "-----BEGIN PRIVATE KEY-----\n"
            "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
            "-----END PRIVATE KEY-----\n";
    MU_AUTO(ed25519) struct mu_ed25519 *other = NULL;
    struct gate_cache *cache = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(gate_cache_open(path, key, &cache, &err), MU_E_NOT_FOUND);
    assert_int_equal(mu_ed25519_from_pem(other_pem, strlen(other_pem), &other, &err), MU_OK);
    gate_test_write(path, NULL, 0, 1);
    assert_int_equal(gate_cache_open(path, other, &cache, &err), MU_E_DENIED);
    assert_int_equal(mu_file_write_atomic(path, "short", 5, &err), MU_OK);
    assert_int_equal(gate_cache_open(path, key, &cache, &err), MU_E_INVALID);
    assert_null(cache);
}

/* ---- readers while it is replaced ---- */

static struct cache_slot slot;
static atomic_bool over;

static void *read_on(void *opaque)
{
    size_t *found = opaque;

    while (!atomic_load(&over)) {
        struct cache_hold hold = cache_slot_acquire(&slot);
        struct gate_entry entry;

        if (hold.cache && gate_cache_find(hold.cache, "a", &entry) && entry.name[0] == 'a')
            (*found)++;
        cache_slot_release(&slot, hold);
    }
    return NULL;
}

static void readers_always_have_a_whole_cache_while_it_is_replaced(void **state)
{
    const struct gate_entry entry = gate_test_entry("a", VERDICT_APPROVED, REASON_POLICY_PASSED);
    size_t found[READERS] = {0};
    pthread_t readers[READERS];

    (void)state;
    gate_test_write(path, &entry, 1, 1);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &found[i]), 0);
    for (int i = 0; i < SWAPS; i++)
        cache_slot_replace(&slot, i % 10 == 9 ? NULL : open_cache());
    atomic_store(&over, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    cache_slot_done(&slot);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(every_name_is_found_again_and_no_other),
            CASE(of_equal_names_the_first_stays),
            CASE(an_empty_cache_is_one),
            CASE(any_byte_that_was_changed_is_noticed),
            CASE(another_key_a_public_one_and_no_file_are_told_apart),
            CASE(readers_always_have_a_whole_cache_while_it_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
