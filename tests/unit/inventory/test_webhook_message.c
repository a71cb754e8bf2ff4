/* Whom to tell, and what: the file of webhooks, bodies and signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "notify/webhook_message.h"

static struct mu_error err;

#define ORIGINS          "\"allowed_origins\":[\"https://hooks.example\",\"http://127.0.0.1:9000\"]"
#define FILE_OF(targets) "{\"schema\":\"muster.webhooks.v1\"," ORIGINS ",\"targets\":[" targets "]}"
#define TARGET(members)  "{\"name\":\"ops\",\"secret_file\":\"/s\"," members "}"
#define URL              "\"url\":\"https://hooks.example/x\""

static void a_file_names_targets_and_what_they_are_told(void **state)
{
    static const char text[] = FILE_OF(
            TARGET(URL ",\"template\":\"slack\",\"kinds\":[\"scan_expired\"],\"min_severity\":"
                       "\"warning\"") ",{\"name\":\"b\",\"url\":\"http://127.0.0.1:9000\","
                                      "\"secret_file\":\"/t\"}");
    MU_AUTO(webhook_config) struct webhook_config *config = NULL;
    const struct webhook_target *target;

    (void)state;
    if (webhook_config_parse(text, strlen(text), &config, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(webhook_config_count(config), 2);
    target = webhook_config_target(config, 0);
    assert_int_equal(target->template, WEBHOOK_SLACK);
    assert_string_equal(target->kinds[0], "scan_expired");
    assert_string_equal(target->min_severity, "warning");
    assert_int_equal(webhook_config_target(config, 1)->template, WEBHOOK_JSON);
}

static void assert_wrong(const char *text, const char *message)
{
    struct webhook_config *config = NULL;

    assert_int_equal(webhook_config_parse(text, strlen(text), &config, &err), MU_E_INVALID);
    assert_string_equal(err.message, message);
}

static void what_is_wrong_in_the_file_is_named(void **state)
{
    (void)state;
    assert_wrong("{}", "schema: expected \"muster.webhooks.v1\"");
    assert_wrong(
            "{\"schema\":\"muster.webhooks.v1\",\"allowed_origins\":[\"https://a.example/path\"]}",
            "allowed_origins[0]: expected as https://hooks.example:8443");
    assert_wrong(FILE_OF(TARGET(URL ",\"tempalte\":\"json\"")),
                 "targets[0]: has no member 'tempalte'");
    assert_wrong(FILE_OF(TARGET(URL ",\"template\":\"xml\"")),
                 "targets[0].template: expected json, slack or text");
    assert_wrong(FILE_OF(TARGET(URL) "," TARGET(URL)), "targets[1].name: 'ops' is there twice");
    assert_wrong(FILE_OF("{\"name\":\"a\",\"url\":\"https://hooks.example/\"}"),
                 "targets[0].secret_file: is missing");
}

/* Nothing leads to a host that is not allowed, however it is written. */
static void a_url_outside_the_allowed_origins_is_refused(void **state)
{
    static const char *const urls[] = {
            "https://hooks.example.evil.test/",    "https://hooks.example@evil.test/",
            "https://hooks.example:444/",          "http://hooks.example/",
            "http://169.254.169.254/latest/",      "file:///etc/passwd",
            "https://hooks.example\\\\@evil.test/"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct webhook_config *config = NULL;

        (void)snprintf(text, sizeof(text),
                       "{\"schema\":\"muster.webhooks.v1\"," ORIGINS
                       ",\"targets\":[{\"name\":\"a\","
                       "\"secret_file\":\"/s\",\"url\":\"%s\"}]}",
                       urls[i]);
        assert_int_equal(webhook_config_parse(text, strlen(text), &config, &err), MU_E_INVALID);
        assert_non_null(strstr(err.message, "targets[0].url"));
    }
}

static enum mu_status load_with_secret(const char *secret, struct webhook_config **ret_config)
{
    char folder[] = "/tmp/muster-webhook-XXXXXX", path[64], secret_path[64], text[512];
    FILE *file;
    enum mu_status st;

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/hooks", folder);
    (void)snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
    (void)snprintf(text, sizeof(text),
                   "{\"schema\":\"muster.webhooks.v1\"," ORIGINS ",\"targets\":[{\"name\":\"a\","
                   "\"secret_file\":\"%s\"," URL "}]}",
                   secret_path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    file = fopen(secret_path, "w");
    assert_non_null(file);
    assert_true(fputs(secret, file) >= 0 && fclose(file) == 0);
    st = webhook_config_load(path, ret_config, &err);
    assert_int_equal(unlink(path) | unlink(secret_path) | rmdir(folder), 0);
    return st;
}

static void secrets_come_from_their_files(void **state)
{
    MU_AUTO(webhook_config) struct webhook_config *raw = NULL;
    MU_AUTO(webhook_config) struct webhook_config *coded = NULL;
    struct webhook_config *none = NULL;

    (void)state;
    assert_int_equal(load_with_secret("sixteen bytes it is\n", &raw), MU_OK);
    assert_int_equal(webhook_config_target(raw, 0)->secret_len, strlen("sixteen bytes it is"));
    assert_int_equal(load_with_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", &coded), MU_OK);
    assert_int_equal(webhook_config_target(coded, 0)->secret_len, 24);
    assert_int_equal(load_with_secret("short", &none), MU_E_INVALID);
    assert_null(strstr(err.message, "short"));
    assert_int_equal(load_with_secret("whsec_!!!", &none), MU_E_INVALID);
}

/* The example of the specification's reference libraries. */
static void a_signature_is_that_of_standard_webhooks(void **state)
{
    MU_AUTO(webhook_config) struct webhook_config *config = NULL;
    const struct webhook_target *target;
    char signature[WEBHOOK_SIGNATURE_SIZE];
    struct mu_buf body;

    (void)state;
    assert_int_equal(load_with_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &config), MU_OK);
    target = webhook_config_target(config, 0);
    mu_buf_init(&body, 1024);
    mu_buf_puts(&body, "{\"test\": 2432232314}");
    assert_int_equal(webhook_sign(target->secret, target->secret_len,
                                  "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, &body, signature,
                                  &err),
                     MU_OK);
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    mu_buf_done(&body);
}

static void each_template_has_its_form(void **state)
{
    static const struct webhook_notification n = {"scan_expired", "critical", "r.example/a:1",
                                                  "say \"<now>\" & then",
                                                  "2026-11-01T00:00:00.000000Z"};
    static const char *const bodies[] = {
            [WEBHOOK_JSON] = "{\"kind\":\"scan_expired\",\"message\":\"say \\\"<now>\\\" & then\","
                             "\"occurred_at\":\"2026-11-01T00:00:00.000000Z\",\"severity\":"
                             "\"critical\",\"subject\":\"r.example/a:1\"}",
            [WEBHOOK_SLACK] = "{\"text\":\"*critical* scan_expired: r.example/a:1\\nsay "
                              "\\\"&lt;now&gt;\\\" &amp; then\\n2026-11-01T00:00:00.000000Z\"}",
            [WEBHOOK_TEXT] = "critical scan_expired: r.example/a:1\nsay \"<now>\" & then\n"
                             "2026-11-01T00:00:00.000000Z\n"};

    (void)state;
    for (int i = WEBHOOK_JSON; i <= WEBHOOK_TEXT; i++) {
        struct mu_buf body;

        mu_buf_init(&body, 4096);
        assert_non_null(webhook_body((enum webhook_template)i, &n, &body));
        assert_string_equal(body.data, bodies[i]);
        mu_buf_done(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_file_names_targets_and_what_they_are_told),
            cmocka_unit_test(what_is_wrong_in_the_file_is_named),
            cmocka_unit_test(a_url_outside_the_allowed_origins_is_refused),
            cmocka_unit_test(secrets_come_from_their_files),
            cmocka_unit_test(a_signature_is_that_of_standard_webhooks),
            cmocka_unit_test(each_template_has_its_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
