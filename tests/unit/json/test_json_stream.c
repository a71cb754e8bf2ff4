#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/json_stream.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

struct written {
    char *text;
    size_t len;
    FILE *file;
    struct json_stream out;
};

static void begin(struct written *to)
{
    to->file = open_memstream(&to->text, &to->len);
    assert_non_null(to->file);
    json_stream_init(&to->out, to->file, NULL);
}

static void assert_written(struct written *to, const char *expected)
{
    struct mu_error err;

    assert_int_equal(json_stream_finish(&to->out, &err), MU_OK);
    (void)fclose(to->file);
    assert_string_equal(to->text, expected);
    assert_int_equal(to->out.size_bytes, strlen(expected));
    free(to->text);
}

static void values_are_parted_and_named(void **state)
{
    struct written to;

    (void)state;
    begin(&to);
    json_open(&to.out, NULL, '{');
    json_int(&to.out, "a", -1);
    json_open(&to.out, "b", '[');
    json_bool(&to.out, NULL, true);
    json_text(&to.out, NULL, NULL);
    json_close(&to.out, ']');
    json_time(&to.out, "c", 0);
    json_time(&to.out, "d", MU_TIME_NONE);
    json_tenths(&to.out, "e", 98);
    json_millionths(&to.out, "f", 49190);
    json_close(&to.out, '}');
    assert_written(&to, "{\"a\":-1,\n\"b\":[true,\nnull],\n\"c\":\"1970-01-01T00:00:00.000000Z\",\n"
                        "\"d\":null,\n\"e\":9.8,\n\"f\":0.049190}\n");
}

static void what_is_written_is_hashed_and_counted_on_the_way(void **state)
{
    char digest[MU_DIGEST_TEXT_SIZE], expected[MU_DIGEST_TEXT_SIZE];
    struct mu_sha256 *hash = mu_sha256_new();
    struct written to;

    (void)state;
    begin(&to);
    to.out.hash = hash;
    json_open(&to.out, NULL, '{');
    json_open(&to.out, "empty", '[');
    json_close(&to.out, ']');
    json_int(&to.out, "low", INT64_MIN);
    json_tenths(&to.out, "small", 7);
    json_text(&to.out, "quo\"te", "\\\x1f");
    json_close(&to.out, '}');
    assert_written(&to, "{\"empty\":[],\n\"low\":-9223372036854775808,\n\"small\":0.7,\n"
                        "\"quo\\\"te\":\"\\\\\\u001f\"}\n");
    mu_sha256_final_text(hash, digest);
    mu_sha256_text("{\"empty\":[],\n\"low\":-9223372036854775808,\n\"small\":0.7,\n"
                   "\"quo\\\"te\":\"\\\\\\u001f\"}\n",
                   to.out.size_bytes, expected);
    assert_string_equal(digest, expected);
    mu_sha256_free(hash);
}

static void compact_stands_on_one_line(void **state)
{
    struct written to;

    (void)state;
    begin(&to);
    to.out.compact = true;
    json_open(&to.out, NULL, '[');
    json_int(&to.out, NULL, 1);
    json_int(&to.out, NULL, 2);
    json_close(&to.out, ']');
    assert_written(&to, "[1,2]\n");
}

static void texts_are_escaped_and_bytes_that_are_none_replaced(void **state)
{
    struct written to;

    (void)state;
    begin(&to);
    json_open(&to.out, NULL, '[');
    json_text(&to.out, NULL, "\"\\\n\x01\x7f");
    json_text(&to.out, NULL, "\xc3\xa9");
    json_text(&to.out, NULL,
              "a\xff"
              "b");
    json_close(&to.out, ']');
    assert_written(&to, "[\"\\\"\\\\\\u000a\\u0001\x7f\",\n\"\xc3\xa9\",\n\"a?b\"]\n");
}

static void a_full_disk_is_told_at_the_end(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    struct json_stream out;
    struct mu_error err;

    (void)state;
    assert_non_null(full);
    json_stream_init(&out, full, NULL);
    json_text(&out, NULL, "x");
    assert_int_equal(json_stream_finish(&out, &err), MU_E_UNAVAILABLE);
    (void)fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(values_are_parted_and_named),
            cmocka_unit_test(what_is_written_is_hashed_and_counted_on_the_way),
            cmocka_unit_test(compact_stands_on_one_line),
            cmocka_unit_test(texts_are_escaped_and_bytes_that_are_none_replaced),
            cmocka_unit_test(a_full_disk_is_told_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
