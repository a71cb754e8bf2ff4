#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing_files.h"
#include "registry_peer.h"

#include "listing/registry_walk.h"
#include "source/source.h"

enum { SMALL = 64 * 1024 };

struct stage {
    struct registry_peer peer;
    struct source_config source;
    char url[64], digest[MU_DIGEST_TEXT_SIZE];
    struct listing_files *files;
    struct tag_sorter *seen;
    struct registry_walk_result result;
    struct mu_error err;
    atomic_bool stopping;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    void *files = NULL;

    (void)listing_files_make(&files);
    stage->files = files;
    registry_peer_listen(&stage->peer);
    (void)snprintf(stage->url, sizeof(stage->url), "http://127.0.0.1:%d", stage->peer.port);
    stage->source = (struct source_config){.name = "all",
                                           .kind = source_kind_find("registry"),
                                           .registry = "registry.example",
                                           .url = stage->url,
                                           .page_limit = 2};
    *state = stage;
    return tag_sorter_new(stage->files->spill, SMALL, &stage->seen, &stage->err);
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    void *files = stage->files;

    tag_sorter_free(stage->seen);
    registry_peer_clear(&stage->peer);
    free(stage);
    return listing_files_remove(&files);
}

static struct peer_route *says(struct stage *stage, const char *path, const char *body)
{
    return registry_peer_route(&stage->peer, path, body, strlen(body));
}

/* A page whose Link leads on to `next`. */
static struct peer_route *says_more(struct stage *stage, const char *path, const char *body,
                                    const char *next)
{
    struct peer_route *route = says(stage, path, body);

    (void)snprintf(route->headers, sizeof(route->headers), "Link: <%s>; rel=\"next\"\r\n", next);
    return route;
}

static struct peer_route *has_tag(struct stage *stage, const char *path, char digit)
{
    struct peer_route *route = says(stage, path, "");
    char hex[65] = "";

    memset(hex, digit, 64);
    (void)snprintf(route->headers, sizeof(route->headers),
                   "Docker-Content-Digest: sha256:%s\r\nContent-Type: application/x\r\n", hex);
    return route;
}

static enum mu_status walk(struct stage *stage)
{
    const struct registry_walk config = {.source = &stage->source,
                                         .stopping = &stage->stopping,
                                         .retry_min_ms = 1,
                                         .seen = stage->seen};
    enum mu_status st;

    registry_peer_start(&stage->peer);
    st = registry_walk_run(&config, &stage->result, &stage->err);
    registry_peer_stop(&stage->peer);
    return st;
}

static void expect_seen(struct stage *stage, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct tag_line line;

    mu_buf_init(&text, 65536);
    assert_int_equal(tag_sorter_finish(stage->seen, &stage->err), MU_OK);
    while (tag_sorter_next(stage->seen, &line, &stage->err) == MU_OK)
        word_of(&line, &text);
    assert_string_equal(text.data, expected);
}

static void expect_says(const char *text, const char *word)
{
    if (!strstr(text, word))
        fail_msg("'%s' does not say '%s'", text, word);
}

static void every_page_of_catalog_and_tags_is_read(void **state)
{
    struct stage *stage = *state;

    says_more(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\",\"b/c\"]}",
              "/v2/_catalog?last=b%2Fc&n=2");
    says(stage, "/v2/_catalog?last=b%2Fc&n=2", "{\"repositories\":[\"d\"]}");
    says_more(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\",\"2\"]}",
              "/v2/a/tags/list?last=2&n=2");
    says(stage, "/v2/a/tags/list?last=2&n=2", "{\"tags\":[\"3\"]}");
    says(stage, "/v2/b/c/tags/list?n=2", "{\"tags\":null}");
    says(stage, "/v2/d/tags/list?n=2", "{\"tags\":[\"1\"]}");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    has_tag(stage, "/v2/a/manifests/2", 'b');
    has_tag(stage, "/v2/a/manifests/3", 'c');
    has_tag(stage, "/v2/d/manifests/1", 'd');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a a:2=b a:3=c d:1=d ");
    assert_int_equal(stage->result.repositories, 3);
    assert_int_equal(stage->result.tags, 4);
    assert_int_equal(stage->result.failed, 0);
}

static void an_absolute_link_to_the_same_registry_is_followed(void **state)
{
    struct stage *stage = *state;
    char next[128];

    (void)snprintf(next, sizeof(next), "%s/v2/_catalog?last=a", stage->url);
    says_more(stage, "/v2/_catalog?n=2", "{\"repositories\":[]}", next);
    says(stage, "/v2/_catalog?last=a", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\"]}");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a ");
}

static void a_link_to_another_host_is_refused(void **state)
{
    static const char *const links[] = {"http://169.254.169.254/latest", "http://127.0.0.1:1/v2/",
                                        "//registry.invalid/v2/_catalog", "https://h/v2/_catalog"};

    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        void *own = NULL;
        struct stage *stage;

        (void)set_up(&own);
        stage = own;
        says_more(stage, "/v2/_catalog?n=2", "{\"repositories\":[]}", links[i]);
        assert_int_equal(walk(stage), MU_E_INVALID);
        expect_says(stage->err.message, "the next page is said to be");
        assert_int_equal(tear_down(&own), 0);
    }
}

static void pages_that_lead_in_a_circle_end(void **state)
{
    struct stage *stage = *state;

    says_more(stage, "/v2/_catalog?n=2", "{\"repositories\":[]}", "/v2/_catalog?p=1");
    says_more(stage, "/v2/_catalog?p=1", "{\"repositories\":[]}", "/v2/_catalog?p=2");
    says_more(stage, "/v2/_catalog?p=2", "{\"repositories\":[]}", "/v2/_catalog?p=3");
    says_more(stage, "/v2/_catalog?p=3", "{\"repositories\":[]}", "/v2/_catalog?p=1");
    assert_int_equal(walk(stage), MU_E_INVALID);
    expect_says(stage->err.message, "in a circle");
}

static void a_page_that_leads_to_itself_ends(void **state)
{
    struct stage *stage = *state;

    says_more(stage, "/v2/_catalog?n=2", "{\"repositories\":[]}", "/v2/_catalog?n=2");
    assert_int_equal(walk(stage), MU_E_INVALID);
    expect_says(stage->err.message, "in a circle");
}

static void a_registry_without_catalog_says_what_to_do(void **state)
{
    static const int statuses[] = {401, 403, 404, 405};

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        void *own = NULL;
        struct stage *stage;

        (void)set_up(&own);
        stage = own;
        says(stage, "/v2/_catalog?n=2", "{}")->status = statuses[i];
        assert_int_not_equal(walk(stage), MU_OK);
        expect_says(stage->err.message, "does not show its catalog");
        expect_says(stage->err.message, "'repositories'");
        assert_int_equal(tear_down(&own), 0);
    }
}

static void a_catalog_that_is_no_json_ends_the_walk(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2", "<html>")->status = 200;
    assert_int_equal(walk(stage), MU_E_INVALID);
    assert_null(strstr(stage->err.message, "'repositories'"));
}

static void named_repositories_need_no_catalog(void **state)
{
    static const char *names[] = {"a", "gone"};
    struct stage *stage = *state;

    stage->source.repositories = names;
    stage->source.repository_count = 2;
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\"]}");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a ");
    assert_int_equal(stage->result.failed, 0);
    assert_true(registry_walk_wants(&stage->source, "a"));
    assert_false(registry_walk_wants(&stage->source, "b"));
}

static void prefixes_choose_from_the_catalog(void **state)
{
    static const char *names[] = {"team/*", "x"};
    struct stage *stage = *state;
    struct peer_route *other;

    stage->source.repositories = names;
    stage->source.repository_count = 2;
    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"team/a\",\"teams\",\"x\",\"xy\"]}");
    says(stage, "/v2/team/a/tags/list?n=2", "{\"tags\":[\"1\"]}");
    other = says(stage, "/v2/teams/tags/list?n=2", "{\"tags\":[\"1\"]}");
    says(stage, "/v2/x/tags/list?n=2", "{\"tags\":[]}");
    has_tag(stage, "/v2/team/a/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "team/a:1=a ");
    assert_int_equal(other->hits, 0);
}

static void a_repository_that_cannot_be_read_is_marked(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\",\"b\",\"c\",\"d\",\"gone\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{}")->status = 403;
    says(stage, "/v2/b/tags/list?n=2", "{\"tags\":[1]}");
    says(stage, "/v2/c/tags/list?n=2", "{}")->status = 500;
    says(stage, "/v2/d/tags/list?n=2", "{\"tags\":[\"1\"]}");
    has_tag(stage, "/v2/d/manifests/1", 'd');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a b c d:1=d ");
    assert_int_equal(stage->result.failed, 3);
    assert_true(stage->result.failure[0] != '\0');
}

static void a_repository_of_which_a_page_is_missing_is_marked(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says_more(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\"]}", "/v2/a/tags/list?last=1");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a a:1=a ");
}

static void a_tag_that_cannot_be_looked_up_marks_its_repository(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\",\"2\",\"3\"]}");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    (void)snprintf(has_tag(stage, "/v2/a/manifests/2", 'z')->headers, 64,
                   "Docker-Content-Digest: sha256:zz\r\n");
    has_tag(stage, "/v2/a/manifests/3", 'c');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a a:1=a a:3=c ");
    expect_says(stage->result.failure, "Docker-Content-Digest");
}

static void a_tag_that_went_meanwhile_is_not_there(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\",\"2\"]}");
    has_tag(stage, "/v2/a/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a ");
    assert_int_equal(stage->result.failed, 0);
}

static void a_registry_that_does_not_say_the_digest_is_asked_for_the_bytes(void **state)
{
    struct stage *stage = *state;
    char expected[64];

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\"]}");
    says(stage, "/v2/a/manifests/1", "{}");
    mu_sha256_text("{}", 2, stage->digest);
    (void)snprintf(expected, sizeof(expected), "a:1=%.1s ", stage->digest + 7);
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, expected);
}

/* Names are put into paths: what is none must not get there. */
static void names_that_lead_astray_are_skipped(void **state)
{
    struct stage *stage = *state;

    says(stage, "/v2/_catalog?n=2",
         "{\"repositories\":[\"../../admin\",\"a b\",\"A\",\"\",\"a/../b\",\"a?x=1\",\"ok\"]}");
    says(stage, "/v2/ok/tags/list?n=2", "{\"tags\":[\"1\",\"../../x\",\"-\",\"\",\"a/b\"]}");
    has_tag(stage, "/v2/ok/manifests/1", 'a');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "ok:1=a ");
    assert_int_equal(stage->result.skipped, 10);
}

static void a_tag_list_over_the_bound_marks_its_repository(void **state)
{
    struct stage *stage = *state;
    static char big[5 * 1024 * 1024];
    size_t len = 0;

    len += (size_t)snprintf(big, sizeof(big), "{\"tags\":[\"0\"");
    while (len < sizeof(big) - 32)
        len += (size_t)snprintf(big + len, sizeof(big) - len, ",\"%zu\"", len);
    (void)snprintf(big + len, sizeof(big) - len, "]}");
    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", big);
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a ");
    expect_says(stage->result.failure, "a: ");
}

static void a_registry_that_is_down_ends_the_walk(void **state)
{
    struct stage *stage = *state;
    struct registry_walk config = {.source = &stage->source,
                                   .stopping = &stage->stopping,
                                   .retry_min_ms = 1,
                                   .seen = stage->seen};

    registry_peer_start(&stage->peer);
    registry_peer_stop(&stage->peer);
    assert_int_equal(registry_walk_run(&config, &stage->result, &stage->err), MU_E_UNAVAILABLE);
}

static void repository_after_repository_out_of_reach_ends_the_walk(void **state)
{
    struct stage *stage = *state;
    char path[64];

    says(stage, "/v2/_catalog?n=2",
         "{\"repositories\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]}");
    for (int name = 'a'; name <= 'k'; name++) {
        (void)snprintf(path, sizeof(path), "/v2/%c/tags/list?n=2", name);
        says(stage, path, "{}")->status = 503;
    }
    assert_int_equal(walk(stage), MU_E_UNAVAILABLE);
    assert_in_range(stage->result.failed, 5, 10);
}

static void the_rate_a_registry_allows_ends_the_walk_before_it_is_used_up(void **state)
{
    struct stage *stage = *state;
    struct peer_route *route;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\",\"2\"]}");
    route = has_tag(stage, "/v2/a/manifests/1", 'a');
    (void)snprintf(route->headers + strlen(route->headers), 80,
                   "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 9;w=21600\r\n");
    has_tag(stage, "/v2/a/manifests/2", 'b');
    assert_int_equal(walk(stage), MU_E_UNAVAILABLE);
    assert_int_equal(stage->result.blocked_ms, 21600000);
    expect_seen(stage, "a a:1=a ");
}

static void a_window_that_is_short_is_waited_for(void **state)
{
    struct stage *stage = *state;
    struct peer_route *route;

    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\"]}");
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\",\"2\"]}");
    route = has_tag(stage, "/v2/a/manifests/1", 'a');
    (void)snprintf(route->headers + strlen(route->headers), 80,
                   "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n");
    has_tag(stage, "/v2/a/manifests/2", 'b');
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a a:2=b ");
}

static void a_long_retry_after_ends_the_walk_and_says_for_how_long(void **state)
{
    struct stage *stage = *state;
    struct peer_route *route = says(stage, "/v2/_catalog?n=2", "{}");

    route->status = 429;
    (void)snprintf(route->headers, sizeof(route->headers), "Retry-After: 3600\r\n");
    assert_int_equal(walk(stage), MU_E_UNAVAILABLE);
    assert_int_equal(stage->result.blocked_ms, 3600000);
    assert_int_equal(route->hits, 1);
}

static void a_token_is_asked_for_the_catalog_and_for_each_repository(void **state)
{
    struct stage *stage = *state;

    (void)snprintf(stage->peer.challenge, sizeof(stage->peer.challenge),
                   "Bearer realm=\"%s/token\",service=\"s\",scope=\"registry:catalog:*\"",
                   stage->url);
    says(stage, "/token?service=s&scope=registry%3Acatalog%3A%2A", "{\"token\":\"all\"}");
    says(stage, "/token?service=s&scope=repository%3Aa%3Apull", "{\"token\":\"ofa\"}");
    says(stage, "/token?service=s&scope=repository%3Ab%3Apull", "{\"token\":\"ofb\"}");
    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[\"a\",\"b\"]}")->authorization =
            "Bearer all";
    says(stage, "/v2/a/tags/list?n=2", "{\"tags\":[\"1\"]}")->authorization = "Bearer ofa";
    has_tag(stage, "/v2/a/manifests/1", 'a')->authorization = "Bearer ofa";
    says(stage, "/v2/b/tags/list?n=2", "{\"tags\":[\"1\"]}")->authorization = "Bearer ofb";
    has_tag(stage, "/v2/b/manifests/1", 'b')->authorization = "Bearer ofb";
    assert_int_equal(walk(stage), MU_OK);
    expect_seen(stage, "a:1=a b:1=b ");
}

static void a_walk_that_is_stopped_is_not_complete(void **state)
{
    struct stage *stage = *state;

    atomic_store(&stage->stopping, true);
    says(stage, "/v2/_catalog?n=2", "{\"repositories\":[]}");
    assert_int_equal(walk(stage), MU_E_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(every_page_of_catalog_and_tags_is_read),
            TEST(an_absolute_link_to_the_same_registry_is_followed),
            cmocka_unit_test(a_link_to_another_host_is_refused),
            TEST(pages_that_lead_in_a_circle_end),
            TEST(a_page_that_leads_to_itself_ends),
            cmocka_unit_test(a_registry_without_catalog_says_what_to_do),
            TEST(a_catalog_that_is_no_json_ends_the_walk),
            TEST(named_repositories_need_no_catalog),
            TEST(prefixes_choose_from_the_catalog),
            TEST(a_repository_that_cannot_be_read_is_marked),
            TEST(a_repository_of_which_a_page_is_missing_is_marked),
            TEST(a_tag_that_cannot_be_looked_up_marks_its_repository),
            TEST(a_tag_that_went_meanwhile_is_not_there),
            TEST(a_registry_that_does_not_say_the_digest_is_asked_for_the_bytes),
            TEST(names_that_lead_astray_are_skipped),
            TEST(a_tag_list_over_the_bound_marks_its_repository),
            TEST(a_registry_that_is_down_ends_the_walk),
            TEST(repository_after_repository_out_of_reach_ends_the_walk),
            TEST(the_rate_a_registry_allows_ends_the_walk_before_it_is_used_up),
            TEST(a_window_that_is_short_is_waited_for),
            TEST(a_long_retry_after_ends_the_walk_and_says_for_how_long),
            TEST(a_token_is_asked_for_the_catalog_and_for_each_repository),
            TEST(a_walk_that_is_stopped_is_not_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
