#include "bundle/folder.h"

#include "archive/archive.h"
#include "bundle/layout.h"

#include "base/file.h"
#include "base/scope.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removes the plain files of a folder; the number of entries that remain, 0 when there is no
 * folder. */
static size_t remove_files(const char *path)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    size_t left = 0;

    while (dir && (entry = readdir(dir)))
        if (!mu_text_equal(entry->d_name, ".") && !mu_text_equal(entry->d_name, "..") &&
            unlinkat(dirfd(dir), entry->d_name, 0) != 0)
            left++;
    if (dir)
        (void)closedir(dir);
    return left;
}

const char *const bundle_folders[] = {BUNDLE_RAW_SCANS, BUNDLE_REPORTS, "oscal", BUNDLE_SBOMS,
                                      NULL};

/* Where the archive is written: beside the building folder. */
static enum mu_status archive_path(const struct bundle_folder *folder,
                                   char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err)
{
    if (snprintf(ret_path, BUNDLE_PATH_SIZE, "%s.archive", folder->building) >= BUNDLE_PATH_SIZE)
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", folder->building);
    return MU_OK;
}

/* Removes what a run makes and no more: files, the folders of a bundle, the unfinished archive. */
static size_t clear_building(const struct bundle_folder *folder)
{
    char path[BUNDLE_PATH_SIZE];
    struct mu_error err;

    if (archive_path(folder, path, &err) == MU_OK)
        (void)unlink(path);
    for (size_t i = 0; bundle_folders[i]; i++) {
        if (bundle_folder_path(folder, bundle_folders[i], path, &err) == MU_OK) {
            (void)remove_files(path);
            (void)rmdir(path);
        }
    }
    return remove_files(folder->building);
}

/* Target without slashes at the end; the hidden name beside it. */
static enum mu_status name_folder(const char *target, struct bundle_folder *folder,
                                  struct mu_error *err)
{
    size_t len = strlen(target);
    const char *base;

    while (len > 1 && target[len - 1] == '/')
        len--;
    if (snprintf(folder->target, sizeof(folder->target), "%.*s", (int)len, target) >=
        (int)sizeof(folder->target))
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", target);
    base = strrchr(folder->target, '/');
    base = base ? base + 1 : folder->target;
    if (snprintf(folder->building, sizeof(folder->building), "%.*s.%s.muster-partial",
                 (int)(base - folder->target), folder->target,
                 base) >= (int)sizeof(folder->building))
        return mu_fail(err, MU_E_LIMIT, "path '%.100s...' is too long", target);
    return MU_OK;
}

/* The lock is on the folder itself: it must still be the one of that name. */
static bool lock_building(struct bundle_folder *folder)
{
    struct stat locked, named;

    folder->lock_fd = open(folder->building, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder->lock_fd < 0 || flock(folder->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return false;
    return fstat(folder->lock_fd, &locked) == 0 && lstat(folder->building, &named) == 0 &&
           locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

enum mu_status bundle_folder_open(const char *target, struct bundle_folder *ret_folder,
                                  struct mu_error *err)
{
    struct bundle_folder folder = {.lock_fd = -1};
    struct stat status;
    enum mu_status st = name_folder(target, &folder, err);

    if (st != MU_OK)
        return st;
    if (lstat(folder.target, &status) == 0)
        return mu_fail(err, MU_E_CONFLICT,
                       "'%s' exists already: remove it or choose another folder", target);
    st = mu_dir_make(folder.building, err);
    if (st != MU_OK)
        return st;
    if (!lock_building(&folder))
        st = mu_fail(err, MU_E_CONFLICT, "another run writes '%s'", folder.target);
    else if (clear_building(&folder) > 0)
        st = mu_fail(err, MU_E_CONFLICT, "'%s' holds what no run made", folder.building);
    if (st == MU_OK)
        *ret_folder = folder;
    else if (folder.lock_fd >= 0)
        (void)close(folder.lock_fd);
    return st;
}

enum mu_status bundle_folder_path(const struct bundle_folder *folder, const char *name,
                                  char ret_path[BUNDLE_PATH_SIZE], struct mu_error *err)
{
    if (snprintf(ret_path, BUNDLE_PATH_SIZE, "%s/%s", folder->building, name) >= BUNDLE_PATH_SIZE)
        return mu_fail(err, MU_E_LIMIT, "path of '%.100s' in '%.100s...' is too long", name,
                       folder->building);
    return MU_OK;
}

/* One sync for all files: a fleet has a hundred thousand raw scans, and each fsync waits for the
 * disk. */
static enum mu_status sync_all(const struct bundle_folder *folder, struct mu_error *err)
{
    if (syncfs(folder->lock_fd) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "sync '%s': %s", folder->building, strerror(errno));
    return MU_OK;
}

/* Never over a folder that appeared meanwhile, not even an empty one. */
static int rename_new(const char *from, const char *to)
{
    struct stat status;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (lstat(to, &status) == 0) { /* a file system without that flag */
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static enum mu_status sync_parent(struct bundle_folder *folder, struct mu_error *err)
{
    char parent[BUNDLE_PATH_SIZE];
    MU_AUTO_FD int fd = -1;
    const char *slash = strrchr(folder->target, '/');

    (void)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - folder->target) + 1 : 1,
                   slash ? folder->target : ".");
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "fsync '%s': %s", parent, strerror(errno));
    return MU_OK;
}

static enum mu_status rename_to_target(struct bundle_folder *folder, const char *from,
                                       struct mu_error *err)
{
    if (rename_new(from, folder->target) != 0)
        return mu_fail(err, errno == EEXIST ? MU_E_CONFLICT : MU_E_UNAVAILABLE,
                       "rename to '%s': %s", folder->target, strerror(errno));
    return MU_OK;
}

/* The folder stays for bundle_folder_close to remove. */
static enum mu_status commit_archive(struct bundle_folder *folder, enum archive_format format,
                                     struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = archive_path(folder, path, err);

    if (st == MU_OK)
        st = archive_pack(folder->building, format, path, err);
    if (st == MU_OK)
        st = rename_to_target(folder, path, err);
    return st == MU_OK ? sync_parent(folder, err) : st;
}

enum mu_status bundle_folder_commit(struct bundle_folder *folder, struct mu_error *err)
{
    enum archive_format format = archive_format_of_name(folder->target);
    enum mu_status st = format == ARCHIVE_NONE ? sync_all(folder, err) : MU_OK;

    if (format != ARCHIVE_NONE)
        return commit_archive(folder, format, err);
    if (st == MU_OK)
        st = rename_to_target(folder, folder->building, err);
    if (st != MU_OK)
        return st;
    folder->building[0] = '\0';
    return sync_parent(folder, err);
}

void bundle_folder_close(struct bundle_folder *folder)
{
    if (folder->building[0]) {
        (void)clear_building(folder);
        (void)rmdir(folder->building);
        folder->building[0] = '\0';
    }
    if (folder->lock_fd >= 0)
        (void)close(folder->lock_fd);
    folder->lock_fd = -1;
}
