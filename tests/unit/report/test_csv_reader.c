#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "csv/csv_reader.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* "row:field|field;" of everything read. */
static enum mu_status note(void *opaque, size_t row, const char *const *fields, size_t count,
                           struct mu_error *err)
{
    struct mu_buf *seen = opaque;

    (void)err;
    mu_buf_printf(seen, "%zu:", row);
    for (size_t i = 0; i < count; i++)
        mu_buf_printf(seen, "%s%s", i ? "|" : "", fields[i]);
    mu_buf_puts(seen, ";");
    return MU_OK;
}

static enum mu_status read_text(const char *text, size_t len, struct mu_buf *seen,
                                struct mu_error *err)
{
    FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");
    enum mu_status st;

    assert_non_null(in);
    st = csv_read(in, note, seen, err);
    (void)fclose(in);
    return st;
}

static void assert_reads(const char *text, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf seen;
    struct mu_error err;

    mu_buf_init(&seen, 1 << 16);
    if (read_text(text, strlen(text), &seen, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_string_equal(seen.data, expected);
}

static void assert_refuses(const char *text, size_t len, enum mu_status expected, const char *says)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf seen;
    struct mu_error err;

    mu_buf_init(&seen, 1 << 16);
    assert_int_equal(read_text(text, len, &seen, &err), expected);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void quoted_and_plain_fields_are_read(void **state)
{
    (void)state;
    assert_reads("a,b\n\"c\",\"\"\n", "1:a|b;2:c|;");
    assert_reads("\"say \"\"yes\"\"\",\"one, two\nthree\"\n", "1:say \"yes\"|one, two\nthree;");
    assert_reads(",\n", "1:|;");
}

static void a_carriage_return_belongs_to_the_end_of_its_line(void **state)
{
    (void)state;
    assert_reads("a,\"b\"\r\nc,\r\n", "1:a|b;2:c|;");
    assert_reads("\"a\r\nb\"\r\n", "1:a\r\nb;");
    assert_refuses("a\rb\n", 4, MU_E_INVALID, "row 1 has a carriage return out of place");
}

static void the_last_row_needs_no_line_feed(void **state)
{
    (void)state;
    assert_reads("a,b", "1:a|b;");
    assert_reads("a,", "1:a|;");
    assert_reads("\"a\"", "1:a;");
}

static void quotes_out_of_place_are_refused(void **state)
{
    (void)state;
    assert_refuses("a\nb\"c\n", 6, MU_E_INVALID, "row 2 has a quote out of place");
    assert_refuses("\"a\"b\n", 5, MU_E_INVALID, "row 1 has a quote out of place");
}

static void a_torn_file_is_refused(void **state)
{
    (void)state;
    assert_refuses("a\n\"b", 4, MU_E_INVALID, "row 2 is torn");
}

static void a_nul_is_refused(void **state)
{
    (void)state;
    assert_refuses("a,\0b\n", 5, MU_E_INVALID, "row 1 holds a NUL");
}

static void too_many_columns_are_refused(void **state)
{
    char commas[CSV_MAX_COLUMNS + 1];

    (void)state;
    memset(commas, ',', sizeof(commas));
    assert_refuses(commas, sizeof(commas), MU_E_LIMIT, "row 1 has more than 64 columns");
}

static void an_endless_row_is_refused(void **state)
{
    const size_t len = (size_t)2 * CSV_MAX_ROW_BYTES;
    MU_AUTO_FREE char *endless = malloc(len);

    (void)state;
    memset(endless, 'x', len);
    assert_refuses(endless, len, MU_E_LIMIT, "a row");
    endless[0] = '"';
    assert_refuses(endless, len, MU_E_LIMIT, "a row");
}

static enum mu_status refuse(void *opaque, size_t row, const char *const *fields, size_t count,
                             struct mu_error *err)
{
    (void)opaque, (void)fields, (void)count;
    return mu_fail(err, MU_E_CONFLICT, "enough at row %zu", row);
}

static void what_the_caller_returns_ends_the_reading(void **state)
{
    FILE *in = fmemopen((void *)(uintptr_t) "a\nb\n", 4, "r");
    struct mu_error err;

    (void)state;
    assert_int_equal(csv_read(in, refuse, NULL, &err), MU_E_CONFLICT);
    assert_string_equal(err.message, "enough at row 1");
    (void)fclose(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(quoted_and_plain_fields_are_read),
            cmocka_unit_test(a_carriage_return_belongs_to_the_end_of_its_line),
            cmocka_unit_test(the_last_row_needs_no_line_feed),
            cmocka_unit_test(quotes_out_of_place_are_refused),
            cmocka_unit_test(a_torn_file_is_refused),
            cmocka_unit_test(a_nul_is_refused),
            cmocka_unit_test(too_many_columns_are_refused),
            cmocka_unit_test(an_endless_row_is_refused),
            cmocka_unit_test(what_the_caller_returns_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
