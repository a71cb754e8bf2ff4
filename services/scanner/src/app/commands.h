/*
 * commands: the verbs of muster-scanner. Each returns an exit code of base/config.h and speaks
 * to the person at the terminal.
 */
#ifndef SCANNER_COMMANDS_H
#define SCANNER_COMMANDS_H

#include "base/config.h"

/* What bounds a scan; shared by `run` and `scan`. */
struct limit_config {
    int64_t max_layer_unpacked, max_image_unpacked, max_layer, max_entries, max_layers,
            max_packages, deadline_ms;
};

struct run_config {
    const char *kafka_brokers, *kafka_properties, *database, *inventory_url, *registries, *listen,
            *temp_dir, *evidence_token, *log_level, *vex;
    int64_t workers, database_max_age_ms, database_stale_after_ms;
    struct limit_config limits;
};

struct scan_config {
    const char *database, *registries, *format, *uai;
    struct limit_config limits;
};

struct db_config {
    const char *out, *built_at, *database, *format, *sources;
};

struct match_config {
    const char *database, *previous, *vex;
};

enum { MATCH_OPTION_COUNT = 3 };
extern const struct mu_option match_options[MATCH_OPTION_COUNT];

enum { LIMIT_OPTION_COUNT = 7, RUN_OPTION_COUNT = 20, SCAN_OPTION_COUNT = 11, DB_OPTION_COUNT = 5 };
extern const struct mu_option run_options[RUN_OPTION_COUNT];
extern const struct mu_option scan_options[SCAN_OPTION_COUNT];
extern const struct mu_option db_options[DB_OPTION_COUNT];

#define LIMIT_OPTIONS(type)                                                                       \
    {"max-layer-unpacked-bytes",                                                                  \
     MU_OPTION_BYTES,                                                                             \
     offsetof(struct type, limits.max_layer_unpacked),                                            \
     "16GiB",                                                                                     \
     1,                                                                                           \
     INT64_MAX,                                                                                   \
     0,                                                                                           \
     "largest layer after decompression"},                                                        \
            {"max-image-unpacked-bytes",                                                          \
             MU_OPTION_BYTES,                                                                     \
             offsetof(struct type, limits.max_image_unpacked),                                    \
             "64GiB",                                                                             \
             1,                                                                                   \
             INT64_MAX,                                                                           \
             0,                                                                                   \
             "largest image after decompression"},                                                \
            {"max-layer-bytes",                                                                   \
             MU_OPTION_BYTES,                                                                     \
             offsetof(struct type, limits.max_layer),                                             \
             "16GiB",                                                                             \
             1,                                                                                   \
             INT64_MAX,                                                                           \
             0,                                                                                   \
             "largest layer as transferred"},                                                     \
            {"max-layer-entries",                                                                 \
             MU_OPTION_INT,                                                                       \
             offsetof(struct type, limits.max_entries),                                           \
             "10000000",                                                                          \
             1,                                                                                   \
             INT64_MAX,                                                                           \
             0,                                                                                   \
             "most files in a layer"},                                                            \
            {"max-layers",                                                                        \
             MU_OPTION_INT,                                                                       \
             offsetof(struct type, limits.max_layers),                                            \
             "512",                                                                               \
             1,                                                                                   \
             65536,                                                                               \
             0,                                                                                   \
             "most layers of an image"},                                                          \
            {"max-packages",                                                                      \
             MU_OPTION_INT,                                                                       \
             offsetof(struct type, limits.max_packages),                                          \
             "200000",                                                                            \
             1,                                                                                   \
             10000000,                                                                            \
             0,                                                                                   \
             "most packages of an image"},                                                        \
    {                                                                                             \
        "scan-deadline", MU_OPTION_DURATION_MS, offsetof(struct type, limits.deadline_ms), "30m", \
                1000, INT64_MAX, 0, "longest time for one image"                                  \
    }

int run_command(void *config_struct, int argc, char **argv);
int scan_command(void *config_struct, int argc, char **argv);
int db_command(void *config_struct, int argc, char **argv);
int match_command(void *config_struct, int argc, char **argv);
int compare_command(void *config_struct, int argc, char **argv);

struct image_limits;
void limits_from(const struct limit_config *config, struct image_limits *ret_limits);

extern const struct mu_program scanner_program;

#endif
