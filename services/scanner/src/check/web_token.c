#include "check/web_token.h"

#include "check/secret_text.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum {
    HEADER_MIN_CHARS = 17,
    HEADER_MAX_CHARS = 2048,
    PAYLOAD_MAX_CHARS = 16 * 1024,
    SIGNATURE_MAX_CHARS = 1366
};

/* Characters of a signature; RSA keys have 2048 bits or more. */
struct algorithm {
    const char *name;
    size_t min, max;
};

static const struct algorithm algorithms[] = {
        {"HS256", 43, 43},
        {"HS384", 64, 64},
        {"HS512", 86, 86},
        {"ES256", 86, 86},
        {"ES384", 128, 128},
        {"ES512", 176, 176},
        {"EdDSA", 86, 86},
        {"RS256", 342, SIGNATURE_MAX_CHARS},
        {"RS384", 342, SIGNATURE_MAX_CHARS},
        {"RS512", 342, SIGNATURE_MAX_CHARS},
        {"PS256", 342, SIGNATURE_MAX_CHARS},
        {"PS384", 342, SIGNATURE_MAX_CHARS},
        {"PS512", 342, SIGNATURE_MAX_CHARS},
};

static const char *const documented[] = {"John Doe", "1234567890", "joe"};

/* The URL alphabet without padding, as JSON. */
static json_t *part_decode(struct text_piece part)
{
    static const struct mu_json_limits limits = {PAYLOAD_MAX_CHARS, 16};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf standard;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct mu_error ignored;
    json_t *root = NULL;

    mu_buf_init(&standard, PAYLOAD_MAX_CHARS + 4);
    mu_buf_init(&bytes, PAYLOAD_MAX_CHARS);
    mu_buf_append(&standard, part.text, part.len);
    for (size_t i = 0; i < standard.len; i++) {
        if (standard.data[i] == '-')
            standard.data[i] = '+';
        else if (standard.data[i] == '_')
            standard.data[i] = '/';
    }
    mu_buf_append(&standard, "===", (4 - part.len % 4) % 4);
    if (standard.failed ||
        mu_base64_decode(standard.data, standard.len, &bytes, &ignored) != MU_OK ||
        mu_json_parse(bytes.data, bytes.len, &limits, &root, &ignored) != MU_OK)
        return NULL;
    return root;
}

static bool signature_fits(const char *name, size_t chars)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (mu_text_equal(algorithms[i].name, name))
            return chars >= algorithms[i].min && chars <= algorithms[i].max;
    }
    return false;
}

static bool is_documented(const json_t *payload)
{
    static const char *const members[] = {"name", "sub", "iss"};

    for (size_t i = 0; i < sizeof(documented) / sizeof(documented[0]); i++) {
        for (size_t j = 0; j < sizeof(members) / sizeof(members[0]); j++) {
            if (mu_text_equal(mu_json_text_at(payload, members[j]), documented[i]))
                return true;
        }
    }
    return false;
}

/* Three parts between dots; `at` of each and its length. */
struct parts {
    struct text_piece header, payload;
    size_t signature, end;
};

static bool parts_split(struct text_piece text, size_t at, struct parts *ret_parts)
{
    size_t header = secret_run(text, at, HEADER_MAX_CHARS + 1, SECRET_BASE64_URL), payload;
    size_t second = at + header + 1, third;

    if (header < HEADER_MIN_CHARS || header > HEADER_MAX_CHARS || second >= text.len ||
        text.text[second - 1] != '.')
        return false;
    payload = secret_run(text, second, PAYLOAD_MAX_CHARS + 1, SECRET_BASE64_URL);
    third = second + payload + 1;
    if (payload == 0 || payload > PAYLOAD_MAX_CHARS || third >= text.len ||
        text.text[third - 1] != '.')
        return false;
    ret_parts->header = (struct text_piece){text.text + at, header};
    ret_parts->payload = (struct text_piece){text.text + second, payload};
    ret_parts->signature = secret_run(text, third, SIGNATURE_MAX_CHARS + 1, SECRET_BASE64_URL);
    ret_parts->end = third + ret_parts->signature;
    return true;
}

/* RFC 7519 section 4.1. */
static bool has_claim(const json_t *payload)
{
    static const char *const claims[] = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (json_object_get(payload, claims[i]))
            return true;
    }
    return false;
}

size_t web_token_length(struct text_piece text, size_t at)
{
    struct parts parts;
    json_auto_t *head = NULL;
    json_auto_t *body = NULL;

    if (at > 0 && secret_run(text, at - 1, 1, SECRET_BASE64_URL) > 0)
        return 0; /* in the middle of something else */
    if (!parts_split(text, at, &parts))
        return 0;
    head = part_decode(parts.header);
    if (!head || !signature_fits(mu_json_text_at(head, "alg"), parts.signature))
        return 0;
    body = part_decode(parts.payload);
    return has_claim(body) && !is_documented(body) ? parts.end - at : 0;
}
