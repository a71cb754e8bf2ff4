/*
 * auth_config: the mapping `auth` of a source, as rules (auth/auth.h).
 *
 *   auth:
 *     bearer_file: /run/secrets/new            # or bearer_env: VARIABLE
 *     previous_bearer_file: /run/secrets/old   # right too, while the sender is changed over
 *
 * The same for basic ("USER:PASSWORD"), header, hmac and url, with
 *     header: X-Secret      # of header and hmac; else the kind's own, else Authorization
 *     parameter: secret     # of url: ?secret=...
 * and
 *     jwt: {issuer: ..., audience: ..., email: ..., subject: ..., jwks_url: ... | jwks_file: ...}
 *     sns: {topic_arn: ..., private_network: true}   # SNS by an endpoint of one's own network
 *     mtls: {subject: "CN=apiserver,*"}
 *     key_ca_file: ...      # who vouches for the hosts that jwt and sns fetch keys from
 *
 * Several at once: each of them is enough. What the kind's senders cannot do is a mistake, and so
 * is an option that no rule looks at.
 */
#ifndef INGEST_AUTH_CONFIG_H
#define INGEST_AUTH_CONFIG_H

#include "auth/auth.h"
#include "yaml/yaml_reader.h"

/* Fills rules and rule_count of `source`, whose kind is known. Errors: MU_E_INVALID, MU_E_LIMIT,
 * MU_E_NOT_FOUND and MU_E_UNAVAILABLE (a file), MU_E_NOMEM. */
enum mu_status auth_config_read(struct yaml_reader *reader, const yaml_node_t *node,
                                struct source_config *source, struct mu_error *err) MU_MUST_CHECK;

#endif
