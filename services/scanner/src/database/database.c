#include "database/database.h"

#include "database/format.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t database_max_bytes = UINT64_C(8) << 30;

struct database {
    void *mapping; /* NULL: the caller's memory */
    size_t len;
    const struct database_header *header;
    const struct database_source_row *sources;
    const struct database_package *packages;
    const struct database_row *rows;
    const struct database_event *events;
    const struct database_fact *facts;
    const struct database_unknown *unknown;
    const uint32_t *lists;
    const char *strings;
    char version[MU_DIGEST_TEXT_SIZE];
};

static const char *string_at(const struct database *database, uint32_t offset)
{
    return database->strings + offset;
}

static uint32_t count_of(const struct database *database, enum database_section section)
{
    return database->header->counts[section];
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
    static const size_t sizes[SECTION_COUNT] = {sizeof(struct database_source_row),
                                                sizeof(struct database_package),
                                                sizeof(struct database_row),
                                                sizeof(struct database_event),
                                                sizeof(struct database_fact),
                                                sizeof(struct database_unknown),
                                                sizeof(uint32_t),
                                                1};
    const struct database_header *header = (const void *)bytes;
    const void *starts[SECTION_COUNT];
    uint64_t at = sizeof(*header);

    if (len < sizeof(*header) + DATABASE_CHECKSUM_BYTES ||
        memcmp(header->magic, DATABASE_MAGIC, sizeof(header->magic)) != 0)
        return invalid(err, "this is no database file");
    if (header->version != DATABASE_FORMAT_VERSION)
        return invalid(err, "the file has another format version");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        starts[i] = bytes + (at <= len ? at : 0);
        at += (uint64_t)header->counts[i] * sizes[i];
    }
    database->header = header;
    database->sources = starts[SECTION_SOURCES];
    database->packages = starts[SECTION_PACKAGES];
    database->rows = starts[SECTION_ROWS];
    database->events = starts[SECTION_EVENTS];
    database->facts = starts[SECTION_FACTS];
    database->unknown = starts[SECTION_UNKNOWN];
    database->lists = starts[SECTION_LISTS];
    database->strings = starts[SECTION_STRINGS];
    if (at + DATABASE_CHECKSUM_BYTES != len || header->counts[SECTION_STRINGS] == 0 ||
        database->strings[header->counts[SECTION_STRINGS] - 1] != '\0')
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

static bool strings_fit(const struct database *database, const uint32_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (offsets[i] >= count_of(database, SECTION_STRINGS))
            return false;
    return true;
}

static bool row_fits(const struct database *database, const struct database_row *row)
{
    const uint32_t strings[] = {row->id,    row->summary, row->rating,  row->module,
                                row->state, row->cvss_v4, row->cvss_v3, row->cvss_v2};
    const struct database_list lists[] = {row->vulnerabilities, row->related, row->versions,
                                          row->architectures};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (!list_fits(lists[i], count_of(database, SECTION_LISTS)))
            return false;
    return strings_fit(database, strings, sizeof(strings) / sizeof(strings[0])) &&
           row->feed < FEED_COUNT && list_fits(row->events, count_of(database, SECTION_EVENTS));
}

static bool fact_fits(const struct database *database, const struct database_fact *fact)
{
    const uint32_t strings[] = {fact->cve,          fact->kev_added,   fact->kev_due,
                                fact->exploitation, fact->automatable, fact->technical_impact,
                                fact->nvd_v3,       fact->cna_v3,      fact->adp_v3,
                                fact->nvd_v2,       fact->any_v4};

    return strings_fit(database, strings, sizeof(strings) / sizeof(strings[0]));
}

static bool package_fits(const struct database *database, const struct database_package *package)
{
    const uint32_t strings[] = {package->ecosystem, package->name};
    const struct database_list rows = {package->first_row, package->row_count};

    return strings_fit(database, strings, 2) && list_fits(rows, count_of(database, SECTION_ROWS));
}

static bool source_fits(const struct database *database, const struct database_source_row *source)
{
    const uint32_t strings[] = {source->name, source->kind};

    return strings_fit(database, strings, 2);
}

/* After this every offset leads to a NUL-terminated string or into its section. */
static enum mu_status check_offsets(const struct database *database, struct mu_error *err)
{
    for (uint32_t i = 0; i < count_of(database, SECTION_SOURCES); i++)
        if (!source_fits(database, &database->sources[i]))
            return invalid(err, "a source leads out of the file");
    for (uint32_t i = 0; i < count_of(database, SECTION_PACKAGES); i++)
        if (!package_fits(database, &database->packages[i]))
            return invalid(err, "a package leads out of the file");
    for (uint32_t i = 0; i < count_of(database, SECTION_ROWS); i++)
        if (!row_fits(database, &database->rows[i]))
            return invalid(err, "a row leads out of the file");
    for (uint32_t i = 0; i < count_of(database, SECTION_EVENTS); i++)
        if (!strings_fit(database, &database->events[i].version, 1))
            return invalid(err, "an event leads out of the file");
    for (uint32_t i = 0; i < count_of(database, SECTION_FACTS); i++)
        if (!fact_fits(database, &database->facts[i]))
            return invalid(err, "a fact leads out of the file");
    for (uint32_t i = 0; i < count_of(database, SECTION_UNKNOWN); i++)
        if (!strings_fit(database, &database->unknown[i].ecosystem, 1))
            return invalid(err, "an ecosystem leads out of the file");
    if (!strings_fit(database, database->lists, count_of(database, SECTION_LISTS)))
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

    if (fd < 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE,
                       "vulnerability database '%s': %s", path, strerror(errno));
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        (uint64_t)status.st_size > database_max_bytes)
        return mu_fail(err, MU_E_INVALID, "vulnerability database '%s': no database file", path);
    mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
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
                                    .rows = count_of(database, SECTION_ROWS),
                                    .packages = count_of(database, SECTION_PACKAGES),
                                    .cves = count_of(database, SECTION_FACTS),
                                    .withdrawn = database->header->withdrawn,
                                    .skipped = database->header->skipped,
                                    .size_bytes = database->len};
}

size_t database_source_count(const struct database *database)
{
    return count_of(database, SECTION_SOURCES);
}

void database_source_at(const struct database *database, size_t index,
                        struct database_source *ret_source)
{
    const struct database_source_row *row = &database->sources[index];

    *ret_source = (struct database_source){.name = string_at(database, row->name),
                                           .kind = string_at(database, row->kind),
                                           .records = row->records,
                                           .rejected = row->rejected,
                                           .newest_at_us = row->newest_at_us};
    memcpy(ret_source->digest, "sha256:", 7);
    mu_hex_encode(row->sha256, sizeof(row->sha256), ret_source->digest + 7);
}

size_t database_unknown_count(const struct database *database)
{
    return count_of(database, SECTION_UNKNOWN);
}

const char *database_unknown_at(const struct database *database, size_t index, uint32_t *ret_count)
{
    *ret_count = database->unknown[index].count;
    return string_at(database, database->unknown[index].ecosystem);
}

/* ---- packages ---- */

size_t database_package_count(const struct database *database)
{
    return count_of(database, SECTION_PACKAGES);
}

void database_package_at(const struct database *database, size_t index,
                         struct database_package_key *ret_key)
{
    const struct database_package *package = &database->packages[index];

    *ret_key = (struct database_package_key){.ecosystem = string_at(database, package->ecosystem),
                                             .name = string_at(database, package->name),
                                             .content = package->content};
}

/* First package not less than the key. */
static size_t lower_bound(const struct database *database, const char *ecosystem, const char *name)
{
    size_t low = 0, high = count_of(database, SECTION_PACKAGES);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct database_package *package = &database->packages[middle];
        int order = strcmp(string_at(database, package->ecosystem), ecosystem);

        if (order == 0)
            order = strcmp(string_at(database, package->name), name);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct database_row *database_find(const struct database *database, const char *ecosystem,
                                         const char *package, size_t *ret_count)
{
    size_t at = lower_bound(database, ecosystem, package);
    const struct database_package *found = &database->packages[at];

    *ret_count = 0;
    if (at == count_of(database, SECTION_PACKAGES) ||
        strcmp(string_at(database, found->ecosystem), ecosystem) != 0 ||
        strcmp(string_at(database, found->name), package) != 0)
        return database->rows;
    *ret_count = found->row_count;
    return database->rows + found->first_row;
}

const struct database_row *database_row_at(const struct database_row *first, size_t index)
{
    return first + index;
}

bool database_has_ecosystem(const struct database *database, const char *ecosystem)
{
    size_t first = lower_bound(database, ecosystem, "");

    return first < count_of(database, SECTION_PACKAGES) &&
           strcmp(string_at(database, database->packages[first].ecosystem), ecosystem) == 0;
}

/* ---- a row ---- */

const char *database_id(const struct database *database, const struct database_row *row)
{
    return string_at(database, row->id);
}

void database_read(const struct database *database, const struct database_row *row,
                   struct advisory *ret_advisory)
{
    *ret_advisory = (struct advisory){.id = string_at(database, row->id),
                                      .summary = string_at(database, row->summary),
                                      .rating = string_at(database, row->rating),
                                      .module = string_at(database, row->module),
                                      .state = string_at(database, row->state),
                                      .cvss_v4 = string_at(database, row->cvss_v4),
                                      .cvss_v3 = string_at(database, row->cvss_v3),
                                      .cvss_v2 = string_at(database, row->cvss_v2),
                                      .feed = (int)row->feed,
                                      .withdrawn = (row->flags & ROW_WITHDRAWN) != 0,
                                      .disputed = (row->flags & ROW_DISPUTED) != 0,
                                      .modular = (row->flags & ROW_MODULAR) != 0};
}

static const char *list_at(const struct database *database, struct database_list list, size_t index)
{
    return string_at(database, database->lists[list.first + index]);
}

size_t database_vulnerability_count(const struct database_row *row)
{
    return row->vulnerabilities.count;
}

const char *database_vulnerability(const struct database *database, const struct database_row *row,
                                   size_t index)
{
    return list_at(database, row->vulnerabilities, index);
}

size_t database_related_count(const struct database_row *row)
{
    return row->related.count;
}

const char *database_related(const struct database *database, const struct database_row *row,
                             size_t index)
{
    return list_at(database, row->related, index);
}

bool database_fits_architecture(const struct database *database, const struct database_row *row,
                                const char *architecture)
{
    if (!architecture || row->architectures.count == 0 || mu_text_equal(architecture, "noarch") ||
        mu_text_equal(architecture, "all"))
        return true;
    for (uint32_t i = 0; i < row->architectures.count; i++) {
        const char *fits = list_at(database, row->architectures, i);

        if (mu_text_equal(fits, architecture) || mu_text_equal(fits, "noarch"))
            return true;
    }
    return false;
}

bool database_has_fix(const struct database *database, const struct database_row *row)
{
    const struct database_event *events = database->events + row->events.first;

    for (uint32_t i = 0; i < row->events.count; i++)
        if (events[i].kind == DATABASE_EVENT_FIXED &&
            !mu_text_equal(string_at(database, events[i].version), "0"))
            return true;
    return false;
}

bool database_affects(const struct database *database, const struct database_row *row,
                      version_compare_fn *compare, const char *version,
                      struct range_place *ret_place)
{
    *ret_place = (struct range_place){0};
    if (range_holds(compare, database->strings, database->events + row->events.first,
                    row->events.count, version, ret_place))
        return true;
    for (uint32_t i = 0; i < row->versions.count; i++)
        if (mu_text_equal(list_at(database, row->versions, i), version))
            return true;
    return false;
}

/* ---- a CVE ---- */

static const struct database_fact *find_fact(const struct database *database, const char *cve)
{
    size_t low = 0, high = count_of(database, SECTION_FACTS);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(string_at(database, database->facts[middle].cve), cve);

        if (order == 0)
            return &database->facts[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool database_cve(const struct database *database, const char *cve, struct cve_facts *ret_facts)
{
    static const struct database_fact nothing;
    const struct database_fact *found = find_fact(database, cve);
    const struct database_fact *fact = found ? found : &nothing;

    *ret_facts = (struct cve_facts){.kev_added = string_at(database, fact->kev_added),
                                    .kev_due = string_at(database, fact->kev_due),
                                    .exploitation = string_at(database, fact->exploitation),
                                    .automatable = string_at(database, fact->automatable),
                                    .technical_impact = string_at(database, fact->technical_impact),
                                    .nvd_v3 = string_at(database, fact->nvd_v3),
                                    .cna_v3 = string_at(database, fact->cna_v3),
                                    .adp_v3 = string_at(database, fact->adp_v3),
                                    .nvd_v2 = string_at(database, fact->nvd_v2),
                                    .any_v4 = string_at(database, fact->any_v4),
                                    .ransomware = (fact->flags & FACT_RANSOMWARE) != 0,
                                    .disputed = (fact->flags & FACT_DISPUTED) != 0,
                                    .has_epss = (fact->flags & FACT_HAS_EPSS) != 0,
                                    .epss_millionths = fact->epss_millionths,
                                    .percentile_millionths = fact->percentile_millionths,
                                    .nvd_v3_tenths = (int)(fact->nvd_v3_tenths & 0xff) - 1};
    return found != NULL;
}
