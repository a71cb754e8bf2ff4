#include "notify/webhook_message.h"

#include "base/signature.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SIGNED_MAX_BYTES = 128 * 1024 };

static void put_member(struct mu_buf *out, const char *name, const char *value)
{
    mu_buf_printf(out, "\"%s\":", name);
    mu_text_to_json(value, strlen(value), out);
}

/* The form of muster.notification.v1. */
static void put_json(const struct webhook_notification *n, struct mu_buf *out)
{
    mu_buf_puts(out, "{");
    put_member(out, "kind", n->kind);
    mu_buf_puts(out, ",");
    put_member(out, "message", n->message);
    mu_buf_puts(out, ",");
    put_member(out, "occurred_at", n->occurred_at);
    mu_buf_puts(out, ",");
    put_member(out, "severity", n->severity);
    mu_buf_puts(out, ",");
    put_member(out, "subject", n->subject);
    mu_buf_puts(out, "}");
}

/* What Slack reads as markup is written as it asks: & < and > as entities. */
static void put_escaped(const char *text, struct mu_buf *out)
{
    for (; *text; text++) {
        if (*text == '&')
            mu_buf_puts(out, "&amp;");
        else if (*text == '<')
            mu_buf_puts(out, "&lt;");
        else if (*text == '>')
            mu_buf_puts(out, "&gt;");
        else
            mu_buf_append(out, text, 1);
    }
}

static void put_slack(const struct webhook_notification *n, struct mu_buf *out)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, out->max_bytes);
    mu_buf_printf(&text, "*%s* %s: ", n->severity, n->kind);
    put_escaped(n->subject, &text);
    mu_buf_puts(&text, "\n");
    put_escaped(n->message, &text);
    mu_buf_printf(&text, "\n%s", n->occurred_at);
    mu_buf_puts(out, "{");
    put_member(out, "text", text.data);
    mu_buf_puts(out, "}");
}

static void put_text(const struct webhook_notification *n, struct mu_buf *out)
{
    mu_buf_printf(out, "%s %s: %s\n%s\n%s\n", n->severity, n->kind, n->subject, n->message,
                  n->occurred_at);
}

const char *webhook_body(enum webhook_template template,
                         const struct webhook_notification *notification, struct mu_buf *out)
{
    static const struct {
        void (*put)(const struct webhook_notification *, struct mu_buf *);
        const char *content_type;
    } templates[] = {[WEBHOOK_JSON] = {put_json, "application/json"},
                     [WEBHOOK_SLACK] = {put_slack, "application/json"},
                     [WEBHOOK_TEXT] = {put_text, "text/plain; charset=utf-8"}};

    templates[template].put(notification, out);
    return templates[template].content_type;
}

enum mu_status webhook_sign(const void *secret, size_t secret_len, const char *id,
                            int64_t timestamp_s, const struct mu_buf *body,
                            char ret_signature[WEBHOOK_SIGNATURE_SIZE], struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf base64;
    char hex[MU_HMAC_HEX_SIZE];
    uint8_t mac[MU_HMAC_MAX_BYTES];

    mu_buf_init(&text, SIGNED_MAX_BYTES);
    mu_buf_init(&base64, WEBHOOK_SIGNATURE_SIZE);
    mu_buf_printf(&text, "%s.%" PRId64 ".", id, timestamp_s);
    mu_buf_append(&text, body->data, body->len);
    if (mu_buf_status(&text, "a signed notification", err) != MU_OK)
        return err->status;
    mu_hmac_hex(MU_HASH_SHA256, secret, secret_len, text.data, text.len, hex);
    (void)mu_hex_decode(hex, strlen(hex), mac, sizeof(mac));
    mu_base64_encode(mac, sizeof(mac), &base64);
    (void)snprintf(ret_signature, WEBHOOK_SIGNATURE_SIZE, "v1,%.60s", base64.data);
    return MU_OK;
}
