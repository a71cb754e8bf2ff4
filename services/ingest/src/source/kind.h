/*
 * kind: a kind of source as a table. What a sender's bodies look like, where each member of a fact
 * stands, which word means what; and one small function for what paths cannot say.
 *
 * A body goes through: envelope (envelope.h) -> document -> the first shape whose `when` is there
 * -> each event -> class -> fields -> finish -> fact -> messages (emit.h). An event that fails does
 * not take the others with it: it becomes a quarantine record with the reason.
 */
#ifndef INGEST_KIND_H
#define INGEST_KIND_H

#include "source/envelope.h"
#include "source/reader.h"

struct source_class_word {
    const char *word;
    enum fact_class class_;
};

/*
 * What the tables cannot say. May change the fact's class and members, or add facts of its own with
 * source_fact_add and answer MU_END: then `fact` itself is not added.
 * Errors: MU_E_INVALID, MU_E_LIMIT (this event is quarantined), MU_E_NOMEM.
 */
typedef enum mu_status source_finish_fn(struct source_reader *reader, struct fact *fact,
                                        struct mu_error *err);

struct source_shape {
    const char *when; /* path that is there only in bodies of this shape; NULL: any body */
    const char
            *each; /* path of the array whose elements are the events; NULL: the document is one */
    const char *class_path; /* whose text is looked up in `classes`; NULL: class is `otherwise` */
    const struct source_class_word *classes;
    size_t class_count;
    enum fact_class otherwise; /* FACT_REJECT: a word that is not in the table is not understood */
    const struct source_field *fields;
    size_t field_count;
    source_finish_fn *finish; /* NULL: nothing more to say */
};

#define SOURCE_CLASSES(table) .classes = (table), .class_count = sizeof(table) / sizeof((table)[0])
#define SOURCE_FIELDS(table)  .fields = (table), .field_count = sizeof(table) / sizeof((table)[0])
#define SOURCE_SHAPES(table)  .shapes = (table), .shape_count = sizeof(table) / sizeof((table)[0])

/* A hash over the document (a body as it came, else its canonical JSON) and, of one event among
 * others, that event's canonical JSON; of what holds no time also over when it came: the same again
 * after ten minutes is new. NULL when memory is exhausted. */
const char *source_content_id(const struct source_reader *reader, bool timeless);

/* Adds one fact and its messages. For finish functions that answer MU_END. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status source_fact_add(struct source_reader *reader, struct fact *fact,
                               struct mu_error *err) MU_MUST_CHECK;

/* Reads one document that a kind's own decoder, or a finish function, took out of another: all
 * shapes of `kind`. */
enum mu_status source_read_document(const struct source_input *input,
                                    const struct source_kind *kind, const json_t *root,
                                    const struct source_attributes *attributes,
                                    struct source_events *events,
                                    struct mu_error *err) MU_MUST_CHECK;

#endif
