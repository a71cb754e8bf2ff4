#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "html/html_out.h"

#include <stdlib.h>
#include <string.h>

/* What `write` makes of the text, in memory that the caller frees. */
static char *written(void (*write)(struct html *html, const char *text), const char *text)
{
    char *bytes = NULL;
    size_t len = 0;
    struct html html = {open_memstream(&bytes, &len), "memory"};

    write(&html, text);
    html_done(&html);
    return bytes;
}

static void assert_written(void (*write)(struct html *html, const char *text), const char *text,
                           const char *expected)
{
    char *bytes = written(write, text);

    assert_string_equal(bytes, expected);
    free(bytes);
}

static void markup_is_text(void **state)
{
    (void)state;
    assert_written(html_text, "<script>alert('x')</script> & \"y\"",
                   "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
    assert_written(html_attribute, "\" onclick='x", "&quot; onclick=&#39;x");
    assert_written(html_text, NULL, "");
}

static void a_line_feed_is_a_break_in_text_and_a_blank_in_an_attribute(void **state)
{
    (void)state;
    assert_written(html_text, "a\nb\tc", "a<br>b c");
    assert_written(html_attribute, "a\nb\tc", "a b c");
}

static void what_cannot_be_seen_is_shown(void **state)
{
    (void)state;
    assert_written(html_text,
                   "a\xe2\x80\xae"
                   "b",
                   "a[U+202E]b"); /* right-to-left override */
    assert_written(html_text, "\xe2\x81\xa6x\xe2\x81\xa9", "[U+2066]x[U+2069]");
    assert_written(html_text, "\x01\x1b[31m\x7f", "[U+0001][U+001B][31m[U+007F]");
    assert_written(html_text, "\xc2\x85\xc2\xad", "[U+0085][U+00AD]");
    assert_written(html_text, "\xe2\x80\x8b\xef\xbb\xbf", "[U+200B][U+FEFF]");
    assert_written(html_text, "\xf3\xa0\x81\xa1", "[U+E0061]"); /* a tag character */
    assert_written(html_text, "\xef\xbf\xbf", "[U+FFFF]");
}

static void other_scripts_stay_as_they_are(void **state)
{
    static const char text[] = "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe4\xb8\xad \xf0\x9f\x9a\x80";

    (void)state;
    assert_written(html_text, text, text);
}

static void bytes_that_are_no_utf8_become_the_replacement_character(void **state)
{
    (void)state;
    assert_written(html_text, "a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(");
    assert_written(html_text, "\xe2\x80", "\xef\xbf\xbd\xef\xbf\xbd");
    assert_written(html_text, "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"); /* '<' in too many bytes */
    assert_written(html_text, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    char text[HTML_TEXT_MAX_BYTES + 2], *bytes;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + HTML_TEXT_MAX_BYTES - 1, "\xc3\xa4", 2);
    bytes = written(html_text, text);
    assert_int_equal(strlen(bytes), HTML_TEXT_MAX_BYTES - 1 + 3);
    assert_string_equal(bytes + HTML_TEXT_MAX_BYTES - 1, "\xe2\x80\xa6");
    free(bytes);
}

static void put_number(struct html *html, const char *text)
{
    html_number(html, strtoll(text, NULL, 10));
}

static void put_id(struct html *html, const char *text)
{
    html_id(html, "i-", text);
}

static void numbers_and_ids_do_not_depend_on_anything(void **state)
{
    (void)state;
    assert_written(put_number, "0", "0");
    assert_written(put_number, "999", "999");
    assert_written(put_number, "1000", "1,000");
    assert_written(put_number, "1234567", "1,234,567");
    assert_written(put_number, "-1", "not known");
    assert_written(put_id, "V-CVE-2026-1.2", "i-V-CVE-2026-1.2");
    assert_written(put_id, "a b\"_", "i-a_20b_22_5F");
}

static void a_day_keeps_its_exact_time(void **state)
{
    (void)state;
    assert_written(html_day, "2026-11-24T12:00:00.000000Z",
                   "<time datetime=\"2026-11-24T12:00:00.000000Z\">2026-11-24</time>");
    assert_written(html_day, NULL, "\xe2\x80\x93");
}

static void a_full_disk_is_an_error_with_the_path(void **state)
{
    struct html html = {fopen("/dev/full", "we"), "the/page"};
    struct mu_error err;

    (void)state;
    assert_non_null(html.file);
    html_put(&html, "x");
    assert_int_equal(html_close(&html, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "the/page"));
    html_done(&html);
    assert_int_equal(html_open("/nonexistent/page", &html, &err), MU_E_UNAVAILABLE);
    html_done(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(markup_is_text),
            cmocka_unit_test(a_line_feed_is_a_break_in_text_and_a_blank_in_an_attribute),
            cmocka_unit_test(what_cannot_be_seen_is_shown),
            cmocka_unit_test(other_scripts_stay_as_they_are),
            cmocka_unit_test(bytes_that_are_no_utf8_become_the_replacement_character),
            cmocka_unit_test(a_long_text_is_cut_between_characters),
            cmocka_unit_test(numbers_and_ids_do_not_depend_on_anything),
            cmocka_unit_test(a_day_keeps_its_exact_time),
            cmocka_unit_test(a_full_disk_is_an_error_with_the_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
