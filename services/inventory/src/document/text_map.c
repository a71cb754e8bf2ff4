#include "document/text_map.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

struct row {
    char *text; /* owned; NULL: empty */
    size_t number;
};

struct text_map {
    struct row *rows;
    size_t capacity, count;
};

struct text_map *text_map_new(void)
{
    struct text_map *map = mu_xcalloc(1, sizeof(*map));

    map->capacity = FIRST_CAPACITY;
    map->rows = mu_xcalloc(map->capacity, sizeof(*map->rows));
    return map;
}

void text_map_free(struct text_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->capacity; i++)
        free(map->rows[i].text);
    free(map->rows);
    free(map);
}

/* FNV-1a */
static size_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

static struct row *place_of(struct row *rows, size_t capacity, const char *text)
{
    size_t at = hash_text(text) & (capacity - 1);

    while (rows[at].text && strcmp(rows[at].text, text) != 0)
        at = (at + 1) & (capacity - 1);
    return &rows[at];
}

static void grow(struct text_map *map)
{
    size_t capacity = 2 * map->capacity;
    struct row *rows = mu_xcalloc(capacity, sizeof(*rows));

    for (size_t i = 0; i < map->capacity; i++)
        if (map->rows[i].text)
            *place_of(rows, capacity, map->rows[i].text) = map->rows[i];
    free(map->rows);
    map->rows = rows;
    map->capacity = capacity;
}

void text_map_add(struct text_map *map, const char *text, size_t number)
{
    struct row *row;

    if (2 * (map->count + 1) > map->capacity)
        grow(map);
    row = place_of(map->rows, map->capacity, text);
    if (row->text)
        return;
    *row = (struct row){mu_xstrdup(text), number};
    map->count++;
}

bool text_map_find(const struct text_map *map, const char *text, size_t *ret_number)
{
    const struct row *row = place_of(map->rows, map->capacity, text);

    if (!row->text)
        return false;
    *ret_number = row->number;
    return true;
}
