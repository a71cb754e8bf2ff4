/*
 * record_file: flat records of text as files that people keep: CSV (RFC 4180, a header line, fields
 * in any order, a byte order mark is fine) or JSON (schemas/operator-facts.v1.schema.json). Both
 * give the same records, and writing is deterministic: what was written reads as the same.
 *
 * A value that begins as a formula of a spreadsheet (= + - @) is refused, so that an exported file
 * can be opened in one.
 *
 * Trust: files are hostile; their size, records and values are bounded, and every error names line,
 * column and field.
 * Ownership: records live in the arena they were read into.
 * Threads: one at a time per set.
 */
#ifndef INVENTORY_RECORD_FILE_H
#define INVENTORY_RECORD_FILE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RECORD_FILE_MAX_BYTES = 16 * 1024 * 1024,
    RECORDS_MAX = 100000,
    RECORD_FIELDS_MAX = 16,
    RECORD_ARENA_MAX_BYTES = 192 * 1024 * 1024
};

enum record_type {
    RECORD_NAME, /* no spaces, no control bytes; up to 1024 */
    RECORD_TEXT, /* one line or more; up to 4096 characters */
    RECORD_TIME, /* RFC 3339; kept in UTC with microseconds */
    RECORD_WORD  /* one of `words` */
};

struct record_field {
    const char *name;
    enum record_type type;
    const char *const *words; /* NULL-terminated */
};

/* Which fields a record has, as bits: by the word in its field `record`, or for all (word NULL). */
struct record_rule {
    const char *word;
    unsigned needs, may;
};

struct record_kind {
    const char *name; /* "deviations" */
    const struct record_field *fields;
    size_t field_count;
    const struct record_rule *rules;
    size_t rule_count;
};

struct record_place {
    uint32_t line, column; /* counted from 1; 0: not known */
};

struct record {
    const char *values[RECORD_FIELDS_MAX]; /* NULL: absent */
    struct record_place places[RECORD_FIELDS_MAX], place;
};

struct record_set {
    struct record *items;
    size_t count;
};

/* The named field, or field_count. */
size_t record_field_find(const struct record_kind *kind, const char *name, size_t name_len);

/* Checks one record, and puts its times into their one form. Errors: MU_E_INVALID, "field: reason".
 */
enum mu_status record_check(const struct record_kind *kind, struct mu_arena *arena,
                            struct record *record, struct mu_error *err) MU_MUST_CHECK;

/* Puts the record's place in front of an error that begins with a field's name. */
enum mu_status record_blame(const struct record_kind *kind, const struct record *record,
                            struct mu_error *err);

/* Errors: MU_E_INVALID naming line and column, MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status record_file_parse(const struct record_kind *kind, const char *bytes, size_t len,
                                 struct mu_arena *arena, struct record_set *ret_set,
                                 struct mu_error *err) MU_MUST_CHECK;

/* One record alone: a JSON object whose values are texts or null. It is not checked yet: who states
 * it may still add to it. Errors: MU_E_INVALID "field: reason", MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status record_parse_one(const struct record_kind *kind, const char *bytes, size_t len,
                                struct mu_arena *arena, struct record *ret_record,
                                struct mu_error *err) MU_MUST_CHECK;

enum record_form { RECORD_CSV, RECORD_JSON };

/* A file, appended to `out` record by record; failure sticks to the buffer, which may be emptied
 * in between. */
struct record_writer {
    const struct record_kind *kind;
    enum record_form form;
    struct mu_buf *out;
    bool has_records;
};

void record_write_begin(struct record_writer *writer, const struct record_kind *kind,
                        enum record_form form, struct mu_buf *out);
void record_write(struct record_writer *writer, const struct record *record);
void record_write_end(struct record_writer *writer);

#endif
