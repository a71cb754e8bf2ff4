/*
 * pattern: names with stars, as policies and scopes write them: "prod-*".
 */
#ifndef INVENTORY_PATTERN_H
#define INVENTORY_PATTERN_H

#include "json/json_table.h"

#include <stdbool.h>

/* A star stands for any characters, also '/', and for none; all else for itself. */
bool pattern_fits(const char *pattern, const char *text);
/* One of them; an empty list fits everything. */
bool patterns_fit(const struct mu_json_texts *patterns, const char *text);

#endif
