#include "package/unread_database.h"

#include <string.h>

static const char *const databases[] = {
        "lib/apk/db/installed",          "usr/lib/apk/db/installed",
        "var/lib/rpm/rpmdb.sqlite",      "var/lib/rpm/Packages",
        "var/lib/rpm/Packages.db",       "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/lib/sysimage/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db",
        "usr/share/rpm/rpmdb.sqlite",    "var/lib/rpmmanifest/container-manifest-2",
        "var/lib/opkg/status",
};

static bool is_wanted(const struct finder_entry *entry)
{
    for (size_t i = 0; i < finder_count; i++) {
        if (finders[i]->wants && finders[i]->wants(entry))
            return true;
    }
    return false;
}

static enum mu_status unread_look(const struct finder_entry *entry, const struct finder_sink *sink,
                                  struct mu_error *err)
{
    if (entry->kind != FINDER_FILE)
        return MU_OK;
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
        if (strcmp(entry->path, databases[i]) == 0)
            return is_wanted(entry)
                           ? MU_OK
                           : sink->fact(sink->opaque, UNREAD_DATABASE_FACT, entry->path, err);
    }
    return MU_OK;
}

const struct finder finder_unread_database = {
        .name = "unread-database", .version = 1, .look = unread_look};
