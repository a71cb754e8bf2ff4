/*
 * webhook_message: a notification as a body, and its signature.
 *
 * Signature: Standard Webhooks (standardwebhooks.com): headers webhook-id, webhook-timestamp and
 * webhook-signature "v1,<base64>", HMAC-SHA256 over "id.timestamp.body". The id stays the same
 * however often a delivery is tried, so a receiver drops twins by it.
 */
#ifndef INVENTORY_WEBHOOK_MESSAGE_H
#define INVENTORY_WEBHOOK_MESSAGE_H

#include "notify/webhook_config.h"

#include "base/buf.h"

#include <stdint.h>

struct webhook_notification {
    const char *kind, *severity, *subject, *message;
    const char *occurred_at; /* RFC 3339 */
};

/* Appends the body, and gives its content type. Failure sticks to the buffer. */
const char *webhook_body(enum webhook_template template,
                         const struct webhook_notification *notification, struct mu_buf *out);

enum { WEBHOOK_SIGNATURE_SIZE = 64 };
/* Errors: MU_E_LIMIT (id and body are too long). */
enum mu_status webhook_sign(const void *secret, size_t secret_len, const char *id,
                            int64_t timestamp_s, const struct mu_buf *body,
                            char ret_signature[WEBHOOK_SIGNATURE_SIZE],
                            struct mu_error *err) MU_MUST_CHECK;

#endif
