#include "store/copied_rows.h"

#include "store/write_set.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 5, TIME_MAX_CHARACTERS = 40, KNOWN_LENGTH_BYTES = 4, KNOWN_BYTES = 8 };
#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

/* Rows of one key. */
struct group {
    size_t row_at, key_at;
    bool there;
};

struct copied_rows {
    enum inventory_statement table;
    const struct inventory_copied *copied;
    struct mu_buf rows, keys, groups; /* groups: of struct group; keys: texts, each with its NUL */
    struct mu_buf known;              /* of size_t: where in `rows` each row's known time belongs */
    size_t count, group_count;
    char broken; /* type of a value that was none; 0 */
};

struct copied_rows *copied_rows_new(enum inventory_statement table)
{
    struct copied_rows *rows = mu_xcalloc(1, sizeof(*rows));

    rows->table = table;
    rows->copied = &inventory_copied[table];
    mu_buf_init(&rows->rows, WRITE_SET_COLUMN_MAX_BYTES);
    mu_buf_init(&rows->keys, WRITE_SET_COLUMN_MAX_BYTES);
    mu_buf_init(&rows->groups, WRITE_SET_COLUMN_MAX_BYTES);
    mu_buf_init(&rows->known, WRITE_SET_COLUMN_MAX_BYTES);
    return rows;
}

void copied_rows_free(struct copied_rows *rows)
{
    if (!rows)
        return;
    mu_buf_done(&rows->rows);
    mu_buf_done(&rows->keys);
    mu_buf_done(&rows->groups);
    mu_buf_done(&rows->known);
    free(rows);
}

void copied_rows_reset(struct copied_rows *rows)
{
    mu_buf_reset(&rows->rows);
    mu_buf_reset(&rows->keys);
    mu_buf_reset(&rows->groups);
    mu_buf_reset(&rows->known);
    rows->count = rows->group_count = 0;
    rows->broken = 0;
}

size_t copied_rows_count(const struct copied_rows *rows)
{
    return rows->count;
}

/* ---- values (PostgreSQL's send and receive functions of the types) ---- */

static void put_int(char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (char)(value & 0xff);
}

/* Length and value. */
static bool add_int(struct mu_buf *row, int64_t value, int bytes)
{
    char text[12];

    put_int(text, (uint64_t)bytes, 4);
    put_int(text + 4, (uint64_t)value, bytes);
    mu_buf_append(row, text, (size_t)bytes + 4);
    return true;
}

static bool add_text(struct mu_buf *row, const char *text)
{
    size_t len = strlen(text);
    char *at = mu_buf_room(row, len + 4);

    if (!at)
        return true; /* the buffer knows */
    put_int(at, len, 4);
    memcpy(at + 4, text, len);
    mu_buf_took(row, len + 4);
    return true;
}

static bool add_uuid(struct mu_buf *row, const char *text)
{
    uint8_t bytes[4 + MU_UUID_BYTES] = {0, 0, 0, MU_UUID_BYTES};

    if (!mu_uuid_decode(text, bytes + 4))
        return false;
    mu_buf_append(row, bytes, sizeof(bytes));
    return true;
}

/* Microseconds of "2026-11-24T12:00:00.1Z" or of PostgreSQL's "2026-11-24 12:00:00.1+00". */
static enum mu_status parse_time(const char *text, int64_t *ret_us, struct mu_error *err)
{
    char rfc3339[TIME_MAX_CHARACTERS];
    size_t len = strlen(text);

    if (len > 3 && mu_text_ends(text, "+00")) {
        (void)snprintf(rfc3339, sizeof(rfc3339), "%.*sZ", (int)(len - 3), text);
        return mu_time_parse(rfc3339, strlen(rfc3339), ret_us, err);
    }
    return mu_time_parse(text, len, ret_us, err);
}

static bool add_time(struct mu_buf *row, const char *text)
{
    struct mu_error ignored;
    int64_t at_us;

    if (parse_time(text, &at_us, &ignored) != MU_OK)
        return false;
    return add_int(row, at_us - POSTGRES_EPOCH_US, 8);
}

static bool add_number(struct mu_buf *row, const char *text, int bytes)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (*end != '\0' || end == text || (bytes == 4 && (value < INT32_MIN || value > INT32_MAX)) ||
        (bytes == 2 && (value < INT16_MIN || value > INT16_MAX)))
        return false;
    return add_int(row, value, bytes);
}

/* The value of such a column is the address of a buffer. */
static bool add_bytes(struct mu_buf *row, const char *value)
{
    const struct mu_buf *bytes = (const struct mu_buf *)(const void *)value;
    char len[4];

    put_int(len, bytes->len, 4);
    mu_buf_append(row, len, 4);
    mu_buf_append(row, bytes->data, bytes->len);
    return true;
}

static bool add_value(struct mu_buf *row, char type, const char *value)
{
    if (!value) {
        mu_buf_append(row, "\377\377\377\377", 4);
        return true;
    }
    switch (type) {
    case 't':
        return add_text(row, value);
    case 'u':
        return add_uuid(row, value);
    case 'z':
        return add_time(row, value);
    case 'b':
        return add_int(row, value[0] == 't', 1);
    case 's':
        return add_number(row, value, 2);
    case 'i':
        return add_number(row, value, 4);
    case 'l':
        return add_number(row, value, 8);
    case 'y':
        return add_bytes(row, value);
    default:
        return false;
    }
}

/* ---- rows ---- */

static struct group *group_at(const struct copied_rows *rows, size_t i)
{
    return (struct group *)(void *)rows->groups.data + i;
}

/* Whether the last row has the same keys; they are the first columns. */
static bool continues(const struct copied_rows *rows, const char *const *values)
{
    const char *key;

    if (rows->group_count == 0)
        return false;
    key = rows->keys.data + group_at(rows, rows->group_count - 1)->key_at;
    for (int k = 0; k < rows->copied->keys; k++) {
        if (strcmp(key, values[k]) != 0)
            return false;
        key += strlen(key) + 1;
    }
    return true;
}

/* The known time comes when it is known. */
static void add_known(struct copied_rows *rows)
{
    size_t at = rows->rows.len + KNOWN_LENGTH_BYTES;

    mu_buf_append(&rows->known, &at, sizeof(at));
    (void)add_int(&rows->rows, 0, KNOWN_BYTES);
}

static enum mu_status fill_known(struct copied_rows *rows, const char *known_at,
                                 struct mu_error *err)
{
    const size_t *at = (const size_t *)(const void *)rows->known.data;
    int64_t known_us = 0;

    if (rows->known.len == 0)
        return MU_OK;
    if (parse_time(known_at, &known_us, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < rows->known.len / sizeof(*at); i++)
        put_int(rows->rows.data + at[i], (uint64_t)(known_us - POSTGRES_EPOCH_US), KNOWN_BYTES);
    return MU_OK;
}

void copied_rows_add(struct copied_rows *rows, const char *const *values)
{
    const char *types = rows->copied->types;
    char natts[2];

    if (!continues(rows, values)) {
        struct group group = {.row_at = rows->rows.len, .key_at = rows->keys.len};

        mu_buf_append(&rows->groups, &group, sizeof(group));
        for (int k = 0; k < rows->copied->keys; k++)
            mu_buf_append(&rows->keys, values[k], strlen(values[k]) + 1);
        rows->group_count++;
    }
    put_int(natts, strlen(types), 2);
    mu_buf_append(&rows->rows, natts, 2);
    if (*types == 'k') {
        add_known(rows);
        types++;
    }
    for (size_t c = 0; types[c]; c++)
        if (!add_value(&rows->rows, types[c], values[c]))
            rows->broken = types[c];
    rows->count++;
}

/* ---- writing ---- */

static enum mu_status check(const struct copied_rows *rows, struct mu_error *err)
{
    const char *name = inventory_statements[rows->table].name;
    enum mu_status st = mu_buf_status(&rows->rows, name, err);

    if (st == MU_OK)
        st = mu_buf_status(&rows->keys, name, err);
    if (st == MU_OK)
        st = mu_buf_status(&rows->groups, name, err);
    if (st == MU_OK)
        st = mu_buf_status(&rows->known, name, err);
    if (st == MU_OK && rows->broken)
        st = mu_fail(err, MU_E_INVALID, "%s: a value is none of type '%c'", name, rows->broken);
    return st;
}

/* pg_type.dat */
static int oid_of(char type)
{
    static const struct {
        char type;
        int oid;
    } oids[] = {{'t', 25}, {'u', 2950}, {'s', 21}, {'i', 23}, {'z', 1184}};

    for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++)
        if (oids[i].type == type)
            return oids[i].oid;
    return 0;
}

/* Of one dimension, without NULLs (array_recv). */
void copied_rows_array_begin(struct mu_buf *array, char type, size_t count)
{
    const int head[] = {1, 0, oid_of(type), (int)count, 1};
    char number[4];

    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
        put_int(number, (uint64_t)head[i], 4);
        mu_buf_append(array, number, 4);
    }
}

void copied_rows_array_add(struct mu_buf *array, char type, const char *value)
{
    (void)add_value(array, type, value);
}

/* The keys of column `k`. */
static void key_array(const struct copied_rows *rows, int k, struct mu_buf *array)
{
    const char *types = rows->copied->types + (rows->copied->types[0] == 'k'), *key;

    copied_rows_array_begin(array, types[k], rows->group_count);
    for (size_t g = 0; g < rows->group_count; g++) {
        key = rows->keys.data + group_at(rows, g)->key_at;
        for (int skip = 0; skip < k; skip++)
            key += strlen(key) + 1;
        copied_rows_array_add(array, types[k], key);
    }
}

static enum mu_status ask(const struct copied_rows *rows, struct mu_pg *pg, const char *known_at,
                          const struct mu_buf *arrays, struct mu_pg_result **ret_there,
                          struct mu_error *err)
{
    struct mu_pg_bytes values[KEYS_MAX];

    for (int k = 0; k < rows->copied->keys; k++) {
        if (mu_buf_status(&arrays[k], inventory_statements[rows->table].name, err) != MU_OK)
            return err->status;
        values[k] = (struct mu_pg_bytes){arrays[k].data, arrays[k].len};
    }
    return mu_pg_execute_binary(pg, (int)rows->table, known_at, values, ret_there, err);
}

/* Marks the groups that the database has. */
static enum mu_status probe(struct copied_rows *rows, struct mu_pg *pg, const char *known_at,
                            struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *there = NULL;
    struct mu_buf arrays[KEYS_MAX];
    enum mu_status st;

    for (int k = 0; k < rows->copied->keys; k++) {
        mu_buf_init(&arrays[k], WRITE_SET_COLUMN_MAX_BYTES);
        key_array(rows, k, &arrays[k]);
    }
    st = ask(rows, pg, known_at, arrays, &there, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(there); i++) {
        int64_t place = mu_pg_int(there, i, 0);

        if (place >= 1 && (size_t)place <= rows->group_count)
            group_at(rows, (size_t)place - 1)->there = true;
    }
    for (int k = 0; k < rows->copied->keys; k++)
        mu_buf_done(&arrays[k]);
    return st;
}

static size_t end_of(const struct copied_rows *rows, size_t group)
{
    return group + 1 < rows->group_count ? group_at(rows, group + 1)->row_at : rows->rows.len;
}

/* The groups that are not there, neighbours at once. */
static enum mu_status copy(const struct copied_rows *rows, struct mu_pg *pg, struct mu_error *err)
{
    const struct mu_pg_copy copy = {inventory_statements[rows->table].name, rows->copied->sql};
    enum mu_status st = mu_pg_copy_begin(pg, &copy, err), ended;
    struct mu_error last;
    size_t g = 0;

    if (st != MU_OK)
        return st;
    while (st == MU_OK && g < rows->group_count) {
        size_t from = group_at(rows, g)->row_at, first = g;

        while (g < rows->group_count && !group_at(rows, g)->there)
            g++;
        if (g > first)
            st = mu_pg_copy_put(pg, &copy, rows->rows.data + from, end_of(rows, g - 1) - from, err);
        g++;
    }
    ended = mu_pg_copy_end(pg, &copy, st == MU_OK ? err : &last);
    return st == MU_OK ? ended : st;
}

static void tell_kept(const struct copied_rows *rows, copied_rows_kept_fn *kept, void *opaque)
{
    const char *key = rows->keys.data, *keys[KEYS_MAX];

    for (size_t g = 0; g < rows->group_count; g++) {
        for (int k = 0; k < rows->copied->keys; k++, key += strlen(key) + 1)
            keys[k] = key;
        if (!group_at(rows, g)->there)
            kept(opaque, keys);
    }
}

enum mu_status copied_rows_send(struct copied_rows *rows, struct mu_pg *pg, const char *known_at,
                                bool trusted, copied_rows_kept_fn *kept, void *opaque,
                                struct mu_error *err)
{
    enum mu_status st = check(rows, err);
    bool any = false;

    if (st == MU_OK)
        st = fill_known(rows, known_at, err);
    if (st == MU_OK && !trusted && inventory_statements[rows->table].sql[0])
        st = probe(rows, pg, known_at, err);
    for (size_t g = 0; !any && g < rows->group_count; g++)
        any = !group_at(rows, g)->there;
    if (st == MU_OK && any)
        st = copy(rows, pg, err);
    if (st == MU_OK && any && kept)
        tell_kept(rows, kept, opaque);
    return st;
}
