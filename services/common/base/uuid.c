#include "base/uuid.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA1_BYTES = 20 };

MU_DEFINE_AUTO(digest_context, EVP_MD_CTX, EVP_MD_CTX_free)

void mu_uuid5(const uint8_t space[MU_UUID_BYTES], const char *name, size_t name_len,
              char ret_uuid[MU_UUID_TEXT_SIZE])
{
    MU_AUTO(digest_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t hash[SHA1_BYTES];
    char hex[2 * MU_UUID_BYTES + 1];

    if (!context || EVP_DigestInit_ex(context, EVP_sha1(), NULL) != 1 ||
        EVP_DigestUpdate(context, space, MU_UUID_BYTES) != 1 ||
        EVP_DigestUpdate(context, name, name_len) != 1 ||
        EVP_DigestFinal_ex(context, hash, NULL) != 1)
        abort();
    hash[6] = (uint8_t)((hash[6] & 0x0F) | 0x50);
    hash[8] = (uint8_t)((hash[8] & 0x3F) | 0x80);
    mu_hex_encode(hash, MU_UUID_BYTES, hex);
    (void)snprintf(ret_uuid, MU_UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

bool mu_uuid_decode(const char *text, uint8_t ret_bytes[MU_UUID_BYTES])
{
    static const struct {
        uint8_t from, bytes;
    } parts[] = {{0, 4}, {9, 2}, {14, 2}, {19, 2}, {24, 6}};
    uint8_t *at = ret_bytes;

    if (strnlen(text, MU_UUID_TEXT_SIZE) != MU_UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (i > 0 && text[parts[i].from - 1] != '-')
            return false;
        if (!mu_hex_decode(text + parts[i].from, (size_t)2 * parts[i].bytes, at, parts[i].bytes))
            return false;
        at += parts[i].bytes;
    }
    return true;
}
