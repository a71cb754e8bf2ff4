/*
 * uuid: identifiers as bytes, and those of version 5, for formats that take no other (mu_stable_id
 * of base/sha256.h gives version 8): SHA-1 over a namespace and a name. Same input, same id, on any
 * machine; any tool that knows the namespace can check it.
 *
 * Source: RFC 9562, section 5.5.
 */
#ifndef MU_BASE_UUID_H
#define MU_BASE_UUID_H

#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MU_UUID_BYTES = 16 };

/* Aborts when OpenSSL has no SHA-1. */
void mu_uuid5(const uint8_t space[MU_UUID_BYTES], const char *name, size_t name_len,
              char ret_uuid[MU_UUID_TEXT_SIZE]);

/* Of 8-4-4-4-12 hex digits, of any version. */
bool mu_uuid_decode(const char *text, uint8_t ret_bytes[MU_UUID_BYTES]);

#endif
