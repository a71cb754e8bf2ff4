/* record_parse: the two forms of a file, before their records are checked. Internal to records/. */
#ifndef INVENTORY_RECORD_PARSE_H
#define INVENTORY_RECORD_PARSE_H

#include "records/record_file.h"

/* A set that grows in an arena. */
struct record_list {
    const struct record_kind *kind;
    struct mu_arena *arena;
    struct record_set set;
    size_t capacity;
};

/* A new, empty record. Errors: MU_E_LIMIT (RECORDS_MAX), MU_E_NOMEM. */
enum mu_status record_list_add(struct record_list *list, struct record **ret_record,
                               struct mu_error *err) MU_MUST_CHECK;

/* Errors: as record_file_parse. */
enum mu_status record_parse_csv(struct record_list *list, const char *bytes, size_t len,
                                struct mu_error *err) MU_MUST_CHECK;
enum mu_status record_parse_json(struct record_list *list, const char *bytes, size_t len,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
