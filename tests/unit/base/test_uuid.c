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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_vector_of_the_standard_holds),
                                       cmocka_unit_test(a_name_of_no_bytes_has_one_too)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
