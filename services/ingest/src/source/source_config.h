/*
 * source_config: one configured event source, as the kinds of sources and their receivers see it.
 * Filled by config/; everything lives as long as the configuration.
 */
#ifndef INGEST_SOURCE_CONFIG_H
#define INGEST_SOURCE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOURCES_MAX = 256,
    SOURCE_MAX_ALIASES = 256,
    SOURCE_MAX_ORIGINS = 8,
    SOURCE_MAX_REPOSITORIES = 10000,
    SOURCE_NEVER_SILENT = -1
};

struct source_kind;
struct auth_rule;
struct source_health;
struct rate_limit;

struct source_alias_pair {
    const char *from, *to; /* host, or host/path prefix */
};

struct source_config {
    const char *name;
    const struct source_kind *kind;
    const char *path;
    struct auth_rule *rules; /* auth/auth.h: any of them is enough; none: no credentials asked */
    size_t rule_count;
    const char *origins[SOURCE_MAX_ORIGINS]; /* that may ask with OPTIONS whether they may send */
    size_t origin_count;
    bool origins_told;    /* by the file, not by the kind */
    const char *registry; /* host of the registry, for senders that do not say it; NULL: not set */
    struct source_alias_pair *aliases;
    size_t alias_count;
    /* what is watched or followed */
    const char *cluster;
    const char *url, *token_file, *ca_file; /* one way to reach it; */
    const char *kubeconfig, *context;       /* another; context NULL: the file's current one */
    bool in_cluster;                        /* the third, */
    const char *service_account;            /* with a folder; NULL: the usual one */
    const char *client_cert_file, *client_key_file; /* of a stream */
    int64_t page_limit;
    /* registry: beside url, token_file, ca_file and page_limit (tags_per_page) */
    const char *username, *password_file;
    const char **repositories; /* to look at: names, or prefixes that end with '*'; none: all */
    size_t repository_count;
    int64_t interval_ms; /* between listings */
    /* limits and health */
    int64_t max_body_bytes;       /* 0: as the service */
    int64_t silent_after_ms;      /* 0: learnt; SOURCE_NEVER_SILENT */
    const char *fingerprint;      /* of all it says in the file: the same text, the same source */
    struct rate_limit *rate;      /* max_requests_per_second; NULL: not limited */
    struct source_health *health; /* NULL: nobody watches */
};

#endif
