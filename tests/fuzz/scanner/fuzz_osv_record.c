/* Any bytes as an OSV record beside a good one: the database that results can always be opened. */
#include "base/clock.h"
#include "database/database.h"
#include "database/osv_record.h"
#include "version/version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char good[] =
        "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
        "\"name\":\"p\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
        "\"introduced\":\"0\"}]}]}]}";

static void look(const struct database *database)
{
    size_t count = 0;
    const struct database_row *rows = database_find(database, "Debian:12", "p", &count);

    for (size_t i = 0; i < count; i++) {
        struct advisory advisory;
        struct range_place place;

        (void)database_affects(database, database_row_at(rows, i),
                               version_scheme_of("dpkg")->compare, "1.0-1", &place);
        database_read(database, database_row_at(rows, i), &advisory);
        if (strlen(advisory.summary) > DATABASE_MAX_TEXT_BYTES)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    MU_AUTO(database) struct database *database = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct mu_error err;

    mu_buf_init(&file, 64 << 20);
    if (osv_record_add(builder, good, sizeof(good) - 1, &err) != MU_OK)
        abort();
    (void)!osv_record_add(builder, (const char *)bytes, len, &err);
    if (builder_finish(builder, MU_TIME_NONE, &file, &err) != MU_OK)
        return 0; /* the record withdrew the good one */
    if (database_open_memory(file.data, file.len, &database, &err) != MU_OK)
        abort();
    look(database);
    return 0;
}
