/*
 * text_map: texts with a number each, for joins of what the database streams.
 * Threads: one at a time.
 */
#ifndef INVENTORY_TEXT_MAP_H
#define INVENTORY_TEXT_MAP_H

#include "base/scope.h"

#include <stdbool.h>
#include <stddef.h>

struct text_map;

struct text_map *text_map_new(void);
void text_map_free(struct text_map *map); /* NULL is fine */
/* The text is copied. One that is there keeps its first number. */
void text_map_add(struct text_map *map, const char *text, size_t number);
bool text_map_find(const struct text_map *map, const char *text, size_t *ret_number);

MU_DEFINE_AUTO(text_map, struct text_map, text_map_free)

#endif
