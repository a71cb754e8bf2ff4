/*
 * kept_headers: what a quarantine record keeps of a request's headers, so that a body whose meaning
 * stands in them (CloudEvents in binary mode, GitHub's event) can be replayed. Only those of a
 * fixed list are kept; no credentials are among them, and tokens within them are blanked.
 */
#ifndef INGEST_KEPT_HEADERS_H
#define INGEST_KEPT_HEADERS_H

#include "source/source.h"

#include "json/json_table.h"

/* False when there are none, or no memory. Everything lives in the arena of the input. */
bool kept_headers_take(const struct source_input *input, struct mu_json_map *ret_headers);

/* For source_input.header; `opaque` is a struct mu_json_map. NULL when it was not kept. */
const char *kept_headers_find(void *opaque, const char *name);

#endif
