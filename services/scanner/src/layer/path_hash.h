/*
 * path_hash: a path of an image as 64 bits.
 *
 * Keyed, so that nobody can build an image whose paths collide: hundreds of thousands of paths of
 * a layer are kept as their hash alone. All summaries that are merged have the same key.
 *
 * Threads: none held. Trust: any bytes.
 * Source:  Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012): SipHash-2-4.
 */
#ifndef SCANNER_LAYER_PATH_HASH_H
#define SCANNER_LAYER_PATH_HASH_H

#include <stddef.h>
#include <stdint.h>

struct path_key {
    uint64_t words[2];
};

uint64_t path_hash(const struct path_key *key, const char *path, size_t len);

#endif
