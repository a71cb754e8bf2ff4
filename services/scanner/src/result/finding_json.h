/*
 * finding_json: findings as the raw result and the match command write them
 * (schemas/raw-scan.v1.schema.json, "finding").
 */
#ifndef SCANNER_RESULT_FINDING_JSON_H
#define SCANNER_RESULT_FINDING_JSON_H

#include "match/match.h"
#include "json/json_stream.h"

/* A member `name` with all of them. `os`: of the image, for package URLs; may have no id. */
void finding_json_list(struct json_stream *out, const char *name, const struct finding *findings,
                       size_t count, const struct image_os *os);

#endif
