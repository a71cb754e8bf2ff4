#include "question/question_time.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum mu_status question_time(const char *option, const char *text, const char *otherwise,
                             char ret_text[QUERY_TIME_SIZE], struct mu_error *err)
{
    int64_t at_us = mu_now_us();

    if ((!text || !*text) && otherwise) {
        (void)snprintf(ret_text, QUERY_TIME_SIZE, "%s", otherwise);
        return MU_OK;
    }
    if (text && *text && mu_time_parse(text, strlen(text), &at_us, err) != MU_OK)
        return mu_wrap(err, "option --%s", option);
    mu_time_format(at_us, ret_text);
    return MU_OK;
}
