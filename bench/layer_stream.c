/*
 * layer_stream: MB/s of unpacked data through the scanner's layer pipeline on one core (blob
 * digest, gunzip, diff_id, tar walk), and its ratio to `igzip -dc FILE | sha256sum` on the same
 * generated layer in the same run. Best of several rounds each, taken in turn.
 *
 *   bench_layer_stream [MEBIBYTES]
 */
#include "layer/layer_stream.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "layer_build.h"

#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 5, READ_BYTES = 16 * 1024 /* as libcurl hands it on */, FILE_BYTES = 48 * 1024 };

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Text and machine-code-like bytes in turn: packs to about a third, as file systems do. */
static void file_fill(char *file, uint64_t *random)
{
    static const char *const words[] = {"usr",    "lib",    "include", "return", "static",
                                        "x86_64", "struct", "0",       "the",    "of",
                                        "=",      "\n",     "package", "version"};
    size_t at = 0;

    while (at + 16 < FILE_BYTES) {
        uint64_t value = next_random(random);

        if (at % (10 * 4096) < 4096) {
            memcpy(file + at, &value, 4);
            at += 4;
        } else {
            const char *word = words[value % (sizeof(words) / sizeof(words[0]))];
            size_t len = strlen(word);

            memcpy(file + at, word, len);
            file[at + len] = ' ';
            at += len + 1;
        }
    }
}

static void layer_generate(size_t mebibytes, struct mu_buf *packed)
{
    struct mu_buf tar;
    char *file = calloc(1, FILE_BYTES), name[64];
    uint64_t random = 7;

    mu_buf_init(&tar, LAYER_BUILD_MAX);
    for (int i = 0; tar.len < mebibytes << 20; i++) {
        file_fill(file, &random);
        (void)snprintf(name, sizeof(name), "usr/share/d%d/file%d", i % 50, i);
        layer_build_entry(&tar, name, '0', "", file,
                          FILE_BYTES - (size_t)(next_random(&random) % 40000));
    }
    layer_build_end(&tar);
    layer_build_gzip(tar.data, tar.len, packed);
    free(file);
    mu_buf_done(&tar);
}

static enum mu_status skip_entry(void *opaque, const struct tar_entry *entry,
                                 enum tar_want *ret_want, struct mu_error *err)
{
    (void)opaque;
    (void)entry;
    (void)err;
    *ret_want = TAR_SKIP;
    return MU_OK;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_layer_stream: %s: %s\n", what, why);
    exit(3);
}

/* Seconds of the pipeline over the file, read as it would arrive. */
static double pipeline_run(int fd, struct layer_result *ret_result)
{
    const struct layer_limits limits = {.max_unpacked_bytes = UINT64_MAX, .max_entries = 10000000};
    const struct tar_sink sink = {.on_entry = skip_entry};
    MU_AUTO(sha256) struct mu_sha256 *blob = mu_sha256_new();
    MU_AUTO(layer_stream) struct layer_stream *stream = NULL;
    static char bytes[READ_BYTES];
    char digest[MU_DIGEST_TEXT_SIZE];
    uint64_t began_ms = mu_monotonic_ms();
    struct mu_error err;
    ssize_t len;

    (void)lseek(fd, 0, SEEK_SET);
    if (layer_stream_new(&limits, &sink, &stream, &err) != MU_OK)
        die("layer stream", err.message);
    while ((len = read(fd, bytes, sizeof(bytes))) > 0) {
        mu_sha256_update(blob, bytes, (size_t)len);
        if (layer_stream_write(stream, bytes, (size_t)len, &err) != MU_OK)
            die("layer", err.message);
    }
    mu_sha256_final_text(blob, digest);
    if (layer_stream_finish(stream, ret_result, &err) != MU_OK)
        die("layer", err.message);
    return (double)(mu_monotonic_ms() - began_ms) / 1000;
}

/* Seconds of `igzip -dc FILE | sha256sum`, and the digest it prints. */
static double floor_run(const char *path, char ret_hex[MU_SHA256_HEX_SIZE])
{
    char command[512];
    uint64_t began_ms = mu_monotonic_ms();
    FILE *pipe;

    (void)snprintf(command, sizeof(command), "igzip -dc '%s' | sha256sum", path);
    pipe = popen(command, "r");
    if (!pipe || fread(ret_hex, 1, MU_SHA256_HEX_SIZE - 1, pipe) != MU_SHA256_HEX_SIZE - 1)
        die("igzip -dc | sha256sum", "no digest (package isal gives igzip)");
    ret_hex[MU_SHA256_HEX_SIZE - 1] = '\0';
    (void)pclose(pipe);
    return (double)(mu_monotonic_ms() - began_ms) / 1000;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static void compare(int fd, const char *path)
{
    double ours = 1e9, theirs = 1e9, mb;
    char hex[MU_SHA256_HEX_SIZE];
    struct layer_result result;

    for (int round = 0; round < ROUNDS; round++) {
        ours = smaller(ours, pipeline_run(fd, &result));
        theirs = smaller(theirs, floor_run(path, hex));
    }
    if (!mu_text_equal(result.diff_id + strlen("sha256:"), hex))
        die("diff_id", "differs from what sha256sum says");
    mb = (double)result.unpacked_bytes / 1e6;
    (void)printf("layer_stream: %.0f MB unpacked from %.0f MB, %llu entries: %.0f MB/s; "
                 "igzip -dc | sha256sum: %.0f MB/s; ratio %.2f\n",
                 mb, (double)result.packed_bytes / 1e6, (unsigned long long)result.entries,
                 mb / ours, mb / theirs, theirs / ours);
}

int main(int argc, char **argv)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf packed;
    char path[] = "/tmp/bench-layer-XXXXXX";
    uint64_t mebibytes = 256;
    struct mu_error err;
    int fd;

    if (argc > 1 && mu_text_to_u64(argv[1], "MEBIBYTES", &mebibytes, &err) != MU_OK)
        die("usage", err.message);
    if (mebibytes == 0 || mebibytes > 400)
        die("usage", "MEBIBYTES is 1 to 400");
    mu_buf_init(&packed, LAYER_BUILD_MAX);
    layer_generate((size_t)mebibytes, &packed);
    fd = mkstemp(path);
    if (fd < 0 || write(fd, packed.data, packed.len) != (ssize_t)packed.len)
        die(path, "cannot be written");
    compare(fd, path);
    (void)unlink(path);
    (void)close(fd);
    return 0;
}
