#include "base/scope.h"
#include "package/os/os_finders.h"

#include "package/os/os_path.h"
#include "package/os/rpm_database.h"
#include "package/os/rpm_header.h"

#define RPM_WAL_ENDING "-wal"

enum { DATABASE_MAX_BYTES = 512 << 20, WAL_MAX_BYTES = 256 << 20, FILES_MAX = 8 << 20 };

/* One database on its way into a sink. */
struct reading {
    const struct finder_sink *sink;
    struct finder_sink counting; /* what headers are told to */
    size_t files_left;
    size_t unreadable;
    struct mu_error first; /* of the unreadable ones */
};

static enum mu_status package_pass(void *opaque, const struct found_package *package,
                                   struct mu_error *err)
{
    const struct reading *reading = opaque;

    return reading->sink->package(reading->sink->opaque, package, err);
}

static enum mu_status owns_pass(void *opaque, const char *type, const char *name, const char *path,
                                struct mu_error *err)
{
    struct reading *reading = opaque;

    if (reading->files_left == 0)
        return mu_fail(err, MU_E_LIMIT, "more than %d files in packages", FILES_MAX);
    reading->files_left--;
    return reading->sink->owns(reading->sink->opaque, type, name, path, err);
}

/* One unreadable header does not hide the others. */
static enum mu_status blob_tell(void *opaque, const uint8_t *bytes, size_t len,
                                struct mu_error *err)
{
    struct reading *reading = opaque;
    struct rpm_header header;

    if (rpm_header_parse(bytes, len, &header, err) != MU_OK) {
        if (reading->unreadable++ == 0)
            reading->first = *err;
        return MU_OK;
    }
    return rpm_header_tell(&header, &reading->counting, err);
}

static void reading_begin(struct reading *reading, const struct finder_sink *sink)
{
    *reading = (struct reading){.sink = sink, .files_left = FILES_MAX};
    reading->counting =
            (struct finder_sink){.opaque = reading, .package = package_pass, .owns = owns_pass};
}

static enum mu_status reading_end(const struct reading *reading, struct mu_error *err)
{
    if (reading->unreadable > 0)
        return mu_fail(err, reading->first.status, "%zu packages are unreadable, the first: %s",
                       reading->unreadable, reading->first.message);
    return MU_OK;
}

static enum mu_status database_read(rpm_database_fn *walk, const struct finder_input *input,
                                    const struct finder_sink *sink, struct mu_error *err)
{
    struct reading reading;

    reading_begin(&reading, sink);
    if (walk(input->bytes, input->len, blob_tell, &reading, err) != MU_OK)
        return err->status;
    return reading_end(&reading, err);
}

static bool sqlite_wants(const struct finder_entry *entry)
{
    return os_path_is_in_rpm(entry->path, "rpmdb.sqlite");
}

static enum mu_status sqlite_read(const struct finder_input *input, const struct finder_sink *sink,
                                  struct mu_error *err)
{
    return database_read(rpm_sqlite_walk, input, sink, err);
}

/*
 * SQLite keeps what was written last in a log beside the database until it is carried over; images
 * normally have none, or an empty one. With the database of the same layer what both hold together
 * is told, in place of what the database alone tells.
 */
static bool wal_wants(const struct finder_entry *entry)
{
    return os_path_is_in_rpm(entry->path, "rpmdb.sqlite" RPM_WAL_ENDING);
}

static void wal_close(struct sqlite_wal *wal)
{
    sqlite_wal_done(wal);
}

static enum mu_status wal_read(const struct finder_input *input, const struct finder_sink *sink,
                               struct mu_error *err)
{
    MU_AUTO_DONE(wal_close) struct sqlite_wal wal = {.bytes = NULL};
    struct reading reading;

    if (sqlite_wal_open(input->bytes, input->len, &wal, err) != MU_OK)
        return err->status;
    if (wal.pages == 0)
        return MU_OK;
    if (!input->beside)
        return mu_fail(err, MU_E_INVALID,
                       "what was written last to the rpm database is only in its write-ahead log, "
                       "and the database is not in the same layer before it: packages may be "
                       "missing or out of date");
    reading_begin(&reading, sink);
    if (sink->fact(sink->opaque, FINDER_IN_PLACE_FACT, RPM_WAL_ENDING, err) != MU_OK ||
        rpm_sqlite_walk_wal(input->beside, input->beside_len, &wal, blob_tell, &reading, err) !=
                MU_OK)
        return err->status;
    return reading_end(&reading, err);
}

static bool ndb_wants(const struct finder_entry *entry)
{
    return os_path_is_in_rpm(entry->path, "Packages.db");
}

static enum mu_status ndb_read(const struct finder_input *input, const struct finder_sink *sink,
                               struct mu_error *err)
{
    return database_read(rpm_ndb_walk, input, sink, err);
}

static bool bdb_wants(const struct finder_entry *entry)
{
    return os_path_is_in_rpm(entry->path, "Packages");
}

static enum mu_status bdb_read(const struct finder_input *input, const struct finder_sink *sink,
                               struct mu_error *err)
{
    return database_read(rpm_bdb_walk, input, sink, err);
}

const struct finder finder_rpm_sqlite = {.name = "rpm-sqlite",
                                         .version = 1,
                                         .max_bytes = DATABASE_MAX_BYTES,
                                         .required = true,
                                         .wants = sqlite_wants,
                                         .read = sqlite_read};

const struct finder finder_rpm_wal = {.name = "rpm-wal",
                                      .version = 2,
                                      .max_bytes = WAL_MAX_BYTES,
                                      .beside = RPM_WAL_ENDING,
                                      .required = true,
                                      .wants = wal_wants,
                                      .read = wal_read};

const struct finder finder_rpm_ndb = {.name = "rpm-ndb",
                                      .version = 1,
                                      .max_bytes = DATABASE_MAX_BYTES,
                                      .required = true,
                                      .wants = ndb_wants,
                                      .read = ndb_read};

const struct finder finder_rpm_bdb = {.name = "rpm-bdb",
                                      .version = 1,
                                      .max_bytes = DATABASE_MAX_BYTES,
                                      .required = true,
                                      .wants = bdb_wants,
                                      .read = bdb_read};
