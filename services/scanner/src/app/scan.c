/* `muster-scanner scan`: one image, now, without Kafka and inventory. */
#include "app/commands.h"

#include "app/scan_output.h"
#include "app/scan_progress.h"
#include "app/scan_target.h"
#include "job/scan.h"

#include "base/stop.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPTION(member) offsetof(struct scan_config, member)

const struct mu_option scan_options[SCAN_OPTION_COUNT] = {
        {"database", MU_OPTION_TEXT, OPTION(database), "", 0, 0, 0,
         "vulnerability database, made by 'muster-scanner db build'; needed but for bills of "
         "materials"},
        {"registries", MU_OPTION_TEXT, OPTION(registries), "", 0, 0, 0,
         "JSON file: how registries are reached"},
        {"docker-config", MU_OPTION_TEXT, OPTION(docker_config), "", 0, 0, 0,
         "Docker's config.json with credentials (default: that of the user; none: do without)"},
        {"platform", MU_OPTION_TEXT, OPTION(platform), "", 0, 0, 0,
         "which image of an index: os/architecture[/variant] (default: that of this machine)"},
        {"image", MU_OPTION_TEXT, OPTION(image), "", 0, 0, 0,
         "which image of an archive or folder with several: its name, tag or digest"},
        {"format", MU_OPTION_TEXT, OPTION(format), "table", 0, 0, 0,
         "table; json: the raw result as inventory would store it; cyclonedx or spdx: the bill of "
         "materials"},
        {"vex", MU_OPTION_TEXT, OPTION(vex), NULL, 0, 0, 0,
         "OpenVEX or CycloneDX file, or folder of them; several with a comma between"},
        {"uai", MU_OPTION_TEXT, OPTION(uai), NULL, 0, 0, 0,
         "Unique Asset Identifier to write into the raw result (default: the image)"},
        ENGINE_OPTIONS(scan_config),
        LIMIT_OPTIONS(scan_config),
};

/* One scan of the command: what is opened for it, and what came out. */
struct scan_work {
    const struct scan_config *config;
    const struct scan_format *format;
    struct registry_book *book;
    struct database *database;
    struct vex_set *vex;
    struct layer_engine *engine;
    struct scan_target target;
    struct scan_context context;
    struct mu_arena *arena;
    struct mu_scan_result result;
    struct scan_files files;
};

static void work_done(struct scan_work *work)
{
    scan_files_close(&work->files);
    image_source_free(work->target.source);
    layer_engine_free(work->engine);
    registry_book_free(work->book);
    database_close(work->database);
    vex_set_free(work->vex);
    mu_arena_free(work->arena);
}

static int tell(const struct mu_error *err, int code)
{
    scan_progress_clear();
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

static int report_artifact(const struct mu_scan_result *result)
{
    (void)printf("%s@%s is no image (a signature, attestation, SBOM or chart)\n",
                 result->repository, result->digest);
    return MU_EXIT_OK;
}

static int report(const struct scan_work *work)
{
    const struct mu_scan_result *result = &work->result;
    struct mu_error err;

    scan_progress_clear();
    if (result->outcome == MU_SCAN_NOT_SCANNABLE)
        return report_artifact(result);
    if (scan_format_print(work->format, result, &work->files.raw, &err) != MU_OK)
        return tell(&err, MU_EXIT_FAILURE);
    if (result->has_failure)
        (void)fprintf(stderr, "muster-scanner: not scanned whole: %s: %s\n", result->failure.code,
                      result->failure.message);
    return result->has_failure ? MU_EXIT_DIFFERENCE : MU_EXIT_OK;
}

/* The target's digest, whatever it is. */
static enum mu_status scan_digest(struct scan_work *work, const char *uai, struct mu_error *err)
{
    const struct mu_oci_reference *reference = &work->target.reference;
    const struct mu_scan_request request = {.request_id = "scan",
                                            .job_id = "scan",
                                            .attempt = 1,
                                            .repository = reference->repository,
                                            .digest = reference->digest,
                                            .uais = {&uai, 1}};

    return scan_run(&work->context, &request, work->arena, &work->result, &work->files, err);
}

/* From index to index until there is an image, or something that is none. */
static enum mu_status scan_platform(struct scan_work *work, const char *uai, struct mu_error *err)
{
    const char *platform = work->config->platform;
    const struct mu_scan_child *child = NULL;

    for (int depth = 0;; depth++) {
        if (scan_digest(work, uai, err) != MU_OK)
            return err->status;
        if (work->result.outcome != MU_SCAN_RESOLVED)
            return MU_OK;
        if (depth == SCAN_PLATFORM_DEPTH_MAX)
            return mu_fail(err, MU_E_LIMIT, "an index of indexes, more than %d deep",
                           SCAN_PLATFORM_DEPTH_MAX);
        if (scan_platform_choose(&work->result, platform && platform[0] != '\0' ? platform : NULL,
                                 &child, err) != MU_OK)
            return err->status;
        (void)snprintf(work->target.reference.digest, sizeof(work->target.reference.digest), "%s",
                       child->digest);
    }
}

static enum mu_status work_open(struct scan_work *work, const char *name, struct mu_error *err)
{
    const struct scan_config *config = work->config;

    if (scan_target_open(name, config->image, work->book, config->limits.deadline_ms, &work->target,
                         err) != MU_OK)
        return err->status;
    work->target.source = scan_progress_over(work->target.source);
    work->arena = mu_arena_new_scratch(IMAGE_ARENA_MAX_BYTES);
    work->context = (struct scan_context){.book = work->book,
                                          .source = work->target.source,
                                          .database = work->database,
                                          .vex = work->vex,
                                          .engine = work->engine,
                                          .temp_dir = config->engine.temp_dir,
                                          .sbom = scan_format_sbom(work->format)};
    limits_from(&config->limits, &work->context.limits);
    scan_context_checksum(&work->context);
    return MU_OK;
}

/* Credentials of Docker's own file, where somebody at a terminal has logged in. */
static void docker_config_use(struct scan_work *work)
{
    const char *given = work->config->docker_config, *folder = getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    char path[PATH_MAX];
    int len;

    if (mu_text_equal(given, "none"))
        return;
    if (given && given[0] != '\0') {
        registry_book_docker_config(work->book, given);
        return;
    }
    if (folder && folder[0] != '\0')
        len = snprintf(path, sizeof(path), "%s/config.json", folder);
    else
        len = snprintf(path, sizeof(path), "%s/.docker/config.json", home ? home : "");
    if (len > 0 && len < (int)sizeof(path) && access(path, R_OK) == 0)
        registry_book_docker_config(work->book, path);
}

static enum mu_status database_use(struct scan_work *work, struct mu_error *err)
{
    const char *path = work->config->database;

    if (path && path[0] != '\0')
        return database_open(path, &work->database, err);
    if (scan_format_sbom(work->format))
        return MU_OK;
    return mu_fail(err, MU_E_INVALID,
                   "--database is missing: findings need one; make it with "
                   "'muster-scanner db build'");
}

static int scan_one(struct scan_work *work, const char *name)
{
    char named[MU_OCI_UAI_SIZE];
    struct mu_error err;
    enum mu_status st;

    if (database_use(work, &err) != MU_OK ||
        vex_option_load(work->config->vex, &work->vex, &err) != MU_OK ||
        registry_book_load(work->config->registries, &work->book, &err) != MU_OK ||
        engine_from(&work->config->engine, &work->engine, &err) != MU_OK)
        return tell(&err, MU_EXIT_USAGE);
    docker_config_use(work);
    st = work_open(work, name, &err);
    if (st != MU_OK)
        return tell(&err, st == MU_E_INVALID ? MU_EXIT_USAGE : MU_EXIT_FAILURE);
    mu_oci_uai_format(work->target.reference.repository, work->target.reference.tag,
                      work->target.reference.digest, named);
    if (scan_platform(work, work->config->uai ? work->config->uai : named, &err) != MU_OK)
        return tell(&err, MU_EXIT_FAILURE);
    return report(work);
}

int scan_command(void *config_struct, int argc, char **argv)
{
    MU_AUTO_DONE(work_done)
    struct scan_work work = {.config = config_struct, .files = SCAN_FILES_NONE};
    struct mu_error err;

    if (argc != 1) {
        (void)fprintf(stderr, "muster-scanner: scan takes one image: host/path:tag, "
                              "host/path@sha256:..., or the path of an OCI layout, OCI archive or "
                              "'docker save' archive\n");
        return MU_EXIT_USAGE;
    }
    mu_stop_install();
    if (scan_format_find(work.config->format, &work.format, &err) != MU_OK)
        return tell(&err, MU_EXIT_USAGE);
    return scan_one(&work, argv[0]);
}
