#include "spool/spool_folder.h"

#include "base/file.h"
#include "base/scope.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A segment's name sorts by number. */
#define SEGMENT_FORMAT "%020llu.spool"
enum { NUMBER_LEN = 20, SEGMENT_NAME_LEN = 26 };

enum mu_status spool_disk_error(struct mu_error *err, const char *what, const char *path)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "spool: %s '%s': %s", what, path, strerror(errno));
}

/* Two processes in one folder would deliver and remove each other's segments. */
static enum mu_status take_lock(struct spool_folder *folder, struct mu_error *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/lock", folder->path);
    folder->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (folder->lock_fd < 0)
        return spool_disk_error(err, "create", path);
    if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return MU_OK;
    return errno == EWOULDBLOCK ? mu_fail(err, MU_E_CONFLICT,
                                          "spool: '%s' is in use by another process", folder->path)
                                : spool_disk_error(err, "lock", path);
}

enum mu_status spool_folder_open(const char *path, struct spool_folder *ret_folder,
                                 struct mu_error *err)
{
    struct spool_folder folder = {path, -1};
    enum mu_status st = mu_dir_make(path, err);

    if (st == MU_OK)
        st = take_lock(&folder, err);
    if (st == MU_OK)
        *ret_folder = folder;
    else
        spool_folder_close(&folder);
    return st;
}

void spool_folder_close(struct spool_folder *folder)
{
    if (folder->lock_fd >= 0)
        (void)close(folder->lock_fd);
    folder->lock_fd = -1;
}

/* Number of a segment or kept file; 0 for other names. */
static unsigned long long number_of(const char *name)
{
    if (strspn(name, "0123456789") != NUMBER_LEN || !mu_text_starts(name + NUMBER_LEN, ".spool"))
        return 0;
    return strtoull(name, NULL, 10);
}

static void count_entry(const char *name, int64_t size_bytes, struct spool_folder_content *content)
{
    unsigned long long number = number_of(name);

    if (number == 0)
        return;
    content->size_bytes += size_bytes;
    if (number > content->highest)
        content->highest = number;
    if (strlen(name) == SEGMENT_NAME_LEN && (content->oldest == 0 || number < content->oldest))
        content->oldest = number;
}

enum mu_status spool_folder_scan(const struct spool_folder *folder,
                                 struct spool_folder_content *ret_content, struct mu_error *err)
{
    struct spool_folder_content content = {0};
    DIR *dir = opendir(folder->path);
    struct dirent *entry;

    if (!dir)
        return spool_disk_error(err, "open", folder->path);
    while ((entry = readdir(dir))) {
        struct stat status;

        if (fstatat(dirfd(dir), entry->d_name, &status, 0) == 0)
            count_entry(entry->d_name, status.st_size, &content);
    }
    (void)closedir(dir);
    *ret_content = content;
    return MU_OK;
}

enum mu_status spool_folder_sync(const struct spool_folder *folder, struct mu_error *err)
{
    MU_AUTO_FD int fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0 ? MU_OK : spool_disk_error(err, "fsync", folder->path);
}

void spool_folder_segment(const struct spool_folder *folder, unsigned long long number,
                          char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/" SEGMENT_FORMAT, folder->path, number);
}
