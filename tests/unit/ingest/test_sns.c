#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/sns.h"
#include "sns_fixture.h"

#define TOPIC "arn:aws:sns:us-east-1:123456789012:registry"

static struct sns_fixture sns;
static struct auth_rule rule = {.kind = SOURCE_AUTH_SNS, .topic_arn = TOPIC};

static const struct sns_message notification = {.type = "Notification",
                                                .topic = TOPIC,
                                                .message = "{\"id\":\"e-1\"}\nwith a line",
                                                .version = "2",
                                                .certificate_url = SNS_CERTIFICATE};

static int group_setup(void **state)
{
    (void)state;
    sns_start(&sns);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    sns_stop(&sns);
    return 0;
}

static int setup(void **state)
{
    struct mu_key_store_config config = {.ca_file = sns.ca_file, .private_network = true};
    struct mu_error err;

    (void)state;
    return mu_key_store_open(&config, &rule.keys, &err) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    mu_key_store_close(rule.keys);
    return 0;
}

/* Comes again while the answer is "later". */
static enum auth_verdict check_body(const char *body)
{
    enum auth_verdict verdict;
    const char *why = NULL;

    KEY_WAIT((verdict = sns_check(&rule, body, strlen(body), &why)) != AUTH_LATER);
    return verdict;
}

static enum auth_verdict check(const struct sns_message *message)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;

    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(sns.key, message, &body);
    return check_body(body.data);
}

static void both_versions_of_the_signature_are_right(void **state)
{
    struct sns_message message = notification;

    (void)state;
    assert_int_equal(check(&message), AUTH_ALLOWED);
    message.version = "1";
    assert_int_equal(check(&message), AUTH_ALLOWED);
    message.subject = "with a subject";
    assert_int_equal(check(&message), AUTH_ALLOWED);
}

static void the_first_message_is_asked_to_come_again(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    const char *why = NULL;

    (void)state;
    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(sns.key, &notification, &body);
    assert_int_equal(sns_check(&rule, body.data, body.len, &why), AUTH_LATER);
    assert_int_equal(check_body(body.data), AUTH_ALLOWED);
}

static void a_message_of_another_topic_is_denied(void **state)
{
    struct sns_message message = notification;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    const char *why = NULL;

    (void)state;
    message.topic = "arn:aws:sns:us-east-1:666666666666:registry";
    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(sns.key, &message, &body);
    assert_int_equal(sns_check(&rule, body.data, body.len, &why), AUTH_DENIED);
    assert_non_null(strstr(why, "topic"));
    message.topic = TOPIC;
    message.signed_topic = "arn:aws:sns:us-east-1:666666666666:registry";
    assert_int_equal(check(&message), AUTH_DENIED);
}

/*
 * A stranger lets SNS sign a message of his own topic, whose text holds the lines that follow in
 * ours; told with another Type the same bytes would be of our topic.
 */
static void lines_inside_a_message_do_not_make_it_another(void **state)
{
    static const char stranger[] = "arn:aws:sns:us-east-1:666666666666:his";
    const struct sns_message his = {
            .type = "Notification",
            .topic = stranger,
            .message = "{}\nMessageId\n11111111-2222-3333-4444-555555555555\nTimestamp\n"
                       "2026-11-24T10:00:00.000Z\nTopicArn\n" TOPIC "\nType\nNotification",
            .version = "2",
            .certificate_url = SNS_CERTIFICATE};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;

    (void)state;
    mu_buf_init(&text, TEST_TEXT_MAX);
    mu_buf_init(&signature, 1024);
    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_signed_text(&his, &text);
    test_sign(sns.key, EVP_sha256(), text.data, text.len, &signature);
    mu_buf_puts(&body, "{");
    sns_json_member(&body, "Message", "{}");
    sns_json_member(&body, "MessageId", "11111111-2222-3333-4444-555555555555");
    sns_json_member(&body, "Timestamp", "2026-11-24T10:00:00.000Z");
    sns_json_member(&body, "TopicArn", TOPIC);
    mu_buf_puts(&body, ",\"Type\":");
    {
        const char *type = strstr(text.data, "\nType\nNotification\n") + strlen("\nType\n");

        mu_text_to_json(type, strlen(type) - 1, &body);
    }
    sns_json_member(&body, "SignatureVersion", "2");
    sns_json_member(&body, "SigningCertURL", SNS_CERTIFICATE);
    mu_buf_puts(&body, ",\"Signature\":\"");
    mu_base64_encode(signature.data, signature.len, &body);
    mu_buf_puts(&body, "\"}");
    assert_int_equal(check(&notification), AUTH_ALLOWED); /* the certificate is there */
    assert_int_equal(check_body(body.data), AUTH_DENIED);
}

static void a_changed_message_and_other_versions_are_denied(void **state)
{
    struct sns_message message = notification;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;

    (void)state;
    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(sns.key, &message, &body);
    *strstr(body.data, "e-1") = 'f';
    assert_int_equal(check_body(body.data), AUTH_DENIED);
    message.version = "3";
    assert_int_equal(check(&message), AUTH_DENIED);
    message = notification;
    message.certificate_url = SNS_EXPIRED;
    assert_int_equal(check(&message), AUTH_DENIED);
    assert_int_equal(check_body("{\"TopicArn\":\"" TOPIC "\",\"Signature\":\"AAAA\"}"),
                     AUTH_DENIED);
    assert_int_equal(check_body("{}"), AUTH_DENIED);
    assert_int_equal(check_body("no JSON"), AUTH_DENIED);
}

/* tests/data/auth/sns_urls.txt: a word and a URL. */
static void only_urls_of_sns_itself_are_trusted(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/auth/sns_urls.txt", "r");
    char line[512], word[16], url[400];
    size_t rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        bool trusted;

        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %399s", word, url), 2);
        trusted = strcmp(word, "refused") != 0;
        if (sns_url_trusted(url) != trusted)
            fail_msg("%s is %s", url, trusted ? "refused" : "trusted");
        rows++;
    }
    (void)fclose(file);
    assert_true(rows > 20);
}

/* No fetch: it is denied at once, and nobody was asked. */
static void a_certificate_from_elsewhere_is_denied_without_a_fetch(void **state)
{
    static const char *const urls[] = {
            "https://evil.example/SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
            "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com/../SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com/x/SimpleNotificationService-1.pem",
            "https://sns.us-east-1.amazonaws.com/?a=.pem",
            "https://sns.us-east-1.amazonaws.com/%2e%2e.pem",
            "https://sns.us-east-1.amazonaws.com/x.pem#.pem",
            "https://sns.us-east-1.amazonaws.com/.pem?x.pem",
            "https://sns.us-east-1.amazonaws.com/key",
            "file:///etc/passwd.pem",
            "",
    };
    size_t asked = sns.proxy.count;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct sns_message message = notification;
        MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
        const char *why = NULL;

        message.certificate_url = urls[i];
        mu_buf_init(&body, TEST_TEXT_MAX);
        sns_make(sns.key, &message, &body);
        if (sns_check(&rule, body.data, body.len, &why) != AUTH_DENIED)
            fail_msg("%s is asked for", urls[i]);
    }
    assert_int_equal(sns.proxy.count, asked);
}

static void a_confirmation_leads_to_sns_or_nowhere(void **state)
{
    struct sns_message message = notification;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf url;

    (void)state;
    message.type = "SubscriptionConfirmation";
    message.visit = SNS_VISIT;
    mu_buf_init(&body, TEST_TEXT_MAX);
    mu_buf_init(&url, 4096);
    sns_make(sns.key, &message, &body);
    assert_int_equal(check_body(body.data), AUTH_ALLOWED);
    assert_true(sns_confirmation_url(body.data, body.len, &url));
    assert_string_equal(url.data, SNS_VISIT);
    mu_buf_reset(&url);
    mu_buf_reset(&body);
    message.visit = "https://169.254.169.254/latest/meta-data/";
    sns_make(sns.key, &message, &body);
    assert_false(sns_confirmation_url(body.data, body.len, &url));
    mu_buf_reset(&body);
    message.visit = SNS_VISIT;
    message.type = "UnsubscribeConfirmation";
    sns_make(sns.key, &message, &body);
    assert_int_equal(check_body(body.data), AUTH_ALLOWED);
    assert_false(sns_confirmation_url(body.data, body.len, &url));
    assert_int_equal(url.len, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(both_versions_of_the_signature_are_right),
            CASE(the_first_message_is_asked_to_come_again),
            CASE(a_message_of_another_topic_is_denied),
            CASE(lines_inside_a_message_do_not_make_it_another),
            CASE(a_changed_message_and_other_versions_are_denied),
            CASE(only_urls_of_sns_itself_are_trusted),
            CASE(a_certificate_from_elsewhere_is_denied_without_a_fetch),
            CASE(a_confirmation_leads_to_sns_or_nowhere),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
