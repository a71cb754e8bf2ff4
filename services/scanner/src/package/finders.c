#include "package/finder.h"
#include "package/os/os_finders.h"
#include "package/unread_database.h"

const struct finder *const finders[] = {
        &finder_dpkg_status,
        &finder_dpkg_status_d,
        &finder_os_release,
        &finder_unread_database,
};

const size_t finder_count = sizeof(finders) / sizeof(finders[0]);
