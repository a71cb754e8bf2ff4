/*
 * summary_writer: makes a layer's summary, entry by entry.
 *
 * Evidence of an entry is told before the entry itself is put: group_begin, for each finder
 * record_begin, its sink, record_end, then entry. A finder that told nothing leaves no record,
 * unless `keep` says that its having looked is worth knowing.
 *
 * Threads: one at a time per writer. Trust: all texts are hostile; limits as in layer_summary.h.
 * Errors:  MU_E_LIMIT, MU_E_NOMEM; a sink's refusal of a text is MU_E_INVALID.
 */
#ifndef SCANNER_LAYER_SUMMARY_WRITER_H
#define SCANNER_LAYER_SUMMARY_WRITER_H

#include "layer/layer_summary.h"

struct summary_writer;

/* `make` is borrowed. */
struct summary_writer *summary_writer_new(const struct summary_make *make);
void summary_writer_free(struct summary_writer *writer); /* NULL is fine */
MU_DEFINE_AUTO(summary_writer, struct summary_writer, summary_writer_free)

enum mu_status summary_writer_path(struct summary_writer *writer, uint64_t hash, unsigned flags,
                                   struct mu_error *err) MU_MUST_CHECK;

/* So many bytes of the layer passed: what its finders may unpack grows with it. */
void summary_writer_passes(struct summary_writer *writer, uint64_t bytes);

/* The evidence of the group that was begun last becomes that of this entry. `entry->evidence` is
 * not looked at. */
enum mu_status summary_writer_entry(struct summary_writer *writer,
                                    const struct summary_entry *entry,
                                    struct mu_error *err) MU_MUST_CHECK;

/* `as`: the path that finders are shown; NULL: the entry's own. */
void summary_writer_group_begin(struct summary_writer *writer, const char *as);
void summary_writer_record_begin(struct summary_writer *writer, unsigned finder,
                                 enum evidence_how how);
/* What a finder may be given while its record is open. */
const struct finder_sink *summary_writer_sink(struct summary_writer *writer);
/* `why` MU_OK, or what the finder said. Errors: what is no fault of the file. */
enum mu_status summary_writer_record_end(struct summary_writer *writer, const struct mu_error *why,
                                         bool keep, struct mu_error *err) MU_MUST_CHECK;
/* Whether the group has a record. */
bool summary_writer_group_told(const struct summary_writer *writer);

typedef enum mu_status summary_out_fn(void *opaque, const void *bytes, size_t len,
                                      struct mu_error *err);

/* The summary's bytes; `head` needs the totals and diff_id alone. Then only free. */
enum mu_status summary_writer_finish(struct summary_writer *writer, struct summary_head *head,
                                     summary_out_fn *out, void *opaque,
                                     struct mu_error *err) MU_MUST_CHECK;
/* How many bytes that will be. Fixes the paths: none may be added afterwards. */
uint64_t summary_writer_size(struct summary_writer *writer);

#endif
