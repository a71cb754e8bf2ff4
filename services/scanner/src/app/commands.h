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

/* How layers are read; shared by `run` and `scan`. */
struct engine_config {
    const char *sandbox, *temp_dir, *cache_dir;
    int64_t cache_max_bytes, memory_budget;
};

struct run_config {
    const char *kafka_brokers, *kafka_properties, *database, *inventory_url, *registries, *listen,
            *evidence_token, *log_level, *vex, *external_scanner;
    int64_t workers, database_max_age_ms, database_stale_after_ms, external_memory;
    struct engine_config engine;
    struct limit_config limits;
};

struct scan_config {
    const char *database, *registries, *docker_config, *platform, *image, *format, *uai, *vex;
    struct engine_config engine;
    struct limit_config limits;
};

struct db_config {
    const char *out, *built_at, *database, *format, *sources;
};

struct checks_config {
    const char *format;
};

struct import_config {
    const char *kind, *digest, *image, *scanned_at; /* NULL: not given */
    bool submit;
    const char *kafka_brokers, *kafka_properties, *inventory_url, *evidence_token, *temp_dir;
    int64_t deadline_ms;
};

struct match_config {
    const char *database, *previous, *vex;
};

enum { RUN_OPTION_COUNT = 26, SCAN_OPTION_COUNT = 20, DB_OPTION_COUNT = 5 };
enum { CHECKS_OPTION_COUNT = 1, IMPORT_OPTION_COUNT = 11, MATCH_OPTION_COUNT = 3 };
extern const struct mu_option match_options[MATCH_OPTION_COUNT];
extern const struct mu_option run_options[RUN_OPTION_COUNT];
extern const struct mu_option scan_options[SCAN_OPTION_COUNT];
extern const struct mu_option db_options[DB_OPTION_COUNT];
extern const struct mu_option checks_options[CHECKS_OPTION_COUNT];
extern const struct mu_option import_options[IMPORT_OPTION_COUNT];

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

#define ENGINE_OPTIONS(type)                                                                     \
    {"sandbox",                                                                                  \
     MU_OPTION_TEXT,                                                                             \
     offsetof(struct type, engine.sandbox),                                                      \
     "process",                                                                                  \
     0,                                                                                          \
     0,                                                                                          \
     0,                                                                                          \
     "process: each layer is read in a locked-up process of its own; none: in this one"},        \
            {"temp-dir",                                                                         \
             MU_OPTION_TEXT,                                                                     \
             offsetof(struct type, engine.temp_dir),                                             \
             "/tmp",                                                                             \
             0,                                                                                  \
             0,                                                                                  \
             0,                                                                                  \
             "folder for raw results and large files on their way; nothing is left there"},      \
            {"cache-dir",                                                                        \
             MU_OPTION_TEXT,                                                                     \
             offsetof(struct type, engine.cache_dir),                                            \
             "",                                                                                 \
             0,                                                                                  \
             0,                                                                                  \
             0,                                                                                  \
             "folder that keeps what layers hold, so that each is read once; empty: none"},      \
            {"cache-max-bytes",                                                                  \
             MU_OPTION_BYTES,                                                                    \
             offsetof(struct type, engine.cache_max_bytes),                                      \
             "2GiB",                                                                             \
             1,                                                                                  \
             INT64_MAX,                                                                          \
             0,                                                                                  \
             "what that folder may hold; the least recently used goes first"},                   \
    {                                                                                            \
        "memory-budget", MU_OPTION_BYTES, offsetof(struct type, engine.memory_budget), "512MiB", \
                64 * 1024 * 1024, INT64_MAX, 0,                                                  \
                "memory for the layers that are read at once, 64MiB for each"                    \
    }

int run_command(void *config_struct, int argc, char **argv);
int scan_command(void *config_struct, int argc, char **argv);
int db_command(void *config_struct, int argc, char **argv);
int match_command(void *config_struct, int argc, char **argv);
int compare_command(void *config_struct, int argc, char **argv);
int checks_command(void *config_struct, int argc, char **argv);
int import_command(void *config_struct, int argc, char **argv);

struct image_limits;
void limits_from(const struct limit_config *config, struct image_limits *ret_limits);

struct vex_set;
/* The value of --vex: files or folders, a comma between; NULL: *ret_set stays as it is. Errors:
 * those of vex_set_load. */
enum mu_status vex_option_load(const char *paths, struct vex_set **ret_set,
                               struct mu_error *err) MU_MUST_CHECK;

struct layer_engine;
/* Errors: MU_E_INVALID naming the option, MU_E_UNAVAILABLE. */
enum mu_status engine_from(const struct engine_config *config, struct layer_engine **ret_engine,
                           struct mu_error *err) MU_MUST_CHECK;

extern const struct mu_program scanner_program;

#endif
