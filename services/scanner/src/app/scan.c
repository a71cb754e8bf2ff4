/* `muster-scanner scan`: one image, now, without Kafka and inventory. */
#include "app/commands.h"

#include "job/scan.h"

#include "base/stop.h"
#include "base/table.h"
#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
        LIMIT_OPTIONS(scan_config),
};

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

/* Findings of the raw result as a table. */
static enum mu_status print_table(const struct raw_file *file, struct mu_error *err)
{
    static const char *const columns[] = {"severity", "vulnerability", "package", "version",
                                          "fixed_in"};
    static const char *const members[] = {"severity", "id", "package", "package_version",
                                          "fixed_version"};
    static const struct mu_json_limits limits = {256 * 1024 * 1024, 16};
    MU_AUTO(table) struct mu_table *table = mu_table_new(columns, 5);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    json_auto_t *root = NULL;
    const json_t *finding;
    char bytes[64 * 1024];
    ssize_t len;
    size_t index;
    enum mu_status st;

    mu_buf_init(&text, limits.max_bytes);
    for (off_t at = 0; (len = pread(file->fd, bytes, sizeof(bytes), at)) > 0; at += len)
        mu_buf_append(&text, bytes, (size_t)len);
    st = mu_json_parse(text.data, text.len, &limits, &root, err);
    if (st != MU_OK)
        return st;
    json_array_foreach (json_object_get(root, "findings"), index, finding) {
        const char *cells[5];

        for (size_t i = 0; i < 5; i++)
            cells[i] = mu_json_text_at(finding, members[i]);
        mu_table_row(table, cells);
    }
    mu_table_print(table, MU_FORMAT_TEXT, 0, stdout);
    return MU_OK;
}

static int report(const struct mu_scan_result *result, const struct raw_file *file,
                  enum mu_format format)
{
    struct mu_error err;
    enum mu_status st = MU_OK;

    if (result->outcome == MU_SCAN_RESOLVED || result->outcome == MU_SCAN_NOT_SCANNABLE) {
        const struct mu_scan_child *children = result->children.items;

        (void)printf(result->outcome == MU_SCAN_RESOLVED ? "an index of:\n" : "no image\n");
        for (size_t i = 0; i < result->children.count; i++)
            (void)printf("  %s %s\n", children[i].digest,
                         children[i].platform ? children[i].platform : "-");
        return MU_EXIT_OK;
    }
    st = format == MU_FORMAT_JSON ? print_raw(file, &err) : print_table(file, &err);
    if (st != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
    if (format == MU_FORMAT_TEXT)
        (void)printf("\n%lld packages, %lld findings\n", (long long)result->counts.packages,
                     (long long)result->counts.findings);
    if (result->has_failure)
        (void)fprintf(stderr, "muster-scanner: %s: %s\n", result->failure.code,
                      result->failure.message);
    return result->has_failure ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}

static int scan_one(const struct scan_config *config, const struct mu_oci_reference *reference,
                    const char *image, enum mu_format format)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    MU_AUTO(registry_book) struct registry_book *book = NULL;
    MU_AUTO(database) struct database *database = NULL;
    struct scan_context context = {.temp_dir = "/tmp"};
    const char *uai = config->uai ? config->uai : image;
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
        registry_book_load(config->registries, &book, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    context.book = book;
    context.database = database;
    limits_from(&config->limits, &context.limits);
    scan_context_checksum(&context);
    if (scan_run(&context, &request, arena, &result, &file, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_FAILURE;
    }
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
        (void)fprintf(stderr, "muster-scanner: scan takes one image: host/path@sha256:...\n");
        return MU_EXIT_USAGE;
    }
    mu_stop_install();
    if (mu_format_parse(config->format, &format, &err) != MU_OK ||
        mu_oci_reference_parse(argv[0], strlen(argv[0]), &reference, &err) != MU_OK) {
        (void)fprintf(stderr, "muster-scanner: %s\n", err.message);
        return MU_EXIT_USAGE;
    }
    if (!reference.digest[0] || !reference.repository[0]) {
        (void)fprintf(stderr,
                      "muster-scanner: '%s' names no digest; tags move, so scan "
                      "host/path@sha256:... ('skopeo inspect' tells it)\n",
                      argv[0]);
        return MU_EXIT_USAGE;
    }
    return scan_one(config, &reference, argv[0], format);
}
