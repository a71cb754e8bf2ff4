#include "base/error.h"

#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* White space becomes a space and none is left at the end: libraries end their texts with a
 * newline.
 */
static void make_one_line(char *text)
{
    char *end = text;

    mu_utf8_clean(text);
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            *text = ' ';
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
        if (*text != ' ')
            end = text + 1;
    }
    *end = '\0';
}

#undef mu_fail /* the macro for the analyzer */
enum mu_status mu_fail(struct mu_error *err, enum mu_status status, const char *fmt, ...)
{
    va_list arguments;

    err->status = status;
    va_start(arguments, fmt);
    (void)vsnprintf(err->message, sizeof(err->message), fmt, arguments);
    va_end(arguments);
    make_one_line(err->message);
    return status;
}

enum mu_status mu_wrap(struct mu_error *err, const char *fmt, ...)
{
    char inner[MU_ERROR_MESSAGE_MAX], context[MU_ERROR_MESSAGE_MAX];
    va_list arguments;

    memcpy(inner, err->message, sizeof(inner));
    va_start(arguments, fmt);
    (void)vsnprintf(context, sizeof(context), fmt, arguments);
    va_end(arguments);
    (void)snprintf(err->message, sizeof(err->message), "%.200s: %.300s", context, inner);
    make_one_line(err->message);
    return err->status;
}

const char *mu_status_name(enum mu_status status)
{
    switch (status) {
    case MU_END:
        return "end";
    case MU_OK:
        return "ok";
    case MU_E_INVALID:
        return "invalid";
    case MU_E_LIMIT:
        return "limit";
    case MU_E_NOT_FOUND:
        return "not_found";
    case MU_E_DENIED:
        return "denied";
    case MU_E_UNAVAILABLE:
        return "unavailable";
    case MU_E_CONFLICT:
        return "conflict";
    case MU_E_NOMEM:
        return "no_memory";
    case MU_E_INTERNAL:
        return "internal";
    }
    return "unknown";
}
