#include "auth/sns.h"

#include "base/signature.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <string.h>

enum { SIGNED_MAX_BYTES = 512 * 1024, SIGNATURE_MAX_BYTES = 4096, REGION_MAX = 32 };

static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, 8};

/* ---- URLs ---- */

bool sns_url_trusted(const char *url)
{
    static const char scheme[] = "https://sns.";
    static const char *const domains[] = {".amazonaws.com/", ".amazonaws.com.cn/"};
    const char *region;
    size_t len;

    if (!mu_text_starts(url, scheme))
        return false;
    region = url + strlen(scheme);
    len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len > REGION_MAX)
        return false;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        if (mu_text_starts(region + len, domains[i]))
            return true;
    return false;
}

/* Nothing but a file's name behind the host: no path, query or escape that leads to an answer with
 * a sender's own bytes in it. */
static bool certificate_url_trusted(const char *url)
{
    const char *name = sns_url_trusted(url) ? strchr(url + strlen("https://"), '/') + 1 : NULL;

    return name && mu_text_ends(name, ".pem") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
                   strlen(name) - strlen(".pem");
}

/* ---- what is signed ---- */

static const char *const notification[] = {"Message",   "MessageId", "Subject",
                                           "Timestamp", "TopicArn",  "Type"};
static const char *const confirmation[] = {"Message", "MessageId", "SubscribeURL", "Timestamp",
                                           "Token",   "TopicArn",  "Type"};

static void append_members(const json_t *root, const char *const *names, size_t count,
                           struct mu_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(root, names[i]);

        if (!json_is_string(value))
            continue;
        mu_buf_printf(out, "%s\n", names[i]);
        mu_buf_append(out, json_string_value(value), json_string_length(value));
        mu_buf_append(out, "\n", 1);
    }
}

/*
 * False for a type that SNS does not have. Values are signed without quotes: with a Type of several
 * lines the message of a stranger's topic, whose Message holds such lines, would pass for one of
 * ours.
 */
static bool signed_text(const json_t *root, struct mu_buf *out)
{
    const char *type = mu_json_text_at(root, "Type");

    if (mu_text_equal(type, "Notification"))
        append_members(root, notification, sizeof(notification) / sizeof(notification[0]), out);
    else if (mu_text_equal(type, "SubscriptionConfirmation") ||
             mu_text_equal(type, "UnsubscribeConfirmation"))
        append_members(root, confirmation, sizeof(confirmation) / sizeof(confirmation[0]), out);
    else
        return false;
    return !out->failed;
}

/* ---- checking ---- */

static enum mu_key_answer verify(const struct auth_rule *rule, const json_t *root)
{
    const char *version = mu_json_text_at(root, "SignatureVersion");
    const char *signature = mu_json_text_at(root, "Signature");
    const char *url = mu_json_text_at(root, "SigningCertURL");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf raw;
    struct mu_error ignored;

    mu_buf_init(&text, SIGNED_MAX_BYTES);
    mu_buf_init(&raw, SIGNATURE_MAX_BYTES);
    if (!signature || !certificate_url_trusted(url) ||
        (!mu_text_equal(version, "1") && !mu_text_equal(version, "2")) ||
        mu_base64_decode(signature, strlen(signature), &raw, &ignored) != MU_OK)
        return MU_KEY_WRONG;
    if (!signed_text(root, &text))
        return MU_KEY_WRONG;
    return mu_key_store_verify(rule->keys, url,
                               mu_text_equal(version, "1") ? MU_HASH_SHA1 : MU_HASH_SHA256,
                               text.data, text.len, raw.data, raw.len);
}

enum auth_verdict sns_check(const struct auth_rule *rule, const char *body, size_t len,
                            const char **ret_why)
{
    json_auto_t *root = NULL;
    struct mu_error ignored;
    enum mu_key_answer answer;

    if (mu_json_parse(body, len, &limits, &root, &ignored) != MU_OK ||
        !json_object_get(root, "Signature"))
        return AUTH_DENIED;
    if (!mu_text_equal(mu_json_text_at(root, "TopicArn"), rule->topic_arn)) {
        *ret_why = "the SNS message is of another topic";
        return AUTH_DENIED;
    }
    answer = verify(rule, root);
    if (answer == MU_KEY_RIGHT)
        return AUTH_ALLOWED;
    if (answer == MU_KEY_LATER)
        return AUTH_LATER;
    *ret_why = "the SNS signature is wrong, or its certificate not one of SNS";
    return AUTH_DENIED;
}

bool sns_confirmation_url(const char *body, size_t len, struct mu_buf *out)
{
    json_auto_t *root = NULL;
    struct mu_error ignored;
    const char *url;

    if (mu_json_parse(body, len, &limits, &root, &ignored) != MU_OK ||
        !mu_text_equal(mu_json_text_at(root, "Type"), "SubscriptionConfirmation"))
        return false;
    url = mu_json_text_at(root, "SubscribeURL");
    if (!sns_url_trusted(url))
        return false;
    mu_buf_puts(out, url);
    return !out->failed;
}
