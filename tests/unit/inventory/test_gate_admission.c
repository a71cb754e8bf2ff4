/* What API servers ask, and how they are answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD(group, kind, operation)                                                        \
    "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"    \
    "\"uid\":\"u-1\",\"kind\":{\"group\":\"" group "\",\"version\":\"v1\",\"kind\":\"" kind \
    "\"},\"operation\":\"" operation "\",\"namespace\":\"shop\","                           \
    "\"userInfo\":{\"username\":\"alice\"},"
#define POD(images) "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[" images "]}}"
#define C(image)    "{\"name\":\"c\",\"image\":\"" image "\"}"

static struct mu_arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = mu_arena_new(8 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    mu_arena_free(arena);
    return 0;
}

static struct admission_request read_review(const char *text)
{
    struct admission_request request;
    struct mu_error err;

    if (admission_parse(text, strlen(text), arena, &request, &err) != MU_OK)
        fail_msg("%s", err.message);
    return request;
}

static void the_request_is_understood(void **state)
{
    MU_AUTO_DONE(admission_request_done)
    struct admission_request request = read_review(
            HEAD("", "Pod", "CREATE") "\"dryRun\":true,\"object\":" POD(C("a") "," C("b")) "}}");

    (void)state;
    assert_string_equal(request.uid, "u-1");
    assert_string_equal(request.name, "web");
    assert_string_equal(request.namespace_name, "shop");
    assert_string_equal(request.user, "alice");
    assert_true(request.dry_run && request.known_kind);
    assert_int_equal(request.image_count, 2);
    assert_string_equal(request.images[1].image, "b");
    assert_string_equal(request.images[1].container, "c");
}

static void only_images_that_an_update_brings_are_asked_about(void **state)
{
    MU_AUTO_DONE(admission_request_done)
    struct admission_request request = read_review(HEAD("", "Pod", "UPDATE") "\"object\":" POD(
            C("a") "," C("b") "," C("a")) ",\"oldObject\":" POD(C("a")) "}}");

    (void)state;
    assert_int_equal(request.image_count, 1);
    assert_string_equal(request.images[0].image, "b");
    assert_int_equal(request.unchanged, 2);
}

static void kinds_of_others_and_deletions_have_no_images(void **state)
{
    static const char *const texts[] = {
            HEAD("batch.volcano.sh", "Job", "CREATE") "\"object\":" POD(C("a")) "}}",
            HEAD("", "Service", "CREATE") "\"object\":{}}}",
            HEAD("", "Pod", "DELETE") "\"object\":null,\"oldObject\":" POD(C("a")) "}}",
            HEAD("", "Pod", "CREATE") "\"object\":{\"spec\":{\"containers\":\"no list\"}}}}",
            HEAD("", "Pod", "CREATE") "\"object\":{\"spec\":{\"containers\":[1,{},null]}}}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        MU_AUTO_DONE(admission_request_done)
        struct admission_request request = read_review(texts[i]);

        assert_int_equal(request.image_count, 0);
        assert_true(request.known_kind == (i >= 2));
    }
}

static void what_is_no_review_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text;
        enum mu_status status;
    } rows[] = {
            {"", MU_E_INVALID},
            {"[]", MU_E_INVALID},
            {"{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\"}",
             MU_E_INVALID},
            {"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}", MU_E_INVALID},
            {HEAD("", "Pod", "") "\"object\":{}}}", MU_E_INVALID}};
    struct admission_request request = {.uid = "untouched"};
    struct mu_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(admission_parse(rows[i].text, strlen(rows[i].text), arena, &request, &err),
                         rows[i].status);
    assert_string_equal(request.uid, "untouched");
}

static void more_containers_than_a_pod_may_have_are_refused(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct admission_request request;
    struct mu_error err;

    (void)state;
    mu_buf_init(&text, 1 << 20);
    mu_buf_puts(&text, HEAD("", "Pod", "CREATE") "\"object\":{\"spec\":{\"containers\":[{}");
    for (int i = 0; i <= ADMISSION_MAX_IMAGES; i++)
        mu_buf_puts(&text, "," C("a"));
    mu_buf_puts(&text, "]}}}}");
    assert_int_equal(admission_parse(text.data, text.len, arena, &request, &err), MU_E_LIMIT);
}

static void warnings_are_cut_to_what_the_api_server_passes_on(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    char *warnings[20];
    const struct admission_answer answer = {.uid = "u\"1",
                                            .allowed = true,
                                            .message = "",
                                            .warnings = (const char *const *)warnings,
                                            .warning_count = 20,
                                            .decisions = "gate/1"};
    json_auto_t *root = NULL;
    const json_t *list, *item;
    struct mu_error err;
    size_t i, bytes = 0;

    (void)state;
    for (i = 0; i < 20; i++) {
        warnings[i] = calloc(1, 402);
        for (size_t at = 0; at < 400; at += 2)
            memcpy(warnings[i] + at, "\xc3\xa9", 2);
        warnings[i][0] = 'x';
        warnings[i][1] = 'x';
    }
    mu_buf_init(&out, 1 << 20);
    assert_int_equal(admission_write(&answer, &out, &err), MU_OK);
    assert_int_equal(mu_json_parse(out.data, out.len, &mu_json_message_limits, &root, &err), MU_OK);
    list = mu_json_at(root, "response.warnings");
    assert_int_equal(json_array_size(list), 16);
    json_array_foreach (list, i, item) {
        assert_int_equal(json_string_length(item), 256);
        bytes += json_string_length(item);
    }
    assert_true(bytes <= 4096);
    assert_string_equal(mu_json_text_at(root, "response.uid"), "u\"1");
    for (i = 0; i < 20; i++)
        free(warnings[i]);
}

static void a_denial_has_code_reason_and_message(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    const struct admission_answer answer = {
            .uid = "u", .allowed = false, .message = "no \xff", .decisions = ""};
    json_auto_t *root = NULL;
    struct mu_error err;

    (void)state;
    mu_buf_init(&out, 4096);
    assert_int_equal(admission_write(&answer, &out, &err), MU_OK);
    assert_int_equal(mu_json_parse(out.data, out.len, &mu_json_message_limits, &root, &err), MU_OK);
    assert_true(json_is_false(mu_json_at(root, "response.allowed")));
    assert_int_equal(json_integer_value(mu_json_at(root, "response.status.code")), 403);
    assert_string_equal(mu_json_text_at(root, "response.status.message"), "no ?");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(the_request_is_understood),
            CASE(only_images_that_an_update_brings_are_asked_about),
            CASE(kinds_of_others_and_deletions_have_no_images),
            CASE(what_is_no_review_is_refused_with_the_reason),
            CASE(more_containers_than_a_pod_may_have_are_refused),
            CASE(warnings_are_cut_to_what_the_api_server_passes_on),
            CASE(a_denial_has_code_reason_and_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
