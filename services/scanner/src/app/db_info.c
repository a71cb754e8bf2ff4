/* `muster-scanner db info` and `db verify`. */
#include "app/db.h"

#include "database/database.h"

#include "base/clock.h"
#include "base/table.h"
#include "json/json_stream.h"

#include <stdio.h>

enum { COLUMN_COUNT = 6 };

static void print_head(const char *path, const struct database_facts *facts)
{
    char built[MU_TIME_TEXT_SIZE], newest[MU_TIME_TEXT_SIZE];

    mu_time_format(facts->built_at_us, built);
    mu_time_format(facts->newest_record_at_us, newest);
    (void)printf("%s\n"
                 "  version        %s\n"
                 "  built at       %s\n"
                 "  newest record  %s\n"
                 "  records        %llu (%llu withdrawn)\n"
                 "  packages       %llu, in %llu rows (%llu entries or ranges nobody can judge)\n"
                 "  CVE facts      %llu\n"
                 "  size           %llu bytes\n",
                 path, facts->version, built, newest, (unsigned long long)facts->records,
                 (unsigned long long)facts->withdrawn, (unsigned long long)facts->packages,
                 (unsigned long long)facts->rows, (unsigned long long)facts->skipped,
                 (unsigned long long)facts->cves, (unsigned long long)facts->size_bytes);
}

static void print_unknown(const struct database *database)
{
    for (size_t i = 0; i < database_unknown_count(database); i++) {
        uint32_t count;
        const char *ecosystem = database_unknown_at(database, i, &count);

        (void)printf("  no order of versions is known in %s: %u entries left out\n", ecosystem,
                     count);
    }
}

static void print_sources(const struct database *database, enum mu_format format)
{
    static const char *const columns[COLUMN_COUNT] = {"source",   "kind",          "records",
                                                      "left_out", "newest_record", "digest"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMN_COUNT);

    for (size_t i = 0; i < database_source_count(database); i++) {
        char records[16], rejected[16], newest[MU_TIME_TEXT_SIZE] = "not said";
        struct database_source source;
        const char *cells[COLUMN_COUNT];

        database_source_at(database, i, &source);
        (void)snprintf(records, sizeof(records), "%u", source.records);
        (void)snprintf(rejected, sizeof(rejected), "%u", source.rejected);
        if (source.newest_at_us != MU_TIME_NONE)
            mu_time_format(source.newest_at_us, newest);
        cells[0] = source.name;
        cells[1] = source.kind;
        cells[2] = records;
        cells[3] = rejected;
        cells[4] = newest;
        cells[5] = source.digest;
        mu_table_row(table, cells);
    }
    mu_table_print(table, format, 0, stdout);
}

static void put_source(struct json_stream *out, const struct database_source *source)
{
    json_open(out, NULL, '{');
    json_text(out, "name", source->name);
    json_text(out, "kind", source->kind);
    json_int(out, "records", source->records);
    json_int(out, "left_out", source->rejected);
    json_time(out, "newest_record_at", source->newest_at_us);
    json_text(out, "digest", source->digest);
    json_close(out, '}');
}

static enum mu_status print_json(const struct database *database,
                                 const struct database_facts *facts, struct mu_error *err)
{
    struct json_stream out;

    json_stream_init(&out, stdout, NULL);
    json_open(&out, NULL, '{');
    json_text(&out, "version", facts->version);
    json_time(&out, "built_at", facts->built_at_us);
    json_time(&out, "newest_record_at", facts->newest_record_at_us);
    json_int(&out, "records", (int64_t)facts->records);
    json_int(&out, "withdrawn", (int64_t)facts->withdrawn);
    json_int(&out, "packages", (int64_t)facts->packages);
    json_int(&out, "rows", (int64_t)facts->rows);
    json_int(&out, "skipped", (int64_t)facts->skipped);
    json_int(&out, "cves", (int64_t)facts->cves);
    json_int(&out, "size_bytes", (int64_t)facts->size_bytes);
    json_open(&out, "sources", '[');
    for (size_t i = 0; i < database_source_count(database); i++) {
        struct database_source source;

        database_source_at(database, i, &source);
        put_source(&out, &source);
    }
    json_close(&out, ']');
    json_open(&out, "unknown_ecosystems", '{');
    for (size_t i = 0; i < database_unknown_count(database); i++) {
        uint32_t count;
        const char *ecosystem = database_unknown_at(database, i, &count);

        json_int(&out, ecosystem, count);
    }
    json_close(&out, '}');
    json_close(&out, '}');
    return json_stream_finish(&out, err);
}

int db_info(const struct db_config *config, int count, char **files)
{
    MU_AUTO(database) struct database *database = NULL;
    struct database_facts facts;
    enum mu_format format;
    struct mu_error err;

    (void)count;
    if (mu_format_parse(config->format, &format, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_USAGE);
    if (database_open(files[0], &database, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_FAILURE);
    database_facts(database, &facts);
    if (format == MU_FORMAT_JSON)
        return print_json(database, &facts, &err) == MU_OK ? MU_EXIT_OK
                                                           : db_fail(&err, MU_EXIT_FAILURE);
    if (format == MU_FORMAT_TEXT) {
        print_head(files[0], &facts);
        print_unknown(database);
    }
    print_sources(database, format);
    return MU_EXIT_OK;
}

/* Opening checks the checksum and every offset. */
int db_verify(const struct db_config *config, int count, char **files)
{
    MU_AUTO(database) struct database *database = NULL;
    struct database_facts facts;
    struct mu_error err;

    (void)config, (void)count;
    if (database_open(files[0], &database, &err) != MU_OK)
        return db_fail(&err, err.status == MU_E_INVALID ? MU_EXIT_DIFFERENCE : MU_EXIT_FAILURE);
    database_facts(database, &facts);
    (void)printf("%s: whole: %s\n", files[0], facts.version);
    return MU_EXIT_OK;
}
