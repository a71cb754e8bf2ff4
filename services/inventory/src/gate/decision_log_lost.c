#include "gate/decision_log_internal.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file never changes its length: a disk that is full takes it nevertheless. */
enum { LOST_DIGITS = 20, LOST_BYTES = LOST_DIGITS + 1 };

bool decision_log_lost_unkept(const struct decision_log *log)
{
    return log->lost + log->told != log->lost_kept;
}

bool decision_log_lost_keep(struct decision_log *log, uint64_t lost)
{
    char text[LOST_BYTES + 1];

    (void)snprintf(text, sizeof(text), "%0*" PRIu64 "\n", LOST_DIGITS, lost);
    return pwrite(log->lost_fd, text, LOST_BYTES, 0) == LOST_BYTES;
}

enum mu_status decision_log_lost_open(struct decision_log *log, struct mu_error *err)
{
    char path[PATH_MAX], text[LOST_BYTES + 1] = "";
    ssize_t len;

    if (snprintf(path, sizeof(path), "%s/lost", log->config.folder) >= (int)sizeof(path))
        return mu_fail(err, MU_E_INVALID, "log-dir '%.100s...' is too long", log->config.folder);
    log->lost_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    len = log->lost_fd < 0 ? -1 : pread(log->lost_fd, text, LOST_BYTES, 0);
    if (len < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "open '%s': %s", path, strerror(errno));
    if (len < LOST_BYTES) /* it is new, or a crash left it so */
        return decision_log_lost_keep(log, 0)
                       ? MU_OK
                       : mu_fail(err, MU_E_UNAVAILABLE, "write '%s': %s", path, strerror(errno));
    text[LOST_DIGITS] = '\0';
    if (mu_text_to_u64(text, "lost", &log->lost, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "'%s' holds no count of lost decisions: remove it", path);
    log->lost_kept = log->lost;
    return MU_OK;
}
