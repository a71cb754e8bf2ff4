/*
 * database_build: vulnerability databases made in memory from OSV records, for tests.
 * Aborts (assert) on misuse: it is fed by tests alone.
 */
#ifndef TESTS_SUPPORT_DATABASE_BUILD_H
#define TESTS_SUPPORT_DATABASE_BUILD_H

#include "base/clock.h"
#include "base/file.h"
#include "database/builder.h"
#include "database/database.h"
#include "database/osv_record.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATABASE_BUILD_MAX = 64 * 1024 * 1024, DATABASE_BUILD_RECORD_MAX = 64 * 1024 };

static inline void database_build_add(struct builder *builder, const char *json)
{
    struct mu_error err;

    if (osv_record_add(builder, json, strlen(json), &err) != MU_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

/* A record of one package with one range; `more` are further members, "" or ",...". */
static inline void database_build_record(struct builder *builder, const char *id,
                                         const char *package, const char *events, const char *more)
{
    char json[DATABASE_BUILD_RECORD_MAX];

    (void)snprintf(json, sizeof(json),
                   "{\"id\":\"%s\",\"modified\":\"2026-01-02T03:04:05Z\",\"summary\":\"about %s\","
                   "\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":\"%s\"},"
                   "\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[%s]}]}]%s}",
                   id, id, package, events, more);
    database_build_add(builder, json);
}

/* A record out of tests/data/osv. */
static inline void database_build_file(struct builder *builder, const char *id)
{
    struct mu_buf json;
    struct mu_error err;
    char path[4096];

    mu_buf_init(&json, OSV_RECORD_MAX_BYTES);
    (void)snprintf(path, sizeof(path), "%s/osv/%s.json", MU_TEST_DATA, id);
    if (mu_file_read(path, &json, &err) != MU_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    database_build_add(builder, json.data);
    mu_buf_done(&json);
}

/* Finishes and frees the builder and opens what it made; `bytes` must outlive the database. */
static inline struct database *database_build_open(struct builder *builder, struct mu_buf *bytes)
{
    struct database *database = NULL;
    struct mu_error err;

    mu_buf_init(bytes, DATABASE_BUILD_MAX);
    if (builder_finish(builder, MU_TIME_NONE, bytes, &err) != MU_OK ||
        database_open_memory(bytes->data, bytes->len, &database, &err) != MU_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        abort();
    }
    builder_free(builder);
    return database;
}

#endif
