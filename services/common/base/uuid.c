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
    static const bool behind_dash[MU_UUID_BYTES] = {
            [4] = true, [6] = true, [8] = true, [10] = true};

    for (size_t i = 0; i < MU_UUID_BYTES; i++, text += 2) {
        int byte;

        if (behind_dash[i] && *text++ != '-')
            return false;
        byte = mu_hex_byte(text);
        if (byte < 0)
            return false;
        ret_bytes[i] = (uint8_t)byte;
    }
    return *text == '\0';
}
