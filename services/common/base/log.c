#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX_BYTES = 8 * 1024, LOG_VALUE_MAX_BYTES = 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *log_service = "muster";
static enum mu_log_level log_threshold = MU_LOG_INFO;
static bool log_to_terminal;

void mu_log_init(const char *service, enum mu_log_level threshold)
{
    log_service = service;
    log_threshold = threshold;
    log_to_terminal = isatty(STDERR_FILENO) == 1;
}

enum mu_status mu_log_level_parse(const char *name, enum mu_log_level *ret_level,
                                  struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (mu_text_equal(name, level_names[i])) {
            *ret_level = (enum mu_log_level)i;
            return MU_OK;
        }
    }
    return mu_fail(err, MU_E_INVALID, "'%.40s' is no log level: debug, info, warn or error", name);
}

static void put_text(struct mu_buf *line, const char *text)
{
    mu_text_to_json(text, strnlen(text, LOG_VALUE_MAX_BYTES), line);
}

static void put_json(struct mu_buf *line, enum mu_log_level level, const char *message,
                     const struct mu_log_field *fields, size_t field_count)
{
    char now[MU_TIME_TEXT_SIZE];

    mu_time_format(mu_now_us(), now);
    mu_buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"service\":\"%s\",\"msg\":", now,
                  level_names[level], log_service);
    put_text(line, message);
    for (size_t i = 0; i < field_count; i++) {
        mu_buf_printf(line, ",\"%s\":", fields[i].key);
        if (fields[i].text)
            put_text(line, fields[i].text);
        else
            mu_buf_printf(line, "%lld", (long long)fields[i].number);
    }
    mu_buf_puts(line, "}\n");
}

static void put_aligned(struct mu_buf *line, enum mu_log_level level, const char *message,
                        const struct mu_log_field *fields, size_t field_count)
{
    char now[MU_TIME_TEXT_SIZE];

    mu_time_format(mu_now_us(), now);
    mu_buf_printf(line, "%.12s %-5s %s", now + 11, level_names[level], message);
    for (size_t i = 0; i < field_count; i++) {
        mu_buf_printf(line, "  %s=", fields[i].key);
        if (fields[i].text)
            put_text(line, fields[i].text);
        else
            mu_buf_printf(line, "%lld", (long long)fields[i].number);
    }
    mu_buf_puts(line, "\n");
}

void mu_log_write(enum mu_log_level level, const char *message, const struct mu_log_field *fields,
                  size_t field_count)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf line;
    int saved = errno;

    mu_buf_init(&line, LOG_LINE_MAX_BYTES);
    if (level < log_threshold)
        return;
    (log_to_terminal ? put_aligned : put_json)(&line, level, message, fields, field_count);
    if (line.failed) { /* too much detail: the message alone */
        mu_buf_reset(&line);
        put_json(&line, level, message, NULL, 0);
    }
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        errno = 0; /* nowhere left to say it */
    errno = saved;
}
