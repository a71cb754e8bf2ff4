/* `muster-scanner db build`. */
#include "app/db.h"

#include "database/input.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 10000, LEFT_OUT_SHOWN = 20 };
static const size_t database_max_bytes = (size_t)8 << 30;

struct progress {
    size_t left_out;
};

static void show_taken(void *opaque, uint32_t records)
{
    (void)opaque;
    if (records % PROGRESS_EVERY == 0)
        (void)fprintf(stderr, isatty(STDERR_FILENO) ? "\r  %u records" : "%u records\n", records);
}

static void show_left_out(void *opaque, const char *name, const char *why)
{
    struct progress *progress = opaque;

    if (progress->left_out++ < LEFT_OUT_SHOWN)
        (void)fprintf(stderr, "left out %s: %s\n", name, why);
}

enum mu_status db_build_file(const char *out, int64_t built_at_us, int count,
                             const char *const *inputs, struct mu_error *err)
{
    MU_AUTO(builder) struct builder *builder = builder_new();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf file;
    struct progress progress = {0};
    struct document_tally tally = {
            .opaque = &progress, .left_out = show_left_out, .taken = show_taken};
    enum mu_status st = MU_OK;

    mu_buf_init(&file, database_max_bytes);
    for (int i = 0; st == MU_OK && i < count; i++)
        st = input_add(builder, inputs[i], &tally, err);
    if (st == MU_OK)
        st = builder_finish(builder, built_at_us, &file, err);
    if (st == MU_OK)
        st = mu_file_write_atomic(out, file.data, file.len, err);
    if (progress.left_out > 0)
        (void)fprintf(stderr, "%zu records were left out\n", progress.left_out);
    return st;
}

int db_build(const struct db_config *config, int count, char **inputs)
{
    int64_t built_at_us = MU_TIME_NONE;
    struct mu_error err;
    char *written;

    if (config->built_at && mu_text_equal(config->built_at, "now"))
        built_at_us = mu_now_us();
    else if (config->built_at &&
             mu_time_parse(config->built_at, strlen(config->built_at), &built_at_us, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_USAGE);
    if (db_build_file(config->out, built_at_us, count, (const char *const *)inputs, &err) != MU_OK)
        return db_fail(&err, MU_EXIT_FAILURE);
    written = (char *)(uintptr_t)config->out;
    return db_info(config, 1, &written);
}
