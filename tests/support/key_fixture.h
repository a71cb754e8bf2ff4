/*
 * key_fixture: a key store over a file of keys, and tokens by those keys. Include after cmocka.h.
 */
#ifndef MU_TEST_KEY_FIXTURE_H
#define MU_TEST_KEY_FIXTURE_H

#include "oidc/key_store.h"

#include "base/clock.h"
#include "test_keys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { KEY_WAIT_MS = 20000 };

/* Polls until the condition holds. */
#define KEY_WAIT(condition)                                     \
    do {                                                        \
        uint64_t deadline_ms = mu_monotonic_ms() + KEY_WAIT_MS; \
        while (!(condition)) {                                  \
            assert_true(mu_monotonic_ms() < deadline_ms);       \
            (void)poll(NULL, 0, 2);                             \
        }                                                       \
    } while (0)

static inline void key_file_write(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

/* A set of one key. */
static inline void key_set_write(const char *path, EVP_PKEY *key, const char *kid)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf set;

    mu_buf_init(&set, TEST_TEXT_MAX);
    mu_buf_puts(&set, "{\"keys\":[");
    test_jwk(key, kid, &set);
    mu_buf_puts(&set, "]}");
    key_file_write(path, set.data, set.len);
}

static inline enum mu_key_answer key_ask(struct mu_key_store *store, EVP_PKEY *key,
                                         const char *name)
{
    static const char text[] = "signed";
    MU_AUTO_DONE(mu_buf_done) struct mu_buf signature;

    mu_buf_init(&signature, 1024);
    test_sign(key, EVP_sha256(), text, strlen(text), &signature);
    return mu_key_store_verify(store, name, MU_HASH_SHA256, text, strlen(text), signature.data,
                               signature.len);
}

#endif
