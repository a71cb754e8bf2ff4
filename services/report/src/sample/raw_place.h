/*
 * raw_place: where a text first stands in a file of any size.
 */
#ifndef REPORT_SAMPLE_RAW_PLACE_H
#define REPORT_SAMPLE_RAW_PLACE_H

#include "sample/sample.h"

/* Fills a place for each of `count` (at most 8) texts of 1 to 4096 bytes. Errors: MU_E_NOT_FOUND,
 * MU_E_UNAVAILABLE, MU_E_LIMIT. */
enum mu_status raw_places_find(const char *path, const char *const *texts, size_t count,
                               struct sample_place *ret_places, struct mu_error *err) MU_MUST_CHECK;

#endif
