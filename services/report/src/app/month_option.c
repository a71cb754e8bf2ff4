#include "app/month_option.h"

#include "store/close_record.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* By UTC, as months are counted. */
static void last_month(char ret_month[MONTH_SIZE])
{
    char now[MU_TIME_TEXT_SIZE];

    mu_time_format(mu_now_us(), now);
    close_month_step(now, -1, ret_month);
}

enum mu_status month_option(const char *month, const char *known_at, char ret_month[MONTH_SIZE],
                            struct snapshot_question *ret_question, struct mu_error *err)
{
    struct snapshot_question question = {.known_at_us = MU_TIME_NONE};
    enum mu_status st;

    if (mu_text_equal(month, "last"))
        last_month(ret_month);
    else if (mu_month_parse(month, &question.month_begin_us, &question.month_end_us, err) != MU_OK)
        return mu_wrap(err, "--month");
    else
        (void)snprintf(ret_month, MONTH_SIZE, "%s", month);
    st = mu_month_parse(ret_month, &question.month_begin_us, &question.month_end_us, err);
    if (st != MU_OK)
        return mu_wrap(err, "--month");
    if (known_at) {
        st = mu_time_parse(known_at, strlen(known_at), &question.known_at_us, err);
        if (st != MU_OK)
            return mu_wrap(err, "--known-at");
    }
    *ret_question = question;
    return MU_OK;
}
