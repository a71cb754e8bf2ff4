/* `muster-scanner db build` and `db info`. */
#include "app/commands.h"

#include "database/builder.h"
#include "database/database.h"
#include "database/osv_input.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 10000 };
static const size_t database_max_bytes = (size_t)2 << 30;

const struct mu_option db_options[DB_OPTION_COUNT] = {
        {"out", MU_OPTION_TEXT, offsetof(struct db_config, out), "vulnerabilities.db", 0, 0, 0,
         "build: file to write; it appears whole or not at all"},
        {"built-at", MU_OPTION_TEXT, offsetof(struct db_config, built_at), NULL, 0, 0, 0,
         "build: time to record, RFC 3339 (default: of the newest record)"},
};

struct progress {
    struct builder *builder;
    size_t done, rejected;
};

static int fail(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

/* A record nobody can read is told and left out; it does not take the others with it. */
static enum mu_status add_record(void *opaque, const char *name, const char *json, size_t len,
                                 struct mu_error *err)
{
    struct progress *progress = opaque;
    enum mu_status st = builder_add(progress->builder, json, len, err);

    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        (void)fprintf(stderr, "left out %s: %s\n", name, err->message);
        progress->rejected++;
        st = MU_OK;
    }
    progress->done++;
    if (progress->done % PROGRESS_EVERY == 0)
        (void)fprintf(stderr, isatty(STDERR_FILENO) ? "\r  %zu records" : "%zu records\n",
                      progress->done);
    return st;
}

static void print_facts(const char *path, const struct database_facts *facts)
{
    char built[MU_TIME_TEXT_SIZE], newest[MU_TIME_TEXT_SIZE];

    mu_time_format(facts->built_at_us, built);
    mu_time_format(facts->newest_record_at_us, newest);
    (void)printf("%s\n"
                 "  version        %s\n"
                 "  built at       %s\n"
                 "  newest record  %s\n"
                 "  records        %llu (%llu withdrawn)\n"
                 "  rows           %llu (%llu entries of other ecosystems or kinds skipped)\n"
                 "  size           %llu bytes\n",
                 path, facts->version, built, newest, (unsigned long long)facts->records,
                 (unsigned long long)facts->withdrawn, (unsigned long long)facts->rows,
                 (unsigned long long)facts->skipped, (unsigned long long)facts->size_bytes);
}

static int info(const char *path)
{
    MU_AUTO(database) struct database *database = NULL;
    struct database_facts facts;
    struct mu_error err;

    if (database_open(path, &database, &err) != MU_OK)
        return fail(&err, MU_EXIT_FAILURE);
    database_facts(database, &facts);
    print_facts(path, &facts);
    return MU_EXIT_OK;
}

static int build(const struct db_config *config, int count, char **inputs)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct progress progress = {.builder = builder};
    int64_t built_at_us = MU_TIME_NONE;
    struct mu_error err;
    enum mu_status st = MU_OK;

    mu_buf_init(&file, database_max_bytes);
    if (config->built_at &&
        mu_time_parse(config->built_at, strlen(config->built_at), &built_at_us, &err) != MU_OK)
        return fail(&err, MU_EXIT_USAGE);
    for (int i = 0; st == MU_OK && i < count; i++)
        st = osv_input_read(inputs[i], add_record, &progress, &err);
    if (st == MU_OK)
        st = builder_finish(builder, built_at_us, &file, &err);
    if (st == MU_OK)
        st = mu_file_write_atomic(config->out, file.data, file.len, &err);
    if (st != MU_OK)
        return fail(&err, MU_EXIT_FAILURE);
    if (progress.rejected > 0)
        (void)fprintf(stderr, "%zu records were left out\n", progress.rejected);
    return info(config->out);
}

int db_command(void *config_struct, int argc, char **argv)
{
    if (argc >= 2 && mu_text_equal(argv[0], "build"))
        return build(config_struct, argc - 1, argv + 1);
    if (argc == 2 && mu_text_equal(argv[0], "info"))
        return info(argv[1]);
    (void)fprintf(stderr, "muster-scanner: db build OSV.zip... or db info FILE\n");
    return MU_EXIT_USAGE;
}
