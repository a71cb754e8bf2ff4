#include "gate/cache_keeper.h"

#include "gate/gate_build.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"

#include <string.h>
#include <sys/stat.h>

enum { LOOK_MS = 1000, KEY_MAX_BYTES = 16 * 1024 };

struct keeper {
    const struct cache_keeper_config *config;
    struct timespec modified; /* of the file that was looked at last */
    ino_t inode;
    bool looked;
    uint64_t next_build_ms;
    struct mu_backoff backoff;
    int64_t built_at_us; /* of the cache in use */
};

enum mu_status cache_key_load(const char *path, struct mu_ed25519 **ret_key, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf pem;
    enum mu_status st;

    mu_buf_init(&pem, KEY_MAX_BYTES);
    st = mu_file_read(path, &pem, err);
    if (st == MU_OK)
        st = mu_ed25519_from_pem(pem.data, pem.len, ret_key, err);
    explicit_bzero(pem.data, pem.len);
    return st == MU_OK ? MU_OK : mu_wrap(err, "cache-key '%s'", path);
}

/* ---- opening ---- */

static bool is_new(struct keeper *keeper)
{
    struct stat status;
    bool same;

    if (stat(keeper->config->path, &status) != 0)
        return false;
    same = keeper->looked && status.st_ino == keeper->inode &&
           status.st_mtim.tv_sec == keeper->modified.tv_sec &&
           status.st_mtim.tv_nsec == keeper->modified.tv_nsec;
    keeper->inode = status.st_ino;
    keeper->modified = status.st_mtim;
    keeper->looked = true;
    return !same;
}

/* An older file than the one in use is somebody's copy: what was revoked since must stay so. */
static void take(struct keeper *keeper, struct gate_cache *cache)
{
    const struct gate_cache_info *info = gate_cache_info(cache);

    if (info->built_at_us < keeper->built_at_us) {
        MU_LOG(MU_LOG_ERROR, "gate cache refused: it is older than the one in use",
               MU_KV("file", keeper->config->path), MU_KV_INT("generation", info->generation));
        gate_cache_close(cache);
        return;
    }
    keeper->built_at_us = info->built_at_us;
    MU_LOG(MU_LOG_INFO, "gate cache in use", MU_KV_INT("generation", info->generation),
           MU_KV_INT("records", info->records), MU_KV("policy", info->policy));
    gate_http_set_cache(keeper->config->http, cache);
}

static void look(struct keeper *keeper)
{
    struct gate_cache *cache = NULL;
    struct mu_error err;

    if (!is_new(keeper))
        return;
    if (gate_cache_open(keeper->config->path, keeper->config->key, &cache, &err) == MU_OK)
        take(keeper, cache);
    else
        MU_LOG(MU_LOG_ERROR, "gate cache refused, the one in use stays",
               MU_KV("error", err.message));
}

/* ---- building ---- */

static void build(struct keeper *keeper)
{
    struct gate_build_config config = {.conninfo = keeper->config->conninfo,
                                       .path = keeper->config->path,
                                       .key = keeper->config->key};
    struct gate_cache_info built;
    struct mu_error err;
    int64_t pause_ms = keeper->config->interval_ms;

    if (!config.conninfo || mu_monotonic_ms() < keeper->next_build_ms)
        return;
    if (gate_build(&config, &built, &err) == MU_OK) {
        keeper->backoff.attempt = 0;
    } else {
        MU_LOG(err.status == MU_E_UNAVAILABLE ? MU_LOG_WARN : MU_LOG_ERROR,
               "gate cache not built, retrying", MU_KV("error", err.message));
        pause_ms = mu_backoff_next_ms(&keeper->backoff);
    }
    keeper->next_build_ms = mu_monotonic_ms() + (uint64_t)pause_ms;
}

void cache_keeper_run(const struct cache_keeper_config *config)
{
    struct keeper keeper = {.config = config, .backoff = {1000, 30000, 0}};

    look(&keeper); /* what was there before is better than nothing while the database is away */
    if (keeper.built_at_us > 0)
        gate_http_set_ready(config->http);
    while (!mu_stop_requested()) {
        build(&keeper);
        look(&keeper);
        gate_http_set_ready(config->http);
        gate_http_measure(config->http);
        (void)mu_stop_wait(config->interval_ms < LOOK_MS ? config->interval_ms : LOOK_MS);
    }
}
