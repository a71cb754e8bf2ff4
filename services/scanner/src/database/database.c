#include "database/database.h"

#include "database/format.h"
#include "version/version.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t database_max_bytes = UINT64_C(2) << 30;

struct database {
    void *mapping; /* NULL: the caller's memory */
    size_t len;
    const struct database_header *header;
    const struct database_row *rows;
    const struct database_event *events;
    const uint32_t *lists;
    const char *strings;
    char version[MU_DIGEST_TEXT_SIZE];
};

static const char *string_at(const struct database *database, uint32_t offset)
{
    return database->strings + offset;
}

/* ---- opening ---- */

static enum mu_status invalid(struct mu_error *err, const char *what)
{
    return mu_fail(err, MU_E_INVALID,
                   "vulnerability database: %s; build it again with 'muster-scanner db build'",
                   what);
}

static enum mu_status lay_out(struct database *database, const char *bytes, size_t len,
                              struct mu_error *err)
{
    const struct database_header *header = (const void *)bytes;
    uint64_t at = sizeof(*header), end;

    if (len < sizeof(*header) + DATABASE_CHECKSUM_BYTES ||
        memcmp(header->magic, DATABASE_MAGIC, sizeof(header->magic)) != 0)
        return invalid(err, "this is no database file");
    if (header->version != DATABASE_FORMAT_VERSION)
        return invalid(err, "the file has another format version");
    database->header = header;
    database->rows = (const void *)(bytes + at);
    at += (uint64_t)header->row_count * sizeof(struct database_row);
    end = at;
    database->events = end <= len ? (const void *)(bytes + at) : NULL;
    at += (uint64_t)header->event_count * sizeof(struct database_event);
    database->lists = at <= len ? (const void *)(bytes + at) : NULL;
    at += (uint64_t)header->list_count * sizeof(uint32_t);
    database->strings = at <= len ? bytes + at : NULL;
    at += header->string_bytes;
    if (at + DATABASE_CHECKSUM_BYTES != len || header->string_bytes == 0 || !database->strings ||
        database->strings[header->string_bytes - 1] != '\0')
        return invalid(err, "the file is torn");
    return MU_OK;
}

static enum mu_status check_sum(struct database *database, const char *bytes, size_t len,
                                struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    uint8_t found[MU_SHA256_BYTES];

    mu_sha256_update(hash, bytes, len - DATABASE_CHECKSUM_BYTES);
    mu_sha256_final(hash, found);
    if (memcmp(found, bytes + len - DATABASE_CHECKSUM_BYTES, sizeof(found)) != 0)
        return invalid(err, "the checksum is wrong");
    mu_sha256_text(bytes, len, database->version);
    return MU_OK;
}

static bool list_fits(struct database_list list, uint32_t total)
{
    return list.first <= total && list.count <= total - list.first;
}

static bool row_fits(const struct database *database, const struct database_row *row)
{
    const uint32_t strings[] = {row->ecosystem, row->package, row->id,     row->summary,
                                row->urgency,   row->cvss_v3, row->cvss_v2};
    const struct database_header *header = database->header;

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (strings[i] >= header->string_bytes)
            return false;
    return list_fits(row->related, header->list_count) &&
           list_fits(row->events, header->event_count) &&
           list_fits(row->versions, header->list_count);
}

/* After this every offset leads to a NUL-terminated string or into its section. */
static enum mu_status check_offsets(const struct database *database, struct mu_error *err)
{
    const struct database_header *header = database->header;

    for (uint32_t i = 0; i < header->row_count; i++)
        if (!row_fits(database, &database->rows[i]))
            return invalid(err, "a row leads out of the file");
    for (uint32_t i = 0; i < header->event_count; i++)
        if (database->events[i].version >= header->string_bytes)
            return invalid(err, "an event leads out of the file");
    for (uint32_t i = 0; i < header->list_count; i++)
        if (database->lists[i] >= header->string_bytes)
            return invalid(err, "a list leads out of the file");
    return MU_OK;
}

enum mu_status database_open_memory(const void *bytes, size_t len, struct database **ret_database,
                                    struct mu_error *err)
{
    struct database *database = mu_xcalloc(1, sizeof(*database));
    enum mu_status st = lay_out(database, bytes, len, err);

    database->len = len;
    if (st == MU_OK)
        st = check_sum(database, bytes, len, err);
    if (st == MU_OK)
        st = check_offsets(database, err);
    if (st != MU_OK) {
        free(database);
        return st;
    }
    *ret_database = database;
    return MU_OK;
}

enum mu_status database_open(const char *path, struct database **ret_database, struct mu_error *err)
{
    MU_AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *mapping;
    enum mu_status st;

    if (fd < 0 || fstat(fd, &status) != 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE,
                       "vulnerability database '%s': %s; 'muster-scanner db build' makes one", path,
                       strerror(errno));
    if (status.st_size <= 0 || (uint64_t)status.st_size > database_max_bytes) {
        (void)invalid(err, "the file's size is impossible");
        return mu_wrap(err, "'%s'", path);
    }
    mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED)
        return mu_fail(err, MU_E_UNAVAILABLE, "vulnerability database '%s': %s", path,
                       strerror(errno));
    st = database_open_memory(mapping, (size_t)status.st_size, ret_database, err);
    if (st != MU_OK) {
        (void)munmap(mapping, (size_t)status.st_size);
        return mu_wrap(err, "'%s'", path);
    }
    (*ret_database)->mapping = mapping;
    return MU_OK;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    if (database->mapping)
        (void)munmap(database->mapping, database->len);
    free(database);
}

void database_facts(const struct database *database, struct database_facts *ret_facts)
{
    *ret_facts =
            (struct database_facts){.version = database->version,
                                    .built_at_us = database->header->built_at_us,
                                    .newest_record_at_us = database->header->newest_record_at_us,
                                    .records = database->header->records,
                                    .rows = database->header->row_count,
                                    .withdrawn = database->header->withdrawn,
                                    .skipped = database->header->skipped,
                                    .size_bytes = database->len};
}

/* ---- lookup ---- */

static int compare_key(const struct database *database, const struct database_row *row,
                       const char *ecosystem, const char *package)
{
    int order = strcmp(string_at(database, row->ecosystem), ecosystem);

    return order ? order : strcmp(string_at(database, row->package), package);
}

/* First row not less than the key. */
static size_t lower_bound(const struct database *database, const char *ecosystem,
                          const char *package)
{
    size_t low = 0, high = database->header->row_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_key(database, &database->rows[middle], ecosystem, package) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct database_row *database_find(const struct database *database, const char *ecosystem,
                                         const char *package, size_t *ret_count)
{
    size_t first = lower_bound(database, ecosystem, package), next = first;

    while (next < database->header->row_count &&
           compare_key(database, &database->rows[next], ecosystem, package) == 0)
        next++;
    *ret_count = next - first;
    return database->rows + first;
}

const struct database_row *database_row_at(const struct database_row *first, size_t index)
{
    return first + index;
}

bool database_has_ecosystem(const struct database *database, const char *ecosystem)
{
    size_t first = lower_bound(database, ecosystem, "");

    return first < database->header->row_count &&
           strcmp(string_at(database, database->rows[first].ecosystem), ecosystem) == 0;
}

const char *database_id(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->id);
}

const char *database_summary(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->summary);
}

const char *database_urgency(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->urgency);
}

const char *database_cvss_v3(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->cvss_v3);
}

const char *database_cvss_v2(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->cvss_v2);
}

size_t database_related_count(const struct database_row *row)
{
    return row->related.count;
}

const char *database_related(const struct database *database, const struct database_row *row,
                             size_t index)
{
    return string_at(database, database->lists[row->related.first + index]);
}

/* ---- evaluation ---- */

/* "introduced": "0" sorts before everything. */
static bool is_beginning(const struct database *database, const struct database_event *event)
{
    return event->kind == DATABASE_EVENT_INTRODUCED &&
           mu_text_equal(string_at(database, event->version), "0");
}

struct range {
    const struct database *database;
    const struct version_scheme *scheme; /* of the row's ecosystem */
    const struct database_event *events;
    size_t count;
};

static int compare_events(const struct range *range, const struct database_event *a,
                          const struct database_event *b)
{
    const struct database *database = range->database;

    if (is_beginning(database, a) != is_beginning(database, b))
        return is_beginning(database, a) ? -1 : 1;
    return range->scheme->compare(string_at(database, a->version), string_at(database, b->version));
}

/* "fixed": "0" is how the tracker says "never affected": it lies before every version too. */
static int compare_bound(const struct range *range, const char *version, const char *bound)
{
    return mu_text_equal(bound, "0") ? 1 : range->scheme->compare(version, bound);
}

/* Events of one range, in version order; the builder takes no longer ones. */
static size_t sort_range(const struct range *range, const struct database_event **sorted)
{
    const struct database_event *events = range->events;
    size_t count = range->count < DATABASE_MAX_EVENTS_PER_RANGE ? range->count
                                                                : DATABASE_MAX_EVENTS_PER_RANGE;

    for (size_t i = 0; i < count; i++) {
        size_t at = i;

        for (; at > 0 && compare_events(range, &events[i], sorted[at - 1]) < 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &events[i];
    }
    return count;
}

static bool range_affects(const struct range *range, const char *version, const char **ret_fixed)
{
    const struct database_event *sorted[DATABASE_MAX_EVENTS_PER_RANGE];
    size_t count = sort_range(range, sorted);
    bool affected = false;

    for (size_t i = 0; i < count; i++) {
        const char *bound = string_at(range->database, sorted[i]->version);

        if (sorted[i]->kind == DATABASE_EVENT_INTRODUCED) {
            if (compare_bound(range, version, bound) >= 0)
                affected = true;
        } else if (sorted[i]->kind == DATABASE_EVENT_FIXED) {
            if (compare_bound(range, version, bound) >= 0)
                affected = false;
            else if (affected && !*ret_fixed)
                *ret_fixed = bound;
        } else if (range->scheme->compare(version, bound) > 0) {
            affected = false;
        }
    }
    return affected;
}

bool database_affects(const struct database *database, const struct database_row *row,
                      const char *version, const char **ret_fixed)
{
    const struct database_event *events = database->events + row->events.first;
    struct range range = {.database = database,
                          .scheme = version_scheme_of(string_at(database, row->ecosystem))};
    size_t at = 0;

    *ret_fixed = NULL;
    while (range.scheme && at < row->events.count) {
        size_t first = at + (events[at].kind == DATABASE_EVENT_RANGE), next = first;
        const char *fixed = NULL;

        while (next < row->events.count && events[next].kind != DATABASE_EVENT_RANGE)
            next++;
        range.events = events + first;
        range.count = next - first;
        if (range_affects(&range, version, &fixed)) {
            *ret_fixed = fixed;
            return true;
        }
        at = next > at ? next : at + 1;
    }
    for (uint32_t i = 0; i < row->versions.count; i++)
        if (mu_text_equal(string_at(database, database->lists[row->versions.first + i]), version))
            return true;
    return false;
}
