/*
 * range: whether a version lies in the ranges of an advisory (OSV schema, "Evaluation").
 * Threads: no state. Trust: offsets of the events are checked by whoever opened the database.
 */
#ifndef SCANNER_DATABASE_RANGE_H
#define SCANNER_DATABASE_RANGE_H

#include "database/format.h"

#include <stdbool.h>
#include <stddef.h>

typedef int version_compare_fn(const char *a, const char *b);

/* Where it lies; NULL where the range says none. */
struct range_place {
    const char *introduced, *fixed, *last_affected;
};

/* Puts the events of each range into version order. */
void range_sort(version_compare_fn *compare, const char *strings, struct database_event *events,
                size_t count);
/* `events` are sorted. The first range that holds the version is told. */
bool range_holds(version_compare_fn *compare, const char *strings,
                 const struct database_event *events, size_t count, const char *version,
                 struct range_place *ret_place);

#endif
