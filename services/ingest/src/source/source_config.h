/*
 * source_config: one configured event source, as the kinds of sources and their receivers see it.
 * Filled by config/; everything lives as long as the configuration.
 */
#ifndef INGEST_SOURCE_CONFIG_H
#define INGEST_SOURCE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

enum { SOURCES_MAX = 256, SOURCE_MAX_ALIASES = 256, SOURCE_MAX_SECRETS = 2 };

struct source_kind;

struct source_alias_pair {
    const char *from, *to; /* host, or host/path prefix */
};

struct source_config {
    const char *name;
    const struct source_kind *kind;
    const char *path;
    const char *secrets[SOURCE_MAX_SECRETS]; /* any of them is right; none: no credentials asked */
    size_t secret_count;
    const char *registry; /* host of the registry, for senders that do not say it; NULL: not set */
    struct source_alias_pair *aliases;
    size_t alias_count;
    /* kubernetes */
    const char *cluster, *url, *token_file, *ca_file;
    int64_t page_limit;
};

#endif
