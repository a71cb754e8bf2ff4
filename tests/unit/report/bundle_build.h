/*
 * bundle_build: a small world with every kind of row, written as a bundle by the
 * product itself, and the means to spoil what was written. Header-only; for tests.
 *
 *   apps/a:1  two digests in production, both covered (E1, E2)
 *   apps/b:1  one, covered; its raw scan (E3) also names apps/b:old, from which nothing runs
 *   apps/c:1  one, never scanned: a declared gap
 */
#ifndef MU_TEST_BUNDLE_BUILD_H
#define MU_TEST_BUNDLE_BUILD_H

#include "bundle/bundle.h"
#include "bundle/layout.h"
#include "bundle/manifest.h"
#include "workbook/workbook.h"

#include "base/file.h"
#include "base/sha256.h"
#include "http_peer.h"
#include "json/json_doc.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UAI_A     "r.example/apps/a:1"
#define UAI_B     "r.example/apps/b:1"
#define UAI_B_OLD "r.example/apps/b:old"
#define UAI_C     "r.example/apps/c:1"

#define FOUR(d)    d d d d
#define SIXTEEN(d) FOUR(d) FOUR(d) FOUR(d) FOUR(d)
#define DIGEST(d)  "sha256:" SIXTEEN(d) SIXTEEN(d) SIXTEEN(d) SIXTEEN(d)

enum { WORLD_EVIDENCE = 3, WORLD_PATH_SIZE = 512 };

struct world {
    struct mu_arena *arena;
    struct system_file system;
    struct inventory_row inventory[4];
    struct instance_row instances[4];
    struct target_row not_running[1];
    struct total_row totals[2];
    size_t inventory_count, instance_count, not_running_count, total_count;
    char raw[WORLD_EVIDENCE][512];
    char digest[WORLD_EVIDENCE][MU_DIGEST_TEXT_SIZE];
    char reply[WORLD_EVIDENCE][1024]; /* in the order in which a run asks */
    struct http_peer peer;
    char url[64];
    char root[32]; /* a folder to be removed with all that is in it */
    char folder[WORLD_PATH_SIZE];
    char month[8];
};

static inline void world_make_evidence(struct world *world)
{
    static const char *const targets[WORLD_EVIDENCE] = {
            "{\"uai\":\"" UAI_A "\",\"digest\":\"" DIGEST("1") "\"}",
            "{\"uai\":\"" UAI_A "\",\"digest\":\"" DIGEST("2") "\"}",
            "{\"uai\":\"" UAI_B
            "\",\"digest\":\"" DIGEST("3") "\"},{\"uai\":\"" UAI_B_OLD
                                           "\",\"digest\":\"" DIGEST("3") "\"}"};
    const char *order[WORLD_EVIDENCE];

    for (size_t i = 0; i < WORLD_EVIDENCE; i++) {
        (void)snprintf(
                world->raw[i], sizeof(world->raw[i]),
                "{\"schema\":\"muster.raw-scan.v1\",\"status\":\"complete\",\"targets\":[%s]}",
                targets[i]);
        mu_sha256_text(world->raw[i], strlen(world->raw[i]), world->digest[i]);
    }
    for (size_t i = 0; i < WORLD_EVIDENCE; i++) { /* a run asks in the order of the digests */
        size_t place = 0;

        for (size_t other = 0; other < WORLD_EVIDENCE; other++)
            place += strcmp(world->digest[other], world->digest[i]) < 0 ? 1 : 0;
        order[place] = world->raw[i];
    }
    for (size_t i = 0; i < WORLD_EVIDENCE; i++)
        (void)snprintf(world->reply[i], sizeof(world->reply[i]),
                       "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(order[i]),
                       order[i]);
}

static inline void world_make_rows(struct world *world)
{
    const struct inventory_row covered = {.repository = "r.example/apps/a",
                                          .tag = "1",
                                          .os_name = "Debian GNU/Linux 12",
                                          .running_containers = 1,
                                          .state = "covered"};
    const struct instance_row instance = {.cluster = "production",
                                          .namespace_name = "prod",
                                          .container = "app",
                                          .container_kind = "container",
                                          .state = "covered",
                                          .started_at = "2026-11-01T00:00:00.000000Z"};

    for (size_t i = 0; i < 4; i++) {
        world->inventory[i] = covered;
        world->instances[i] = instance;
    }
    world->inventory[0].uai = world->inventory[1].uai = UAI_A;
    world->inventory[2].uai = UAI_B;
    world->inventory[3].uai = UAI_C;
    world->inventory[0].manifest_digest = DIGEST("1");
    world->inventory[1].manifest_digest = DIGEST("2");
    world->inventory[2].manifest_digest = DIGEST("3");
    world->inventory[3].manifest_digest = DIGEST("4");
    for (size_t i = 0; i < WORLD_EVIDENCE; i++)
        world->inventory[i].evidence_digest = world->digest[i];
    world->inventory[3].state = world->instances[3].state = "never_scanned";
    world->inventory[3].reason = world->instances[3].reason = "no scan of it under this name yet";
    for (size_t i = 0; i < 4; i++) {
        world->instances[i].uai = world->instances[i].image = world->inventory[i].uai;
        world->instances[i].manifest_digest = world->inventory[i].manifest_digest;
        world->instances[i].pod = mu_arena_printf(world->arena, "pod-%zu", i);
    }
    world->not_running[0] = (struct target_row){UAI_B_OLD, DIGEST("3")};
    world->totals[0] = (struct total_row){"covered", 3};
    world->totals[1] = (struct total_row){"never_scanned", 1};
}

static inline void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->arena = mu_arena_new(1 << 20);
    world->system = (struct system_file){.name = "Example Cloud",
                                         .fedramp_id = "FR0000000000",
                                         .impact_level = "Moderate",
                                         .baseline_configuration_name = "CIS Level 2",
                                         .diagram_label = "Cluster",
                                         .function = "Application",
                                         .asset_type = "Container",
                                         .default_vendor = "Open Source",
                                         .system_administrator = "",
                                         .unknown_os = "No operating system in image",
                                         .authenticated_scan = "Yes"};
    world_make_evidence(world);
    world_make_rows(world);
    world->inventory_count = world->instance_count = 4;
    world->not_running_count = 1;
    world->total_count = 2;
    /* Memory where there is some: the many fsyncs of a bundle then cost nothing. */
    (void)snprintf(world->root, sizeof(world->root), "%s/muster-bundle-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(world->root))
        abort();
    (void)snprintf(world->folder, sizeof(world->folder), "%s/package", world->root);
    (void)snprintf(world->month, sizeof(world->month), "2026-11");
    for (size_t i = 0; i < WORLD_EVIDENCE; i++)
        world->peer.replies[i] = (struct http_peer_reply){world->reply[i], PEER_KEEP};
}

static inline int world_remove_one(const char *path, const struct stat *status, int kind,
                                   struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static inline void world_done(struct world *world)
{
    (void)nftw(world->root, world_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mu_arena_free(world->arena);
}

/* The rows as they are now. */
static inline struct snapshot *world_snapshot(const struct world *world)
{
    const struct snapshot_instants instants = {INT64_C(1796083199999999),
                                               INT64_C(1796083199999999)};
    const struct {
        const char *rows;
        size_t count, size;
    } kinds[SNAPSHOT_ROWS_COUNT] = {
            [SNAPSHOT_INVENTORY] = {(const char *)world->inventory, world->inventory_count,
                                    sizeof(world->inventory[0])},
            [SNAPSHOT_INSTANCES] = {(const char *)world->instances, world->instance_count,
                                    sizeof(world->instances[0])},
            [SNAPSHOT_NOT_RUNNING] = {(const char *)world->not_running, world->not_running_count,
                                      sizeof(world->not_running[0])},
            [SNAPSHOT_TOTALS] = {(const char *)world->totals, world->total_count,
                                 sizeof(world->totals[0])}};
    struct snapshot *snapshot = NULL;
    struct mu_error err;

    if (snapshot_new(&instants, &snapshot, &err) != MU_OK)
        abort();
    for (int kind = 0; kind < SNAPSHOT_ROWS_COUNT; kind++)
        for (size_t i = 0; i < kinds[kind].count; i++)
            if (snapshot_add(snapshot, (enum snapshot_rows)kind,
                             kinds[kind].rows + i * kinds[kind].size, &err) != MU_OK)
                abort();
    return snapshot;
}

/* Writes the bundle against the peer as it is set up. */
static inline enum mu_status world_write(struct world *world, uint32_t retry_ms,
                                         struct bundle_counts *ret_counts, struct mu_error *err)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(world);
    struct bundle_request request = {.folder = world->folder,
                                     .month = world->month,
                                     .inventory_url = world->url,
                                     .retry_ms = retry_ms,
                                     .system = &world->system,
                                     .snapshot = snapshot};
    enum mu_status st;

    http_peer_start(&world->peer);
    (void)snprintf(world->url, sizeof(world->url), "http://127.0.0.1:%d", world->peer.port);
    st = bundle_write(&request, ret_counts, err);
    http_peer_stop(&world->peer);
    return st;
}

/* ---- spoiling ---- */

static inline const char *world_path(const struct world *world, const char *name)
{
    static char path[2 * WORLD_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    return path;
}

static inline void world_put(const struct world *world, const char *name, const char *bytes,
                             size_t len)
{
    struct mu_error err;

    if (mu_file_write_atomic(world_path(world, name), bytes, len, &err) != MU_OK)
        abort();
}

static inline json_t *world_json(const struct world *world, const char *name)
{
    json_t *root = json_load_file(world_path(world, name), 0, NULL);

    if (!root)
        abort();
    return root;
}

static inline void world_put_json(const struct world *world, const char *name, json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);

    world_put(world, name, text, strlen(text));
    free(text);
    json_decref(root);
}

/* Puts the file's present size and SHA-256 into the manifest, as who forges a bundle would. */
static inline void world_list(const struct world *world, const char *name)
{
    json_t *manifest = world_json(world, BUNDLE_MANIFEST);
    char digest[MU_DIGEST_TEXT_SIZE];
    uint64_t size_bytes;
    struct mu_error err;

    if (manifest_hash_file(world_path(world, name), digest, &size_bytes, &err) != MU_OK)
        abort();
    json_object_set_new(json_object_get(manifest, "files"), name,
                        json_pack("{s:s, s:I, s:s}", "sha256", digest, "size_bytes",
                                  (json_int_t)size_bytes, "title", ""));
    world_put_json(world, BUNDLE_MANIFEST, manifest);
}

static inline void world_unlist(const struct world *world, const char *name)
{
    json_t *manifest = world_json(world, BUNDLE_MANIFEST);

    json_object_del(json_object_get(manifest, "files"), name);
    world_put_json(world, BUNDLE_MANIFEST, manifest);
}

static inline void world_count(const struct world *world, const char *name, int count)
{
    json_t *manifest = world_json(world, BUNDLE_MANIFEST);

    json_object_set_new(json_object_get(manifest, "counts"), name, json_integer(count));
    world_put_json(world, BUNDLE_MANIFEST, manifest);
}

/* Name of the raw scan with evidence `index`. */
static inline const char *world_raw_name(const struct world *world, size_t index)
{
    static char name[128];

    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_RAW_SCANS,
                   world->digest[index] + strlen("sha256:"));
    return name;
}

#endif
