#include "gate/decision_log_internal.h"

#include "base/text.h"

#include <errno.h>
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
    enum mu_status st = decision_log_open_file(log, "lost", &log->lost_fd, err);
    char text[LOST_BYTES + 1] = "";
    ssize_t len;

    if (st != MU_OK)
        return st;
    len = pread(log->lost_fd, text, LOST_BYTES, 0);
    if (len < 0 || (len < LOST_BYTES && /* it is new, or a crash left it so */
                    !decision_log_lost_keep(log, 0)))
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s/lost': %s", log->config.folder, strerror(errno));
    if (len < LOST_BYTES)
        return MU_OK;
    text[LOST_DIGITS] = '\0';
    if (mu_text_to_u64(text, "lost", &log->lost, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "'%s/lost' holds no count of lost decisions: remove it",
                       log->config.folder);
    log->lost_kept = log->lost;
    return MU_OK;
}
