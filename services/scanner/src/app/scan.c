/* `muster-scanner scan`: one image, now, without Kafka and inventory. */
#include "app/commands.h"

#include "job/scan.h"

#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"
#include "oci/reference.h"
#include "registry/registry_book.h"
#include "registry/registry_client.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMN_COUNT = 5 };

#define OPTION(member) offsetof(struct scan_config, member)

const struct mu_option scan_options[SCAN_OPTION_COUNT] = {
        {"database", MU_OPTION_TEXT, OPTION(database), NULL, 0, 0, MU_OPTION_REQUIRED,
         "vulnerability database, made by 'muster-scanner db build'"},
        {"registries", MU_OPTION_TEXT, OPTION(registries), "", 0, 0, 0,
         "JSON file: how registries are reached"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0,
         "text, or json: the raw result as inventory would store it"},
        {"uai", MU_OPTION_TEXT, OPTION(uai), NULL, 0, 0, 0,
         "Unique Asset Identifier to write into the raw result (default: the image)"},
        ENGINE_OPTIONS(scan_config),
        LIMIT_OPTIONS(scan_config),
};

static int tell(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

static enum mu_status print_raw(const struct raw_file *file, struct mu_error *err)
{
    char bytes[64 * 1024];
    ssize_t len;
    off_t at = 0;

    while ((len = pread(file->fd, bytes, sizeof(bytes), at)) > 0) {
        if (fwrite(bytes, 1, (size_t)len, stdout) != (size_t)len)
            return mu_fail(err, MU_E_UNAVAILABLE, "cannot write");
        at += len;
    }
    return MU_OK;
}

static enum mu_status raw_parse(const struct raw_file *file, json_t **ret_root,
                                struct mu_error *err)
{
    static const struct mu_json_limits limits = {256 * 1024 * 1024, 16};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    char bytes[64 * 1024];
    ssize_t len;

    mu_buf_init(&text, limits.max_bytes);
    for (off_t at = 0; (len = pread(file->fd, bytes, sizeof(bytes), at)) > 0; at += len)
        mu_buf_append(&text, bytes, (size_t)len);
    return mu_json_parse(text.data, text.len, &limits, ret_root, err);
}

static void add_rows(struct mu_table *table, const json_t *findings, const char *severity)
{
    static const char *const members[COLUMN_COUNT] = {"severity", "id", "package",
                                                      "package_version", "fixed_version"};
    const json_t *finding;
    size_t index;

    json_array_foreach (findings, index, finding) {
        const char *cells[COLUMN_COUNT];

        if (!mu_text_equal(mu_json_text_at(finding, "severity"), severity))
            continue;
        for (size_t i = 0; i < COLUMN_COUNT; i++)
            cells[i] = mu_json_text_at(finding, members[i]);
        mu_table_row(table, cells);
    }
}

/* Findings of the raw result as a table, the worst first. */
static enum mu_status print_table(const struct raw_file *file, struct mu_error *err)
{
    static const char *const columns[COLUMN_COUNT] = {"severity", "vulnerability", "package",
                                                      "version", "fixed_in"};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, COLUMN_COUNT);
    json_auto_t *root = NULL;
    enum mu_status st = raw_parse(file, &root, err);

    if (st != MU_OK)
        return st;
    for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_UNKNOWN; severity--)
        add_rows(table, json_object_get(root, "findings"), severity_word((enum severity)severity));
    if (mu_table_row_count(table) > 0)
        mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    return MU_OK;
}

static void print_summary(const struct mu_scan_result *result)
{
    const struct mu_scan_counts *counts = &result->counts;

    (void)printf("%s@%s (%s, %s)\n", result->repository, result->digest,
                 result->platform ? result->platform : "platform not said",
                 result->os_name ? result->os_name : "no os-release");
    (void)printf("%lld packages, %lld findings: %lld critical, %lld high, %lld moderate, %lld low, "
                 "%lld unknown\n",
                 (long long)counts->packages, (long long)counts->findings,
                 (long long)counts->critical, (long long)counts->high, (long long)counts->moderate,
                 (long long)counts->low, (long long)counts->unknown);
}

static int report_children(const struct mu_scan_result *result)
{
    const struct mu_scan_child *children = result->children.items;
    bool index = result->outcome == MU_SCAN_RESOLVED;

    (void)printf(index ? "%s@%s is an index of:\n" : "%s@%s is no image\n", result->repository,
                 result->digest);
    for (size_t i = 0; i < result->children.count; i++)
        (void)printf("  %s@%s %s\n", result->repository, children[i].digest,
                     children[i].kind == MU_DIGEST_KIND_ATTESTATION ? "(attestation)"
                     : children[i].platform                         ? children[i].platform
                                                                    : "-");
    if (index && result->children.count > 0)
        (void)printf("scan one of them\n");
    return MU_EXIT_OK;
}

static int report(const struct mu_scan_result *result, const struct raw_file *file,
                  enum mu_format format)
{
    struct mu_error err;
    enum mu_status st = MU_OK;

    if (result->outcome == MU_SCAN_RESOLVED || result->outcome == MU_SCAN_NOT_SCANNABLE)
        return report_children(result);
    st = format == MU_FORMAT_JSON ? print_raw(file, &err) : print_table(file, &err);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    if (format == MU_FORMAT_TEXT)
        print_summary(result);
    if (result->has_failure)
        (void)fprintf(stderr, "muster-scanner: not scanned whole: %s: %s\n", result->failure.code,
                      result->failure.message);
    return result->has_failure ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}

/* Fills in the digest the tag leads to now. */
static enum mu_status resolve(const struct registry_book *book, int64_t deadline_ms,
                              struct mu_oci_reference *reference, struct mu_error *err)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct mu_registry_access access;
    const char *path;
    size_t host_len;

    if (reference->digest[0] != '\0')
        return MU_OK;
    mu_oci_repository_split(reference->repository, &host_len, &path);
    if (registry_book_find(book, reference->repository, host_len, &access, err) != MU_OK ||
        mu_registry_client_new(&access, path, deadline_ms, &client, err) != MU_OK ||
        mu_registry_resolve_tag(client, reference->tag, reference->digest, err) != MU_OK)
        return err->status;
    return MU_OK;
}

static int scan_one(const struct scan_config *config, struct mu_oci_reference *reference,
                    enum mu_format format)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    MU_AUTO(database) struct database *database = NULL;
    MU_AUTO(layer_engine) struct layer_engine *engine = NULL;
    struct scan_context context = {.temp_dir = config->engine.temp_dir};
    char named[MU_OCI_UAI_SIZE];
    const char *uai = config->uai ? config->uai : named;
    struct mu_scan_request request = {.request_id = "scan",
                                      .job_id = "scan",
                                      .attempt = 1,
                                      .repository = reference->repository,
                                      .digest = reference->digest,
                                      .uais = {&uai, 1}};
    struct mu_scan_result result;
    struct raw_file file = {.fd = -1};
    struct mu_error err;
    int code;

    if (database_open(config->database, &database, &err) != MU_OK ||
        registry_book_load(config->registries, &book, &err) != MU_OK ||
        engine_from(&config->engine, &engine, &err) != MU_OK)
        return tell(&err, MU_EXIT_USAGE);
    if (resolve(book, config->limits.deadline_ms, reference, &err) != MU_OK)
        return tell(&err, MU_EXIT_FAILURE);
    mu_oci_uai_format(reference->repository, reference->tag, reference->digest, named);
    context.book = book;
    context.database = database;
    context.engine = engine;
    limits_from(&config->limits, &context.limits);
    scan_context_checksum(&context);
    if (scan_run(&context, &request, arena, &result, &file, &err) != MU_OK)
        return tell(&err, MU_EXIT_FAILURE);
    code = report(&result, &file, format);
    if (file.fd >= 0)
        (void)close(file.fd);
    return code;
}

int scan_command(void *config_struct, int argc, char **argv)
{
    const struct scan_config *config = config_struct;
    struct mu_oci_reference reference;
    enum mu_format format;
    struct mu_error err;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-scanner: scan takes one image: host/path:tag or "
                              "host/path@sha256:...\n");
        return MU_EXIT_USAGE;
    }
    mu_stop_install();
    if (mu_format_parse(config->format, &format, &err) != MU_OK ||
        mu_oci_reference_parse(argv[0], strlen(argv[0]), &reference, &err) != MU_OK)
        return tell(&err, MU_EXIT_USAGE);
    if (!reference.repository[0] || (!reference.digest[0] && !reference.tag[0])) {
        (void)fprintf(stderr, "muster-scanner: '%s' names neither tag nor digest of a repository\n",
                      argv[0]);
        return MU_EXIT_USAGE;
    }
    return scan_one(config, &reference, format);
}
