/*
 * document: one document of a feed, as its bytes come, into the builder.
 *
 * Which feed it is of is told by its first bytes (see the table in document.c), or by the caller.
 * A record nobody can read is told and left out; it does not take the others with it. What is cut
 * off is an error: half a feed must not pass for a whole one.
 *
 * Memory: the largest record, or the document where the feed has one record each.
 * Threads: one at a time. Trust: outside bytes.
 */
#ifndef SCANNER_DATABASE_DOCUMENT_H
#define SCANNER_DATABASE_DOCUMENT_H

#include "database/builder.h"

struct document_kind;

/* By its name on the command line; NULL: there is none. */
const struct document_kind *document_kind_named(const char *name, size_t len);
const char *document_kind_name(const struct document_kind *kind);
/* Names of all kinds, for messages; NULL behind the last. */
const char *document_kind_name_at(size_t index);

struct document_tally {
    const struct document_kind *kind; /* of the last document; NULL: none yet */
    uint32_t records, rejected;
    int64_t newest_at_us; /* MU_TIME_NONE: not said */
    void *opaque;
    /* Told of each record that is left out, and of each that is taken; may be NULL. */
    void (*left_out)(void *opaque, const char *name, const char *why);
    void (*taken)(void *opaque, uint32_t records);
};

struct document;

/* `kind` NULL: told by its first bytes. `name` and `tally` are borrowed. */
struct document *document_new(struct builder *builder, const struct document_kind *kind,
                              const char *name, struct document_tally *tally);
void document_free(struct document *document); /* NULL is fine */
MU_DEFINE_AUTO(document, struct document, document_free)

/* Errors: MU_E_INVALID (no feed that is known, damaged), MU_E_LIMIT, MU_E_NOMEM; then only free. */
enum mu_status document_feed(struct document *document, const void *bytes, size_t len,
                             struct mu_error *err) MU_MUST_CHECK;
/* The last bytes have come. Errors: as above. */
enum mu_status document_end(struct document *document, struct mu_error *err) MU_MUST_CHECK;

#endif
