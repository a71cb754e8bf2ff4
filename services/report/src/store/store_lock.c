#include "store/store_lock.h"

#include "store/month_store.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { HOLDER_SIZE = 256, HOST_SIZE = 65 };

static enum mu_status held(int fd, const char *folder, struct mu_error *err)
{
    char holder[HOLDER_SIZE];
    ssize_t len = pread(fd, holder, sizeof(holder) - 1, 0);

    holder[len > 0 ? len : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return mu_fail(err, MU_E_CONFLICT, "store '%s' is locked by %s: wait for it to end", folder,
                   *holder ? holder : "another process");
}

/* For people only: the lock is what counts. */
static enum mu_status write_holder(int fd, const char *path, const char *doing,
                                   struct mu_error *err)
{
    char host[HOST_SIZE] = "", since[MU_TIME_TEXT_SIZE], holder[HOLDER_SIZE];
    int len;

    (void)gethostname(host, sizeof(host) - 1);
    mu_time_format(mu_now_us(), since);
    len = snprintf(holder, sizeof(holder), "process %ld on %s since %s (%.100s)\n", (long)getpid(),
                   host, since, doing);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)len, 0) != len)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    return MU_OK;
}

enum mu_status store_lock_take(const char *folder, const char *doing, int *ret_fd,
                               struct mu_error *err)
{
    char path[STORE_PATH_SIZE];
    MU_AUTO_FD int fd = -1;
    enum mu_status st = store_path(path, err, "%s/%s", folder, STORE_LOCK);

    if (st != MU_OK)
        return st;
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                       ? held(fd, folder, err)
                       : mu_fail(err, MU_E_UNAVAILABLE, "lock '%s': %s", path, strerror(errno));
    st = write_holder(fd, path, doing, err);
    if (st == MU_OK)
        *ret_fd = mu_take_fd(&fd);
    return st;
}
