/* `muster-scanner import`: another scanner's report in Muster's terms, on standard output. */
#include "app/commands.h"

#include "import/import.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdio.h>

const struct mu_option import_options[IMPORT_OPTION_COUNT] = {
        {"kind", MU_OPTION_TEXT, offsetof(struct import_config, kind), NULL, 0, 0, 0,
         "trivy, grype, cyclonedx or sarif (default: told by the content)"},
        {"digest", MU_OPTION_TEXT, offsetof(struct import_config, digest), NULL, 0, 0, 0,
         "digest of the image's manifest, where the report does not name it"},
};

static int tell(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

static enum mu_status print_scan(const struct imported_scan *scan, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    struct json_stream out;

    json_stream_init(&out, stdout, hash);
    imported_scan_put(&out, scan);
    return json_stream_finish(&out, err);
}

static enum mu_status import_file(const char *path, const struct import_options *options,
                                  struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(IMPORT_ARENA_MAX_BYTES);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    struct imported_scan scan;
    enum mu_status st;

    mu_buf_init(&bytes, IMPORT_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st == MU_OK)
        st = import_read(bytes.data, bytes.len, options, arena, &scan, err);
    if (st == MU_OK)
        st = print_scan(&scan, err);
    return st;
}

int import_command(void *config_struct, int argc, char **argv)
{
    const struct import_config *config = config_struct;
    struct import_options options = {.digest = config->digest};
    struct mu_error err;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-scanner: import takes one file\n");
        return MU_EXIT_USAGE;
    }
    if (config->kind && (options.kind = import_kind_of(config->kind)) == IMPORT_ANY) {
        (void)fprintf(stderr,
                      "muster-scanner: --kind '%.40s' is none of trivy, grype, cyclonedx, "
                      "sarif\n",
                      config->kind);
        return MU_EXIT_USAGE;
    }
    if (import_file(argv[0], &options, &err) != MU_OK)
        return tell(&err, err.status == MU_E_INVALID ? MU_EXIT_DIFFERENCE : MU_EXIT_FAILURE);
    return MU_EXIT_OK;
}
