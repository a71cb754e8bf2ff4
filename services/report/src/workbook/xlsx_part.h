/*
 * xlsx_part: the XML parts of an .xlsx file through expat, bounded, and the part that holds a
 * sheet.
 *
 * Source: ECMA-376 part 1, sections 18.2 (workbook) and part 2 (relationships).
 * Trust: hostile. Every part is read through a size limit; nesting and bytes a tag are bounded,
 * document type declarations are refused.
 */
#ifndef REPORT_XLSX_PART_H
#define REPORT_XLSX_PART_H

#include "archive/zip_reader.h"

#include "base/buf.h"
#include "base/error.h"

#include <expat.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    XLSX_NAME_BYTES = 512,
    XLSX_MAX_SMALL_PART_BYTES = 16 * 1024 * 1024, /* unpacked */
    XLSX_MAX_COLUMN = 16384
};

struct xlsx_part;
/* Names without their prefix; `attributes` as expat gives them: name, value, ..., NULL. */
typedef void xlsx_start_fn(struct xlsx_part *part, const char *name, const char **attributes);
typedef void xlsx_end_fn(struct xlsx_part *part, const char *name);

/* A parse; its user sets the first members. `text` gathers what stands in elements while `in_text`
 * is set: mu_buf_init and mu_buf_done are the user's. */
struct xlsx_part {
    xlsx_start_fn *start;
    xlsx_end_fn *end; /* may be NULL */
    void *opaque;
    struct mu_buf text;
    bool in_text;

    XML_Parser parser;
    const char *qualified_name; /* of the element, with its prefix */
    struct mu_error *err;
    enum mu_status status;
    unsigned depth;
};

/* Ends the parse with what mu_fail gave. */
void xlsx_part_stop(struct xlsx_part *part, enum mu_status status);

/* Errors: MU_E_NOT_FOUND (no such part), MU_E_INVALID, MU_E_LIMIT, or what the parse was stopped
 * with. */
enum mu_status xlsx_part_parse(struct zip_reader *zip, const char *name, uint64_t max_bytes,
                               struct xlsx_part *part, struct mu_error *err) MU_MUST_CHECK;
/* The same from memory, which must be UTF-8. */
enum mu_status xlsx_part_parse_memory(const char *bytes, size_t len, const char *name,
                                      struct xlsx_part *part, struct mu_error *err) MU_MUST_CHECK;
/* The unpacked bytes, whole. Errors: MU_E_NOT_FOUND, MU_E_INVALID, MU_E_LIMIT (of `out`). */
enum mu_status xlsx_part_load(struct zip_reader *zip, const char *name, struct mu_buf *out,
                              struct mu_error *err) MU_MUST_CHECK;

/* NULL when there is none; the prefix does not count. */
const char *xlsx_attribute(const char **attributes, const char *name);

/* Column of a cell reference from 0 ("AB12" gives 27); `otherwise` without one, XLSX_MAX_COLUMN
 * when it is none. */
size_t xlsx_column_of(const char *reference, size_t otherwise);

/* The part of the sheet, by way of workbook.xml and its relationships. Errors: MU_E_NOT_FOUND (no
 * such sheet), MU_E_INVALID. */
enum mu_status xlsx_find_sheet(struct zip_reader *zip, const char *sheet,
                               char ret_part[XLSX_NAME_BYTES], struct mu_error *err) MU_MUST_CHECK;

#endif
