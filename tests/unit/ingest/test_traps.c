/* What senders really do that a reader of their documentation would not expect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_fixture.h"
#include "source/fact.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NOW_US INT64_C(1795564800000000) /* when the fixture receives */

static const char *one_header(void *opaque, const char *name)
{
    const char *line = opaque; /* "name: value" */
    size_t len = strlen(name);

    return strncasecmp(line, name, len) == 0 && line[len] == ':' ? line + len + 2 : NULL;
}

static void run_bytes(struct fixture *fixture, const char *kind, const char *body, size_t len)
{
    fixture_begin(fixture, kind, body, len);
    if (fixture_run(fixture) != MU_OK)
        fail_msg("%s", fixture->err.message);
    assert_true(fixture->events.fact_count > 0);
}

static void run(struct fixture *fixture, const char *kind, const char *body)
{
    run_bytes(fixture, kind, body, strlen(body));
}

static void run_with_header(struct fixture *fixture, const char *kind, const char *header,
                            const char *body)
{
    fixture_begin(fixture, kind, body, strlen(body));
    fixture->input.header = one_header;
    fixture->input.opaque = (void *)(uintptr_t)header;
    fixture->input.content_type = one_header(fixture->input.opaque, "content-type");
    if (fixture_run(fixture) != MU_OK)
        fail_msg("%s", fixture->err.message);
}

static const struct fact *fact_of(const struct fixture *fixture, size_t index)
{
    assert_true(index < fixture->events.fact_count);
    return fixture->events.facts[index];
}

static void check_class(const struct fixture *fixture, const char *word)
{
    assert_string_equal(fact_classes[fact_of(fixture, 0)->class_].word, word);
}

static bool is_told(const struct fixture *fixture, const char *needle)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error err;

    mu_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < fixture->events.count; i++) {
        const struct mu_quarantine_record *record = fixture->events.items[i].message;

        mu_buf_append(&text, fixture->messages[i].value, fixture->messages[i].value_len);
        if (fixture->events.items[i].type == MU_MSG_QUARANTINE_RECORD)
            assert_int_equal(mu_base64_decode(record->payload_base64,
                                              strlen(record->payload_base64), &text, &err),
                             MU_OK);
    }
    return text.data && memmem(text.data, text.len, needle, strlen(needle)) != NULL;
}

/* ---- numbers ---- */

static void integers_beyond_2_to_the_53_keep_every_digit(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "docker",
        "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":"
        "{\"image\":\"app:1\",\"name\":\"a\"}},\"timeNano\":1795454884859005244}");
    assert_string_equal(fact_of(&fixture, 0)->text[FACT_EVENT_ID], "1795454884859005244");
    assert_true(fact_of(&fixture, 0)->occurred_at_us == INT64_C(1795454884859005));
    fixture_end(&fixture);
}

static void numbers_beyond_64_bits_are_quarantined(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "nomad", "{\"Index\":99999999999999999999,\"Events\":[]}");
    check_class(&fixture, "reject");
    fixture_end(&fixture);
}

static void an_exit_code_may_be_text(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "docker",
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":"
        "{\"image\":\"app:1\",\"name\":\"a\",\"exitCode\":\"137\"}},"
        "\"timeNano\":1795454884859005244}");
    check_class(&fixture, "container.stop");
    assert_string_equal(fact_of(&fixture, 0)->text[FACT_EXIT_CODE], "137");
    fixture_end(&fixture);
}

/* ---- members ---- */

static void a_member_told_twice_is_quarantined(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "nomad", "{\"Index\":1,\"Index\":2,\"Events\":[]}");
    check_class(&fixture, "reject");
    assert_non_null(strstr(fact_of(&fixture, 0)->why, "duplicate"));
    fixture_end(&fixture);
}

static void null_where_a_list_or_an_object_belongs_is_nothing(void **state)
{
    static const struct {
        const char *kind, *body, *class_;
    } cases[] = {
            {"distribution", "{\"events\":null}", "noop"},
            {"kubernetes",
             "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"spec\":{\"containers\":null},"
             "\"metadata\":{\"resourceVersion\":\"9\"}}}",
             "ignore"},
            {"kubernetes-admission",
             "{\"request\":{\"uid\":\"u\",\"operation\":\"DELETE\",\"kind\":{\"kind\":\"Pod\"},"
             "\"name\":\"p\",\"namespace\":\"n\",\"object\":null,\"oldObject\":null}}",
             "pod.delete"},
            {"nomad",
             "{\"Index\":3,\"Events\":[{\"Topic\":\"Job\",\"Type\":\"JobDeregistered\",\"Key\":"
             "\"j\",\"Namespace\":\"d\",\"Index\":3,\"Payload\":{\"Job\":null}}]}",
             "workload.delete"},
            {"github", "{\"action\":\"published\",\"package\":{\"package_version\":null}}",
             "ignore"},
            {"quay", "{\"docker_url\":\"quay.example/a/b\",\"updated_tags\":null}", "noop"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;

        run(&fixture, cases[i].kind, cases[i].body);
        check_class(&fixture, cases[i].class_);
        fixture_end(&fixture);
    }
}

static void a_patch_that_is_a_list_of_operations_names_its_image(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "kubernetes-audit",
        "{\"auditID\":\"a\",\"stage\":\"ResponseComplete\",\"verb\":\"patch\",\"objectRef\":"
        "{\"resource\":\"deployments\",\"namespace\":\"n\",\"name\":\"d\"},\"requestObject\":"
        "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/image\",\"value\":"
        "\"ghcr.io/a/b:2\"}]}");
    check_class(&fixture, "workload.deploy");
    assert_string_equal(fact_of(&fixture, 0)->containers[0].repository, "ghcr.io/a/b");
    fixture_end(&fixture);
}

static void a_body_of_another_json_type_is_quarantined_by_every_kind(void **state)
{
    static const char *const bodies[] = {"null", "true", "7", "\"text\"", "[1,2]", "[[]]", ""};

    (void)state;
    for (size_t k = 0; k < source_kind_count; k++) {
        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
            struct fixture fixture;

            fixture_begin(&fixture, source_kinds[k]->name, bodies[i], strlen(bodies[i]));
            if (fixture_run(&fixture) != MU_OK)
                fail_msg("%s: %s", source_kinds[k]->name, fixture.err.message);
            for (size_t f = 0; f < fixture.events.fact_count; f++)
                if (!fixture.events.facts[f]->quarantined)
                    fail_msg("%s takes %s", source_kinds[k]->name, bodies[i]);
            fixture_end(&fixture);
        }
    }
}

/* ---- times ---- */

static void times_are_read_in_every_form_that_senders_use(void **state)
{
    static const struct {
        const char *json;
        int64_t at_us;
    } cases[] = {
            {"\"2026-11-24T10:00:00Z\"", INT64_C(1795514400000000)},
            {"\"2026-11-24T10:00:00.1Z\"", INT64_C(1795514400100000)},
            {"\"2026-11-24T10:00:00.123456789Z\"", INT64_C(1795514400123456)},
            {"\"2026-11-24T02:00:00-08:00\"", INT64_C(1795514400000000)},
            {"\"2026-11-24T10:00:00.512+00:00\"", INT64_C(1795514400512000)},
            {"\"2026-11-24T10:00:00.512+0000\"", INT64_C(1795514400512000)},
            {"\"2026-11-24T21:00:00+1100\"", INT64_C(1795514400000000)},
            {"1795514400", INT64_C(1795514400000000)},
            {"1795514400123", INT64_C(1795514400123000)},
            {"1795514400123456789", INT64_C(1795514400123456)},
            {"\"1795514400\"", INT64_C(1795514400000000)},
            /* Not known, or not to be understood: when we received it. */
            {"\"0001-01-01T00:00:00Z\"", NOW_US},
            {"\"1970-01-01T00:00:00Z\"", NOW_US},
            {"0", NOW_US},
            {"-1", NOW_US},
            {"\"2026-02-29T10:00:00Z\"", NOW_US},
            {"\"2026-13-01T10:00:00Z\"", NOW_US},
            {"\"Dec 3, 2021, 6:02:30 PM\"", NOW_US},
            {"\"\"", NOW_US},
            {"null", NOW_US},
            {"{}", NOW_US},
    };
    char body[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;

        (void)snprintf(body, sizeof(body),
                       "{\"events\":[{\"id\":\"e\",\"action\":\"push\",\"timestamp\":%s,"
                       "\"target\":{\"repository\":\"a/b\",\"tag\":\"t\",\"digest\":\"" DIGEST
                       "\"},\"request\":{\"host\":\"r.example\"}}]}",
                       cases[i].json);
        run(&fixture, "distribution", body);
        if (fact_of(&fixture, 0)->occurred_at_us != cases[i].at_us)
            fail_msg("%s gives %lld", cases[i].json,
                     (long long)fact_of(&fixture, 0)->occurred_at_us);
        fixture_end(&fixture);
    }
}

/* ---- digests ---- */

static void a_digest_that_is_none_is_never_passed_on(void **state)
{
    static const char *const digests[] = {
            "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234",
            "sha256:ggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggzzzz",
            "sha256:36c7b282abd0186e01419f2e58743e1bf635808231049bbc9d77e5EXAMPLE",
            "sha256:xxxx8075264b5ba7c14c23672xxxx52ae6a3ebac1c47916e4efe1934829dxxxx",
            "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char body[512];

    (void)state;
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        struct fixture fixture;

        (void)snprintf(body, sizeof(body),
                       "{\"detail-type\":\"ECR Image Action\",\"id\":\"i\",\"account\":"
                       "\"123456789012\",\"region\":\"eu-west-1\",\"detail\":{\"result\":"
                       "\"SUCCESS\",\"repository-name\":\"a\",\"image-tag\":\"t\","
                       "\"image-digest\":\"%s\",\"action-type\":\"PUSH\"}}",
                       digests[i]);
        run(&fixture, "ecr", body);
        check_class(&fixture, "image.push");
        assert_string_equal(fact_of(&fixture, 0)->text[FACT_DIGEST], digests[i]);
        assert_false(is_told(&fixture, digests[i])); /* the tag alone leaves */
        assert_true(is_told(&fixture, "\"tag\":\"t\""));
        fixture_end(&fixture);
    }
}

static void a_digest_in_the_place_of_the_tag_is_no_tag(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "harbor",
        "{\"type\":\"PUSH_ARTIFACT\",\"occur_at\":1795514400,\"event_data\":{\"resources\":[{"
        "\"digest\":\"" DIGEST "\",\"tag\":\"" DIGEST "\",\"resource_url\":\"h.example/p/r@" DIGEST
        "\"}],\"repository\":{\"repo_full_name\":\"p/r\"}}}");
    assert_false(is_told(&fixture, "\"tag\""));
    assert_true(is_told(&fixture, "\"repository\":\"h.example/p/r\""));
    fixture_end(&fixture);
}

/* ---- layers ---- */

static void json_in_a_json_text_is_read(void **state)
{
    struct fixture fixture;

    (void)state;
    run_with_header(&fixture, "ecr", "content-type: text/plain; charset=UTF-8",
                    "{\"Type\":\"Notification\",\"MessageId\":\"m\",\"TopicArn\":\"arn:t\","
                    "\"Message\":\"{\\\"detail-type\\\":\\\"ECR Image Action\\\",\\\"id\\\":"
                    "\\\"i\\\",\\\"account\\\":\\\"1\\\",\\\"region\\\":\\\"eu-west-1\\\","
                    "\\\"detail\\\":{\\\"result\\\":\\\"SUCCESS\\\",\\\"repository-name\\\":"
                    "\\\"a\\\",\\\"image-tag\\\":\\\"t\\\",\\\"action-type\\\":\\\"PUSH\\\"}}\"}");
    check_class(&fixture, "image.push");
    assert_string_equal(fact_of(&fixture, 0)->text[FACT_EVENT_ID], "i");
    fixture_end(&fixture);
}

static void records_behind_base64_and_gzip_are_read(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct fixture fixture;
    struct mu_error err;

    (void)state;
    mu_buf_init(&body, 1 << 20);
    assert_int_equal(
            mu_file_read(MU_TEST_DATA "/events/eks/firehose_http_cwl_gzip_audit.json", &body, &err),
            MU_OK);
    run_bytes(&fixture, "eks", body.data, body.len);
    check_class(&fixture, "pod.create");
    assert_non_null(fact_of(&fixture, 0)->text[FACT_CLUSTER]);
    fixture_end(&fixture);
}

static void a_record_that_unpacks_beyond_the_limit_is_quarantined_and_the_next_is_read(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    struct fixture fixture;
    struct mu_error err;

    (void)state;
    mu_buf_init(&body, 1 << 20);
    assert_int_equal(
            mu_file_read(MU_TEST_DATA "/events/eks/gzip_bomb_and_a_good_record.json", &body, &err),
            MU_OK);
    run_bytes(&fixture, "eks", body.data, body.len);
    assert_true(fact_of(&fixture, 0)->quarantined);
    assert_non_null(strstr(fact_of(&fixture, 0)->why, "gzip"));
    assert_string_equal(fact_classes[fact_of(&fixture, 1)->class_].word, "ignore");
    fixture_end(&fixture);
}

/* ---- encodings ---- */

static void vendor_content_types_are_read(void **state)
{
    static const char *const types[] = {
            "content-type: application/vnd.docker.distribution.events.v1+json",
            "content-type: application/vnd.docker.distribution.events.v2+json",
            "content-type: text/plain", "content-type: application/JSON; charset=utf-8",
            "accept: */*"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct fixture fixture;

        run_with_header(&fixture, "distribution", types[i],
                        "{\"events\":[{\"id\":\"e\",\"action\":\"push\",\"target\":{\"repository\":"
                        "\"a/b\",\"digest\":\"" DIGEST
                        "\"},\"request\":{\"host\":\"r.example\"}}]}");
        check_class(&fixture, "image.push");
        fixture_end(&fixture);
    }
}

static void a_form_holds_the_payload(void **state)
{
    struct fixture fixture;

    (void)state;
    run_with_header(&fixture, "github", "content-type: application/x-www-form-urlencoded",
                    "payload=%7B%22package%22%3A%7B%22name%22%3A%22w+w%22%2C%22package_type%22%3A"
                    "%22npm%22%7D%7D");
    check_class(&fixture, "ignore");
    fixture_end(&fixture);
    run_with_header(&fixture, "github", "content-type: application/x-www-form-urlencoded",
                    "payload=%7B%22package%22");
    check_class(&fixture, "reject");
    fixture_end(&fixture);
}

static void a_byte_order_mark_of_utf_8_is_passed_over(void **state)
{
    struct fixture fixture;

    (void)state;
    run(&fixture, "distribution", "\xef\xbb\xbf{\"events\":[]}");
    check_class(&fixture, "noop");
    fixture_end(&fixture);
}

static void bodies_in_utf_16_are_quarantined(void **state)
{
    static const char little[] = "\xff\xfe{\0}\0", big[] = "\xfe\xff\0{\0}", bare[] = "{\0}\0";
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{little, 6}, {big, 6}, {bare, 4}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;

        run_bytes(&fixture, "distribution", cases[i].bytes, cases[i].len);
        check_class(&fixture, "reject");
        fixture_end(&fixture);
    }
}

/* ---- secrets ---- */

#define TOKEN_HEAD "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"
#define TOKEN_BODY "eyJzdWIiOiJzb21lYm9keSIsImV4cCI6MTc5NTU2NDgwMH0"
#define TOKEN      TOKEN_HEAD "." TOKEN_BODY ".c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"

static void check_no_token(struct fixture *fixture)
{
    assert_false(is_told(fixture, TOKEN_BODY));
    assert_false(is_told(fixture, "c2lnbmF0dXJl"));
    for (size_t i = 0; i < fixture->events.fact_count; i++) {
        const char *why = fixture->events.facts[i]->why;

        assert_true(!why || !strstr(why, TOKEN_BODY));
    }
    fixture_end(fixture);
}

static void the_token_of_gitlab_is_in_no_message_and_no_record(void **state)
{
    static const char good[] =
            "{\"events\":[{\"id\":\"e\",\"action\":\"push\",\"target\":{\"repository\":\"a/b\","
            "\"tag\":\"t\",\"digest\":\"" DIGEST "\"},\"request\":{\"host\":\"r.example\"},"
            "\"actor\":{\"name\":\"root\",\"user_type\":\"build\",\"user\":\"" TOKEN "\"}}]}";
    static const char *const bad[] = {
            /* no digest; no JSON; cut off in the token; the token where the reason quotes it */
            "{\"events\":[{\"id\":\"e\",\"action\":\"push\",\"target\":{\"repository\":\"a/b\"},"
            "\"actor\":{\"user\":\"" TOKEN "\"}}]}",
            "{\"events\":[{\"actor\":{\"user\":\"" TOKEN "\"}",
            "{\"events\":[{\"actor\":{\"user\":\"" TOKEN_HEAD "." TOKEN_BODY,
            "{\"events\":[{\"id\":\"e\",\"action\":\"" TOKEN "\"}]}",
            "{\"events\":[{\"id\":\"e\",\"action\":\"push\",\"target\":{\"repository\":\"a/b\","
            "\"digest\":\"" TOKEN "\"}}]}"};
    struct fixture fixture;

    (void)state;
    run(&fixture, "gitlab", good);
    check_class(&fixture, "image.push");
    assert_true(is_told(&fixture, "\"actor\":\"root\""));
    check_no_token(&fixture);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        run(&fixture, "gitlab", bad[i]);
        assert_true(fact_of(&fixture, 0)->quarantined);
        check_no_token(&fixture);
    }
}

/* ---- identities ---- */

#define HARBOR(type, at)                                                       \
    "{\"type\":\"" type "\",\"occur_at\":" at                                  \
    ",\"event_data\":{\"resources\":[{\"digest\":\"" DIGEST                    \
    "\",\"tag\":\"t\",\"resource_url\":\"h.example/p/r:t\"}],\"repository\":{" \
    "\"repo_full_name\":\"p/r\"}}}"

/* The id of the only message of a body that comes `later_s` seconds later. */
static void id_of(const char *kind, const char *body, int64_t later_s, char ret_id[64])
{
    struct fixture fixture;

    fixture_begin(&fixture, kind, body, strlen(body));
    fixture.input.received_at_us += later_s * 1000000;
    assert_int_equal(fixture_run(&fixture), MU_OK);
    assert_int_equal(fixture.events.count, 1);
    (void)snprintf(ret_id, 64, "%s", fixture.messages[0].envelope.id);
    fixture_end(&fixture);
}

static void check_same(const char *kind, const char *a, const char *b, int64_t later_s, bool same)
{
    char first[64], second[64];

    id_of(kind, a, 0, first);
    id_of(kind, b, later_s, second);
    if ((strcmp(first, second) == 0) != same)
        fail_msg("%s: %s\nand %s are %sone event", kind, a, b, same ? "not " : "");
}

static void harbors_events_differ_by_type_and_time_too(void **state)
{
    (void)state;
    check_same("harbor", HARBOR("PUSH_ARTIFACT", "1795514400"),
               HARBOR("PUSH_ARTIFACT", "1795514400"), 3600, true);
    check_same("harbor", HARBOR("PUSH_ARTIFACT", "1795514400"),
               HARBOR("DELETE_ARTIFACT", "1795514400"), 0, false);
    check_same("harbor", HARBOR("PUSH_ARTIFACT", "1795514400"),
               HARBOR("PUSH_ARTIFACT", "1795514401"), 0, false);
}

static void docker_hub_counts_stars_and_the_push_stays_the_same(void **state)
{
    (void)state;
    check_same("dockerhub",
               "{\"push_data\":{\"tag\":\"t\",\"pushed_at\":1795514400},\"repository\":{"
               "\"repo_name\":\"a/b\",\"star_count\":1}}",
               "{\"push_data\":{\"tag\":\"t\",\"pushed_at\":1795514400},\"repository\":{"
               "\"repo_name\":\"a/b\",\"star_count\":2}}",
               3600, true);
}

static void what_tells_no_time_is_a_repetition_for_some_minutes_only(void **state)
{
    static const struct {
        const char *kind, *body;
    } cases[] = {
            {"dockerhub", "{\"push_data\":{\"tag\":\"t\"},\"repository\":{\"repo_name\":\"a/b\"}}"},
            {"quay",
             "{\"docker_url\":\"q.example/a/b\",\"repository\":\"a/b\",\"updated_tags\":[\"t\"]}"},
            {"jfrog", "{\"domain\":\"docker\",\"event_type\":\"pushed\",\"jpd_origin\":\"https://"
                      "j.example\","
                      "\"data\":{\"repo_key\":\"k\",\"image_name\":\"a\",\"tag\":\"t\"}}"},
            {"gar", "{\"action\":\"INSERT\",\"tag\":\"eu.gcr.io/p/a:t\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_same(cases[i].kind, cases[i].body, cases[i].body, 60, true);
        check_same(cases[i].kind, cases[i].body, cases[i].body, 3600, false);
    }
}

static void a_task_told_under_two_envelopes_is_one_event(void **state)
{
#define TASK(id)                                                                            \
    "{\"id\":\"" id "\",\"detail-type\":\"ECS Task State Change\",\"detail\":{\"taskArn\":" \
    "\"arn:aws:ecs:r:1:task/c/t\",\"version\":4,\"containers\":[{\"name\":\"a\",\"image\":" \
    "\"app:1\",\"lastStatus\":\"RUNNING\"}]}}"

    (void)state;
    check_same("ecs", TASK("one"), TASK("two"), 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(integers_beyond_2_to_the_53_keep_every_digit),
            cmocka_unit_test(numbers_beyond_64_bits_are_quarantined),
            cmocka_unit_test(an_exit_code_may_be_text),
            cmocka_unit_test(a_member_told_twice_is_quarantined),
            cmocka_unit_test(null_where_a_list_or_an_object_belongs_is_nothing),
            cmocka_unit_test(a_patch_that_is_a_list_of_operations_names_its_image),
            cmocka_unit_test(a_body_of_another_json_type_is_quarantined_by_every_kind),
            cmocka_unit_test(times_are_read_in_every_form_that_senders_use),
            cmocka_unit_test(a_digest_that_is_none_is_never_passed_on),
            cmocka_unit_test(a_digest_in_the_place_of_the_tag_is_no_tag),
            cmocka_unit_test(json_in_a_json_text_is_read),
            cmocka_unit_test(records_behind_base64_and_gzip_are_read),
            cmocka_unit_test(
                    a_record_that_unpacks_beyond_the_limit_is_quarantined_and_the_next_is_read),
            cmocka_unit_test(vendor_content_types_are_read),
            cmocka_unit_test(a_form_holds_the_payload),
            cmocka_unit_test(a_byte_order_mark_of_utf_8_is_passed_over),
            cmocka_unit_test(bodies_in_utf_16_are_quarantined),
            cmocka_unit_test(the_token_of_gitlab_is_in_no_message_and_no_record),
            cmocka_unit_test(harbors_events_differ_by_type_and_time_too),
            cmocka_unit_test(docker_hub_counts_stars_and_the_push_stays_the_same),
            cmocka_unit_test(what_tells_no_time_is_a_repetition_for_some_minutes_only),
            cmocka_unit_test(a_task_told_under_two_envelopes_is_one_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
