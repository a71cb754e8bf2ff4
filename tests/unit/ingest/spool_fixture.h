/*
 * spool_fixture: a spool in a folder of its own, messages for it, and what was told of them.
 */
#ifndef MU_TEST_SPOOL_FIXTURE_H
#define MU_TEST_SPOOL_FIXTURE_H

#include "spool/spool.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_WAIT_MS = 15000, SPOOL_PATH_SIZE = 512, SPOOL_TEST_MAX_BYTES = 64 * 1024 * 1024 };

struct spool_folder_fixture {
    char path[64];
};

static inline void folder_make(struct spool_folder_fixture *folder)
{
    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/muster_spool.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

/* Calls nothing back: names of the folder that end with `suffix`; the last one's path in
 * `ret_path`. */
static inline size_t folder_count(const struct spool_folder_fixture *folder, const char *suffix,
                                  char ret_path[SPOOL_PATH_SIZE])
{
    DIR *dir = opendir(folder->path);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        size_t len = strlen(entry->d_name), suffix_len = strlen(suffix);

        if (len < suffix_len || strcmp(entry->d_name + len - suffix_len, suffix) != 0)
            continue;
        count++;
        if (ret_path)
            (void)snprintf(ret_path, SPOOL_PATH_SIZE, "%s/%.200s", folder->path, entry->d_name);
    }
    (void)closedir(dir);
    return count;
}

static inline void folder_remove(struct spool_folder_fixture *folder)
{
    DIR *dir = opendir(folder->path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    assert_int_equal(rmdir(folder->path), 0);
}

static inline struct spool *spool_start(const struct spool_folder_fixture *folder,
                                        int64_t segment_bytes)
{
    const struct spool_config config = {.folder = folder->path,
                                        .max_bytes = SPOOL_TEST_MAX_BYTES,
                                        .segment_bytes = segment_bytes};
    struct spool *spool = NULL;
    struct mu_error err;

    if (spool_open(&config, &spool, &err) != MU_OK)
        fail_msg("%s", err.message);
    return spool;
}

static inline struct mu_outgoing spool_message(const char *id)
{
    return (struct mu_outgoing){.topic = MU_TOPIC_REGISTRY_EVENTS,
                                .key = "key",
                                .envelope = {.type = MU_MSG_REGISTRY_EVENT,
                                             .id = id,
                                             .source = "/test",
                                             .time_us = 1700000000000000},
                                .value = id,
                                .value_len = strlen(id)};
}

struct spool_outcome {
    atomic_size_t done, failed;
};

static inline void spool_note(void *opaque, enum mu_status status)
{
    struct spool_outcome *outcome = opaque;

    if (status != MU_OK)
        atomic_fetch_add(&outcome->failed, 1);
    atomic_fetch_add(&outcome->done, 1);
}

static inline void spool_put(struct spool *spool, const char *id, struct spool_outcome *outcome)
{
    struct mu_outgoing message = spool_message(id);
    struct mu_error err;

    if (spool_append(spool, &message, spool_note, outcome, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static inline void spool_wait(struct spool_outcome *outcome, size_t count)
{
    uint64_t deadline = mu_monotonic_ms() + SPOOL_WAIT_MS;

    while (atomic_load(&outcome->done) < count && mu_monotonic_ms() < deadline)
        (void)usleep(500);
    assert_int_equal(atomic_load(&outcome->done), count);
}

/* Appends and waits: the message is on disk. */
static inline void spool_put_durably(struct spool *spool, const char *id)
{
    struct spool_outcome outcome = {0};

    spool_put(spool, id, &outcome);
    spool_wait(&outcome, 1);
    assert_int_equal(atomic_load(&outcome.failed), 0);
}

/* Ids of what a drainer reads, each followed by a space. */
static inline enum mu_status spool_collect(void *opaque, const struct mu_outgoing *message,
                                           struct mu_error *err)
{
    struct mu_buf *ids = opaque;

    (void)err;
    mu_buf_printf(ids, "%s ", message->envelope.id);
    return MU_OK;
}

#endif
