#include "database/document.h"

#include "database/csaf.h"
#include "database/cve_feeds.h"
#include "database/debian_tracker.h"
#include "database/json_split.h"
#include "database/osv_record.h"
#include "database/secdb.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 4096 };

enum form { FORM_WHOLE, FORM_LINES, FORM_SPLIT };

struct document_kind {
    const char *name;
    enum form form;
    size_t max_bytes; /* of a whole document, a line, a value */
    /* FORM_WHOLE: */
    enum mu_status (*whole)(struct builder *builder, const char *bytes, size_t len,
                            uint32_t *ret_records, struct mu_error *err);
    cve_entry_fn *entry; /* else; NULL too: the tracker, whose keys count */
};

struct document {
    struct builder *builder;
    const struct document_kind *kind;
    const char *name;
    struct document_tally *tally;
    struct mu_buf kept; /* the head, then a whole document or a line */
    struct json_split split;
    bool splitting;
};

/* ---- kinds ---- */

static enum mu_status whole_osv(struct builder *builder, const char *bytes, size_t len,
                                uint32_t *ret_records, struct mu_error *err)
{
    *ret_records = 1;
    return osv_record_add(builder, bytes, len, err);
}

static enum mu_status whole_csaf(struct builder *builder, const char *bytes, size_t len,
                                 uint32_t *ret_records, struct mu_error *err)
{
    *ret_records = 1;
    return csaf_add(builder, bytes, len, err);
}

static enum mu_status whole_secdb(struct builder *builder, const char *bytes, size_t len,
                                  uint32_t *ret_records, struct mu_error *err)
{
    size_t at = 0;

    while (at < len && isspace((unsigned char)bytes[at]))
        at++;
    return at < len && bytes[at] == '{' ? secdb_read_json(builder, bytes, len, ret_records, err)
                                        : secdb_read_yaml(builder, bytes, len, ret_records, err);
}

enum {
    KIND_OSV,
    KIND_SECDB,
    KIND_TRACKER,
    KIND_CSAF,
    KIND_KEV,
    KIND_EPSS,
    KIND_CVSS,
    KIND_CVSS_CSV,
    KIND_CVE,
    KIND_NVD,
    KIND_COUNT
};

static const struct document_kind kinds[KIND_COUNT] = {
        [KIND_OSV] = {"osv", FORM_WHOLE, OSV_RECORD_MAX_BYTES, whole_osv, NULL},
        [KIND_SECDB] = {"secdb", FORM_WHOLE, SECDB_MAX_BYTES, whole_secdb, NULL},
        [KIND_TRACKER] = {"debian-tracker", FORM_SPLIT, TRACKER_VALUE_MAX_BYTES, NULL, NULL},
        [KIND_CSAF] = {"csaf", FORM_WHOLE, CSAF_MAX_BYTES, whole_csaf, NULL},
        [KIND_KEV] = {"kev", FORM_SPLIT, CVE_ENTRY_MAX_BYTES, NULL, kev_add_entry},
        [KIND_EPSS] = {"epss", FORM_LINES, CVE_LINE_MAX_BYTES, NULL, epss_add_line},
        [KIND_CVSS] = {"cvss", FORM_LINES, CVE_LINE_MAX_BYTES, NULL, cvss_add_json_line},
        [KIND_CVSS_CSV] = {"cvss-csv", FORM_LINES, CVE_LINE_MAX_BYTES, NULL, cvss_add_csv_line},
        [KIND_CVE] = {"cve", FORM_WHOLE, CVE_ENTRY_MAX_BYTES, NULL, cve_record_add},
        [KIND_NVD] = {"nvd", FORM_SPLIT, CVE_ENTRY_MAX_BYTES, NULL, nvd_add_entry}};

const struct document_kind *document_kind_named(const char *name, size_t len)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
            return &kinds[i];
    return NULL;
}

const char *document_kind_name(const struct document_kind *kind)
{
    return kind->name;
}

const char *document_kind_name_at(size_t index)
{
    return index < KIND_COUNT ? kinds[index].name : NULL;
}

/* ---- what it is ---- */

static bool has(const struct mu_buf *head, const char *mark)
{
    return strstr(head->data, mark) != NULL;
}

/* Behind {"name": {" : what the second level's first name begins with. */
static bool second_name_is_cve(const char *head)
{
    const char *at = strchr(head, ':');

    at = at ? at + 1 + strspn(at + 1, " \t\r\n") : "";
    if (*at != '{')
        return false;
    at += 1 + strspn(at + 1, " \t\r\n");
    return mu_text_starts(at, "\"CVE-") || mu_text_starts(at, "\"TEMP-");
}

/* A text within a text would have its quotes escaped, so a mark with both is a member's name. */
static const struct document_kind *kind_of_json(const struct mu_buf *head, const char *begin)
{
    static const struct {
        const char *mark;
        int kind;
    } marks[] = {{"\"csaf_version\"", KIND_CSAF},  {"\"aggregate_severity\"", KIND_CSAF},
                 {"\"catalogVersion\"", KIND_KEV}, {"\"distroversion\"", KIND_SECDB},
                 {"\"apkurl\"", KIND_SECDB},       {"\"CVE_RECORD\"", KIND_CVE},
                 {"\"NVD_CVE\"", KIND_NVD},        {"\"schema_version\"", KIND_OSV},
                 {"\"affected\"", KIND_OSV}};

    if (second_name_is_cve(begin))
        return &kinds[KIND_TRACKER];
    if (mu_text_starts(begin, "{\"id\":\"CVE-") && has(head, "\"metrics\""))
        return &kinds[KIND_CVSS];
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (has(head, marks[i].mark))
            return &kinds[marks[i].kind];
    return &kinds[KIND_OSV]; /* says itself what it lacks */
}

static const struct document_kind *kind_of(const struct mu_buf *head)
{
    const char *begin = head->data + strspn(head->data, " \t\r\n");

    if (*begin == '{')
        return kind_of_json(head, begin);
    if (mu_text_starts(begin, "#model_version") || mu_text_starts(begin, "cve,epss"))
        return &kinds[KIND_EPSS];
    if (mu_text_starts(begin, "cve,"))
        return &kinds[KIND_CVSS_CSV];
    return has(head, "distroversion:") ? &kinds[KIND_SECDB] : NULL;
}

/* ---- records ---- */

/* What one record's reading gave: left out where it is the record's own fault. */
static enum mu_status settle(struct document *document, enum mu_status st, uint32_t records,
                             struct mu_error *err)
{
    struct document_tally *tally = document->tally;

    if (st == MU_END)
        return MU_OK; /* a line that is no record */
    if (st == MU_E_INVALID || st == MU_E_LIMIT) {
        tally->rejected++;
        if (tally->left_out)
            tally->left_out(tally->opaque, document->name, err->message);
        return MU_OK;
    }
    if (st != MU_OK)
        return st;
    tally->records += records;
    if (tally->taken)
        tally->taken(tally->opaque, tally->records);
    return MU_OK;
}

static void note_time(struct document *document, int64_t at_us)
{
    if (at_us > document->tally->newest_at_us)
        document->tally->newest_at_us = at_us;
}

static enum mu_status take_entry(struct document *document, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    int64_t at_us = MU_TIME_NONE;
    enum mu_status st = document->kind->entry(document->builder, bytes, len, &at_us, err);

    note_time(document, at_us);
    return settle(document, st, 1, err);
}

static enum mu_status take_value(void *opaque, const char *const *keys, const char *json,
                                 size_t len, struct mu_error *err)
{
    struct document *document = opaque;
    enum mu_status st;

    if (document->kind->entry)
        return mu_text_equal(keys[0], "vulnerabilities") ? take_entry(document, json, len, err)
                                                         : MU_OK;
    st = tracker_add(document->builder, keys[0], keys[1], json, len, err);
    return settle(document, st, 1, err);
}

static enum mu_status take_whole(struct document *document, struct mu_error *err)
{
    uint32_t records = 0;
    enum mu_status st;

    if (document->kind->entry)
        return take_entry(document, document->kept.data, document->kept.len, err);
    st = document->kind->whole(document->builder, document->kept.data, document->kept.len, &records,
                               err);

    note_time(document, builder_newest_us(document->builder));
    return settle(document, st, records, err);
}

/* ---- bytes ---- */

struct document *document_new(struct builder *builder, const struct document_kind *kind,
                              const char *name, struct document_tally *tally)
{
    struct document *document = mu_xcalloc(1, sizeof(*document));

    document->builder = builder;
    document->kind = kind;
    document->name = name;
    document->tally = tally;
    mu_buf_init(&document->kept, CSAF_MAX_BYTES);
    return document;
}

void document_free(struct document *document)
{
    if (!document)
        return;
    mu_buf_done(&document->kept);
    if (document->splitting)
        json_split_done(&document->split);
    free(document);
}

static enum mu_status take_line(struct document *document, struct mu_error *err)
{
    struct mu_buf *line = &document->kept;
    enum mu_status st;

    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->data[--line->len] = '\0';
    st = take_entry(document, line->data, line->len, err);
    mu_buf_reset(line);
    return st;
}

static enum mu_status feed_lines(struct document *document, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    enum mu_status st = MU_OK;

    while (st == MU_OK && len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;

        mu_buf_append(&document->kept, bytes, part);
        st = mu_buf_status(&document->kept, "a line", err);
        if (st == MU_OK && end)
            st = take_line(document, err);
        part += end != NULL;
        bytes += part;
        len -= part;
    }
    return st;
}

static enum mu_status feed_known(struct document *document, const char *bytes, size_t len,
                                 struct mu_error *err)
{
    switch (document->kind->form) {
    case FORM_LINES:
        return feed_lines(document, bytes, len, err);
    case FORM_SPLIT:
        return json_split_feed(&document->split, bytes, len, err);
    case FORM_WHOLE:
        break;
    }
    mu_buf_append(&document->kept, bytes, len);
    return mu_buf_status(&document->kept, document->name, err);
}

/* The first bytes are there: what kept them so far becomes what the kind keeps. */
static enum mu_status begin(struct document *document, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf head = document->kept;

    if (!document->kind)
        document->kind = kind_of(&head);
    mu_buf_init(&document->kept, document->kind ? document->kind->max_bytes : 1);
    if (!document->kind)
        return mu_fail(err, MU_E_INVALID, "'%s' is of no kind that is known; name it: KIND:PATH",
                       document->name);
    document->tally->kind = document->kind;
    document->splitting = true;
    json_split_init(&document->split, 2, document->kind->max_bytes, take_value, document);
    return feed_known(document, head.data, head.len, err);
}

enum mu_status document_feed(struct document *document, const void *bytes, size_t len,
                             struct mu_error *err)
{
    if (document->splitting)
        return feed_known(document, bytes, len, err);
    mu_buf_append(&document->kept, bytes, len);
    if (document->kept.failed)
        return mu_buf_status(&document->kept, document->name, err);
    return document->kept.len >= HEAD_BYTES ? begin(document, err) : MU_OK;
}

enum mu_status document_end(struct document *document, struct mu_error *err)
{
    enum mu_status st = document->splitting ? MU_OK : begin(document, err);

    if (st != MU_OK)
        return st;
    switch (document->kind->form) {
    case FORM_LINES:
        return document->kept.len > 0 ? take_line(document, err) : MU_OK;
    case FORM_SPLIT:
        return json_split_end(&document->split, err);
    case FORM_WHOLE:
        break;
    }
    return take_whole(document, err);
}
