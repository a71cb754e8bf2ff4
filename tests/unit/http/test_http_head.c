#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/http_head.h"
#include "http/http_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *next_of(const char *value)
{
    static char target[64];

    return http_link_next(value, strlen(value), target, sizeof(target)) ? target : NULL;
}

static void the_next_link_is_found_among_others(void **state)
{
    (void)state;
    assert_string_equal(next_of("</v2/a?last=b&n=2>; rel=\"next\""), "/v2/a?last=b&n=2");
    assert_string_equal(next_of("<p>; rel=prev, <n>;title=\"a, b; c\" ; REL = Next"), "n");
    assert_string_equal(next_of(" ,, <n>; rel=\"last  NEXT\""), "n");
    assert_string_equal(next_of("<a,b;c>; rel=next"), "a,b;c");
    assert_string_equal(next_of("<x>; rel=\"a\\\"b\", <n>; rel=next"), "n");
}

static void what_is_no_next_link_gives_none(void **state)
{
    static const char *const values[] = {
            "",
            "<",
            "<n",
            "<n>",
            "<n>; rel",
            "<n>; rel=",
            "<n>; rel=nextish",
            "<n>; rel=\"prev\"; rel=next", /* the first rel counts */
            "n; rel=next",
            "<n>; title=\"rel=next",
            "<n> rel=next",
            "<a\tb>; rel=next",
            "<0123456789012345678901234567890123456789012345678901234567890123>; rel=next",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_null(next_of(values[i]));
}

static int64_t retry_after(const char *value, int64_t now_s)
{
    return http_retry_after_ms(value, strlen(value), now_s * 1000000);
}

static void retry_after_is_read_as_seconds_or_as_a_date(void **state)
{
    (void)state;
    assert_int_equal(retry_after("0", 0), 0);
    assert_int_equal(retry_after("120", 0), 120000);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30000);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0);
}

static void retry_after_never_exceeds_a_day(void **state)
{
    (void)state;
    assert_int_equal(retry_after("999999999999999999", 0), 86400000);
    assert_int_equal(retry_after("Sun, 06 Nov 2033 08:49:37 GMT", 0), 86400000);
}

static void a_malformed_retry_after_counts_as_none(void **state)
{
    static const char *const values[] = {"", "-1", "1.5", "soon", "9999999999999999999", "1 2"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_int_equal(retry_after(values[i], 0), -1);
}

static void feed(struct http_head *head, const char *const *lines)
{
    http_head_reset(head);
    for (; *lines != NULL; lines++)
        http_head_line(head, *lines, strlen(*lines));
}

static void a_second_status_line_starts_over(void **state)
{
    const char *const lines[] = {"HTTP/1.1 100 Continue\r\n", "Content-Type: a/b\r\n", "\r\n",
                                 "HTTP/2 404\r\n", NULL};
    struct http_head head;

    (void)state;
    feed(&head, lines);
    assert_int_equal(head.response.status, 404);
    assert_string_equal(head.response.content_type, "");
}

static void what_tells_a_change_is_kept_as_sent(void **state)
{
    const char *const lines[] = {"HTTP/1.1 200 OK\r\n", "ETag: W/\"v 1\"\r\n",
                                 "last-modified: Wed, 25 Nov 2026 10:00:00 GMT\r\n", NULL};
    struct http_head head;

    (void)state;
    feed(&head, lines);
    assert_string_equal(head.response.etag, "W/\"v 1\"");
    assert_string_equal(head.response.last_modified, "Wed, 25 Nov 2026 10:00:00 GMT");
}

static void a_bearer_challenge_is_preferred(void **state)
{
    const char *const lines[] = {"HTTP/1.1 401 No\r\n", "WWW-Authenticate: Basic realm=\"x\"\r\n",
                                 "www-authenticate:Bearer realm=\"y\"\r\n",
                                 "WWW-Authenticate: Basic realm=\"z\"\r\n", NULL};
    struct http_head head;

    (void)state;
    feed(&head, lines);
    assert_string_equal(head.response.www_authenticate, "Bearer realm=\"y\"");
}

static void values_that_do_not_fit_or_hold_control_bytes_count_as_absent(void **state)
{
    char long_type[400], long_challenge[2000];
    const char *const lines[] = {"HTTP/1.1 200 OK",
                                 long_type,
                                 long_challenge,
                                 "Docker-Content-Digest: sha256:\x01",
                                 "Content-Length: 12x",
                                 "Location: /\x7f",
                                 NULL};
    struct http_head head;

    (void)state;
    snprintf(long_type, sizeof(long_type), "Content-Type: %0300d", 1);
    snprintf(long_challenge, sizeof(long_challenge), "WWW-Authenticate: Bearer %01500d", 1);
    feed(&head, lines);
    assert_string_equal(head.response.content_type, "");
    assert_string_equal(head.response.www_authenticate, "");
    assert_string_equal(head.response.docker_content_digest, "");
    assert_string_equal(head.location, "");
    assert_int_equal(head.response.content_length, -1);
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(http_url_same_origin("https://Example.com/a", "HTTPS://example.com:443/b?c"));
    assert_true(http_url_same_origin("http://h/a", "http://h:80/"));
    assert_false(http_url_same_origin("http://h/", "https://h/"));
    assert_false(http_url_same_origin("https://h/", "https://h:8443/"));
    assert_false(http_url_same_origin("https://h/", "https://h.evil/"));
    assert_false(http_url_same_origin("https://h/", "not a url"));
}

static void a_reference_is_resolved_against_its_base(void **state)
{
    static const struct {
        const char *reference, *url;
    } rows[] = {{"/c?d=e", "https://h:5000/c?d=e"},
                {"c", "https://h:5000/a/c"},
                {"//other/x", "https://other/x"},
                {"http://other/", "http://other/"},
                {"?n=2", "https://h:5000/a/b?n=2"}};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *url = NULL;

        assert_int_equal(http_url_resolve("https://h:5000/a/b?q", rows[i].reference, &url, &err),
                         MU_OK);
        assert_string_equal(url, rows[i].url);
        free(url);
    }
}

static void other_schemes_and_user_names_are_refused(void **state)
{
    static const char *const references[] = {"file:///etc/passwd", "ftp://h/", "https://u@h/",
                                             "gopher://h", "http://"};
    struct mu_error err;
    char *url = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        assert_int_equal(http_url_resolve("https://h/", references[i], &url, &err), MU_E_INVALID);
    assert_null(url);
}

static void https_never_leads_to_http(void **state)
{
    (void)state;
    assert_false(http_url_may_lead_to("https://h/", "http://h/"));
    assert_true(http_url_may_lead_to("HTTPS://h/", "Https://other/"));
    assert_true(http_url_may_lead_to("http://h/", "https://h/"));
    assert_true(http_url_may_lead_to("http://h/", "http://other/"));
}

static void expect_rate(const char *const *lines, int64_t remaining, int64_t reset_ms)
{
    struct http_head head;

    http_head_reset(&head);
    for (; *lines; lines++)
        http_head_line(&head, *lines, strlen(*lines));
    assert_int_equal(head.response.rate_remaining, remaining);
    assert_true(head.response.rate_reset_ms == reset_ms);
}

static void the_rate_a_peer_allows_is_read_in_every_form(void **state)
{
    char epoch[64];

    (void)state;
    (void)snprintf(epoch, sizeof(epoch), "X-RateLimit-Reset: %lld",
                   (long long)(mu_now_us() / 1000000) + 100000);
    expect_rate((const char *const[]){"ratelimit-remaining: 76;w=21600", NULL}, 76, 21600000);
    expect_rate(
            (const char *const[]){"RateLimit-Remaining: 0 ; x=1;w=60", "RateLimit-Reset: 7", NULL},
            0, 7000);
    expect_rate((const char *const[]){"X-RateLimit-Remaining: 12", epoch, NULL}, 12, 86400000);
    expect_rate((const char *const[]){"RateLimit-Remaining: 3;w=99999999", NULL}, 3, 86400000);
}

static void a_rate_that_makes_no_sense_is_not_said(void **state)
{
    (void)state;
    expect_rate((const char *const[]){"RateLimit-Remaining: -1;w=x", "RateLimit-Reset: soon", NULL},
                -1, -1);
    expect_rate((const char *const[]){"RateLimit-Remaining: ;w=", "RateLimit-Reset:", NULL}, -1,
                -1);
    expect_rate((const char *const[]){"X-RateLimit-Reset: 1000000001", NULL}, -1, -1);
}

static void a_range_begins_where_the_peer_says(void **state)
{
    static const struct {
        const char *line;
        int64_t start;
    } cases[] = {
            {"Content-Range: bytes 17-21/22", 17},
            {"content-range: BYTES 0-0/*", 0},
            {"Content-Range: bytes */22", -1},
            {"Content-Range: bytes -5/22", -1},
            {"Content-Range: lines 1-2/3", -1},
            {"Content-Range: bytes", -1},
            {"Content-Range: bytes x-2/3", -1},
            {"Content-Range: bytes 17", -1},
            {"Content-Range: 1-2", -1},
    };
    struct http_head head;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_head_reset(&head);
        http_head_line(&head, cases[i].line, strlen(cases[i].line));
        assert_int_equal(head.response.range_start, cases[i].start);
    }
}

static const char *kept_of(const char *name, const char *line)
{
    static struct http_head head;

    http_head_reset(&head);
    http_head_keep(&head, name, line, strlen(line));
    return head.response.kept;
}

static void one_more_header_is_kept_when_it_is_asked_for(void **state)
{
    (void)state;
    assert_string_equal(kept_of("Muster-Verdict", "muster-verdict:  approved \r\n"), "approved");
    assert_string_equal(kept_of("Muster-Verdict", "Muster-Verdicts: approved\r\n"), "");
    assert_string_equal(kept_of("Muster-Verdict", "Muster-Verdict: a\tb\r\n"), "");
    assert_string_equal(kept_of("Muster-Verdict", "Muster-Verdict"), "");
    assert_string_equal(kept_of("A", "A: "
                                     "0123456789012345678901234567890123456789012345678901234567890"
                                     "1234567890123456789012345678901234567890123456789012345678901"
                                     "2345678901234567890123456789"),
                        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_next_link_is_found_among_others),
            cmocka_unit_test(what_is_no_next_link_gives_none),
            cmocka_unit_test(retry_after_is_read_as_seconds_or_as_a_date),
            cmocka_unit_test(retry_after_never_exceeds_a_day),
            cmocka_unit_test(a_malformed_retry_after_counts_as_none),
            cmocka_unit_test(a_second_status_line_starts_over),
            cmocka_unit_test(what_tells_a_change_is_kept_as_sent),
            cmocka_unit_test(a_bearer_challenge_is_preferred),
            cmocka_unit_test(values_that_do_not_fit_or_hold_control_bytes_count_as_absent),
            cmocka_unit_test(an_origin_is_scheme_host_and_port),
            cmocka_unit_test(a_reference_is_resolved_against_its_base),
            cmocka_unit_test(https_never_leads_to_http),
            cmocka_unit_test(other_schemes_and_user_names_are_refused),
            cmocka_unit_test(a_range_begins_where_the_peer_says),
            cmocka_unit_test(the_rate_a_peer_allows_is_read_in_every_form),
            cmocka_unit_test(a_rate_that_makes_no_sense_is_not_said),
            cmocka_unit_test(one_more_header_is_kept_when_it_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
