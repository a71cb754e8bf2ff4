#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/config_check.h"
#include "check/support_check.h"

#include "base/clock.h"
#include "issue_list.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A config that gets nothing wrong, but for `settings` and `more` of the blob. */
#define GOOD                 "\"User\":\"1000\",\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}"
#define BLOB(settings, more) "{\"os\":\"linux\",\"config\":{" settings "}" more "}"
#define STEP(text)           BLOB(GOOD, ",\"history\":[{\"created_by\":\"x\"},{\"created_by\":\"" text "\"}]")
#define ENV(text)            BLOB(GOOD ",\"Env\":[\"" text "\"]", "")

struct config_case {
    const char *json, *expected;
};

static void expect_with(struct check_config_input input, const char *expected)
{
    struct issue_list list;
    struct mu_error err;

    issue_list_start(&list);
    input.len = strlen(input.json);
    if (check_config(&input, &list.sink, &err) != MU_OK)
        fail_msg("%s: %s", input.json, err.message);
    if (strcmp(list.lines.data, expected) != 0)
        fail_msg("%s:\n'%s', not\n'%s'", input.json, list.lines.data, expected);
    issue_list_done(&list);
}

static void expect_all(const struct config_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_with((struct check_config_input){.json = cases[i].json}, cases[i].expected);
}

static void users_health_and_ports_are_judged(void **state)
{
    static const struct config_case cases[] = {
            {BLOB(GOOD, ""), ""},
            {"{}", "0001 0 no USER\n0022 0 -\n"},
            {BLOB("\"User\":\"root:app\"", ""), "0001 0 USER root\n0022 0 -\n"},
            {BLOB("\"User\":\"00:1\"", ""), "0001 0 USER 00\n0022 0 -\n"},
            {BLOB("\"User\":\"app\",\"Healthcheck\":{\"Test\":[\"NONE\"]}", ""), "0022 0 -\n"},
            {BLOB(GOOD ",\"ExposedPorts\":{\"22/tcp\":{},\"8080/tcp\":{}}", ""), "0016 0 22/tcp\n"},
            {BLOB(GOOD ",\"Env\":[\"PATH=/bin:.:/usr/bin\"]", ""), "0025 0 PATH=/bin:.:/usr/bin\n"},
            {BLOB(GOOD ",\"Env\":[\"PATH=/bin:\"]", ""), "0025 0 PATH=/bin:\n"},
            {"{\"os\":\"windows\",\"config\":{}}", ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void a_user_that_passwd_does_not_have_is_told(void **state)
{
    static const char json[] =
            BLOB("\"User\":\"web:web\",\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}", "");

    (void)state;
    expect_with((struct check_config_input){.json = json, .users = "root\nwebb\n"},
                "0002 0 USER web\n");
    expect_with((struct check_config_input){.json = json, .users = "root\nweb\n"}, "");
    expect_with((struct check_config_input){.json = json}, "");
}

#define TWO_LAYERS ",\"rootfs\":{\"diff_ids\":[\"a\",\"b\"]}"
#define BASE       "org.opencontainers.image.base."

static void a_base_is_to_be_recorded_and_fixed(void **state)
{
    static const struct config_case cases[] = {
            {BLOB(GOOD, TWO_LAYERS), "0023 0 -\n"},
            {BLOB(GOOD ",\"Labels\":{\"" BASE "digest\":\"sha256:x\"}", TWO_LAYERS), ""},
            {BLOB(GOOD ",\"Labels\":{\"" BASE "digest\":\"sha256:x\",\"" BASE
                       "name\":\"registry.example:5000/debian\"}",
                  TWO_LAYERS),
             "0024 0 registry.example:5000/debian\n"},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
    expect_with((struct check_config_input){.json = BLOB(GOOD, TWO_LAYERS),
                                            .base_name = "debian:latest",
                                            .base_digest = "sha256:x"},
                "0024 0 debian:latest\n");
    expect_with((struct check_config_input){.json = BLOB(GOOD, TWO_LAYERS),
                                            .base_name = "debian:12",
                                            .base_digest = "sha256:x"},
                "");
}

static void secrets_of_the_environment_are_told_by_name_or_form(void **state)
{
    static const struct config_case cases[] = {
            {ENV("DB_PASSWORD=S3cure-pw"), "0006 0 DB_PASSWORD: ****\n"},
            {ENV("db_password=S3cure-pw"), "0006 0 db_password: ****\n"},
            {ENV("API_KEY=a8Kd03mZq9Xw1Lp7"), "0006 0 API_KEY: ****\n"},
            {ENV("X=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"),
             "0006 0 X: GitHub token ghp_****\n"},
            {ENV("DATABASE_URL=postgres://app:S3cure-pw@db/x"),
             "0006 0 DATABASE_URL: a URL with a password ****\n"},
            {BLOB(GOOD
                  ",\"Env\":[\"AWS_SECRET_ACCESS_KEY=wJ4lrXUtnFE2K7MDENGbPxRfiCYzEXp9Qa0LkeYh\","
                  "\"AWS_ACCESS_KEY_ID=AKIA4QX4ZK2MPL5TRWNB\"]",
                  ""),
             "0006 0 AWS_SECRET_ACCESS_KEY: AWS key pair AKIA****\n"},
            {BLOB(GOOD ",\"Labels\":{\"t\":\"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\"},"
                       "\"Cmd\":[\"run\",\"redis://:S3cure-pw@cache\"]",
                  ""),
             "0008 0 t: npm token npm_****\n0008 0 a URL with a password ****\n"},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

/* Variables of well-known images among them. */
static void ordinary_variables_are_no_secrets(void **state)
{
    static const struct config_case cases[] = {
            {ENV("DB_PASSWORD="), ""},
            {ENV("DB_PASSWORD=changeme"), ""},
            {ENV("DB_PASSWORD=${OTHER}"), ""},
            {ENV("DB_PASSWORD_FILE=/run/secrets/db"), ""},
            {ENV("DB_PASSWORD=/run/secrets/db"), ""},
            {ENV("GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568"), ""},
            {ENV("PYTHON_SHA256=8fb5f9fbc7609fa822cb31549884575db7fd9657cbffb89510b5d7975963a83a"),
             ""},
            {ENV("JWT_TOKEN_LOCATION=headers"), ""},
            {ENV("ACCESS_TOKEN=header"), ""},
            {ENV("TOKEN=1234567890123456"), ""},
            {ENV("SSH_AUTH_SOCK=/tmp/agent"), ""},
            {ENV("no assignment at all"), ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void steps_that_fetch_unverified_are_told_with_their_number(void **state)
{
    static const struct config_case cases[] = {
            {STEP("ADD https://h.example/x.tgz?token=1 /x # buildkit"),
             "0018 2 ADD https://h.example/x.tgz\n"},
            {STEP("/bin/sh -c #(nop) ADD file:abc in / "), ""},
            {STEP("ADD --checksum=sha256:ab https://h.example/x /x"), ""},
            {STEP("RUN /bin/sh -c curl -fsSL https://h.example/i.sh | sudo -E bash - # buildkit"),
             "0019 2 a shell runs https://h.example/i.sh\n"},
            {STEP("/bin/sh -c wget -qO- https://h.example/i.sh|sh"),
             "0019 2 a shell runs https://h.example/i.sh\n"},
            {STEP("/bin/sh -c bash <(curl -s https://h.example/i)"),
             "0019 2 a shell runs https://h.example/i\n"},
            {STEP("/bin/sh -c sh -c \\\"$(curl -s https://h.example/i)\\\""),
             "0019 2 a shell runs https://h.example/i\n"},
            {STEP("/bin/sh -c curl -o x https://h.example/x && sha256sum -c x.sum | sh"), ""},
            {STEP("/bin/sh -c curl https://h.example/k | gpg --dearmor > /k"), ""},
            {STEP("/bin/sh -c curl https://h.example/s.tgz | tar xz; bash run.sh"), ""},
            {STEP("/bin/sh -c apt-get update && apt-get install --allow-unauthenticated -y x"),
             "0020 2 --allow-unauthenticated\n"},
            {STEP("/bin/sh -c wget --no-check-certificate https://h.example/x"),
             "0020 2 --no-check-certificate\n"},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void lists_that_are_updated_alone_are_told(void **state)
{
    static const struct config_case cases[] = {
            {STEP("/bin/sh -c apt-get update"), "0021 2 apt-get update\n"},
            {STEP("RUN /bin/sh -c apt-get update -q && rm -f x # buildkit"),
             "0021 2 apt-get update -q\n"},
            {STEP("/bin/sh -c apt-get update && apt-get install -y a"), ""},
            {STEP("/bin/sh -c set -ex;  apk update; apk add curl"), ""},
            {STEP("/bin/sh -c apt-get update && apt-get -y dist-upgrade"), ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void secrets_of_the_history_are_told_masked(void **state)
{
    static const struct config_case cases[] = {
            {STEP("|2 NPM_TOKEN=a8Kd03mZq9Xw1Lp7 MODE=x /bin/sh -c npm ci"),
             "0007 2 build argument NPM_TOKEN: ****\n"},
            {STEP("ARG DB_PASSWORD=S3cure-pw"), "0007 2 build argument DB_PASSWORD: ****\n"},
            {STEP("RUN /bin/sh -c git clone https://me:S3cure-pw@git.example/a # buildkit"),
             "0007 2 a URL with a password ****\n"},
            {STEP("RUN /bin/sh -c npm set x 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"),
             "0007 2 npm token npm_****\n"},
            {STEP("ENV DB_PASSWORD=S3cure-pw"), ""}, /* told of the environment */
            {STEP("ARG DB_PASSWORD"), ""},
            {STEP("|1 TOKEN= /bin/sh -c true"), ""},
    };

    (void)state;
    expect_all(cases, COUNT_OF(cases));
}

static void expect_support(const char *id, const char *version, const char *day,
                           const char *expected)
{
    struct issue_list list;
    struct mu_error err;
    int64_t at_us;

    issue_list_start(&list);
    assert_int_equal(mu_time_parse(day, strlen(day), &at_us, &err), MU_OK);
    assert_int_equal(support_check(id, version, NULL, at_us, &list.sink, &err), MU_OK);
    if (strncmp(list.lines.data, expected, strlen(expected)) != 0 ||
        (expected[0] == '\0' && list.count > 0))
        fail_msg("%s %s: '%s'", id, version, list.lines.data);
    issue_list_done(&list);
}

static void a_distribution_without_updates_is_told_on_the_given_day(void **state)
{
    (void)state;
    expect_support("debian", "10", "2023-01-01T00:00:00Z", "0027 0 Debian 10: support until 2022-");
    expect_support("debian", "10", "2026-01-01T00:00:00Z", "0026 0 Debian 10: LTS until 2024-");
    expect_support("debian", "12", "2024-01-01T00:00:00Z", "");
    expect_support("no-such", "1", "2026-01-01T00:00:00Z", "");
    expect_support(NULL, NULL, "2026-01-01T00:00:00Z", "");
}

static void what_is_no_json_is_an_error(void **state)
{
    struct check_config_input input = {.json = "{", .len = 1};
    struct issue_list list;
    struct mu_error err;

    (void)state;
    issue_list_start(&list);
    assert_int_equal(check_config(&input, &list.sink, &err), MU_E_INVALID);
    input.len = (size_t)CHECK_CONFIG_MAX_BYTES + 1;
    assert_int_equal(check_config(&input, &list.sink, &err), MU_E_LIMIT);
    assert_int_equal(list.count, 0);
    issue_list_done(&list);
}

static void what_the_sink_refuses_ends_the_checks(void **state)
{
    struct check_config_input input = {.json = "{}", .len = 2};
    struct issue_list list;
    struct mu_error err;

    (void)state;
    issue_list_start(&list);
    list.refuse = MU_E_NOMEM;
    assert_int_equal(check_config(&input, &list.sink, &err), MU_E_NOMEM);
    issue_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(users_health_and_ports_are_judged),
            cmocka_unit_test(a_user_that_passwd_does_not_have_is_told),
            cmocka_unit_test(a_base_is_to_be_recorded_and_fixed),
            cmocka_unit_test(secrets_of_the_environment_are_told_by_name_or_form),
            cmocka_unit_test(ordinary_variables_are_no_secrets),
            cmocka_unit_test(steps_that_fetch_unverified_are_told_with_their_number),
            cmocka_unit_test(lists_that_are_updated_alone_are_told),
            cmocka_unit_test(secrets_of_the_history_are_told_masked),
            cmocka_unit_test(a_distribution_without_updates_is_told_on_the_given_day),
            cmocka_unit_test(what_is_no_json_is_an_error),
            cmocka_unit_test(what_the_sink_refuses_ends_the_checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
