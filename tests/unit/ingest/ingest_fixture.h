/*
 * ingest_fixture: the source that ingest's tests decode for, and files of tests/data. For tests.
 */
#ifndef MU_TEST_INGEST_FIXTURE_H
#define MU_TEST_INGEST_FIXTURE_H

#include "delivery/outbound.h"
#include "source/source.h"

#include "base/file.h"

#include <string.h>

enum { FIXTURE_ARENA_BYTES = 64 * 1024 * 1024 };

static struct source_alias_pair fixture_aliases[] = {{"10.0.0.5:5000", "registry.example"}};

static inline struct source_config fixture_source(const char *kind)
{
    return (struct source_config){.name = "main",
                                  .kind = source_kind_find(kind),
                                  .path = "/v1/sources/main",
                                  .cluster = "production",
                                  .aliases = fixture_aliases,
                                  .alias_count = 1};
}

/* One body of a kind, as if received at a fixed time. */
struct fixture {
    struct source_config source;
    struct source_input input;
    struct source_events events;
    struct mu_outgoing *messages;
    struct mu_error err;
};

static inline void fixture_begin(struct fixture *fixture, const char *kind, const char *body,
                                 size_t len)
{
    *fixture = (struct fixture){.source = fixture_source(kind)};
    fixture->input = (struct source_input){.source = &fixture->source,
                                           .body = body,
                                           .len = len,
                                           .received_at_us = 1795564800000000,
                                           .arena = mu_arena_new(FIXTURE_ARENA_BYTES)};
    fixture->events.arena = fixture->input.arena;
}

static inline enum mu_status fixture_run(struct fixture *fixture)
{
    enum mu_status st = source_decode(&fixture->input, &fixture->events, &fixture->err);

    return st == MU_OK ? outbound_make(&fixture->input, &fixture->events, NULL, &fixture->messages,
                                       &fixture->err)
                       : st;
}

static inline void fixture_end(struct fixture *fixture)
{
    mu_arena_free(fixture->input.arena);
}

#endif
