#include "workbook/xlsx_part.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
    XLSX_MAX_DEPTH = 64,
    XLSX_MAX_TOKEN_BYTES = 1024 * 1024 /* one tag; without it expat rescans hostile ones for ever */
};

void xlsx_part_stop(struct xlsx_part *part, enum mu_status status)
{
    part->status = status;
    XML_StopParser(part->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

const char *xlsx_attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (mu_text_equal(local_name(attributes[0]), name))
            return attributes[1];
    return NULL;
}

size_t xlsx_column_of(const char *reference, size_t otherwise)
{
    size_t column = 0;

    if (!reference)
        return otherwise;
    for (; *reference >= 'A' && *reference <= 'Z' && column <= XLSX_MAX_COLUMN; reference++)
        column = column * 26 + (size_t)(*reference - 'A' + 1);
    return column == 0 || column > XLSX_MAX_COLUMN ? XLSX_MAX_COLUMN : column - 1;
}

/* ---- expat's handlers ---- */

static void on_text(void *data, const char *text, int len)
{
    struct xlsx_part *part = data;

    if (!part->in_text)
        return;
    mu_buf_append(&part->text, text, (size_t)len);
    if (part->text.failed)
        xlsx_part_stop(part, mu_fail(part->err, MU_E_LIMIT, "a cell holds more than %zu bytes",
                                     part->text.max_bytes));
}

static void on_doctype(void *data, const char *name, const char *system_id, const char *public_id,
                       int has_internal)
{
    struct xlsx_part *part = data;

    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    xlsx_part_stop(part,
                   mu_fail(part->err, MU_E_INVALID, "a document type declaration is not allowed"));
}

static void on_start(void *data, const char *name, const char **attributes)
{
    struct xlsx_part *part = data;

    part->qualified_name = name;
    if (++part->depth > XLSX_MAX_DEPTH)
        xlsx_part_stop(part,
                       mu_fail(part->err, MU_E_LIMIT, "nested deeper than %d", XLSX_MAX_DEPTH));
    else
        part->start(part, local_name(name), attributes);
}

static void on_end(void *data, const char *name)
{
    struct xlsx_part *part = data;

    part->depth--;
    if (part->end)
        part->end(part, local_name(name));
}

static enum mu_status begin(struct xlsx_part *part, const char *encoding, struct mu_error *err)
{
    part->parser = XML_ParserCreate(encoding);
    if (!part->parser)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    part->err = err;
    part->status = MU_OK;
    part->depth = 0;
    part->in_text = false;
    XML_SetUserData(part->parser, part);
    XML_SetElementHandler(part->parser, on_start, on_end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
    return MU_OK;
}

static void end(struct xlsx_part *part)
{
    XML_ParserFree(part->parser);
    part->parser = NULL;
}

static enum mu_status feed_piece(struct xlsx_part *part, const char *name, const char *bytes,
                                 int len, bool last, struct mu_error *err)
{
    if (XML_Parse(part->parser, bytes, len, last) != XML_STATUS_ERROR)
        return MU_OK;
    if (part->status != MU_OK)
        return mu_wrap(err, "%s", name);
    return mu_fail(err, MU_E_INVALID, "%s, line %lu: %s", name,
                   XML_GetCurrentLineNumber(part->parser),
                   XML_ErrorString(XML_GetErrorCode(part->parser)));
}

struct feeding {
    struct xlsx_part *part;
    const char *name;
    uint64_t max_bytes, total;
};

static enum mu_status feed(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct feeding *feeding = opaque;
    XML_Index done;
    enum mu_status st;

    feeding->total += len;
    if (feeding->total > feeding->max_bytes)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %llu bytes", feeding->name,
                       (unsigned long long)feeding->max_bytes);
    st = feed_piece(feeding->part, feeding->name, bytes, (int)len, false, err);
    if (st != MU_OK)
        return st;
    done = XML_GetCurrentByteIndex(feeding->part->parser);
    if (done >= 0 && feeding->total - (uint64_t)done > XLSX_MAX_TOKEN_BYTES)
        return mu_fail(err, MU_E_LIMIT, "%s: a tag of more than %d bytes", feeding->name,
                       XLSX_MAX_TOKEN_BYTES);
    return MU_OK;
}

/* ---- parts ---- */

enum mu_status xlsx_part_parse(struct zip_reader *zip, const char *name, uint64_t max_bytes,
                               struct xlsx_part *part, struct mu_error *err)
{
    struct feeding feeding = {part, name, max_bytes, 0};
    struct zip_entry entry;
    enum mu_status st = zip_reader_find(zip, name, false, &entry, err);

    if (st == MU_OK)
        st = begin(part, NULL, err);
    if (st != MU_OK)
        return st;
    st = zip_reader_read(zip, &entry, feed, &feeding, err);
    if (st == MU_OK)
        st = feed_piece(part, name, "", 0, true, err);
    else if (part->status == MU_OK && st == MU_E_INVALID)
        st = mu_wrap(err, "part '%s'", name);
    end(part);
    return st;
}

enum mu_status xlsx_part_parse_memory(const char *bytes, size_t len, const char *name,
                                      struct xlsx_part *part, struct mu_error *err)
{
    enum mu_status st = begin(part, "UTF-8", err);

    if (st != MU_OK)
        return st;
    st = len > INT32_MAX ? mu_fail(err, MU_E_LIMIT, "%s: more than %d bytes", name, INT32_MAX)
                         : feed_piece(part, name, bytes, (int)len, true, err);
    end(part);
    return st;
}

static enum mu_status append(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct mu_buf *out = opaque;

    mu_buf_append(out, bytes, len);
    return mu_buf_status(out, "part", err);
}

enum mu_status xlsx_part_load(struct zip_reader *zip, const char *name, struct mu_buf *out,
                              struct mu_error *err)
{
    struct zip_entry entry;
    enum mu_status st = zip_reader_find(zip, name, false, &entry, err);

    if (st != MU_OK)
        return st;
    st = zip_reader_read(zip, &entry, append, out, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "part '%s'", name);
}

/* ---- finding the sheet ---- */

struct search {
    const char *wanted;
    char found[XLSX_NAME_BYTES];
};

static void on_workbook_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct search *search = part->opaque;
    const char *id;

    if (!mu_text_equal(name, "sheet") ||
        !mu_text_equal(xlsx_attribute(attributes, "name"), search->wanted))
        return;
    id = xlsx_attribute(attributes, "id");
    if (id)
        (void)snprintf(search->found, sizeof(search->found), "%s", id);
}

static void on_relationship_start(struct xlsx_part *part, const char *name, const char **attributes)
{
    struct search *search = part->opaque;
    const char *target = xlsx_attribute(attributes, "Target");

    if (!mu_text_equal(name, "Relationship") || !target ||
        !mu_text_equal(xlsx_attribute(attributes, "Id"), search->wanted))
        return;
    (void)snprintf(search->found, sizeof(search->found), target[0] == '/' ? "%s" : "xl/%s",
                   target[0] == '/' ? target + 1 : target);
}

static enum mu_status look_up(struct zip_reader *zip, const char *name, xlsx_start_fn *start,
                              const char *wanted, char ret_found[XLSX_NAME_BYTES],
                              struct mu_error *err)
{
    struct search search = {.wanted = wanted};
    struct xlsx_part part = {.start = start, .opaque = &search};
    enum mu_status st;

    mu_buf_init(&part.text, 1);
    st = xlsx_part_parse(zip, name, XLSX_MAX_SMALL_PART_BYTES, &part, err);
    mu_buf_done(&part.text);
    if (st == MU_OK)
        memcpy(ret_found, search.found, XLSX_NAME_BYTES);
    return st;
}

enum mu_status xlsx_find_sheet(struct zip_reader *zip, const char *sheet,
                               char ret_part[XLSX_NAME_BYTES], struct mu_error *err)
{
    char id[XLSX_NAME_BYTES] = "";
    enum mu_status st = look_up(zip, "xl/workbook.xml", on_workbook_start, sheet, id, err);

    if (st != MU_OK)
        return st;
    if (!*id)
        return mu_fail(err, MU_E_NOT_FOUND, "no sheet '%s'", sheet);
    st = look_up(zip, "xl/_rels/workbook.xml.rels", on_relationship_start, id, ret_part, err);
    if (st == MU_OK && !*ret_part)
        return mu_fail(err, MU_E_INVALID, "sheet '%s' leads to no part", sheet);
    return st;
}
