#include "check/support_check.h"

#include "check/checks.h"
#include "package/os/end_of_life.h"

#include <stdio.h>

enum { TEXT_SIZE = 256 };

static void ended_text(const struct end_of_life *end, char ret_text[TEXT_SIZE])
{
    bool extended = end->extended_until != NULL;

    (void)snprintf(ret_text, TEXT_SIZE, "%s %s: %s until %s (%s)", end->distribution, end->release,
                   extended ? end->extended_name : "support",
                   extended ? end->extended_until : end->regular_until, end->source);
}

static void extended_text(const struct end_of_life *end, char ret_text[TEXT_SIZE])
{
    (void)snprintf(ret_text, TEXT_SIZE, "%s %s: support until %s, %s until %s (%s)",
                   end->distribution, end->release, end->regular_until, end->extended_name,
                   end->extended_until, end->source);
}

enum mu_status support_check(const char *id, const char *version_id, const char *codename,
                             int64_t at_us, const struct finder_sink *sink, struct mu_error *err)
{
    const struct end_of_life end = end_of_life_find(id, version_id, codename, at_us);
    char text[TEXT_SIZE];

    switch (end.support) {
    case SUPPORT_UNKNOWN:
    case SUPPORT_REGULAR:
        break;
    case SUPPORT_EXTENDED:
        extended_text(&end, text);
        return check_tell(CHECK_EXTENDED_SUPPORT, text, 0, sink, err);
    case SUPPORT_ENDED:
        ended_text(&end, text);
        return check_tell(CHECK_END_OF_LIFE, text, 0, sink, err);
    }
    return MU_OK;
}
