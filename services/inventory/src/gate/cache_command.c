#include "gate/cache_command.h"

#include "gate/cache_keeper.h"
#include "gate/gate_build.h"

#include "base/clock.h"
#include "base/table.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPTION(member) offsetof(struct cache_command_config, member)

enum { NUMBER_SIZE = 24, US_IN_MS = 1000 };

const struct mu_option cache_command_options[CACHE_COMMAND_OPTION_COUNT] = {
        {"cache", MU_OPTION_TEXT, OPTION(cache), NULL, 0, 0, MU_OPTION_REQUIRED,
         "file of verdicts"},
        {"cache-key", MU_OPTION_TEXT, OPTION(cache_key), NULL, 0, 0, MU_OPTION_REQUIRED,
         "PEM file of the Ed25519 key: build needs the private one"},
        {"postgres", MU_OPTION_TEXT, OPTION(postgres), "", 0, 0, 0,
         "build: connection string of the database"},
        {"image", MU_OPTION_TEXT, OPTION(image), "", 0, 0, 0,
         "info: show what the file says of this image"},
        {"max-age", MU_OPTION_DURATION_MS, OPTION(max_age_ms), "0", 0, INT64_C(3153600000000), 0,
         "verify: the file may be so old; 0: however old"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "text or json"},
};

struct question {
    const struct cache_command_config *config;
    struct mu_ed25519 *key;
    enum mu_format format;
};

static const char *const info_columns[] = {"generation", "built_at", "known_at",
                                           "records",    "bytes",    "policy"};
enum { INFO_COLUMNS = 6 };

static void show_info(const struct question *question, const struct gate_cache_info *info)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(info_columns, INFO_COLUMNS);
    char generation[NUMBER_SIZE], records[NUMBER_SIZE], bytes[NUMBER_SIZE];
    char built_at[MU_TIME_TEXT_SIZE], known_at[MU_TIME_TEXT_SIZE];

    (void)snprintf(generation, sizeof(generation), "%" PRIu64, info->generation);
    (void)snprintf(records, sizeof(records), "%u", info->records);
    (void)snprintf(bytes, sizeof(bytes), "%" PRIu64, info->file_bytes);
    mu_time_format(info->built_at_us, built_at);
    mu_time_format(info->known_at_us, known_at);
    mu_table_row(table, (const char *const[]){generation, built_at, known_at, records, bytes,
                                              info->policy});
    mu_table_print(table, question->format, 0, stdout);
}

static const char *const entry_columns[] = {
        "name",   "digest",     "verdict",    "reason",  "rule",
        "detail", "scanned_at", "expires_at", "scan_id", "database_version"};
enum { ENTRY_COLUMNS = 10 };

static void show_entry(const struct question *question, const struct gate_entry *entry)
{
    MU_AUTO(table) struct mu_table *table = mu_table_new(entry_columns, ENTRY_COLUMNS);
    char scanned_at[MU_TIME_TEXT_SIZE] = "", expires_at[MU_TIME_TEXT_SIZE] = "";
    const char *cells[ENTRY_COLUMNS] = {entry->name,
                                        entry->digest,
                                        verdict_word(entry->verdict),
                                        verdict_reason_word(entry->reason),
                                        entry->rule,
                                        entry->detail,
                                        scanned_at,
                                        expires_at,
                                        entry->scan_id,
                                        entry->database_version};

    if (entry->scanned_at_us != MU_TIME_NONE)
        mu_time_format(entry->scanned_at_us, scanned_at);
    if (entry->expires_at_us != MU_TIME_NONE)
        mu_time_format(entry->expires_at_us, expires_at);
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        if (!*cells[i])
            cells[i] = NULL;
    mu_table_row(table, cells);
    mu_table_print(table, question->format, 0, stdout);
}

/* ---- the verbs ---- */

static int build(struct question *question, struct mu_error *err)
{
    const struct gate_build_config config = {.conninfo = question->config->postgres,
                                             .path = question->config->cache,
                                             .key = question->key};
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    struct gate_cache_info ignored;

    if (!*config.conninfo) {
        (void)mu_fail(err, MU_E_INVALID, "gate-cache build needs --postgres");
        return MU_EXIT_USAGE;
    }
    if (gate_build(&config, &ignored, err) != MU_OK ||
        gate_cache_open(config.path, question->key, &cache, err) != MU_OK)
        return MU_EXIT_FAILURE;
    show_info(question, gate_cache_info(cache));
    return MU_EXIT_OK;
}

static int info(struct question *question, struct mu_error *err)
{
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    struct mu_oci_reference reference;
    const char *image = question->config->image;
    char name[MU_OCI_UAI_SIZE];
    struct gate_entry entry;

    if (gate_cache_open(question->config->cache, question->key, &cache, err) != MU_OK)
        return MU_EXIT_FAILURE;
    if (!*image) {
        show_info(question, gate_cache_info(cache));
        return MU_EXIT_OK;
    }
    if (mu_oci_reference_parse(image, strlen(image), &reference, err) != MU_OK)
        return MU_EXIT_USAGE;
    mu_oci_uai_format(reference.repository,
                      reference.digest[0] ? NULL
                      : reference.tag[0]  ? reference.tag
                                          : "latest",
                      reference.digest, name);
    if (!gate_cache_find(cache, name, &entry)) {
        (void)mu_fail(err, MU_E_NOT_FOUND, "the cache does not know '%s'", name);
        return MU_EXIT_DIFFERENCE;
    }
    show_entry(question, &entry);
    return MU_EXIT_OK;
}

static int verify(struct question *question, struct mu_error *err)
{
    MU_AUTO(gate_cache) struct gate_cache *cache = NULL;
    int64_t max_age_us = question->config->max_age_ms * US_IN_MS, age_us;
    enum mu_status st = gate_cache_open(question->config->cache, question->key, &cache, err);

    if (st != MU_OK)
        return st == MU_E_INVALID || st == MU_E_DENIED ? MU_EXIT_DIFFERENCE : MU_EXIT_FAILURE;
    show_info(question, gate_cache_info(cache));
    age_us = mu_now_us() - gate_cache_info(cache)->built_at_us;
    if (max_age_us == 0 || age_us <= max_age_us)
        return MU_EXIT_OK;
    (void)mu_fail(err, MU_E_INVALID, "the cache is %" PRId64 " seconds old", age_us / 1000000);
    return MU_EXIT_DIFFERENCE;
}

static const struct {
    const char *name;
    int (*run)(struct question *question, struct mu_error *err);
} verbs[] = {{"build", build}, {"info", info}, {"verify", verify}};

int cache_command(void *config_struct, int argc, char **argv)
{
    struct question question = {.config = config_struct};
    struct mu_error err = {.status = MU_OK};
    int code = MU_EXIT_USAGE;

    (void)mu_fail(&err, MU_E_INVALID, "say what to do: gate-cache build, info or verify");
    for (size_t i = 0; argc == 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!mu_text_equal(argv[0], verbs[i].name))
            continue;
        if (mu_format_parse(question.config->format, &question.format, &err) != MU_OK)
            code = MU_EXIT_USAGE;
        else if (cache_key_load(question.config->cache_key, &question.key, &err) != MU_OK)
            code = MU_EXIT_FAILURE;
        else
            code = verbs[i].run(&question, &err);
        mu_ed25519_free(question.key);
    }
    if (code != MU_EXIT_OK)
        (void)fprintf(stderr, "muster-inventory: %s\n", err.message);
    return code;
}
