/*
 * gate_config: what the gate does where (schemas/gate-config.v1.schema.json): scopes by cluster and
 * namespace, allowances with an end, other names of registries.
 *
 * The first scope that fits counts. Where none fits, everything is enforced and what is not known,
 * or cannot be known, is denied.
 *
 * Ownership: texts live in the config. Threads: constant after it was loaded.
 */
#ifndef INVENTORY_GATE_CONFIG_H
#define INVENTORY_GATE_CONFIG_H

#include "base/error.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "oci/reference.h"
#include "json/json_table.h"

enum gate_mode { GATE_MODE_NONE, GATE_ENFORCE, GATE_WARN, GATE_EXEMPT };
enum gate_answer_kind { GATE_ANSWER_NONE, GATE_DENY, GATE_ALLOW };

struct gate_scope {
    const char *name;
    struct mu_json_texts clusters, namespaces; /* patterns; none: all */
    int mode;                                  /* enum gate_mode */
    int unknown;                               /* enum gate_answer_kind: nothing is known of it */
    int waiting;                               /* known, and not scanned yet */
    int unavailable; /* there is no cache that can be trusted: closed or open */
};

struct gate_allowance {
    const char *image; /* pattern over the canonical name, with tag or digest */
    struct mu_json_texts clusters, namespaces;
    int64_t until_us;
    const char *by, *reason;
};

struct gate_config {
    struct mu_arena *arena;
    const char *cluster;         /* for requests that name none */
    const char *max_cache_age;   /* "1h" */
    struct mu_json_array scopes; /* struct gate_scope */
    struct mu_json_array allow;  /* struct gate_allowance */
    struct mu_json_map aliases;  /* beginning of a repository -> what it is really */
    int64_t max_cache_age_us;
    char digest[MU_DIGEST_TEXT_SIZE]; /* of the file: names it in decisions */
};

/* Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM; naming path, and line or member. */
enum mu_status gate_config_parse(const char *path, const char *bytes, size_t len,
                                 struct gate_config **ret_config,
                                 struct mu_error *err) MU_MUST_CHECK;
/* Errors: the same, and those of mu_file_read. */
enum mu_status gate_config_load(const char *path, struct gate_config **ret_config,
                                struct mu_error *err) MU_MUST_CHECK;
void gate_config_free(struct gate_config *config); /* NULL is fine */

/* Never NULL. */
const struct gate_scope *gate_config_scope(const struct gate_config *config, const char *cluster,
                                           const char *namespace_name);
/* The repository's real name when it is an alias. */
void gate_config_rename(const struct gate_config *config, char repository[MU_OCI_REPOSITORY_SIZE]);

MU_DEFINE_AUTO(gate_config, struct gate_config, gate_config_free)

#endif
