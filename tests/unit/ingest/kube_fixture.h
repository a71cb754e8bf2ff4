/*
 * kube_fixture: what the tests of the cluster watch share: a scripted API and its words. Include
 * after cmocka.h.
 */
#ifndef MU_TEST_KUBE_FIXTURE_H
#define MU_TEST_KUBE_FIXTURE_H

#include "kube_peer.h"

#include "base/clock.h"
#include "source/source_config.h"

#include <stdio.h>

#define OK_HEAD      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define GONE         STATUS("410 Gone")

#define POD(uid, version)                                                                  \
    "{\"metadata\":{\"uid\":\"" uid "\",\"name\":\"pod-" uid "\",\"namespace\":\"shop\","  \
    "\"resourceVersion\":\"" version "\",\"creationTimestamp\":\"2026-11-24T08:00:00Z\"}," \
    "\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"registry.example/web:1\"}]}}"
#define LIST(version, items)                                                     \
    OK_HEAD "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version \
            "\"},\"items\":[" items "]}"
#define PAGE(version, token, items)                                                           \
    OK_HEAD "{\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token "\"}," \
            "\"items\":[" items "]}"
#define EVENT(type, uid, version)                                                      \
    "{\"type\":\"" type "\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"" uid \
    "\",\"name\":\"pod-" uid "\",\"namespace\":\"shop\",\"resourceVersion\":\"" version "\"}}}\n"
#define BOOKMARK(version)                                                                    \
    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":" \
    "\"" version "\"}}}\n"
#define ERROR_EVENT(code)                                                                \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" code ",\"message\":" \
    "\"as the test wants\"}}\n"

enum { KUBE_WAIT_MS = 15000 };

#define KUBE_WAIT_FOR(condition)                                 \
    do {                                                         \
        uint64_t deadline_ms = mu_monotonic_ms() + KUBE_WAIT_MS; \
        while (!(condition) && mu_monotonic_ms() < deadline_ms)  \
            (void)usleep(1000);                                  \
        assert_true(condition);                                  \
    } while (0)

/* A source that reaches the peer; `url` has room for one. */
static inline struct source_config kube_source(const struct kube_peer *peer, char url[64])
{
    (void)snprintf(url, 64, "http://127.0.0.1:%d", peer->base.port);
    return (struct source_config){
            .name = "prod", .cluster = "production", .url = url, .page_limit = 500};
}

static inline void assert_asked(const struct kube_peer *peer, size_t route, size_t index,
                                const char *expected)
{
    if (!strstr(peer->routes[route].requests[index], expected))
        fail_msg("request %zu is not for '%s':\n%s", index, expected,
                 peer->routes[route].requests[index]);
}

#endif
