#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "http_peer.h"
#include "registry/registry_access.h"
#include "registry/registry_login.h"
#include "test_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct fixture {
    struct http_peer peer; /* started by the test that needs it */
    struct mu_registry_access access;
    struct registry_credential credential;
    char folder[64], path[128], endpoint[64];
    struct mu_error err;
};

static int set_up(void **state)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_ROLE_ARN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE"};
    struct fixture *f = calloc(1, sizeof(*f));

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unsetenv(names[i]);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-login-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->access.host, sizeof(f->access.host), "reg.example");
    registry_credential_init(&f->credential);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];

    (void)snprintf(command, sizeof(command), "%s/file", f->folder);
    (void)unlink(command);
    (void)snprintf(command, sizeof(command), "%s/docker-credential-test", f->folder);
    (void)unlink(command);
    (void)rmdir(f->folder);
    registry_credential_done(&f->credential);
    free(f);
    return 0;
}

static const char *with_file(struct fixture *f, const char *text)
{
    (void)snprintf(f->path, sizeof(f->path), "%s/file", f->folder);
    assert_int_equal(mu_file_write_atomic(f->path, text, strlen(text), &f->err), MU_OK);
    return f->path;
}

/* A program docker-credential-test in PATH. */
static void with_helper(struct fixture *f, const char *script)
{
    char path[128], list[256];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/docker-credential-test", f->folder);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), strlen(script));
    (void)close(fd);
    (void)snprintf(list, sizeof(list), "%s:/usr/bin:/bin", f->folder);
    (void)setenv("PATH", list, 1);
    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_HELPER, .helper = "test"};
}

static enum mu_status login(struct fixture *f)
{
    return registry_login_get(&f->access, &f->credential, &f->err);
}

static void expect_credential(const struct fixture *f, enum registry_credential_kind kind,
                              const char *user, const char *secret)
{
    assert_int_equal(f->credential.kind, kind);
    assert_string_equal(f->credential.user.data, user);
    assert_string_equal(f->credential.secret.data, secret);
}

static void expect_says(const struct fixture *f, const char *word)
{
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

/* ---- helpers ---- */

static void a_helper_is_asked_by_the_registrys_name(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\n"
                   "[ \"$1\" = get ] || exit 9\n"
                   "echo \"{\\\"ServerURL\\\":\\\"x\\\",\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":"
                   "\\\"for $(cat)\\\"}\"\n");
    assert_int_equal(login(f), MU_OK);
    expect_credential(f, CREDENTIAL_BASIC, "u", "for reg.example");
}

static void a_helper_may_give_an_identity_token(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"t\"}'\n");
    assert_int_equal(login(f), MU_OK);
    expect_credential(f, CREDENTIAL_IDENTITY, "<token>", "t");
}

static void a_helper_that_knows_nothing_makes_us_nobody(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n");
    assert_int_equal(login(f), MU_OK);
    assert_int_equal(f->credential.kind, CREDENTIAL_NONE);
}

static void a_helper_that_fails_is_denied_with_what_it_says(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho the vault is locked\nexit 3\n");
    assert_int_equal(login(f), MU_E_DENIED);
    expect_says(f, "credential helper test: it failed with 3: the vault is locked");
}

static void an_answer_that_is_none_is_refused_without_being_shown(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho 'S3CRET {'\n");
    assert_int_equal(login(f), MU_E_INVALID);
    assert_null(strstr(f->err.message, "S3CRET"));
}

static void a_helper_is_not_given_our_own_secrets(void **state)
{
    struct fixture *f = *state;

    (void)setenv("MUSTER_EVIDENCE_TOKEN", "hidden", 1);
    with_helper(f, "#!/bin/sh\n"
                   "echo \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"[$MUSTER_EVIDENCE_TOKEN]"
                   "\\\"}\"\n");
    assert_int_equal(login(f), MU_OK);
    expect_credential(f, CREDENTIAL_BASIC, "u", "[]");
    (void)unsetenv("MUSTER_EVIDENCE_TOKEN");
}

static void a_helper_that_says_too_much_is_ended(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\nexec yes\n");
    assert_int_equal(login(f), MU_E_LIMIT);
    expect_says(f, "credential helper test");
}

static void a_helper_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;

    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_HELPER, .helper = "absent"};
    assert_int_equal(login(f), MU_E_DENIED);
    expect_says(f, "no program docker-credential-absent in PATH");
    f->access.login.helper = "../../bin/sh";
    assert_int_equal(login(f), MU_E_INVALID);
}

/* ---- Docker's configuration ---- */

static void a_config_with_a_helper_asks_it(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n");
    f->access.login = (struct mu_registry_login){
            .way = MU_LOGIN_DOCKER_CONFIG,
            .file = with_file(f, "{\"credHelpers\":{\"reg.example\":\"test\"}}")};
    assert_int_equal(login(f), MU_OK);
    expect_credential(f, CREDENTIAL_BASIC, "u", "s");
}

static void what_the_store_lacks_the_file_may_have(void **state)
{
    struct fixture *f = *state;

    with_helper(f, "#!/bin/sh\necho credentials not found\nexit 1\n");
    f->access.login = (struct mu_registry_login){
            .way = MU_LOGIN_DOCKER_CONFIG,
            .file = with_file(f, "{\"credsStore\":\"test\",\"auths\":{\"reg.example\":"
                                 "{\"auth\":\"YTpi\"}}}")};
    assert_int_equal(login(f), MU_OK);
    expect_credential(f, CREDENTIAL_BASIC, "a", "b");
}

static void a_host_the_config_does_not_name_is_asked_as_nobody(void **state)
{
    struct fixture *f = *state;

    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_DOCKER_CONFIG,
                                                 .file = with_file(f, "{\"auths\":{}}")};
    assert_int_equal(login(f), MU_OK);
    assert_int_equal(f->credential.kind, CREDENTIAL_NONE);
}

static void a_config_that_cannot_be_read_is_denied(void **state)
{
    struct fixture *f = *state;

    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_DOCKER_CONFIG,
                                                 .file = "/no/such/config.json"};
    assert_int_equal(login(f), MU_E_DENIED);
    expect_says(f, "/no/such/config.json");
}

/* ---- clouds: doubles that say what the services' documentation says ---- */

static void with_cloud(struct fixture *f, enum mu_login_way way)
{
    http_peer_start(&f->peer);
    (void)snprintf(f->endpoint, sizeof(f->endpoint), "http://127.0.0.1:%d", f->peer.port);
    (void)snprintf(f->access.url, sizeof(f->access.url), "%s", f->endpoint);
    f->access.login = (struct mu_registry_login){
            .way = way, .endpoint = f->endpoint, .sts_endpoint = f->endpoint};
}

#define ANSWER(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

/* base64 of AWS:ecr-password */
#define ECR_ANSWER                                                                         \
    ANSWER("{\"authorizationData\":[{\"authorizationToken\":\"QVdTOmVjci1wYXNzd29yZA==\"," \
           "\"expiresAt\":1.764e9,\"proxyEndpoint\":\"https://reg.example\"}]}")

static void expect_asked(const struct fixture *f, size_t request, const char *word)
{
    if (!strstr(f->peer.requests[request], word))
        fail_msg("'%s' was not asked in '%s'", word, f->peer.requests[request]);
}

static void ecr_gives_a_password_for_a_signed_request(void **state)
{
    struct fixture *f = *state;

    (void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    f->peer.replies[0] = (struct http_peer_reply){ECR_ANSWER, PEER_CLOSE};
    with_cloud(f, MU_LOGIN_ECR);
    (void)snprintf(f->access.host, sizeof(f->access.host),
                   "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com");
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_credential(f, CREDENTIAL_BASIC, "AWS", "ecr-password");
    assert_true(f->credential.lifetime_ms > 3600 * 1000);
    expect_asked(f, 0, "POST / HTTP/1.1\r\n");
    expect_asked(f, 0,
                 "x-amz-target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken\r\n");
    expect_asked(f, 0, "content-type: application/x-amz-json-1.1\r\n");
    expect_asked(f, 0,
                 "/us-gov-west-1/ecr/aws4_request, "
                 "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=");
    assert_null(strstr(f->peer.requests[0], "x-amz-security-token"));
}

static void a_web_identity_becomes_keys_that_sign_for_ecr(void **state)
{
    struct fixture *f = *state;

    (void)setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/scan", 1);
    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", with_file(f, "a.b.c\n"), 1);
    f->peer.replies[0] = (struct http_peer_reply){
            ANSWER("<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
                   "<Credentials><SessionToken>session==</SessionToken>"
                   "<SecretAccessKey>key/</SecretAccessKey><Expiration>2026-11-25T00:00:00Z"
                   "</Expiration><AccessKeyId>ASIAEXAMPLE</AccessKeyId></Credentials>"
                   "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"),
            PEER_CLOSE};
    f->peer.replies[1] = (struct http_peer_reply){ECR_ANSWER, PEER_CLOSE};
    with_cloud(f, MU_LOGIN_ECR);
    f->access.login.region = "eu-central-1";
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_credential(f, CREDENTIAL_BASIC, "AWS", "ecr-password");
    expect_asked(f, 0,
                 "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
                 "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fscan&RoleSessionName=muster&"
                 "WebIdentityToken=a.b.c");
    expect_asked(f, 1, "Credential=ASIAEXAMPLE/");
    expect_asked(f, 1, "x-amz-security-token: session==\r\n");
    expect_asked(f, 1,
                 "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
                 "x-amz-target");
}

static void ecr_without_keys_says_what_to_set(void **state)
{
    struct fixture *f = *state;

    f->access.login = (struct mu_registry_login){.way = MU_LOGIN_ECR, .region = "us-east-1"};
    assert_int_equal(login(f), MU_E_DENIED);
    expect_says(f, "AWS_WEB_IDENTITY_TOKEN_FILE");
    f->access.login.region = NULL;
    assert_int_equal(login(f), MU_E_DENIED);
    expect_says(f, "'reg.example' names no region");
}

static void a_refusal_of_the_cloud_is_denied_without_its_words(void **state)
{
    struct fixture *f = *state;

    (void)setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    f->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 400 Bad\r\nContent-Length: 6\r\n\r\nS3CRET", PEER_CLOSE};
    with_cloud(f, MU_LOGIN_ECR);
    f->access.login.region = "us-east-1";
    assert_int_equal(login(f), MU_E_DENIED);
    http_peer_stop(&f->peer);
    assert_null(strstr(f->err.message, "S3CRET"));
    expect_says(f, "ecr GetAuthorizationToken");
}

/* {"type":"service_account",..} with a fresh key whose token service is the double. */
static void write_account(struct fixture *f)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem, json;
    EVP_PKEY *key = test_rsa_key(2048);

    mu_buf_init(&pem, TEST_TEXT_MAX);
    mu_buf_init(&json, TEST_TEXT_MAX);
    test_key_pem(key, &pem);
    EVP_PKEY_free(key);
    mu_buf_puts(&json, "{\"client_email\":\"scan@project.example\",\"private_key_id\":\"k1\","
                       "\"private_key\":");
    mu_text_to_json(pem.data, pem.len, &json);
    mu_buf_printf(&json, ",\"token_uri\":\"%s/token\"}", f->endpoint);
    f->access.login.file = with_file(f, json.data);
}

static void google_gives_a_token_for_a_signed_claim(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            ANSWER("{\"access_token\":\"ya29.t\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"),
            PEER_CLOSE};
    with_cloud(f, MU_LOGIN_GOOGLE);
    write_account(f);
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_credential(f, CREDENTIAL_BASIC, "oauth2accesstoken", "ya29.t");
    assert_int_equal(f->credential.lifetime_ms, 3599000);
    expect_asked(f, 0, "POST /token HTTP/1.1\r\n");
    /* The head of the claim: {"alg":"RS256","kid":"k1","typ":"JWT"} */
    expect_asked(f, 0,
                 "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
                 "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJ");
}

static void on_a_machine_of_google_the_metadata_service_is_asked(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            ANSWER("{\"access_token\":\"ya29.m\",\"expires_in\":100}"), PEER_CLOSE};
    with_cloud(f, MU_LOGIN_GOOGLE);
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_credential(f, CREDENTIAL_BASIC, "oauth2accesstoken", "ya29.m");
    expect_asked(f, 0, "/computeMetadata/v1/instance/service-accounts/default/token HTTP/1.1\r\n");
    expect_asked(f, 0, "Metadata-Flavor: Google\r\n");
}

static void a_key_file_that_is_none_is_named(void **state)
{
    static const char *const files[][2] = {
            {"no json", "no JSON"},
            {"{\"client_email\":\"a\"}", "private_key"},
            {"{\"client_email\":\"a\",\"private_key\":\"x\",\"token_uri\":\"https://t.example\"}",
             "RSA"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        f->access.login = (struct mu_registry_login){.way = MU_LOGIN_GOOGLE,
                                                     .file = with_file(f, files[i][0])};
        assert_int_equal(login(f), MU_E_INVALID);
        expect_says(f, files[i][1]);
    }
}

static void azure_exchanges_a_token_at_the_registry(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] =
            (struct http_peer_reply){ANSWER("{\"refresh_token\":\"acr-refresh\"}"), PEER_CLOSE};
    with_cloud(f, MU_LOGIN_AZURE);
    f->access.login.file = with_file(f, "entra.token\n");
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_credential(f, CREDENTIAL_IDENTITY, "00000000-0000-0000-0000-000000000000",
                      "acr-refresh");
    expect_asked(f, 0, "POST /oauth2/exchange HTTP/1.1\r\n");
    expect_asked(f, 0, "grant_type=access_token&service=reg.example&access_token=entra.token");
}

static void a_workload_of_azure_gets_its_token_first(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] =
            (struct http_peer_reply){ANSWER("{\"access_token\":\"entra\"}"), PEER_CLOSE};
    f->peer.replies[1] =
            (struct http_peer_reply){ANSWER("{\"refresh_token\":\"acr-refresh\"}"), PEER_CLOSE};
    with_cloud(f, MU_LOGIN_AZURE);
    f->access.login.file = with_file(f, "federated");
    f->access.login.tenant = "tenant-id";
    f->access.login.client_id = "client-id";
    assert_int_equal(login(f), MU_OK);
    http_peer_stop(&f->peer);
    expect_asked(f, 0, "POST /tenant-id/oauth2/v2.0/token HTTP/1.1\r\n");
    expect_asked(f, 0,
                 "grant_type=client_credentials&client_id=client-id&scope="
                 "https%3A%2F%2Fcontainerregistry.azure.net%2F.default&");
    expect_asked(f, 0, "&client_assertion=federated");
    expect_asked(f, 1, "service=reg.example&tenant=tenant-id&access_token=entra");
    expect_credential(f, CREDENTIAL_IDENTITY, "00000000-0000-0000-0000-000000000000",
                      "acr-refresh");
}

static void a_redirect_of_a_login_is_not_followed(void **state)
{
    struct fixture *f = *state;

    f->peer.replies[0] = (struct http_peer_reply){
            "HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE};
    with_cloud(f, MU_LOGIN_AZURE);
    f->access.login.file = with_file(f, "entra");
    assert_int_equal(login(f), MU_E_INVALID);
    http_peer_stop(&f->peer);
    assert_int_equal(f->peer.request_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_helper_is_asked_by_the_registrys_name),
            TEST(a_helper_may_give_an_identity_token),
            TEST(a_helper_that_knows_nothing_makes_us_nobody),
            TEST(a_helper_that_fails_is_denied_with_what_it_says),
            TEST(an_answer_that_is_none_is_refused_without_being_shown),
            TEST(a_helper_is_not_given_our_own_secrets),
            TEST(a_helper_that_says_too_much_is_ended),
            TEST(a_helper_that_is_not_there_is_named),
            TEST(a_config_with_a_helper_asks_it),
            TEST(what_the_store_lacks_the_file_may_have),
            TEST(a_host_the_config_does_not_name_is_asked_as_nobody),
            TEST(a_config_that_cannot_be_read_is_denied),
            TEST(ecr_gives_a_password_for_a_signed_request),
            TEST(a_web_identity_becomes_keys_that_sign_for_ecr),
            TEST(ecr_without_keys_says_what_to_set),
            TEST(a_refusal_of_the_cloud_is_denied_without_its_words),
            TEST(google_gives_a_token_for_a_signed_claim),
            TEST(on_a_machine_of_google_the_metadata_service_is_asked),
            TEST(a_key_file_that_is_none_is_named),
            TEST(azure_exchanges_a_token_at_the_registry),
            TEST(a_workload_of_azure_gets_its_token_first),
            TEST(a_redirect_of_a_login_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
