/*
 * builder_state: what a builder has collected. Internal to builder.c and what finishes it.
 */
#ifndef SCANNER_DATABASE_BUILDER_STATE_H
#define SCANNER_DATABASE_BUILDER_STATE_H

#include "database/builder.h"
#include "database/format.h"
#include "database/text_pool.h"

/* What was read of one record; of several with one key the newest holds, of equals the last. */
struct note {
    uint32_t feed, id, scope[3];
    uint32_t sequence; /* place in the order of reading */
    uint32_t skipped;
    bool withdrawn, cves_in_related;
    int64_t modified_us;
    struct database_list aliases, upstream, related; /* into the lists, one behind the other */
};

struct built_row {
    uint32_t ecosystem, package, owner; /* sequence of its note */
    struct database_row row;
};

struct fact_note {
    struct database_fact fact;
    uint32_t sequence;
};

struct builder {
    struct text_pool texts;
    struct mu_buf rows;   /* struct built_row */
    struct mu_buf events; /* struct database_event */
    struct mu_buf lists;  /* uint32_t */
    struct mu_buf notes;  /* struct note, by sequence */
    struct mu_buf facts;  /* struct fact_note */
    struct mu_buf sources, unknown;

    /* Of the record being read. */
    struct note now;
    struct built_row row;
    size_t range_first;
    uint32_t summary;
    bool too_long; /* it has a text that may not be cut */
    bool too_many; /* it has a range of too many events */
    size_t marks[4];
    int64_t newest_us;
};

static inline uint32_t builder_count(const struct mu_buf *buffer, size_t item_size)
{
    return (uint32_t)(buffer->len / item_size);
}

/* Errors: MU_E_LIMIT: something found no room. */
enum mu_status builder_check(struct builder *builder, struct mu_error *err) MU_MUST_CHECK;

/*
 * Fills `ret_lists` (one for each note, by sequence) with what each record that holds is about:
 * offsets into the lists, which grow.
 */
void identity_resolve(struct builder *builder, const bool *holds, struct database_list *ret_lists);

#endif
