/* What the entry of a file says without its content. */
#include "check/check_finders.h"

#include "check/checks.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { SETUID_SETGID = 06000, STICKY = 01000, WRITABLE_BY_ALL = 0002 };

/* A path's end that only a package manager's leavings have. Of directories the second level is
 * asked for, since emptying a cache leaves the first. */
struct leftover {
    const char *ending;
    enum { CACHE_DIRECTORY, FILE_IN_CACHE, FILE_ANYWHERE } where;
    const char *what;
};

static const struct leftover leftovers[] = {
        {"/.cache/pip/http", CACHE_DIRECTORY, "pip's cache"},
        {"/.cache/pip/http-v2", CACHE_DIRECTORY, "pip's cache"},
        {"/.npm/_cacache", CACHE_DIRECTORY, "npm's cache"},
        {"/.cache/yarn", CACHE_DIRECTORY, "Yarn's cache"},
        {"/.cache/go-build", CACHE_DIRECTORY, "Go's build cache"},
        {"/pkg/mod/cache/download", CACHE_DIRECTORY, "Go's module cache"},
        {"/.cargo/registry/cache", CACHE_DIRECTORY, "Cargo's cache"},
        {"/.composer/cache/files", CACHE_DIRECTORY, "Composer's cache"},
        {"/.cache/composer/files", CACHE_DIRECTORY, "Composer's cache"},
        {"/.gem/specs", CACHE_DIRECTORY, "RubyGems' cache"},
        {".deb", FILE_ANYWHERE, "a package's archive"},
        {".rpm", FILE_ANYWHERE, "a package's archive"},
        {".apk", FILE_IN_CACHE, "a package's archive"},
        {"_InRelease", FILE_IN_CACHE, "apt's lists"},
        {"_Release", FILE_IN_CACHE, "apt's lists"},
        {"/apt/pkgcache.bin", FILE_IN_CACHE, "apt's cache"},
        {"/repomd.xml", FILE_IN_CACHE, "dnf's or zypper's metadata"},
        {".tar.gz", FILE_IN_CACHE, "apk's index"},
};

/* Where files count that may lie elsewhere with reason. */
static const char *const cache_folders[] = {
        "var/lib/apt/lists/", "var/cache/apt/",  "var/cache/apk/APKINDEX.", "var/cache/dnf/",
        "var/cache/yum/",     "var/cache/zypp/", "etc/apk/cache/"};

static bool in_cache(const char *path)
{
    for (size_t i = 0; i < sizeof(cache_folders) / sizeof(cache_folders[0]); i++) {
        if (mu_text_starts(path, cache_folders[i]))
            return true;
    }
    return false;
}

static bool ends_with(const struct finder_entry *entry, const char *ending)
{
    size_t len = strlen(ending);

    return entry->path_len > len && memcmp(entry->path + entry->path_len - len, ending, len) == 0;
}

static bool is_leftover(const struct finder_entry *entry, const struct leftover *row)
{
    if ((entry->kind == FINDER_DIRECTORY) != (row->where == CACHE_DIRECTORY))
        return false;
    return ends_with(entry, row->ending) && (row->where != FILE_IN_CACHE || in_cache(entry->path));
}

static const char *leftover_of(const struct finder_entry *entry)
{
    for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++) {
        if (is_leftover(entry, &leftovers[i]))
            return leftovers[i].what;
    }
    return NULL;
}

static char last_byte(const struct finder_entry *entry)
{
    return entry->path_len > 0 ? entry->path[entry->path_len - 1] : '\0';
}

/* Only a last letter that a row has is worth the table: this is asked for every entry. */
static bool may_be_leftover(const struct finder_entry *entry)
{
    const char *last_letters = entry->kind == FINDER_DIRECTORY ? "p2ends" : "bmkenlz";

    return entry->path_len > 0 && strchr(last_letters, last_byte(entry)) != NULL;
}

static const char *const remote_shells[] = {
        "usr/sbin/sshd",       "sbin/sshd",        "usr/local/sbin/sshd", "usr/sbin/dropbear",
        "usr/bin/dropbear",    "usr/sbin/telnetd", "usr/sbin/in.telnetd", "usr/sbin/utelnetd",
        "usr/libexec/telnetd", "usr/sbin/in.rshd", "usr/sbin/in.rlogind",
};

static bool is_remote_shell(const struct finder_entry *entry)
{
    if (last_byte(entry) != 'd' && last_byte(entry) != 'r')
        return false;
    for (size_t i = 0; i < sizeof(remote_shells) / sizeof(remote_shells[0]); i++) {
        if (strcmp(entry->path, remote_shells[i]) == 0)
            return true;
    }
    return false;
}

static enum mu_status tell_mode(enum check_kind kind, const struct finder_entry *entry,
                                const struct finder_sink *sink, struct mu_error *err)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "mode %04o, owner %u:%u", entry->mode & 07777U, entry->uid,
                   entry->gid);
    return check_tell(kind, text, 0, sink, err);
}

static enum mu_status look_at_mode(const struct finder_entry *entry, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    enum mu_status st = MU_OK;

    if (entry->kind == FINDER_DIRECTORY) {
        if ((entry->mode & WRITABLE_BY_ALL) && !(entry->mode & STICKY))
            st = tell_mode(CHECK_WRITABLE_DIRECTORY, entry, sink, err);
        return st;
    }
    if (entry->mode & SETUID_SETGID)
        st = tell_mode(CHECK_SETUID_FILE, entry, sink, err);
    if (st == MU_OK && (entry->mode & WRITABLE_BY_ALL))
        st = tell_mode(CHECK_WRITABLE_FILE, entry, sink, err);
    return st;
}

static enum mu_status entries_look(const struct finder_entry *entry, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    const char *leftover;
    enum mu_status st = MU_OK;

    if (entry->kind != FINDER_FILE && entry->kind != FINDER_DIRECTORY)
        return MU_OK;
    if (entry->mode & (SETUID_SETGID | WRITABLE_BY_ALL))
        st = look_at_mode(entry, sink, err);
    if (st == MU_OK && may_be_leftover(entry) && (leftover = leftover_of(entry)))
        st = check_tell(CHECK_PACKAGE_LEFTOVERS, leftover, 0, sink, err);
    if (st == MU_OK && entry->kind == FINDER_FILE && is_remote_shell(entry))
        st = check_tell(CHECK_REMOTE_SHELL, NULL, 0, sink, err);
    return st;
}

const struct finder check_entries_finder = {
        .name = "check-entries",
        .version = 1,
        .look = entries_look,
};
