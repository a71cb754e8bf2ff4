#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"

#include <string.h>

static const uint8_t dns[MU_UUID_BYTES] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                           0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

/* RFC 9562, appendix A.4. */
static void the_vector_of_the_standard_holds(void **state)
{
    char uuid[MU_UUID_TEXT_SIZE];

    (void)state;
    mu_uuid5(dns, "www.example.com", strlen("www.example.com"), uuid);
    assert_string_equal(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void a_name_of_no_bytes_has_one_too(void **state)
{
    char uuid[MU_UUID_TEXT_SIZE];

    (void)state;
    mu_uuid5(dns, "", 0, uuid);
    assert_string_equal(uuid, "4ebd0208-8328-5d69-8c44-ec50939c0967");
}

static void a_text_becomes_its_bytes(void **state)
{
    static const uint8_t wanted[MU_UUID_BYTES] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                                  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    static const char *const broken[] = {"",
                                         "6ba7b810-9dad-11d1-80b4-00c04fd430c",
                                         "6ba7b810-9dad-11d1-80b4-00c04fd430c88",
                                         "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
                                         "6ba7b810-9dad-11d1-80b4000c04fd430c8",
                                         "6ba7b81009dad-11d1-80b4-00c04fd430c8"};
    uint8_t bytes[MU_UUID_BYTES];

    (void)state;
    assert_true(mu_uuid_decode("6ba7b810-9dad-11d1-80b4-00C04FD430C8", bytes));
    assert_memory_equal(bytes, wanted, sizeof(wanted));
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_false(mu_uuid_decode(broken[i], bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_vector_of_the_standard_holds),
            cmocka_unit_test(a_name_of_no_bytes_has_one_too),
            cmocka_unit_test(a_text_becomes_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
