#include "result/raw_scan.h"

#include "result/finding_json.h"
#include "result/json_stream.h"

#include "base/scope.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_targets(struct json_stream *out, const struct raw_scan *scan)
{
    json_open(out, "targets", '[');
    for (size_t i = 0; i < scan->request->uais.count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "uai", scan->request->uais.items[i]);
        json_text(out, "digest", scan->request->digest);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_layers(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "layers", '[');
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct image_layer *layer = &image->layers[i];

        json_open(out, NULL, '{');
        json_text(out, "digest", layer->digest);
        json_text(out, "media_type", layer->media_type);
        json_int(out, "size_bytes", layer->size_bytes);
        json_text(out, "diff_id", layer->diff_id);
        json_bool(out, "scanned", layer->scanned);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_image(struct json_stream *out, const struct raw_scan *scan)
{
    const struct image_analysis *image = scan->image;

    json_open(out, "image", '{');
    json_text(out, "repository", scan->request->repository);
    json_text(out, "manifest_digest", scan->request->digest);
    json_text(out, "config_digest", image->config_digest);
    json_text(out, "media_type", image->media_type);
    json_text(out, "platform", image->platform);
    json_open(out, "os", '{');
    json_text(out, "id", image->os.id);
    json_text(out, "version_id", image->os.version_id);
    json_text(out, "pretty_name", image->os.pretty_name);
    json_close(out, '}');
    json_open(out, "labels", '{');
    json_text(out, "title", image->title);
    json_text(out, "version", image->version);
    json_text(out, "vendor", image->vendor);
    json_close(out, '}');
    put_layers(out, image);
    json_close(out, '}');
}

static void put_provenance(struct json_stream *out, const struct raw_scan *scan)
{
    json_open(out, "scanner", '{');
    json_text(out, "name", "muster-scanner");
    json_text(out, "version", scan->scanner_version);
    json_text(out, "configuration_checksum", scan->configuration_checksum);
    json_close(out, '}');
    json_open(out, "database", '{');
    json_text(out, "version", scan->database->version);
    json_time(out, "built_at", scan->database->built_at_us);
    json_time(out, "newest_record_at", scan->database->newest_record_at_us);
    json_int(out, "records", (int64_t)scan->database->records);
    json_close(out, '}');
    json_open(out, "authentication", '{');
    json_text(out, "method", scan->image->authentication);
    json_bool(out, "authorized", scan->image->kind != MU_DIGEST_KIND_NONE); /* it let us read */
    json_close(out, '}');
    json_time(out, "started_at", scan->started_at_us);
    json_time(out, "finished_at", scan->finished_at_us);
    json_text(out, "status", scan->image->failure_count == 0 ? "complete" : "failed");
    json_text(out, "ecosystem", scan->match->ecosystem);
}

static void put_failures(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "failures", '[');
    for (size_t i = 0; i < image->failure_count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "code", image->failures[i].code);
        json_text(out, "component", image->failures[i].component);
        json_text(out, "message", image->failures[i].message);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_packages(struct json_stream *out, const struct image_analysis *image)
{
    json_open(out, "packages", '[');
    for (size_t i = 0; i < image->package_count; i++) {
        const struct image_package *package = &image->packages[i];

        json_open(out, NULL, '{');
        json_text(out, "type", package->type);
        json_text(out, "name", package->name);
        json_text(out, "version", package->version);
        json_text(out, "source_name", package->source_name);
        json_text(out, "source_version", package->source_version);
        json_text(out, "architecture", package->architecture);
        json_int(out, "layer", package->layer_index);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_gaps(struct json_stream *out, const struct match_result *match)
{
    json_open(out, "gaps", '[');
    for (size_t i = 0; i < match->gap_count; i++) {
        json_open(out, NULL, '{');
        json_text(out, "ecosystem", match->gaps[i].ecosystem);
        json_int(out, "packages", (int64_t)match->gaps[i].packages);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_counts(struct json_stream *out, const struct match_result *match)
{
    const struct mu_scan_counts *counts = &match->counts;

    json_open(out, "counts", '{');
    json_int(out, "packages", counts->packages);
    json_int(out, "findings", counts->findings);
    json_int(out, "critical", counts->critical);
    json_int(out, "high", counts->high);
    json_int(out, "moderate", counts->moderate);
    json_int(out, "low", counts->low);
    json_int(out, "unknown", counts->unknown);
    json_int(out, "suppressed", (int64_t)match->suppressed_count);
    json_close(out, '}');
}

static void put_scan(struct json_stream *out, const struct raw_scan *scan)
{
    json_open(out, NULL, '{');
    json_text(out, "schema", "muster.raw-scan.v1");
    put_targets(out, scan);
    put_image(out, scan);
    put_provenance(out, scan);
    put_failures(out, scan->image);
    put_counts(out, scan->match);
    finding_json_list(out, "findings", scan->match->findings, scan->match->finding_count);
    finding_json_list(out, "suppressed", scan->match->suppressed, scan->match->suppressed_count);
    put_gaps(out, scan->match);
    put_packages(out, scan->image);
    json_close(out, '}');
}

/* For file systems without O_TMPFILE (overlayfs before Linux 6.1): a name for a moment. */
static int open_and_unlink(const char *folder)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/muster-raw-XXXXXX", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

/* A file without a name: it goes when it is closed, whatever happens. */
static enum mu_status open_nameless(const char *folder, int *ret_fd, struct mu_error *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink(folder);
    if (fd < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", folder, strerror(errno));
    *ret_fd = fd;
    return MU_OK;
}

enum mu_status raw_scan_check_folder(const char *folder, struct mu_error *err)
{
    MU_AUTO_FD int fd = -1;

    return open_nameless(folder, &fd, err);
}

/* A stream over the same file, so that closing it leaves `fd`. */
static FILE *stream_over(int fd)
{
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = other >= 0 ? fdopen(other, "w") : NULL;

    if (!file && other >= 0)
        (void)close(other);
    return file;
}

enum mu_status raw_scan_write(const struct raw_scan *scan, const char *folder,
                              struct raw_file *ret_file, struct mu_error *err)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();
    MU_AUTO_FD int fd = -1;
    MU_AUTO_FILE FILE *file = NULL;
    struct json_stream out;
    enum mu_status st = open_nameless(folder, &fd, err);

    if (st != MU_OK)
        return st;
    file = stream_over(fd);
    if (!file)
        return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", folder, strerror(errno));
    json_stream_init(&out, file, hash);
    put_scan(&out, scan);
    st = json_stream_finish(&out, err);
    if (st != MU_OK)
        return st;
    (void)lseek(fd, 0, SEEK_SET);
    ret_file->size_bytes = out.size_bytes;
    mu_sha256_final_text(hash, ret_file->digest);
    ret_file->fd = mu_take_fd(&fd);
    return MU_OK;
}
