#include "package/os/sqlite_bytes.h"

#include <stdio.h>
#include <string.h>

enum {
    WRITE_FORM_AT = 18, /* 2: write-ahead log; 1: rollback journal */
    READ_FORM_AT = 19,
    FORM_JOURNAL = 1,
    PATH_MAX_BYTES = 64
};

/* What SQLite keeps of an open file. */
struct open_file {
    sqlite3_file base;
    const struct sqlite_bytes *file;
};

/* ---- the file ---- */

static void form_mend(uint8_t *to, size_t len, size_t from, size_t at)
{
    if (at >= from && at - from < len)
        to[at - from] = FORM_JOURNAL;
}

static size_t whole_len(const struct sqlite_bytes *file)
{
    return file->wal ? (size_t)file->wal->pages * file->wal->page_bytes : file->len;
}

/* From the database itself; what is behind its end is zeros. */
static void base_copy(const struct sqlite_bytes *file, uint8_t *to, size_t len, size_t at)
{
    size_t there = at < file->len ? file->len - at : 0;

    if (there > len)
        there = len;
    if (there > 0)
        memcpy(to, file->bytes + at, there);
    memset(to + there, 0, len - there);
}

/* Page by page: each is in the log, or as the database has it. */
static void pages_copy(const struct sqlite_bytes *file, uint8_t *to, size_t len, size_t at)
{
    const size_t page_bytes = file->wal->page_bytes;

    while (len > 0) {
        size_t within = at % page_bytes, take = page_bytes - within;
        const uint8_t *page = sqlite_wal_page(file->wal, (uint32_t)(at / page_bytes) + 1);

        if (take > len)
            take = len;
        if (page)
            memcpy(to, page + within, take);
        else
            base_copy(file, to, take, at);
        to += take;
        at += take;
        len -= take;
    }
}

static int file_read(sqlite3_file *opened, void *to, int amount, sqlite3_int64 from)
{
    const struct sqlite_bytes *file = ((struct open_file *)opened)->file;
    size_t wanted = (size_t)amount, at = (size_t)from, whole = whole_len(file);
    size_t there = at < whole ? whole - at : 0;

    if (amount < 0 || from < 0)
        return SQLITE_IOERR_READ;
    if (there > wanted)
        there = wanted;
    memset(to, 0, wanted);
    if (file->wal)
        pages_copy(file, to, there, at);
    else
        base_copy(file, to, there, at);
    form_mend(to, there, at, WRITE_FORM_AT);
    form_mend(to, there, at, READ_FORM_AT);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_size(sqlite3_file *opened, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)whole_len(((struct open_file *)opened)->file);
    return SQLITE_OK;
}

static int file_close(sqlite3_file *opened)
{
    (void)opened;
    return SQLITE_OK;
}

static int file_write(sqlite3_file *opened, const void *bytes, int amount, sqlite3_int64 at)
{
    (void)opened;
    (void)bytes;
    (void)amount;
    (void)at;
    return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *opened, sqlite3_int64 size)
{
    (void)opened;
    (void)size;
    return SQLITE_READONLY;
}

/* xSync, xLock, xUnlock: nobody else has the file. */
static int file_agree(sqlite3_file *opened, int what)
{
    (void)opened;
    (void)what;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *opened, int *reserved)
{
    (void)opened;
    *reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *opened, int what, void *argument)
{
    (void)opened;
    (void)what;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *opened)
{
    (void)opened;
    return 0; /* SQLite's own choice */
}

static int file_traits(sqlite3_file *opened)
{
    (void)opened;
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {.iVersion = 1,
                                                .xClose = file_close,
                                                .xRead = file_read,
                                                .xWrite = file_write,
                                                .xTruncate = file_truncate,
                                                .xSync = file_agree,
                                                .xFileSize = file_size,
                                                .xLock = file_agree,
                                                .xUnlock = file_agree,
                                                .xCheckReservedLock = file_reserved,
                                                .xFileControl = file_control,
                                                .xSectorSize = file_sector,
                                                .xDeviceCharacteristics = file_traits};

/* ---- the file system ---- */

static int system_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *opened, int flags,
                       int *ret_flags)
{
    struct open_file *file = (struct open_file *)opened;

    (void)name;
    file->base.pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN; /* no journal, no temporary file */
    file->file = vfs->pAppData;
    file->base.pMethods = &file_methods;
    if (ret_flags)
        *ret_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int system_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_READONLY;
}

static int system_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_there)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *ret_there = 0;
    return SQLITE_OK;
}

static int system_path(sqlite3_vfs *vfs, const char *name, int room, char *ret_path)
{
    (void)vfs;
    (void)snprintf(ret_path, (size_t)room, "%s", name);
    return SQLITE_OK;
}

enum mu_status sqlite_bytes_init(struct sqlite_bytes *file, const uint8_t *bytes, size_t len,
                                 const struct sqlite_wal *wal, struct mu_error *err)
{
    *file = (struct sqlite_bytes){.bytes = bytes, .len = len, .wal = wal};
    (void)snprintf(file->name, sizeof(file->name), "bytes-%p", (void *)file);
    file->vfs = (sqlite3_vfs){.iVersion = 1,
                              .szOsFile = sizeof(struct open_file),
                              .mxPathname = PATH_MAX_BYTES,
                              .zName = file->name,
                              .pAppData = file,
                              .xOpen = system_open,
                              .xDelete = system_delete,
                              .xAccess = system_access,
                              .xFullPathname = system_path};
    if (sqlite3_vfs_register(&file->vfs, 0) != SQLITE_OK)
        return mu_fail(err, MU_E_NOMEM, "no memory for SQLite");
    return MU_OK;
}

void sqlite_bytes_done(struct sqlite_bytes *file)
{
    (void)sqlite3_vfs_unregister(&file->vfs);
}

int sqlite_bytes_open(struct sqlite_bytes *file, sqlite3 **ret_database)
{
    return sqlite3_open_v2("database", ret_database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                           file->name);
}
