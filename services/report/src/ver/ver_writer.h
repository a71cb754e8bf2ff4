/*
 * ver_writer: what the parts of ver_report share. Internal to ver.
 */
#ifndef REPORT_VER_WRITER_H
#define REPORT_VER_WRITER_H

#include "bundle/render.h"
#include "ver/judgement.h"

#include "base/buf.h"
#include "json/json_stream.h"

struct ver_writer {
    const struct render *render;
    struct json_stream *out;
    int64_t as_of_us, month_begin_us;
    bool accepted; /* what is wanted now, and the form of an entry */
    struct mu_buf description, facts, rationale, text; /* of the entry */
};

/* Empties what is gathered for an entry. */
void ver_reset(struct ver_writer *writer);
/* The name, a package and the public summary of a vulnerability. `packages` may be NULL. */
enum mu_status ver_describe(struct ver_writer *writer, const char *vulnerability,
                            const char *packages, struct mu_error *err) MU_MUST_CHECK;
/* The object of an entry, in the form that is wanted. */
void ver_open_entry(struct ver_writer *writer);
void ver_close_entry(struct ver_writer *writer, const struct ver_judgement *judgement);
/* Errors: MU_E_LIMIT (a text), MU_E_UNAVAILABLE (a stop, the disk). */
enum mu_status ver_entry_status(const struct ver_writer *writer, const char *id,
                                struct mu_error *err) MU_MUST_CHECK;

/* Entries of an array. */
enum mu_status ver_put_items(struct ver_writer *writer, struct mu_error *err) MU_MUST_CHECK;
enum mu_status ver_put_failures(struct ver_writer *writer, struct mu_error *err) MU_MUST_CHECK;
/* Items that ended then or later. */
enum mu_status ver_put_closed_since(struct ver_writer *writer, int64_t since_us,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif
