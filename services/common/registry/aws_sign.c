#include "registry/aws_sign.h"

#include "base/clock.h"
#include "base/scope.h"
#include "base/sha256.h"
#include "base/signature.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { CANONICAL_MAX_BYTES = 64 * 1024, HEX_AT = sizeof("sha256:") - 1, DAY_CHARS = 8 };

static const char algorithm[] = "AWS4-HMAC-SHA256";

void aws_date(int64_t at_us, char ret_date[AWS_DATE_SIZE])
{
    char text[MU_TIME_TEXT_SIZE];
    size_t len = 0;

    mu_time_format(at_us, text); /* 2015-08-30T12:36:00.000000Z */
    for (const char *c = text; *c != '.' && *c != '\0' && len < AWS_DATE_SIZE - 2; c++) {
        if (*c != '-' && *c != ':')
            ret_date[len++] = *c;
    }
    ret_date[len++] = 'Z';
    ret_date[len] = '\0';
}

static void signed_names(const struct aws_request *request, struct mu_buf *out)
{
    for (size_t i = 0; i < request->header_count; i++)
        mu_buf_printf(out, "%s%s", i > 0 ? ";" : "", request->headers[i].name);
}

static void canonical_hash(const struct aws_request *request, char ret_hash[MU_DIGEST_TEXT_SIZE])
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char body[MU_DIGEST_TEXT_SIZE];

    mu_buf_init(&text, CANONICAL_MAX_BYTES);
    mu_sha256_text(request->body, request->body_len, body);
    mu_buf_printf(&text, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->header_count; i++)
        mu_buf_printf(&text, "%s:%s\n", request->headers[i].name, request->headers[i].value);
    mu_buf_puts(&text, "\n");
    signed_names(request, &text);
    mu_buf_printf(&text, "\n%s", body + HEX_AT);
    mu_sha256_text(text.data, text.len, ret_hash);
    explicit_bzero(text.data, text.len); /* a session token is among the headers */
}

/* `key` = HMAC(key, text). */
static void key_step(uint8_t key[MU_HMAC_MAX_BYTES], size_t *key_len, const char *text)
{
    char hex[MU_HMAC_HEX_SIZE];

    mu_hmac_hex(MU_HASH_SHA256, key, *key_len, text, strlen(text), hex);
    (void)mu_hex_decode(hex, strlen(hex), key, MU_HMAC_MAX_BYTES);
    *key_len = MU_HMAC_MAX_BYTES;
    explicit_bzero(hex, sizeof(hex));
}

static void signature(const struct aws_request *request, const struct aws_keys *keys,
                      const char *day, const char *text, char ret_hex[MU_HMAC_HEX_SIZE])
{
    const char *const steps[] = {request->region, request->service, "aws4_request"};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf first;
    uint8_t key[MU_HMAC_MAX_BYTES];
    size_t key_len = sizeof(key);
    char hex[MU_HMAC_HEX_SIZE];

    mu_buf_init(&first, 1024);
    mu_buf_printf(&first, "AWS4%s", keys->secret);
    mu_hmac_hex(MU_HASH_SHA256, first.data, first.len, day, strlen(day), hex);
    explicit_bzero(first.data, first.len);
    (void)mu_hex_decode(hex, strlen(hex), key, sizeof(key));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        key_step(key, &key_len, steps[i]);
    mu_hmac_hex(MU_HASH_SHA256, key, key_len, text, strlen(text), ret_hex);
    explicit_bzero(key, sizeof(key));
    explicit_bzero(hex, sizeof(hex));
}

void aws_sign(const struct aws_request *request, const struct aws_keys *keys,
              const char date[AWS_DATE_SIZE], struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text, scope;
    char hash[MU_DIGEST_TEXT_SIZE], hex[MU_HMAC_HEX_SIZE], day[DAY_CHARS + 1];

    mu_buf_init(&text, CANONICAL_MAX_BYTES);
    mu_buf_init(&scope, 1024);
    memcpy(day, date, DAY_CHARS);
    day[DAY_CHARS] = '\0';
    canonical_hash(request, hash);
    mu_buf_printf(&scope, "%s/%s/%s/aws4_request", day, request->region, request->service);
    mu_buf_printf(&text, "%s\n%s\n%s\n%s", algorithm, date, scope.data, hash + HEX_AT);
    signature(request, keys, day, text.data, hex);
    mu_buf_printf(out, "%s Credential=%s/%s, SignedHeaders=", algorithm, keys->id, scope.data);
    signed_names(request, out);
    mu_buf_printf(out, ", Signature=%s", hex);
}
