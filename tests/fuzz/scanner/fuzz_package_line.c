/* Any bytes as a line of a package list, judged against a small database. */
#include "base/clock.h"
#include "database/osv_record.h"
#include "match/package_line.h"
#include "match/rematch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char record[] =
        "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"p\"},"
        "\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"0\"},{\"fixed\":\"2\"}]}]},"
        "{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":\"p\"},\"versions\":[\"1\"]}]}";

static struct database *small_database(void)
{
    static struct mu_buf bytes;
    struct builder *builder = builder_new();
    struct database *database = NULL;
    struct mu_error err;

    mu_buf_init(&bytes, 1 << 20);
    if (osv_record_add(builder, record, sizeof(record) - 1, &err) != MU_OK ||
        builder_finish(builder, MU_TIME_NONE, &bytes, &err) != MU_OK ||
        database_open_memory(bytes.data, bytes.len, &database, &err) != MU_OK)
        abort();
    builder_free(builder);
    return database;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct database *database;
    struct match_rules rules = {0};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(1 << 20);
    MU_AUTO(rematch) struct rematch *rematch = NULL;
    struct package_line line;
    struct match_result result;
    struct mu_error err;

    if (!database)
        database = small_database();
    if (package_line_read((const char *)bytes, len, arena, &line, &err) != MU_OK)
        return 0;
    rules.database = database;
    rematch = rematch_new(&rules, NULL);
    if (rematch_package(rematch, &line.os, &line.package, &result, &err) == MU_OK &&
        result.finding_count > 1)
        abort();
    package_line_done(&line);
    return 0;
}
