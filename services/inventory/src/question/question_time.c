#include "question/question_time.h"

#include <stdio.h>

enum mu_status question_time(const char *option, const char *text, const char *otherwise,
                             char ret_text[QUERY_TIME_SIZE], struct mu_error *err)
{
    if ((text == NULL || *text == '\0') && otherwise != NULL) {
        (void)snprintf(ret_text, QUERY_TIME_SIZE, "%s", otherwise);
        return MU_OK;
    }
    if (text_query_time(text, ret_text, err) != MU_OK)
        return mu_wrap(err, "option --%s", option);
    return MU_OK;
}
