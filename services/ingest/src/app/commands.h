/*
 * commands: the verbs of muster-ingest. Each returns an exit code of base/config.h and speaks
 * to the person at the terminal.
 */
#ifndef INGEST_COMMANDS_H
#define INGEST_COMMANDS_H

#include "base/config.h"

struct run_config {
    const char *listen, *kafka_brokers, *kafka_properties, *config, *spool_dir, *log_level;
    const char *tls_cert_file, *tls_key_file, *tls_client_ca_file;
    int64_t spool_max_bytes, max_body_bytes, delivery_timeout_ms, partitions;
};

struct explain_config {
    const char *config, *source, *kind, *content_type, *registry;
};

struct check_config {
    const char *config;
};

struct sources_config {
    const char *format;
};

struct list_config {
    const char *config, *source, *spool_dir, *format;
};

struct quarantine_config {
    const char *kafka_brokers, *kafka_properties, *source, *reason, *since, *format, *config;
    int64_t limit;
    bool dry_run;
};

struct replay_config {
    const char *config, *source, *content_type, *kafka_brokers, *kafka_properties, *format;
    bool dry_run;
};

struct retire_config {
    const char *source, *spool_dir, *cluster, *kafka_brokers, *kafka_properties, *format;
    bool apply;
};

struct status_config {
    const char *url, *ca_file, *format;
};

enum {
    RUN_OPTION_COUNT = 13,
    EXPLAIN_OPTION_COUNT = 5,
    CHECK_OPTION_COUNT = 1,
    SOURCES_OPTION_COUNT = 1,
    LIST_OPTION_COUNT = 4,
    QUARANTINE_OPTION_COUNT = 9,
    REPLAY_OPTION_COUNT = 7,
    RETIRE_OPTION_COUNT = 7,
    STATUS_OPTION_COUNT = 3
};
extern const struct mu_option run_options[RUN_OPTION_COUNT];
extern const struct mu_option explain_options[EXPLAIN_OPTION_COUNT];
extern const struct mu_option check_options[CHECK_OPTION_COUNT];
extern const struct mu_option sources_options[SOURCES_OPTION_COUNT];
extern const struct mu_option list_options[LIST_OPTION_COUNT];
extern const struct mu_option quarantine_options[QUARANTINE_OPTION_COUNT];
extern const struct mu_option replay_options[REPLAY_OPTION_COUNT];
extern const struct mu_option retire_options[RETIRE_OPTION_COUNT];
extern const struct mu_option status_options[STATUS_OPTION_COUNT];

int run_command(void *config_struct, int argc, char **argv);
int explain_command(void *config_struct, int argc, char **argv);
int check_command(void *config_struct, int argc, char **argv);
int sources_command(void *config_struct, int argc, char **argv);
int list_command(void *config_struct, int argc, char **argv);
int quarantine_command(void *config_struct, int argc, char **argv);
int replay_command(void *config_struct, int argc, char **argv);
int retire_command(void *config_struct, int argc, char **argv);
int status_command(void *config_struct, int argc, char **argv);

extern const struct mu_program ingest_program;

#endif
