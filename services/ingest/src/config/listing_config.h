/*
 * listing_config: what only the sources have whose registry is listed: `repositories`, `interval`,
 * and what they must have.
 */
#ifndef INGEST_LISTING_CONFIG_H
#define INGEST_LISTING_CONFIG_H

#include "source/source_config.h"
#include "yaml/yaml_reader.h"

/* For rows whose target is a struct source_config. */
yaml_key_fn listing_config_repositories; /* names, or prefixes that end with a star */
yaml_key_fn listing_config_interval;     /* "90s", "30m", "6h", "1d" */

/* Checks a source that was read, and fills in what it leaves to us. Errors: MU_E_INVALID,
 * MU_E_LIMIT, MU_E_NOMEM. */
enum mu_status listing_config_finish(struct yaml_reader *reader, const yaml_node_t *node,
                                     struct source_config *source,
                                     struct mu_error *err) MU_MUST_CHECK;

#endif
