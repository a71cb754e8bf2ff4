#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scope.h"
#include "registry/aws_sign.h"

#include <string.h>

/* The keys and instant of AWS' published examples; the signatures are the published ones. */
static const struct aws_keys keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static const char date[AWS_DATE_SIZE] = "20150830T123600Z";

static void expect_signature(const struct aws_request *request, const char *signature)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    char ending[100];

    mu_buf_init(&out, 4096);
    aws_sign(request, &keys, date, &out);
    (void)snprintf(ending, sizeof(ending), "Signature=%s", signature);
    assert_false(out.failed);
    if (!strstr(out.data, ending))
        fail_msg("'%s' is not '%s'", out.data, ending);
}

static void the_suites_plain_get_has_its_signature(void **state)
{
    static const struct aws_header headers[] = {{"host", "example.amazonaws.com"},
                                                {"x-amz-date", date}};

    (void)state;
    expect_signature(&(struct aws_request){.method = "GET",
                                           .path = "/",
                                           .query = "",
                                           .headers = headers,
                                           .header_count = 2,
                                           .body = "",
                                           .region = "us-east-1",
                                           .service = "service"},
                     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void the_suites_plain_post_has_its_signature(void **state)
{
    static const struct aws_header headers[] = {{"host", "example.amazonaws.com"},
                                                {"x-amz-date", date}};

    (void)state;
    expect_signature(&(struct aws_request){.method = "POST",
                                           .path = "/",
                                           .query = "",
                                           .headers = headers,
                                           .header_count = 2,
                                           .body = "",
                                           .region = "us-east-1",
                                           .service = "service"},
                     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

static void the_manuals_list_of_users_has_its_signature(void **state)
{
    static const struct aws_header headers[] = {
            {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
            {"host", "iam.amazonaws.com"},
            {"x-amz-date", date}};

    (void)state;
    expect_signature(&(struct aws_request){.method = "GET",
                                           .path = "/",
                                           .query = "Action=ListUsers&Version=2010-05-08",
                                           .headers = headers,
                                           .header_count = 3,
                                           .body = "",
                                           .region = "us-east-1",
                                           .service = "iam"},
                     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void a_date_is_written_without_punctuation(void **state)
{
    char text[AWS_DATE_SIZE];

    (void)state;
    aws_date(INT64_C(1440938160123456), text);
    assert_string_equal(text, date);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_suites_plain_get_has_its_signature),
            cmocka_unit_test(the_suites_plain_post_has_its_signature),
            cmocka_unit_test(the_manuals_list_of_users_has_its_signature),
            cmocka_unit_test(a_date_is_written_without_punctuation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
