#include "base/sha256.h"

#include "base/memory.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mu_sha256 {
    EVP_MD_CTX *context;
    bool set; /* the context knows the algorithm */
    bool begun;
};

enum { GATHERED_MAX_BYTES = 512 };

static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

/* Once, and for good: looking it up takes longer than hashing a short text. */
static void fetch_algorithm(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!algorithm)
        abort();
}

static void begin(struct mu_sha256 *hash)
{
    if (EVP_DigestInit_ex2(hash->context, hash->set ? NULL : algorithm, NULL) != 1)
        abort();
    hash->set = hash->begun = true;
}

struct mu_sha256 *mu_sha256_new(void)
{
    struct mu_sha256 *hash = mu_xcalloc(1, sizeof(*hash));

    hash->context = EVP_MD_CTX_new();
    if (!hash->context)
        abort();
    (void)pthread_once(&algorithm_once, fetch_algorithm);
    return hash;
}

void mu_sha256_update(struct mu_sha256 *hash, const void *bytes, size_t len)
{
    if (!hash->begun)
        begin(hash);
    if (EVP_DigestUpdate(hash->context, bytes, len) != 1)
        abort();
}

void mu_sha256_final(struct mu_sha256 *hash, uint8_t ret_digest[MU_SHA256_BYTES])
{
    if (!hash->begun)
        begin(hash); /* of nothing */
    if (EVP_DigestFinal_ex(hash->context, ret_digest, NULL) != 1)
        abort();
    hash->begun = false;
}

void mu_sha256_final_text(struct mu_sha256 *hash, char ret_text[MU_DIGEST_TEXT_SIZE])
{
    static const char prefix[] = "sha256:";
    uint8_t digest[MU_SHA256_BYTES];

    mu_sha256_final(hash, digest);
    memcpy(ret_text, prefix, sizeof(prefix) - 1);
    mu_hex_encode(digest, sizeof(digest), ret_text + sizeof(prefix) - 1);
}

void mu_sha256_free(struct mu_sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

/* Without a branch a digit, so that the compiler looks at many at once. */
static bool digits_valid(const char *text, size_t len)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        wrong |= ((unsigned char)(c - '0') > 9) & ((unsigned char)(c - 'a') > 5);
    }
    return wrong == 0;
}

bool mu_digest_valid(const char *text, size_t len)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } algorithms[] = {{"sha256:", 64}, {"sha512:", 128}};

    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        size_t prefix = strlen(algorithms[i].prefix);

        if (len != prefix + algorithms[i].digits || memcmp(text, algorithms[i].prefix, prefix) != 0)
            continue;
        return digits_valid(text + prefix, algorithms[i].digits);
    }
    return false;
}

static pthread_once_t own_once = PTHREAD_ONCE_INIT;
static pthread_key_t own_key;

static void free_own(void *hash)
{
    mu_sha256_free(hash);
}

static void make_own_key(void)
{
    if (pthread_key_create(&own_key, free_own) != 0)
        abort();
}

/* The thread's hash for what is hashed in one go; without anything in it. */
static struct mu_sha256 *own_hash(void)
{
    static _Thread_local struct mu_sha256 *own;

    if (own)
        return own;
    (void)pthread_once(&own_once, make_own_key);
    own = mu_sha256_new();
    if (pthread_setspecific(own_key, own) != 0)
        abort();
    return own;
}

void mu_sha256_text(const void *bytes, size_t len, char ret_text[MU_DIGEST_TEXT_SIZE])
{
    struct mu_sha256 *hash = own_hash();

    mu_sha256_update(hash, bytes, len);
    mu_sha256_final_text(hash, ret_text);
}

/* 8-4-4-4-12 digits. */
static void write_uuid(const char *hex, char ret_uuid[MU_UUID_TEXT_SIZE])
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    char *at = ret_uuid;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (i > 0)
            *at++ = '-';
        memcpy(at, hex, groups[i]);
        at += groups[i];
        hex += groups[i];
    }
    *at = '\0';
}

/* Short texts on their way into a hash: OpenSSL takes as long to be called as to hash one. */
struct gathered {
    struct mu_sha256 *hash;
    size_t len;
    char bytes[GATHERED_MAX_BYTES];
};

/* A text and its NUL. */
static void gather(struct gathered *gathered, const char *text)
{
    size_t size = strlen(text) + 1;

    if (size > sizeof(gathered->bytes) - gathered->len) {
        mu_sha256_update(gathered->hash, gathered->bytes, gathered->len);
        gathered->len = 0;
    }
    if (size > sizeof(gathered->bytes)) {
        mu_sha256_update(gathered->hash, text, size);
        return;
    }
    memcpy(gathered->bytes + gathered->len, text, size);
    gathered->len += size;
}

void mu_stable_id(const char *domain, const char *const *parts, size_t part_count,
                  char ret_uuid[MU_UUID_TEXT_SIZE])
{
    struct gathered gathered;
    uint8_t d[MU_SHA256_BYTES];
    char hex[MU_SHA256_HEX_SIZE];

    gathered.hash = own_hash();
    gathered.len = 0;
    gather(&gathered, domain);
    for (size_t i = 0; i < part_count; i++)
        gather(&gathered, parts[i] ? parts[i] : "");
    mu_sha256_update(gathered.hash, gathered.bytes, gathered.len);
    mu_sha256_final(gathered.hash, d);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x80);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    mu_hex_encode(d, 16, hex);
    write_uuid(hex, ret_uuid);
}
