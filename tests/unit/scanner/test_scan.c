#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/commands.h"
#include "archive_build.h"
#include "base/config.h"
#include "base/text.h"
#include "database_build.h"
#include "image_build.h"
#include "image_limits.h"
#include "job/scan.h"
#include "sandbox/sandbox_child.h"

struct fixture {
    struct registry_peer peer;
    struct mu_buf bytes;
    struct database *database;
    struct registry_book *book;
    struct scan_context context;
    struct mu_arena *arena;
    struct mu_scan_result result;
    struct scan_files files;
    struct mu_error err;
    char digest[MU_DIGEST_TEXT_SIZE], folder[64], database_path[128], book_path[128];
    char shown[16384]; /* what a command printed */
    const char *vex;   /* option of a command */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct builder *builder = builder_new();
    char json[256];

    database_build_file(builder, "DEBIAN-CVE-2023-5363");
    database_build_record(builder, "DEBIAN-CVE-2026-7", "openssl", "{\"introduced\":\"0\"}", "");
    f->database = database_build_open(builder, &f->bytes);
    registry_peer_listen(&f->peer);
    image_build_book(&f->peer, json, sizeof(json));
    assert_int_equal(registry_book_parse(json, strlen(json), &f->book, &f->err), MU_OK);
    f->context = (struct scan_context){.book = f->book,
                                       .database = f->database,
                                       .limits = image_limits_default,
                                       .engine = image_limits_engine(),
                                       .temp_dir = "/tmp"};
    f->arena = mu_arena_new(IMAGE_ARENA_MAX_BYTES);
    f->files = SCAN_FILES_NONE;
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-scan-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->database_path, sizeof(f->database_path), "%s/v.db", f->folder);
    (void)snprintf(f->book_path, sizeof(f->book_path), "%s/book.json", f->folder);
    assert_int_equal(mu_file_write_atomic(f->database_path, f->bytes.data, f->bytes.len, &f->err),
                     MU_OK);
    assert_int_equal(mu_file_write_atomic(f->book_path, json, strlen(json), &f->err), MU_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    scan_files_close(&f->files);
    (void)unlink(f->database_path);
    (void)unlink(f->book_path);
    (void)rmdir(f->folder);
    layer_engine_free(f->context.engine);
    database_close(f->database);
    registry_book_free(f->book);
    registry_peer_clear(&f->peer);
    mu_buf_done(&f->bytes);
    mu_arena_free(f->arena);
    free(f);
    return 0;
}

static void scan_named(struct fixture *f, const char *repository)
{
    static const char *uai = "reg.example/team/app:1";
    const struct mu_scan_request request = {.request_id = "r",
                                            .job_id = "j",
                                            .attempt = 1,
                                            .repository = repository,
                                            .digest = f->digest,
                                            .uais = {&uai, 1}};

    registry_peer_start(&f->peer);
    if (scan_run(&f->context, &request, f->arena, &f->result, &f->files, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    registry_peer_stop(&f->peer);
}

static void scan(struct fixture *f)
{
    scan_named(f, IMAGE_BUILD_REPOSITORY);
}

static void expect_failed(const struct fixture *f, const char *code, const char *word)
{
    assert_int_equal(f->result.outcome, MU_SCAN_FAILED);
    if (!mu_text_equal(f->result.failure.code, code) || !strstr(f->result.failure.message, word))
        fail_msg("'%s: %s' is not '%s' with '%s'", f->result.failure.code,
                 f->result.failure.message, code, word);
    assert_true(f->files.raw.fd >= 0); /* a failed scan has its raw result too */
    assert_ptr_equal(f->result.evidence_digest, f->files.raw.digest);
}

static void a_complete_scan_has_counts_and_evidence(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->peer, image_build_debian, image_build_status, f->digest);
    scan(f);
    assert_int_equal(f->result.outcome, MU_SCAN_COMPLETE);
    assert_true(f->result.has_counts);
    assert_int_equal(f->result.counts.findings, 2);
    assert_string_equal(f->result.platform, "linux/amd64");
    assert_string_equal(f->result.evidence_digest, f->files.raw.digest);
    assert_false(f->result.has_failure);
}

/* An image of another distribution has packages, and no advisory is known: that is not "clean". */
static void packages_of_another_distribution_are_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->peer,
                             "ID=ubuntu\nVERSION_ID=22.04\nPRETTY_NAME=\"Ubuntu 22.04\"\n",
                             image_build_status, f->digest);
    scan(f);
    expect_failed(f, "unsupported", "knows nothing of Ubuntu:22.04:LTS");
    assert_false(f->result.failure.retryable);
    assert_false(f->result.has_counts);
}

static void packages_of_a_release_the_database_lacks_are_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->peer, "ID=debian\nVERSION_ID=99\n", image_build_status, f->digest);
    scan(f);
    expect_failed(f, "unsupported", "knows nothing of Debian:99");
}

static void a_stale_database_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    f->context.stale_after_ms = 1;
    (void)image_build_simple(&f->peer, "ID=debian\nVERSION_ID=12\n", image_build_status, f->digest);
    scan(f);
    expect_failed(f, "stale_database", "run 'db update'");
    assert_true(f->result.failure.retryable);
}

static void packages_without_os_release_are_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->peer, NULL, image_build_status, f->digest);
    scan(f);
    expect_failed(f, "unsupported", "without os-release");
}

static void an_image_without_packages_and_distribution_is_complete(void **state)
{
    struct fixture *f = *state;

    (void)image_build_simple(&f->peer, NULL, NULL, f->digest);
    scan(f);
    assert_int_equal(f->result.outcome, MU_SCAN_COMPLETE);
}

static void an_index_is_resolved_without_evidence(void **state)
{
    struct fixture *f = *state;
    char json[512];

    (void)snprintf(json, sizeof(json),
                   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" IMAGE_BUILD_MANIFEST
                   "\",\"digest\":\"sha256:%064d\",\"size\":5}]}",
                   1);
    (void)image_build_manifest_bytes(&f->peer, json, strlen(json), IMAGE_BUILD_INDEX, f->digest);
    scan(f);
    assert_int_equal(f->result.outcome, MU_SCAN_RESOLVED);
    assert_int_equal(f->result.children.count, 1);
    assert_int_equal(f->files.raw.fd, -1);
    assert_null(f->result.evidence_digest);
}

static void an_image_that_needs_too_much_memory_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;
    struct mu_buf status;

    mu_buf_init(&status, 8 << 20);
    for (int i = 0; i < 2000; i++)
        mu_buf_printf(&status, "Package: p%d\nStatus: install ok installed\nVersion: 1\n\n", i);
    (void)image_build_simple(&f->peer, image_build_debian, status.data, f->digest);
    mu_buf_done(&status);
    mu_arena_free(f->arena);
    f->arena = mu_arena_new(64 * 1024);
    scan(f);
    expect_failed(f, "limit", "memory");
    assert_true(f->result.failure.retryable);
}

static void a_name_that_is_none_is_a_failed_scan(void **state)
{
    struct fixture *f = *state;

    mu_sha256_text("x", 1, f->digest);
    scan_named(f, "Upper/Case Name");
    expect_failed(f, "unsupported", "Upper");
}

static void a_temp_dir_that_is_gone_is_worth_another_try(void **state)
{
    struct fixture *f = *state;
    const struct mu_scan_request request = {
            .repository = IMAGE_BUILD_REPOSITORY, .digest = f->digest, .attempt = 1};

    (void)image_build_simple(&f->peer, image_build_debian, image_build_status, f->digest);
    f->context.temp_dir = "/no/such/folder";
    f->result.attempt = 77;
    registry_peer_start(&f->peer);
    assert_int_equal(scan_run(&f->context, &request, f->arena, &f->result, &f->files, &f->err),
                     MU_E_UNAVAILABLE);
    registry_peer_stop(&f->peer);
    assert_int_equal(f->result.attempt, 77);
    assert_int_equal(f->files.raw.fd, -1);
}

/* ---- the command for people ---- */

static int command_for(struct fixture *f, const char *name, const char *format,
                       const char *platform, const char *chosen)
{
    char text[256], *image = text;
    struct scan_config config = {
            .database = f->database_path,
            .registries = f->book_path,
            .docker_config = "none",
            .platform = platform,
            .image = chosen,
            .format = format,
            .vex = f->vex,
            .engine = {.sandbox = "process", .temp_dir = "/tmp", .memory_budget = 1 << 28},
            .limits = {.max_layer_unpacked = 1 << 30,
                       .max_image_unpacked = 1 << 30,
                       .max_layer = 1 << 30,
                       .max_entries = 1000,
                       .max_layers = 10,
                       .max_packages = 100,
                       .deadline_ms = 20000}};
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO), code;
    size_t len;

    (void)snprintf(text, sizeof(text), "%s", name);
    assert_non_null(file);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    registry_peer_start(&f->peer);
    code = scan_command(&config, 1, &image);
    registry_peer_stop(&f->peer);
    (void)fflush(stdout);
    assert_true(dup2(out, STDOUT_FILENO) >= 0);
    (void)close(out);
    rewind(file);
    len = fread(f->shown, 1, sizeof(f->shown) - 1, file);
    f->shown[len] = '\0';
    (void)fclose(file);
    return code;
}

static int command(struct fixture *f, const char *name, const char *format)
{
    return command_for(f, name, format, "", "");
}

static void push_tagged(struct fixture *f)
{
    struct peer_route *route;

    (void)image_build_simple(&f->peer, image_build_debian, image_build_status, f->digest);
    route = &f->peer.routes[f->peer.route_count - 1];
    (void)registry_peer_route(&f->peer, "/v2/team/app/manifests/1.0", route->body, route->len);
    memcpy(f->peer.routes[f->peer.route_count - 1].headers, route->headers, sizeof(route->headers));
}

static void a_tag_is_scanned_and_shown_the_worst_first(void **state)
{
    struct fixture *f = *state;
    const char *high, *unknown;

    push_tagged(f);
    assert_int_equal(command(f, "reg.example/team/app:1.0", "text"), MU_EXIT_OK);
    high = strstr(f->shown, "CVE-2023-5363");
    unknown = strstr(f->shown, "CVE-2026-7");
    assert_true(high && unknown && high < unknown);
    assert_non_null(strstr(f->shown, "1 packages, 2 findings: 0 critical, 1 high"));
    assert_non_null(strstr(f->shown, f->digest));
    assert_non_null(strstr(f->shown, "Debian GNU/Linux 12"));
}

#define STATEMENT                                                                              \
    "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"@id\":\"x\",\"author\":\"Jane Doe\","   \
    "\"timestamp\":\"2026-11-20T00:00:00Z\",\"version\":1,\"statements\":[{\"vulnerability\":" \
    "{\"name\":\"CVE-2023-5363\"},\"products\":[{\"@id\":\"pkg:deb/debian/%s\"}],"             \
    "\"status\":\"not_affected\",\"justification\":\"vulnerable_code_not_present\"}]}"

static void what_a_statement_takes_out_stays_visible(void **state)
{
    struct fixture *f = *state;
    char path[160], vex[400], paths[400];

    (void)snprintf(path, sizeof(path), "%s/vex.json", f->folder);
    (void)snprintf(vex, sizeof(vex), STATEMENT, "libssl3");
    assert_int_equal(mu_file_write_atomic(path, vex, strlen(vex), &f->err), MU_OK);
    (void)snprintf(paths, sizeof(paths), "%s,%s", path, path);
    f->vex = paths;
    push_tagged(f);
    assert_int_equal(command(f, "reg.example/team/app:1.0", "text"), MU_EXIT_OK);
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(f->shown, "1 packages, 1 findings"));
    assert_non_null(strstr(f->shown, "not counted, by what was stated"));
    assert_non_null(strstr(f->shown, "vulnerable_code_not_present"));
    assert_non_null(strstr(f->shown, "Jane Doe"));
    assert_non_null(strstr(f->shown, "2026-11-20T00:00:00.000000Z"));
    assert_non_null(strstr(f->shown, "suppressed: 1 vex"));
}

static void statements_that_cannot_be_read_are_wrong_usage(void **state)
{
    struct fixture *f = *state;

    f->vex = "/no/such/statements";
    assert_int_equal(command(f, "reg.example/team/app:1.0", "text"), MU_EXIT_USAGE);
}

static void the_raw_result_names_the_tag(void **state)
{
    struct fixture *f = *state;

    push_tagged(f);
    assert_int_equal(command(f, "reg.example/team/app:1.0", "json"), MU_EXIT_OK);
    assert_non_null(strstr(f->shown, "\"uai\":\"reg.example/team/app:1.0\""));
    assert_non_null(strstr(f->shown, "\"status\":\"complete\""));
}

static void a_tag_that_is_not_there_could_not_be_done(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(command(f, "reg.example/team/app:9", "text"), MU_EXIT_FAILURE);
}

static void an_image_that_is_not_scanned_whole_is_told_apart(void **state)
{
    struct fixture *f = *state;
    char image[256];

    (void)image_build_simple(&f->peer, NULL, image_build_status, f->digest);
    (void)snprintf(image, sizeof(image), "reg.example/team/app@%s", f->digest);
    assert_int_equal(command(f, image, "text"), MU_EXIT_DIFFERENCE);
}

static void neither_tag_nor_digest_is_wrong_usage(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(command(f, "reg.example/team/app", "text"), MU_EXIT_USAGE);
    assert_int_equal(f->shown[0], '\0');
}

/* ---- images on disk ---- */

/* An OCI archive of the two platforms of one image, beside the database. */
static void write_archive(struct fixture *f, char digests[2][MU_DIGEST_TEXT_SIZE], char path[128])
{
    char descriptors[2][1024], list[4096];
    struct mu_buf tar;

    mu_buf_init(&tar, ARCHIVE_BUILD_MAX);
    archive_build_image(&tar, "amd64", descriptors[0], sizeof(descriptors[0]), digests[0]);
    archive_build_image(&tar, "s390x", descriptors[1], sizeof(descriptors[1]), digests[1]);
    (void)snprintf(list, sizeof(list), "%s},%s}", descriptors[0], descriptors[1]);
    archive_build_layout(&tar, list);
    (void)snprintf(path, 128, "%s/app.tar", f->folder);
    assert_int_equal(mu_file_write_atomic(path, tar.data, tar.len, &f->err), MU_OK);
    mu_buf_done(&tar);
}

static void an_archive_is_scanned_for_the_platform_that_is_asked_for(void **state)
{
    struct fixture *f = *state;
    char digests[2][MU_DIGEST_TEXT_SIZE], path[128];

    write_archive(f, digests, path);
    assert_int_equal(command_for(f, path, "table", "linux/s390x", ""), MU_EXIT_OK);
    assert_non_null(strstr(f->shown, digests[1]));
    assert_non_null(strstr(f->shown, "localhost/app@"));
    assert_non_null(strstr(f->shown, "linux/s390x"));
    registry_peer_listen(&f->peer);
    assert_int_equal(command_for(f, path, "table", "windows/amd64", ""), MU_EXIT_FAILURE);
    registry_peer_listen(&f->peer);
    assert_int_equal(command_for(f, path, "json", "", digests[0]), MU_EXIT_OK);
    assert_non_null(strstr(f->shown, "\"method\":\"local\""));
    (void)unlink(path);
}

static void an_index_in_an_index_is_followed_to_the_image(void **state)
{
    struct fixture *f = *state;
    char json[512], image[256];

    (void)image_build_simple(&f->peer, image_build_debian, image_build_status, f->digest);
    for (int depth = 0; depth < 2; depth++) {
        (void)snprintf(json, sizeof(json),
                       "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":"
                       "\"%s\",\"size\":5}]}",
                       depth == 0 ? IMAGE_BUILD_MANIFEST : IMAGE_BUILD_INDEX, f->digest);
        (void)image_build_manifest_bytes(&f->peer, json, strlen(json), IMAGE_BUILD_INDEX,
                                         f->digest);
    }
    (void)snprintf(image, sizeof(image), "reg.example/team/app@%s", f->digest);
    assert_int_equal(command(f, image, "table"), MU_EXIT_OK);
    assert_non_null(strstr(f->shown, "CVE-2023-5363"));
}

static void an_index_of_indexes_without_end_is_given_up(void **state)
{
    struct fixture *f = *state;
    char json[512], image[256];

    mu_sha256_text("x", 1, f->digest);
    for (int depth = 0; depth < 5; depth++) {
        (void)snprintf(json, sizeof(json),
                       "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" IMAGE_BUILD_INDEX
                       "\",\"digest\":\"%s\",\"size\":5}]}",
                       f->digest);
        (void)image_build_manifest_bytes(&f->peer, json, strlen(json), IMAGE_BUILD_INDEX,
                                         f->digest);
    }
    (void)snprintf(image, sizeof(image), "reg.example/team/app@%s", f->digest);
    assert_int_equal(command(f, image, "table"), MU_EXIT_FAILURE);
}

static void a_format_that_is_none_is_wrong_usage(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(command(f, "reg.example/team/app:1", "xml"), MU_EXIT_USAGE);
    registry_peer_listen(&f->peer);
    assert_int_equal(command(f, "/no/such.tar", "table"), MU_EXIT_FAILURE);
    registry_peer_listen(&f->peer);
    assert_int_equal(command_for(f, "reg.example/team/app:1", "table", "", "one"), MU_EXIT_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            TEST(a_complete_scan_has_counts_and_evidence),
            TEST(packages_of_another_distribution_are_a_failed_scan),
            TEST(packages_of_a_release_the_database_lacks_are_a_failed_scan),
            TEST(a_stale_database_is_a_failed_scan),
            TEST(packages_without_os_release_are_a_failed_scan),
            TEST(an_image_without_packages_and_distribution_is_complete),
            TEST(an_index_is_resolved_without_evidence),
            TEST(an_image_that_needs_too_much_memory_is_a_failed_scan),
            TEST(a_name_that_is_none_is_a_failed_scan),
            TEST(a_temp_dir_that_is_gone_is_worth_another_try),
            TEST(a_tag_is_scanned_and_shown_the_worst_first),
            TEST(what_a_statement_takes_out_stays_visible),
            TEST(statements_that_cannot_be_read_are_wrong_usage),
            TEST(the_raw_result_names_the_tag),
            TEST(a_tag_that_is_not_there_could_not_be_done),
            TEST(an_image_that_is_not_scanned_whole_is_told_apart),
            TEST(neither_tag_nor_digest_is_wrong_usage),
            TEST(an_archive_is_scanned_for_the_platform_that_is_asked_for),
            TEST(an_index_in_an_index_is_followed_to_the_image),
            TEST(an_index_of_indexes_without_end_is_given_up),
            TEST(a_format_that_is_none_is_wrong_usage),
    };

    if (sandbox_child_is_asked(argc, argv)) /* of the command's layers */
        return sandbox_child_main(finders, finder_count);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
