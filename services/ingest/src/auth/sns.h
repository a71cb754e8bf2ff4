/*
 * sns: signatures of Amazon SNS messages ("Verifying the signatures of Amazon SNS messages").
 *
 * The signature is over some members in a fixed order, by a certificate whose URL the message
 * names: only https://sns.REGION.amazonaws.com(.cn)/NAME.pem is believed, whatever the payload
 * says, with no user, port, further path or query. SignatureVersion 1 is SHA-1, 2 is SHA-256. The
 * topic is pinned: anybody may own a topic.
 */
#ifndef INGEST_SNS_H
#define INGEST_SNS_H

#include "auth/auth.h"

#include "base/buf.h"

/* `ret_why` is set when a signed message is denied: a constant text. */
enum auth_verdict sns_check(const struct auth_rule *rule, const char *body, size_t len,
                            const char **ret_why);

/* The SubscribeURL of a SubscriptionConfirmation when it may be visited, into `out`; false when the
 * body is none or its URL leads elsewhere. Call it only for a body that sns_check allowed. */
bool sns_confirmation_url(const char *body, size_t len, struct mu_buf *out);

/* Whether a URL is one of SNS itself; exposed for tests. */
bool sns_url_trusted(const char *url);

#endif
