/*
 * recorded: one request as somebody saved it: NAME.http with request line and headers, and the body
 * behind the blank line or in a file of the same name (NAME.json, .ndjson, .form, .txt, .body); or
 * a body alone, then with the headers of a NAME.http beside it.
 */
#ifndef INGEST_RECORDED_H
#define INGEST_RECORDED_H

#include "base/buf.h"
#include "base/error.h"

struct recorded {
    struct mu_buf head; /* request line and headers, each ended by a NUL */
    struct mu_buf body;
    struct mu_buf parameter; /* the one last asked for */
};

void recorded_init(struct recorded *recorded);
void recorded_done(struct recorded *recorded);

/* Errors: MU_E_NOT_FOUND, MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status recorded_read(const char *path, struct recorded *recorded,
                             struct mu_error *err) MU_MUST_CHECK;

/* Value of a header, any case; NULL when absent. `opaque` is the struct recorded; borrowed from it.
 */
const char *recorded_header(void *opaque, const char *name);
/* Decoded value of a parameter of the request line's query; NULL when absent. `opaque` is the
 * struct recorded; valid until the next call. */
const char *recorded_query(void *opaque, const char *name);
/* "/hooks/main" of the request line, without the query, into `ret_path`; false when there is none.
 */
bool recorded_path(const struct recorded *recorded, char *ret_path, size_t size);

#endif
