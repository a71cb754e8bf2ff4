/* sha256: the vectors of FIPS 180-4, digests as text, and identifiers that never change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"

#include <string.h>

static void the_vectors_of_the_standard_hold(void **state)
{
    static const char *const rows[][2] = {
            {"", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
            {"abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
            {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
             "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char text[MU_DIGEST_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mu_sha256_text(rows[i][0], strlen(rows[i][0]), text);
        assert_string_equal(text, rows[i][1]);
    }
}

static void pieces_hash_as_the_whole_and_the_object_starts_over(void **state)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    char text[MU_DIGEST_TEXT_SIZE];

    (void)state;
    for (int round = 0; round < 2; round++) {
        mu_sha256_update(hash, "a", 1);
        mu_sha256_update(hash, "", 0);
        mu_sha256_update(hash, "bc", 2);
        mu_sha256_final_text(hash, text);
        assert_string_equal(
                text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    mu_sha256_free(NULL);
}

static void a_digest_is_its_algorithm_and_exactly_its_digits(void **state)
{
    char text[200] = "sha256:";

    (void)state;
    memset(text + 7, 'a', 64);
    assert_true(mu_digest_valid(text, 71));
    assert_false(mu_digest_valid(text, 70));
    assert_false(mu_digest_valid(text, 72));
    text[70] = 'A';
    assert_false(mu_digest_valid(text, 71));
    text[70] = 'g';
    assert_false(mu_digest_valid(text, 71));
    text[70] = '\0';
    assert_false(mu_digest_valid(text, 71));
    memcpy(text, "sha512:", 7);
    memset(text + 7, '0', 128);
    assert_true(mu_digest_valid(text, 135));
    assert_false(mu_digest_valid(text, 71));
    memcpy(text, "SHA256:", 7);
    assert_false(mu_digest_valid(text, 71));
    assert_false(mu_digest_valid("", 0));
}

/* The identifiers are stored: these texts must never change. */
static void stable_identifiers_are_what_they_always_were(void **state)
{
    char id[MU_UUID_TEXT_SIZE];

    (void)state;
    mu_stable_id("muster.test", (const char *const[]){"a", "b"}, 2, id);
    assert_string_equal(id, "9c8a6033-63e5-8283-821e-a8f6f036c5eb");
    mu_stable_id("muster.test", NULL, 0, id);
    assert_string_equal(id, "f21f61a5-9b47-82e3-a365-96735247eb32");
}

static void stable_identifiers_are_uuids_of_version_8(void **state)
{
    char id[MU_UUID_TEXT_SIZE];

    (void)state;
    mu_stable_id("x", (const char *const[]){"y"}, 1, id);
    assert_int_equal(strlen(id), 36);
    assert_int_equal(id[14], '8');
    assert_non_null(strchr("89ab", id[19]));
    assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
}

static void parts_cannot_run_into_each_other(void **state)
{
    char one[MU_UUID_TEXT_SIZE], other[MU_UUID_TEXT_SIZE];

    (void)state;
    mu_stable_id("d", (const char *const[]){"ab", "c"}, 2, one);
    mu_stable_id("d", (const char *const[]){"a", "bc"}, 2, other);
    assert_string_not_equal(one, other);
    mu_stable_id("d", (const char *const[]){"", ""}, 2, one);
    mu_stable_id("d", (const char *const[]){""}, 1, other);
    assert_string_not_equal(one, other);
    mu_stable_id("d", (const char *const[]){NULL, ""}, 2, other);
    assert_string_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_vectors_of_the_standard_hold),
            cmocka_unit_test(pieces_hash_as_the_whole_and_the_object_starts_over),
            cmocka_unit_test(a_digest_is_its_algorithm_and_exactly_its_digits),
            cmocka_unit_test(stable_identifiers_are_what_they_always_were),
            cmocka_unit_test(stable_identifiers_are_uuids_of_version_8),
            cmocka_unit_test(parts_cannot_run_into_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
