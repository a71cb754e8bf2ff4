/*
 * log: structured lines on stderr, one JSON object per event when stderr is not a
 * terminal, an aligned line when it is.
 *
 *   MU_LOG(MU_LOG_INFO, "listening", MU_KV("address", addr), MU_KV_INT("port", port));
 *
 * Levels: error = someone must act; warn = handled, the text says how; info =
 * lifecycle; debug = the rest. Only the loop that acts on a failure logs it.
 * Values are escaped; secrets and whole payloads never go in.
 *
 * Threads: any; one write(2) per line.
 */
#ifndef MU_BASE_LOG_H
#define MU_BASE_LOG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum mu_log_level { MU_LOG_DEBUG, MU_LOG_INFO, MU_LOG_WARN, MU_LOG_ERROR };

struct mu_log_field {
    const char *key;
    const char *text; /* NULL: `number` is the value */
    int64_t number;
};

static inline const char *mu_log_text(const char *text)
{
    return text ? text : "";
}

#define MU_KV(k, v)     ((struct mu_log_field){.key = (k), .text = mu_log_text(v), .number = 0})
#define MU_KV_INT(k, v) ((struct mu_log_field){.key = (k), .text = NULL, .number = (int64_t)(v)})

/* `service` must outlive the process's logging. Call once, before threads start. */
void mu_log_init(const char *service, enum mu_log_level threshold);
enum mu_status mu_log_level_parse(const char *name, enum mu_log_level *ret_level,
                                  struct mu_error *err) MU_MUST_CHECK;

void mu_log_write(enum mu_log_level level, const char *message, const struct mu_log_field *fields,
                  size_t field_count);

#define MU_LOG(level, message, ...)                                              \
    mu_log_write((level), (message), (const struct mu_log_field[]){__VA_ARGS__}, \
                 sizeof((struct mu_log_field[]){__VA_ARGS__}) / sizeof(struct mu_log_field))

#endif
