/*
 * month_files: what a closed month holds, written into its folder; close.json is the writer's
 * (store_writer.h).
 */
#ifndef REPORT_STORE_MONTH_FILES_H
#define REPORT_STORE_MONTH_FILES_H

#include "snapshot/snapshot.h"
#include "store/close_record.h"
#include "system/system_file.h"

#include "base/buf.h"

/* A file that the system file names. */
struct month_companion {
    enum system_companion key;
    const char *ending; /* of its name in the store: "xlsx" */
    const struct mu_buf *bytes;
};

struct month_contents {
    const struct snapshot *snapshot;
    const struct mu_buf *system, *numbers; /* system file; numbers.json */
    const struct month_companion *companions;
    size_t companion_count; /* in the order of their keys */
};

/*
 * Makes the folder and fills in the record's hashes, sizes and companions; its texts live in the
 * arena. Errors: MU_E_UNAVAILABLE, MU_E_CONFLICT (a file is there), MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status month_files_write(const char *folder, const struct month_contents *contents,
                                 struct mu_arena *arena, struct close_record *record,
                                 struct mu_error *err) MU_MUST_CHECK;

#endif
