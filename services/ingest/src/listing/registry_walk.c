#include "listing/registry_walk.h"

#include "listing/registry_pager.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORKERS = 4,
    QUEUE_SIZE = 256,
    REQUEST_DEADLINE_MS = 60000,
    RETRY_MIN_MS = 500,
    FAILED_IN_A_ROW_MAX = 5 /* unreachable repositories: then the registry is */
};

struct walk {
    const struct registry_walk *config;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *queue[QUEUE_SIZE]; /* names of repositories */
    size_t first, count;
    bool closed;      /* no more will come */
    bool failed;      /* nobody goes on */
    atomic_bool ends; /* what waits look at */
    size_t failed_in_a_row;
    struct registry_walk_result result;
    struct mu_error err; /* why it failed */
};

/* ---- what to look at ---- */

static bool is_prefix(const char *name)
{
    return mu_text_ends(name, "*");
}

bool registry_walk_wants(const struct source_config *source, const char *repository)
{
    for (size_t i = 0; i < source->repository_count; i++) {
        const char *name = source->repositories[i];

        if (is_prefix(name) ? strncmp(repository, name, strlen(name) - 1) == 0
                            : mu_text_equal(repository, name))
            return true;
    }
    return source->repository_count == 0;
}

static bool needs_catalog(const struct source_config *source)
{
    for (size_t i = 0; i < source->repository_count; i++)
        if (is_prefix(source->repositories[i]))
            return true;
    return source->repository_count == 0;
}

enum mu_status registry_walk_connect(const struct source_config *source, const char *path,
                                     struct mu_registry_client **ret_client, struct mu_error *err)
{
    struct mu_registry_access access = {.username = source->username,
                                        .password_file = source->password_file,
                                        .token_file = source->token_file,
                                        .ca_file = source->ca_file,
                                        .user_agent = "muster-ingest/" MU_VERSION};
    int len = snprintf(access.url, sizeof(access.url), "%s", source->url);

    if (len < 0 || (size_t)len >= sizeof(access.url))
        return mu_fail(err, MU_E_LIMIT, "url is longer than %zu bytes", sizeof(access.url) - 1);
    return mu_registry_client_new(&access, path, REQUEST_DEADLINE_MS, ret_client, err);
}

static struct registry_line line_of(struct walk *walk, struct mu_registry_client *client)
{
    int64_t retry_min_ms = walk->config->retry_min_ms;

    return (struct registry_line){.client = client,
                                  .url = walk->config->source->url,
                                  .stopping = walk->config->stopping,
                                  .ends = &walk->ends,
                                  .retry_min_ms = retry_min_ms ? retry_min_ms : RETRY_MIN_MS,
                                  .rate_remaining = -1,
                                  .rate_reset_ms = -1};
}

/* ---- together ---- */

static void lock(struct walk *walk)
{
    (void)pthread_mutex_lock(&walk->lock);
}

static void unlock(struct walk *walk)
{
    (void)pthread_cond_broadcast(&walk->changed);
    (void)pthread_mutex_unlock(&walk->lock);
}

/* The first reason counts. Called with the lock held. */
static void fail_locked(struct walk *walk, const struct mu_error *err)
{
    if (!walk->failed)
        walk->err = *err;
    walk->failed = true;
    atomic_store(&walk->ends, true);
}

static void fail_walk(struct walk *walk, const struct mu_error *err)
{
    lock(walk);
    fail_locked(walk, err);
    unlock(walk);
}

static enum mu_status enqueue(struct walk *walk, const char *repository, struct mu_error *err)
{
    bool failed;

    lock(walk);
    while (walk->count == QUEUE_SIZE && !walk->failed)
        (void)pthread_cond_wait(&walk->changed, &walk->lock); /* the workers always go on */
    failed = walk->failed;
    if (!failed) {
        walk->queue[(walk->first + walk->count++) % QUEUE_SIZE] = mu_xstrdup(repository);
        walk->result.repositories++;
    }
    unlock(walk);
    return failed ? mu_fail(err, MU_E_UNAVAILABLE, "the walk ended") : MU_OK;
}

/* NULL: nothing more to do. */
static char *dequeue(struct walk *walk)
{
    char *repository = NULL;

    lock(walk);
    while (walk->count == 0 && !walk->closed && !walk->failed)
        (void)pthread_cond_wait(&walk->changed, &walk->lock);
    if (walk->count > 0 && !walk->failed) {
        repository = walk->queue[walk->first];
        walk->first = (walk->first + 1) % QUEUE_SIZE;
        walk->count--;
    }
    unlock(walk);
    return repository;
}

static enum mu_status keep(struct walk *walk, const struct tag_line *line, struct mu_error *err)
{
    enum mu_status st;

    lock(walk);
    st = tag_sorter_add(walk->config->seen, line, err);
    walk->result.tags += line->tag[0] != '\0';
    if (st != MU_OK)
        fail_locked(walk, err);
    unlock(walk);
    return st;
}

static void count_skipped(struct walk *walk)
{
    lock(walk);
    walk->result.skipped++;
    unlock(walk);
}

/* ---- one repository ---- */

struct repository {
    struct walk *walk;
    struct registry_line *line;
    const char *name;
    bool torn; /* a tag of it could not be looked up */
    struct mu_error why;
};

/* What comes back of a tag that went meanwhile, or that makes no sense, ends nothing. */
static enum mu_status look_up(struct repository *repository, const char *tag, struct mu_error *err)
{
    struct tag_line line = {.seen_at_us = mu_now_us()};
    struct mu_registry_manifest manifest;
    enum mu_status st;

    if (!mu_oci_tag_valid(tag, strlen(tag))) {
        count_skipped(repository->walk);
        return MU_OK;
    }
    st = registry_line_look_up(repository->line, tag, &manifest, err);
    if (st == MU_E_NOT_FOUND)
        return MU_OK;
    if (st == MU_E_UNAVAILABLE)
        return st;
    if (st != MU_OK) {
        if (!repository->torn)
            repository->why = *err;
        repository->torn = true;
        return MU_OK;
    }
    (void)snprintf(line.repository, sizeof(line.repository), "%s", repository->name);
    (void)snprintf(line.tag, sizeof(line.tag), "%s", tag);
    (void)snprintf(line.digest, sizeof(line.digest), "%s", manifest.digest);
    (void)snprintf(line.media_type, sizeof(line.media_type), "%s", manifest.media_type);
    return keep(repository->walk, &line, err);
}

static enum mu_status each_tag(void *opaque, const char *tag, struct mu_error *err)
{
    return look_up(opaque, tag, err);
}

/* MU_E_NOT_FOUND only when it was gone from the beginning. */
static enum mu_status read_repository(struct repository *repository, struct mu_error *err)
{
    char path[MU_OCI_REPOSITORY_SIZE + 16];
    struct registry_pager pager = {.line = repository->line,
                                   .path = path,
                                   .member = "tags",
                                   .page_limit = repository->walk->config->source->page_limit,
                                   .each = each_tag,
                                   .opaque = repository};
    size_t pages = 0;
    enum mu_status st;

    (void)snprintf(path, sizeof(path), "%s/tags/list", repository->name);
    mu_registry_client_turn(repository->line->client, repository->name);
    st = registry_pager_run(&pager, &pages, err);
    if (st == MU_E_NOT_FOUND && pages > 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "'%s' went while it was read", repository->name);
    if (st == MU_OK && repository->torn) {
        *err = repository->why;
        return err->status;
    }
    return st;
}

/* Nothing of it is taken for deleted; and when one after the other is out of reach, the walk ends.
 */
static void note_failure(const struct repository *repository, const struct mu_error *err)
{
    struct walk *walk = repository->walk;
    struct tag_line mark = {.seen_at_us = mu_now_us()};
    struct mu_error keep_err;

    (void)snprintf(mark.repository, sizeof(mark.repository), "%s", repository->name);
    if (keep(walk, &mark, &keep_err) != MU_OK)
        return;
    lock(walk);
    if (walk->result.failed++ == 0)
        (void)snprintf(walk->result.failure, sizeof(walk->result.failure), "%.100s: %.400s",
                       repository->name, err->message);
    if (repository->line->blocked_ms > walk->result.blocked_ms)
        walk->result.blocked_ms = repository->line->blocked_ms;
    if (err->status == MU_E_UNAVAILABLE &&
        (++walk->failed_in_a_row == FAILED_IN_A_ROW_MAX || repository->line->blocked_ms > 0))
        fail_locked(walk, err);
    unlock(walk);
}

static void visit(struct walk *walk, struct registry_line *line, const char *name)
{
    struct repository repository = {.walk = walk, .line = line, .name = name};
    struct mu_error err;
    enum mu_status st = read_repository(&repository, &err);

    if (st != MU_OK && st != MU_E_NOT_FOUND) {
        note_failure(&repository, &err);
        return;
    }
    lock(walk);
    walk->failed_in_a_row = 0;
    unlock(walk);
}

static void *work(void *opaque)
{
    struct walk *walk = opaque;
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct registry_line line;
    struct mu_error err;
    char *name;

    if (registry_walk_connect(walk->config->source, NULL, &client, &err) != MU_OK) {
        fail_walk(walk, &err);
        return NULL;
    }
    line = line_of(walk, client);
    while ((name = dequeue(walk)) != NULL) {
        visit(walk, &line, name);
        free(name);
    }
    return NULL;
}

/* ---- the catalog ---- */

/* A name that no repository can have would lead its request astray. */
static bool is_repository(const struct source_config *source, const char *name)
{
    char repository[MU_OCI_REPOSITORY_SIZE];
    struct mu_error ignored;

    return mu_oci_repository_join(source->registry, name, repository, &ignored) == MU_OK;
}

static enum mu_status each_repository(void *opaque, const char *name, struct mu_error *err)
{
    struct walk *walk = opaque;

    if (!is_repository(walk->config->source, name)) {
        count_skipped(walk);
        return MU_OK;
    }
    return registry_walk_wants(walk->config->source, name) ? enqueue(walk, name, err) : MU_OK;
}

static enum mu_status walk_names(struct walk *walk, struct mu_error *err)
{
    const struct source_config *source = walk->config->source;
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < source->repository_count; i++)
        st = each_repository(walk, source->repositories[i], err);
    return st;
}

/* 404 and 405: there is no catalog. 401 and 403: not for us. */
static bool is_refusal(int status)
{
    return status == 401 || status == 403 || status == 404 || status == 405;
}

static enum mu_status walk_catalog(struct walk *walk, struct mu_error *err)
{
    MU_AUTO(registry_client) struct mu_registry_client *client = NULL;
    struct registry_line line;
    struct registry_pager pager = {.path = "_catalog",
                                   .member = "repositories",
                                   .page_limit = walk->config->source->page_limit,
                                   .each = each_repository,
                                   .opaque = walk};
    size_t pages = 0;
    enum mu_status st = registry_walk_connect(walk->config->source, NULL, &client, err);

    if (st != MU_OK)
        return st;
    line = line_of(walk, client);
    pager.line = &line;
    st = registry_pager_run(&pager, &pages, err);
    lock(walk);
    if (line.blocked_ms > walk->result.blocked_ms)
        walk->result.blocked_ms = line.blocked_ms;
    unlock(walk);
    if (st != MU_OK && is_refusal(line.status))
        return mu_wrap(err, "the registry does not show its catalog: name what to look at under "
                            "'repositories'");
    return st;
}

static void run_workers(struct walk *walk, struct mu_error *err)
{
    const bool catalog = needs_catalog(walk->config->source);
    pthread_t threads[WORKERS];
    size_t started = 0;
    enum mu_status st;

    while (started < WORKERS && pthread_create(&threads[started], NULL, work, walk) == 0)
        started++;
    st = started > 0 ? MU_OK : mu_fail(err, MU_E_UNAVAILABLE, "no thread");
    if (st == MU_OK)
        st = catalog ? walk_catalog(walk, err) : walk_names(walk, err);
    if (st != MU_OK)
        fail_walk(walk, err);
    lock(walk);
    walk->closed = true;
    unlock(walk);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    for (; walk->count > 0; walk->count--, walk->first = (walk->first + 1) % QUEUE_SIZE)
        free(walk->queue[walk->first]);
}

enum mu_status registry_walk_run(const struct registry_walk *config,
                                 struct registry_walk_result *ret_result, struct mu_error *err)
{
    MU_AUTO_FREE struct walk *walk = mu_xcalloc(1, sizeof(*walk));

    walk->config = config;
    (void)pthread_mutex_init(&walk->lock, NULL);
    (void)pthread_cond_init(&walk->changed, NULL);
    run_workers(walk, err);
    (void)pthread_cond_destroy(&walk->changed);
    (void)pthread_mutex_destroy(&walk->lock);
    *ret_result = walk->result;
    if (!walk->failed && atomic_load(config->stopping))
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    if (walk->failed)
        *err = walk->err;
    return walk->failed ? err->status : MU_OK;
}
