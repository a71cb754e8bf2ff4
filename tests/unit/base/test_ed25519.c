#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ed25519.h"
#include "base/text.h"

#include <string.h>

/* RFC 8032 section 7.1, test 2: the secret 4ccd089b..., as PKCS#8 and as SubjectPublicKeyInfo. */
static const char private_pem[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
        "-----END PRIVATE KEY-----\n";
static const char public_hex[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char signature_hex[] =
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00";
#define PUBLIC_PEM                                                   \
    "-----BEGIN PUBLIC KEY-----\n"                                   \
    "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n" \
    "-----END PUBLIC KEY-----\n"

static struct mu_ed25519 *key_of(const char *pem)
{
    struct mu_ed25519 *key = NULL;
    struct mu_error err;

    if (mu_ed25519_from_pem(pem, strlen(pem), &key, &err) != MU_OK)
        fail_msg("%s", err.message);
    return key;
}

static void the_signature_of_the_rfc_is_made_and_verifies(void **state)
{
    MU_AUTO(ed25519) struct mu_ed25519 *key = key_of(private_pem);
    MU_AUTO(ed25519) struct mu_ed25519 *public_key = key_of(PUBLIC_PEM);
    uint8_t signature[MU_ED25519_SIGNATURE_BYTES], expected[MU_ED25519_SIGNATURE_BYTES];
    uint8_t public_bytes[MU_ED25519_PUBLIC_BYTES];
    char hex[2 * MU_ED25519_PUBLIC_BYTES + 1];
    struct mu_error err;

    (void)state;
    assert_true(mu_ed25519_can_sign(key) && !mu_ed25519_can_sign(public_key));
    mu_ed25519_public(public_key, public_bytes);
    mu_hex_encode(public_bytes, sizeof(public_bytes), hex);
    assert_string_equal(hex, public_hex);
    assert_true(mu_hex_decode(signature_hex, strlen(signature_hex), expected, sizeof(expected)));
    assert_int_equal(mu_ed25519_sign(key, "\x72", 1, signature, &err), MU_OK);
    assert_memory_equal(signature, expected, sizeof(signature));
    assert_true(mu_ed25519_verifies(public_key, "\x72", 1, signature));
    assert_false(mu_ed25519_verifies(public_key, "\x73", 1, signature));
    signature[5] ^= 1;
    assert_false(mu_ed25519_verifies(public_key, "\x72", 1, signature));
}

static void a_public_key_does_not_sign_and_other_keys_are_refused(void **state)
{
    MU_AUTO(ed25519) struct mu_ed25519 *public_key = key_of(PUBLIC_PEM);
    uint8_t signature[MU_ED25519_SIGNATURE_BYTES] = {0}, untouched[sizeof(signature)] = {0};
    struct mu_ed25519 *none = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(mu_ed25519_sign(public_key, "a", 1, signature, &err), MU_E_DENIED);
    assert_memory_equal(signature, untouched, sizeof(signature));
    assert_int_equal(mu_ed25519_from_pem("", 0, &none, &err), MU_E_INVALID);
    assert_int_equal(mu_ed25519_from_pem("no PEM", 6, &none, &err), MU_E_INVALID);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_signature_of_the_rfc_is_made_and_verifies),
            cmocka_unit_test(a_public_key_does_not_sign_and_other_keys_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
