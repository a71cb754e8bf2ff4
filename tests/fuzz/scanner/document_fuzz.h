/*
 * document_fuzz: any bytes as a document of one kind, in pieces of several sizes, beside a good
 * record: whatever comes of it, the database that results can be opened and searched.
 */
#ifndef TESTS_FUZZ_DOCUMENT_FUZZ_H
#define TESTS_FUZZ_DOCUMENT_FUZZ_H

#include "base/clock.h"
#include "database/database.h"
#include "database/document.h"
#include "database/osv_record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char document_fuzz_good[] =
        "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
        "\"name\":\"p\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
        "\"introduced\":\"0\"}]}]}]}";

/* Records that were read; UINT32_MAX: the document was refused. */
static inline uint32_t document_fuzz_feed(struct builder *builder, const char *kind,
                                          const uint8_t *bytes, size_t len)
{
    struct document_tally tally = {.newest_at_us = MU_TIME_NONE};
    MU_AUTO(document)
    struct document *document = document_new(
            builder, kind ? document_kind_named(kind, strlen(kind)) : NULL, "fuzz", &tally);
    enum mu_status st = MU_OK;
    struct mu_error err;
    size_t piece = 1;

    while (st == MU_OK && len > 0) {
        size_t part = piece < len ? piece : len;

        st = document_feed(document, bytes, part, &err);
        bytes += part;
        len -= part;
        piece = piece * 3 % 1009;
    }
    if (st == MU_OK)
        st = document_end(document, &err);
    return st == MU_OK ? tally.records : UINT32_MAX;
}

static inline uint32_t document_fuzz(const char *kind, const uint8_t *bytes, size_t len)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    MU_AUTO(database) struct database *database = NULL;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct cve_facts facts;
    struct mu_error err;
    uint32_t records;
    size_t count;

    mu_buf_init(&file, 64 << 20);
    records = document_fuzz_feed(builder, kind, bytes, len);
    if (osv_record_add(builder, document_fuzz_good, sizeof(document_fuzz_good) - 1, &err) !=
                MU_OK ||
        builder_finish(builder, MU_TIME_NONE, &file, &err) != MU_OK)
        abort();
    if (database_open_memory(file.data, file.len, &database, &err) != MU_OK)
        abort();
    (void)database_find(database, "Debian:12", "p", &count);
    (void)database_cve(database, "CVE-2024-1", &facts);
    return records;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
