/*
 * Every kind of source × every way its senders have × what a sender may present
 * (tests/data/auth/matrix.tsv), through the configuration and the real receiver, over TLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery_fixture.h"
#include "sns_fixture.h"

#include "auth/key_ring.h"
#include "config/ingest_config.h"
#include "receiver/receiver.h"

#include "http/http_client.h"

#include <inttypes.h>

#define AUDIENCE "https://ingest.example/"
#define TOPIC    "arn:aws:sns:us-east-1:123456789012:"

enum { MAX_CASES = 16, VALUE_SIZE = 4096, ARENA_BYTES = 64 * 1024 * 1024 };

static struct {
    struct delivery_fixture delivery;
    struct sns_fixture sns;
    EVP_PKEY *token_key, *stranger, *client_key;
    char jwks_file[96], client_key_file[96];
    struct mu_arena *arena;
    struct ingest_config config;
    struct key_ring *keys;
    struct receiver *receiver;
} world;

/* ---- what is right for a source ---- */

/* "new.github.hmac" */
static const char *secret_of(const char *age, const struct source_config *source)
{
    return mu_arena_printf(world.arena, "%s.%s", age, source ? source->name : "none");
}

static const char *basic_of(const char *age, const struct source_config *source)
{
    return mu_arena_printf(world.arena, "user:%s.%s", age, source ? source->name : "none");
}

/* ---- one request ---- */

struct attempt {
    const struct source_config *source;
    const char *word; /* the case */
    const char *age;  /* of the secret: new, old, retired, wrong */
    const struct source_config *owner;
    /* what is sent */
    const char *authorization, *header, *query, *body, *cert_file;
};

static const struct source_config *other_source(const struct source_config *source)
{
    const char *way = strrchr(source->name, '.');

    for (size_t i = 0; i < world.config.source_count; i++) {
        const struct source_config *other = &world.config.sources[i];

        if (other != source && mu_text_equal(strrchr(other->name, '.'), way))
            return other;
    }
    return NULL;
}

static const char *base64_of(const char *text)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;

    mu_buf_init(&out, VALUE_SIZE);
    mu_base64_encode(text, strlen(text), &out);
    return mu_arena_strdup(world.arena, out.data);
}

static void present_bearer(struct attempt *attempt)
{
    attempt->authorization =
            mu_arena_printf(world.arena, "Bearer %s", secret_of(attempt->age, attempt->owner));
}

static void present_basic(struct attempt *attempt)
{
    attempt->authorization = mu_arena_printf(world.arena, "Basic %s",
                                             base64_of(basic_of(attempt->age, attempt->owner)));
}

static void present_header(struct attempt *attempt)
{
    attempt->header = mu_arena_printf(world.arena, "%s: %s", attempt->source->rules[0].header,
                                      secret_of(attempt->age, attempt->owner));
}

static void present_hmac(struct attempt *attempt)
{
    const struct auth_rule *rule = &attempt->source->rules[0];
    const char *secret = secret_of(attempt->age, attempt->owner);
    char hex[MU_HMAC_HEX_SIZE];

    mu_hmac_hex(rule->kind == SOURCE_AUTH_HMAC_SHA1 ? MU_HASH_SHA1 : MU_HASH_SHA256, secret,
                strlen(secret), attempt->body, strlen(attempt->body), hex);
    attempt->header = mu_arena_printf(world.arena, "%s: %s%s", rule->header,
                                      rule->prefix ? rule->prefix : "", hex);
}

static void present_url(struct attempt *attempt)
{
    attempt->query =
            mu_arena_printf(world.arena, "?secret=%s", secret_of(attempt->age, attempt->owner));
}

static void present_jwt(struct attempt *attempt)
{
    bool wrong = strcmp(attempt->age, "wrong") == 0, expired = strcmp(attempt->age, "retired") == 0;
    const char *claims = mu_arena_printf(
            world.arena,
            "{\"iss\":\"https://issuer.example\",\"aud\":\"" AUDIENCE "%s\",\"exp\":%" PRId64 "}",
            attempt->owner->name, mu_now_us() / 1000000 + (expired ? -3600 : 3600));
    MU_AUTO_DONE(mu_buf_done) struct mu_buf token;

    mu_buf_init(&token, VALUE_SIZE);
    test_token(wrong ? world.stranger : world.token_key, "{\"alg\":\"RS256\",\"kid\":\"k\"}",
               claims, &token);
    attempt->authorization = mu_arena_printf(world.arena, "Bearer %s", token.data);
}

static void present_sns(struct attempt *attempt)
{
    bool wrong = strcmp(attempt->age, "wrong") == 0, expired = strcmp(attempt->age, "retired") == 0;
    const struct sns_message message = {
            .type = "Notification",
            .topic = mu_arena_printf(world.arena, TOPIC "%s", attempt->owner->name),
            .message = attempt->body,
            .version = "2",
            .certificate_url = expired ? SNS_EXPIRED : SNS_CERTIFICATE};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;

    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(wrong ? world.stranger : world.sns.key, &message, &body);
    attempt->body = mu_arena_strdup(world.arena, body.data);
}

/* wrong: the right name, by a CA that nobody trusts. */
static void present_mtls(struct attempt *attempt)
{
    bool wrong = strcmp(attempt->age, "wrong") == 0, expired = strcmp(attempt->age, "retired") == 0;
    const struct test_certificate certificate = {.key = world.client_key,
                                                 .issuer_key =
                                                         wrong ? world.stranger : world.sns.ca,
                                                 .issuer = "test CA",
                                                 .organisation = "muster",
                                                 .name = attempt->owner->name,
                                                 .from_s = expired ? -7200 : -3600,
                                                 .until_s = expired ? -3600 : 3600};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    char *path = mu_arena_alloc(world.arena, 96);

    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_certificate_pem(&certificate, &pem);
    sns_write(&pem, world.sns.folder, "client.pem", path);
    attempt->cert_file = path;
}

static const struct way {
    const char *name;
    unsigned kinds;
    const char *format; /* of the YAML mapping: name of the source twice */
    void (*present)(struct attempt *attempt);
} ways[] = {
        {"bearer", SOURCE_AUTH_BEARER, NULL, present_bearer},
        {"basic", SOURCE_AUTH_BASIC, NULL, present_basic},
        {"header", SOURCE_AUTH_HEADER, NULL, present_header},
        {"hmac", SOURCE_AUTH_HMAC_SHA256 | SOURCE_AUTH_HMAC_SHA1, NULL, present_hmac},
        {"url", SOURCE_AUTH_URL, NULL, present_url},
        {"jwt", SOURCE_AUTH_JWT,
         "jwt: {issuer: \"https://issuer.example\", audience: \"" AUDIENCE "%s\", jwks_file: %s}",
         present_jwt},
        {"sns", SOURCE_AUTH_SNS,
         "sns: {topic_arn: \"" TOPIC "%s\", private_network: true}, key_ca_file: %s", present_sns},
        {"mtls", SOURCE_AUTH_MTLS, "mtls: {subject: \"CN=%s,O=muster\"}", present_mtls},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* ---- the file of sources ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void add_source(const struct source_kind *kind, const struct way *way, struct mu_buf *yaml)
{
    char name[128], variable[160];

    (void)snprintf(name, sizeof(name), "%s.%s", kind->name, way->name);
    mu_buf_printf(yaml, "  - name: %s\n    kind: %s\n    auth: {", name, kind->name);
    if (way->format) {
        mu_buf_printf(yaml, way->format, name,
                      way->kinds == SOURCE_AUTH_SNS ? world.sns.ca_file : world.jwks_file);
    } else {
        for (int previous = 0; previous < 2; previous++) {
            char secret[256];

            (void)snprintf(variable, sizeof(variable), "%s_%s", previous ? "OLD" : "NEW", name);
            (void)snprintf(secret, sizeof(secret), "%s%s.%s",
                           way->kinds == SOURCE_AUTH_BASIC ? "user:" : "", previous ? "old" : "new",
                           name);
            assert_int_equal(setenv(variable, secret, 1), 0);
            mu_buf_printf(yaml, "%s%s_env: %s", previous ? ", previous_" : "", way->name, variable);
        }
    }
    mu_buf_puts(yaml, "}\n");
}
#pragma GCC diagnostic pop

static void make_sources(void)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf yaml;
    struct mu_error err;

    mu_buf_init(&yaml, 1 << 20);
    mu_buf_puts(&yaml, "sources:\n");
    for (size_t i = 0; i < source_kind_count; i++)
        for (size_t way = 0; way < WAYS; way++)
            if (mu_text_equal(source_kinds[i]->transport, "webhook") &&
                (source_kinds[i]->auth & ways[way].kinds))
                add_source(source_kinds[i], &ways[way], &yaml);
    if (ingest_config_parse("matrix.yaml", yaml.data, yaml.len, world.arena, &world.config, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
}

static int group_setup(void **state)
{
    struct receiver_config config = {.listen = "127.0.0.1:0", .max_body_bytes = 1 << 20};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    struct mu_error err;

    (void)state;
    world.arena = mu_arena_new(ARENA_BYTES);
    delivery_group_setup(&world.delivery);
    delivery_setup(&world.delivery);
    sns_start(&world.sns);
    world.token_key = test_rsa_key(2048);
    world.stranger = test_rsa_key(2048);
    world.client_key = test_p256_key();
    mu_buf_init(&pem, TEST_TEXT_MAX);
    test_key_pem(world.client_key, &pem);
    sns_write(&pem, world.sns.folder, "client.key", world.client_key_file);
    (void)snprintf(world.jwks_file, sizeof(world.jwks_file), "%s/jwks.json", world.sns.folder);
    key_set_write(world.jwks_file, world.token_key, "k");
    make_sources();
    if (key_ring_open(world.config.sources, world.config.source_count, NULL, &world.keys, &err) !=
        MU_OK)
        fail_msg("%s", err.message);
    config.sources = &world.config;
    config.delivery = world.delivery.delivery;
    config.producer = world.delivery.producer;
    config.spool = world.delivery.spool;
    config.tls_cert_file = world.sns.server_file;
    config.tls_key_file = world.sns.server_key_file;
    config.tls_client_ca_file = world.sns.ca_file;
    if (receiver_start(&config, &world.receiver, &err) != MU_OK)
        fail_msg("%s", err.message);
    return 0;
}

static int group_teardown(void **state)
{
    char path[96];

    (void)state;
    receiver_stop(world.receiver);
    key_ring_close(world.keys);
    delivery_teardown(&world.delivery);
    delivery_group_teardown(&world.delivery);
    (void)snprintf(path, sizeof(path), "%s/client.pem", world.sns.folder);
    (void)unlink(path);
    (void)unlink(world.client_key_file);
    (void)unlink(world.jwks_file);
    sns_stop(&world.sns);
    EVP_PKEY_free(world.token_key);
    EVP_PKEY_free(world.stranger);
    EVP_PKEY_free(world.client_key);
    mu_arena_free(world.arena);
    return 0;
}

/* ---- sending ---- */

static int post(const struct attempt *attempt, struct mu_http_response *response)
{
    const struct mu_http_client_config config = {
            .user_agent = "test",
            .ca_file = world.sns.ca_file,
            .client_cert_file = attempt->cert_file,
            .client_key_file = attempt->cert_file ? world.client_key_file : NULL};
    const char *const headers[] = {"Content-Type: application/json", "X-GitHub-Delivery: 7",
                                   attempt->header, NULL};
    MU_AUTO(http_client) struct mu_http_client *client = NULL;
    char url[512];
    const struct mu_http_request request = {.method = "POST",
                                            .url = url,
                                            .headers = headers,
                                            .authorization = attempt->authorization,
                                            .body = attempt->body,
                                            .body_len = strlen(attempt->body)};
    struct mu_error err;

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u%s%s", receiver_port(world.receiver),
                   attempt->source->path, attempt->query ? attempt->query : "");
    assert_int_equal(mu_http_client_new(&config, &client, &err), MU_OK);
    if (mu_http_request(client, &request, response, &err) != MU_OK)
        fail_msg("%s %s: %s", attempt->source->name, attempt->word, err.message);
    return response->status;
}

/* As senders do: 503 means to come again. */
static int post_patiently(const struct attempt *attempt, struct mu_http_response *response)
{
    int status;

    KEY_WAIT((status = post(attempt, response)) != 503);
    return status;
}

static struct attempt attempt_of(const struct source_config *source, const char *word)
{
    static const struct {
        const char *word, *age;
    } ages[] = {{"previous", "old"}, {"wrong", "wrong"}, {"expired", "retired"}};
    struct attempt attempt = {.source = source,
                              .word = word,
                              .age = "new",
                              .owner = source,
                              .body = "{\"nothing\":\"of interest\"}"};

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
        if (mu_text_equal(ages[i].word, word))
            attempt.age = ages[i].age;
    if (mu_text_equal(word, "other"))
        attempt.owner = other_source(source);
    return attempt;
}

static void check_denied(const struct attempt *attempt, const struct mu_http_response *response)
{
    if (response->status != 401)
        fail_msg("%s %s: %d", attempt->source->name, attempt->word, response->status);
    assert_true(response->www_authenticate[0] != '\0'); /* RFC 9110, section 15.5.2 */
    if (strstr(response->error_body, "new.") || strstr(response->error_body, "old."))
        fail_msg("%s tells a secret: %s", attempt->source->name, response->error_body);
}

static void check_cell(const struct source_config *source, const struct way *way, const char *word,
                       const char *expected)
{
    struct attempt attempt = attempt_of(source, word);
    struct mu_http_response response;
    int times = mu_text_equal(word, "replayed") ? 2 : 1;

    if (mu_text_equal(expected, "-") || !attempt.owner)
        return;
    if (!mu_text_equal(word, "missing"))
        way->present(&attempt);
    for (int i = 0; i < times; i++) {
        (void)post_patiently(&attempt, &response);
        if (mu_text_equal(expected, "401"))
            check_denied(&attempt, &response);
        else if (response.status / 100 != 2)
            fail_msg("%s %s: %d %s", source->name, word, response.status, response.error_body);
    }
}

/* ---- the table ---- */

/* Cells of a line, separated by tabs; their number. */
static size_t split(char *line, char *cells[MAX_CASES])
{
    size_t count = 0;
    char *at = line;

    line[strcspn(line, "\n")] = '\0';
    while (at && count < MAX_CASES) {
        cells[count++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return count;
}

static size_t check_way(const struct way *way, char *words[MAX_CASES], char *cells[MAX_CASES],
                        size_t count)
{
    size_t checked = 0;

    for (size_t i = 0; i < world.config.source_count; i++) {
        const struct source_config *source = &world.config.sources[i];

        if (!mu_text_equal(strrchr(source->name, '.') + 1, way->name))
            continue;
        for (size_t cell = 1; cell < count; cell++)
            check_cell(source, way, words[cell], cells[cell]);
        checked++;
    }
    return checked;
}

static void every_kind_and_way_lets_in_whom_it_should(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/auth/matrix.tsv", "r");
    char head[512] = "", line[512], *words[MAX_CASES], *cells[MAX_CASES];
    size_t columns = 0, pairs = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        if (!head[0]) {
            (void)snprintf(head, sizeof(head), "%s", line);
            columns = split(head, words);
            continue;
        }
        assert_int_equal(split(line, cells), columns);
        for (size_t way = 0; way < WAYS; way++)
            if (mu_text_equal(ways[way].name, cells[0]))
                pairs += check_way(&ways[way], words, cells, columns);
    }
    (void)fclose(file);
    assert_int_equal(pairs, world.config.source_count);
    assert_true(pairs > 40);
}

/* ---- replay ---- */

static const char push[] =
        "{\"action\":\"published\",\"package\":{\"name\":\"app\",\"namespace\":\"team\","
        "\"ecosystem\":\"CONTAINER\",\"package_type\":\"CONTAINER\",\"package_version\":{"
        "\"version\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
        "\"container_metadata\":{\"tag\":{\"name\":\"v1\",\"digest\":"
        "\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}}}}";

/* An HMAC holds no time: it is the event's id that makes the second of them nothing new. */
static void a_replayed_webhook_is_the_same_event(void **state)
{
    struct attempt attempt =
            attempt_of(ingest_config_find(&world.config, "github.hmac"), "replayed");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf ids;
    struct mu_http_response response;
    char *second;

    (void)state;
    attempt.body = push;
    present_hmac(&attempt);
    kafka_reader_mark(&world.delivery.reader, MU_TOPIC_REGISTRY_EVENTS);
    assert_int_equal(post(&attempt, &response), 202);
    assert_int_equal(post(&attempt, &response), 202);
    mu_buf_init(&ids, 1024);
    read_ids(&world.delivery, MU_TOPIC_REGISTRY_EVENTS, 2, &ids);
    second = strchr(ids.data, ' ') + 1;
    assert_true(second - ids.data > 30);
    assert_memory_equal(ids.data, second, second - ids.data);
}

/* ---- confirmations ---- */

static struct attempt confirmation_of(const char *source, const char *visit)
{
    struct attempt attempt = attempt_of(ingest_config_find(&world.config, source), "right");
    const struct sns_message message = {.type = "SubscriptionConfirmation",
                                        .topic = TOPIC "ecr.sns",
                                        .message = "You have chosen to subscribe",
                                        .version = "2",
                                        .certificate_url = SNS_CERTIFICATE,
                                        .visit = visit};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;

    mu_buf_init(&body, TEST_TEXT_MAX);
    sns_make(world.sns.key, &message, &body);
    attempt.body = mu_arena_strdup(world.arena, body.data);
    return attempt;
}

static void a_signed_confirmation_is_visited(void **state)
{
    struct attempt attempt = confirmation_of("ecr.sns", SNS_VISIT);
    struct mu_http_response response;
    int visits = atomic_load(&world.sns.visits);

    (void)state;
    assert_int_equal(post_patiently(&attempt, &response), 202);
    KEY_WAIT(atomic_load(&world.sns.visits) == visits + 1);
}

/* Other credentials do not make its URL one to visit; nor does a signature make another host one.
 */
static void other_confirmations_are_not_visited(void **state)
{
    struct attempt attempt = confirmation_of("ecr.bearer", SNS_VISIT);
    struct mu_http_response response;
    int visits = atomic_load(&world.sns.visits);

    (void)state;
    present_bearer(&attempt);
    assert_int_equal(post(&attempt, &response), 202);
    attempt = confirmation_of("ecr.sns", "https://169.254.169.254/latest/meta-data/");
    assert_int_equal(post_patiently(&attempt, &response), 202);
    attempt = confirmation_of("ecs.sns", SNS_VISIT); /* of another topic */
    assert_int_equal(post_patiently(&attempt, &response), 401);
    /* Visits go in order: once this one was made, none of the others is still to come. */
    attempt = confirmation_of("ecr.sns", SNS_VISIT);
    assert_int_equal(post_patiently(&attempt, &response), 202);
    KEY_WAIT(atomic_load(&world.sns.visits) > visits);
    assert_int_equal(atomic_load(&world.sns.visits), visits + 1);
    for (size_t i = 0; i < world.sns.proxy.count; i++)
        assert_string_equal(world.sns.proxy.targets[i], "sns.us-east-1.amazonaws.com:443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_kind_and_way_lets_in_whom_it_should),
            cmocka_unit_test(a_replayed_webhook_is_the_same_event),
            cmocka_unit_test(a_signed_confirmation_is_visited),
            cmocka_unit_test(other_confirmations_are_not_visited),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
