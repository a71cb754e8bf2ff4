/*
 * bundle_build: a small world with every kind of row, written as a bundle by the
 * product itself, and the means to spoil what was written. Header-only; for tests.
 *
 *   apps/a:1  two digests in production, both covered (E1, E2)
 *   apps/b:1  one, covered; its raw scan (E3) also names apps/b:old, from which nothing runs
 *   apps/c:1  one, never scanned: a declared gap
 *
 * Findings: CVE-2026-0001 critical, known to be exploited and late, on a; CVE-2026-0002 moderate on
 * a and b, on b as a vendor dependency; CVE-2026-0003 low and a false positive on b; GHSA-none
 * high, without NVD's word, on b; CVE-2025-9999 closed on a.
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
    struct finding_row findings[5];
    struct closed_finding_row closed[1];
    struct deviation_row deviations[2];
    struct failure_row failures[1];
    struct description_row descriptions[2];
    struct issue_row issues[2];
    size_t inventory_count, instance_count, not_running_count, total_count, finding_count;
    bool no_findings; /* nor failures */
    char raw[WORLD_EVIDENCE][4096];
    char digest[WORLD_EVIDENCE][MU_DIGEST_TEXT_SIZE];
    char reply[WORLD_EVIDENCE][8192]; /* in the order in which a run asks */
    struct http_peer peer;
    char url[64];
    char root[32]; /* a folder to be removed with all that is in it */
    char folder[WORLD_PATH_SIZE];
    char month[8];
    uint32_t max_inventory_rows;
};

/* A raw scan as schemas/raw-scan.v1.schema.json has it; `counts` of findings: all, critical, high,
 * moderate, low. */
#define WORLD_RAW_HEAD                                                                            \
    "{\"schema\":\"muster.raw-scan.v1\",\"status\":\"complete\",\"failures\":[],\"packages\":[]," \
    "\"suppressed\":[],\"started_at\":\"2026-11-29T10:00:00.000000Z\","                           \
    "\"finished_at\":\"2026-11-29T10:00:05.000000Z\","                                            \
    "\"authentication\":{\"method\":\"registry\",\"authorized\":true},"                           \
    "\"scanner\":{\"name\":\"muster-scanner\",\"version\":\"1\",\"configuration_checksum\":"      \
    "\"" DIGEST("c") "\"},\"database\":{\"version\":\"" DIGEST(                                   \
            "d") "\",\"built_at\":"                                                               \
                 "\"2026-11-29T00:00:00.000000Z\",\"newest_record_at\":"                          \
                 "\"2026-11-28T00:00:00.000000Z\",\"records\":1},"
#define WORLD_RAW_IMAGE(name, digest)                                                     \
    "\"image\":{\"repository\":\"r.example/apps/" name "\",\"manifest_digest\":\"" digest \
    "\",\"layers\":[]},"                                                                  \
    "\"targets\":[{\"uai\":\"r.example/apps/" name ":1\",\"digest\":\"" digest "\"}"
#define WORLD_RAW_COUNTS(all, critical, high, moderate, low)                                  \
    "],\"counts\":{\"packages\":0,\"suppressed\":0,\"unknown\":0,\"findings\":" #all          \
    ",\"critical\":" #critical ",\"high\":" #high ",\"moderate\":" #moderate ",\"low\":" #low \
    "},\"findings\":["
#define WORLD_FINDING(id, severity)                                                     \
    "{\"id\":\"" id "\",\"severity\":\"" severity                                       \
    "\",\"status\":\"affected\",\"aliases\":[],\"package\":{\"type\":\"deb\",\"name\":" \
    "\"openssl\","                                                                      \
    "\"version\":\"3.0.1\"}}"

static inline void world_make_evidence(struct world *world)
{
    static const char *const raw[WORLD_EVIDENCE] = {
            WORLD_RAW_HEAD WORLD_RAW_IMAGE("a", DIGEST("1")) WORLD_RAW_COUNTS(2, 1, 0, 1, 0)
                    WORLD_FINDING("CVE-2026-0001", "critical") "," WORLD_FINDING("CVE-2026-0002",
                                                                                 "moderate") "]}",
            WORLD_RAW_HEAD WORLD_RAW_IMAGE("a", DIGEST("2")) WORLD_RAW_COUNTS(1, 0, 0, 1, 0)
                    WORLD_FINDING("CVE-2026-0002", "moderate") "]}",
            WORLD_RAW_HEAD WORLD_RAW_IMAGE(
                    "b",
                    DIGEST("3")) ",{\"uai\":\"" UAI_B_OLD
                                 "\",\"digest\":\"" DIGEST("3") "\"}" WORLD_RAW_COUNTS(3, 0, 1, 1,
                                                                                       1)
                                         WORLD_FINDING("CVE-2026-0002", "moderate") "," WORLD_FINDING(
                                                 "CVE-2026-0003",
                                                 "low") "," WORLD_FINDING("GHSA-none",
                                                                          "high") "]}"};
    const char *order[WORLD_EVIDENCE];

    for (size_t i = 0; i < WORLD_EVIDENCE; i++) {
        (void)snprintf(world->raw[i], sizeof(world->raw[i]), "%s", raw[i]);
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

static inline void world_make_findings(struct world *world)
{
    const struct finding_row base = {.uai = UAI_A,
                                     .repository = "r.example/apps/a",
                                     .packages = "openssl 3.0.1",
                                     .fixed_versions = "openssl 3.0.2",
                                     .severity_source = "nvd_cvss3",
                                     .scanner_name = "muster-scanner",
                                     .detected_at = "2026-09-20T10:00:00.000000Z",
                                     .first_detected_at = "2026-09-20T10:00:00.000000Z",
                                     .item_detected_at = "2026-09-20T10:00:00.000000Z",
                                     .episode = 1,
                                     .instances = 2,
                                     .is_public = "yes",
                                     .status = "open",
                                     .due_by = "rev5"};
    struct finding_row *rows = world->findings;

    for (size_t i = 0; i < 5; i++)
        rows[i] = base;
    rows[0].item = "V-CVE-2026-0001";
    rows[0].vulnerability = rows[0].reported_as = "CVE-2026-0001";
    rows[0].severity = rows[0].effective_severity = "critical";
    rows[0].cvss = "9.8";
    rows[0].kev_added = "2026-10-01";
    rows[0].kev_due = "2026-10-22";
    rows[0].kev_due_at = rows[0].due_at = "2026-10-23T00:00:00.000000Z";
    rows[0].rev5_due_at = "2026-10-20T10:00:00.000000Z";
    rows[0].due_by = "kev";
    rows[0].status = "late";
    rows[1].item = "V-CVE-2026-0002";
    rows[2].item = "V-CVE-2026-0002-DR-2";
    rows[1].vulnerability = rows[1].reported_as = "CVE-2026-0002";
    rows[2].vulnerability = rows[2].reported_as = "CVE-2026-0002";
    rows[1].severity = rows[1].effective_severity = "moderate";
    rows[2].severity = rows[2].effective_severity = "moderate";
    rows[1].cvss = rows[2].cvss = "5.0";
    rows[1].rev5_due_at = rows[1].due_at = "2026-12-19T10:00:00.000000Z";
    rows[1].status = "at_risk";
    rows[2].uai = rows[3].uai = rows[4].uai = UAI_B;
    rows[2].repository = rows[3].repository = rows[4].repository = "r.example/apps/b";
    rows[2].deviations = "DR-2";
    rows[2].due_at = "2026-12-20T00:00:00.000000Z";
    rows[2].due_by = "vendor_check_in";
    rows[2].status = "vendor_dependency";
    rows[3].item = "V-CVE-2026-0003-DR-1";
    rows[3].vulnerability = rows[3].reported_as = "CVE-2026-0003";
    rows[3].severity = rows[3].effective_severity = "low";
    rows[3].cvss = "3.1";
    rows[3].deviations = "DR-1";
    rows[3].due_by = NULL;
    rows[3].status = "false_positive";
    rows[4].item = "V-GHSA-none";
    rows[4].vulnerability = rows[4].reported_as = "GHSA-none";
    rows[4].severity = rows[4].effective_severity = "high";
    rows[4].severity_source = "scanner";
    rows[4].is_public = NULL;
    rows[4].detected_at = rows[4].first_detected_at = "2026-11-15T10:00:00.000000Z";
    rows[4].item_detected_at = "2026-11-15T10:00:00.000000Z";
    rows[4].rev5_due_at = rows[4].due_at = "2026-12-15T10:00:00.000000Z";
    rows[4].status = "at_risk";
}

static inline void world_make_statements(struct world *world)
{
    world->closed[0] =
            (struct closed_finding_row){.item = "V-CVE-2025-9999",
                                        .uai = UAI_A,
                                        .repository = "r.example/apps/a",
                                        .vulnerability = "CVE-2025-9999",
                                        .episode = 1,
                                        .detected_at = "2026-10-01T10:00:00.000000Z",
                                        .first_detected_at = "2026-10-01T10:00:00.000000Z",
                                        .item_detected_at = "2026-10-01T10:00:00.000000Z",
                                        .closed_at = "2026-11-03T10:00:00.000000Z",
                                        .closed_by = "scan",
                                        .item_closed_at = "2026-11-03T10:00:00.000000Z",
                                        .severity = "high",
                                        .cvss = "7.5"};
    world->deviations[0] = (struct deviation_row){.deviation = "DR-1",
                                                  .state = "approved",
                                                  .kind = "false_positive",
                                                  .vulnerability = "CVE-2026-0003",
                                                  .asset = UAI_B,
                                                  .rationale = "the code is not built in",
                                                  .evidence = "evidence/dr-1.pdf",
                                                  .requested_by = "isso@example.com",
                                                  .requested_at = "2026-10-02T10:00:00.000000Z",
                                                  .decided_by = "ao@agency.example",
                                                  .decided_role = "AO",
                                                  .decided_at = "2026-10-05T10:00:00.000000Z"};
    world->deviations[1] = world->deviations[0];
    world->deviations[1].deviation = "DR-2";
    world->deviations[1].kind = "vendor_dependency";
    world->deviations[1].vulnerability = "CVE-2026-0002";
    world->deviations[1].package = "openssl";
    world->deviations[1].rationale = "the vendor has no fix";
    world->deviations[1].checked_in_at = "2026-11-20T00:00:00.000000Z";
    world->failures[0] = (struct failure_row){.failure = "00000000-0000-0000-0000-000000000001",
                                              .state = "open",
                                              .code = "registry_denied",
                                              .message = "the registry refused the credentials",
                                              .repository = "r.example/apps/c",
                                              .attempts = 5,
                                              .opened_at = "2026-11-10T10:00:00.000000Z"};
    world->descriptions[0] = (struct description_row){.vulnerability = "CVE-2026-0001",
                                                      .summary = "A length is not checked",
                                                      .references = "https://example.com/1",
                                                      .advisory = "DSA-1-1",
                                                      .evidence_digest = world->digest[0]};
    world->descriptions[1] = world->descriptions[0];
    world->descriptions[1].vulnerability = "CVE-2026-0002";
    world->descriptions[1].summary = "=cmd|' /C calc'!A0 is no formula";
    world->issues[0] = (struct issue_row){.evidence_digest = world->digest[0],
                                          .check = "CIS-DI-0001",
                                          .severity = "moderate",
                                          .title = "Runs as root",
                                          .source = "CIS Docker Benchmark 4.1"};
    world->issues[1] = world->issues[0];
    world->issues[1].evidence_digest = world->digest[2];
}

static inline void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->arena = mu_arena_new(1 << 20);
    world->system =
            (struct system_file){.name = "Example Cloud",
                                 .fedramp_id = "FR0000000000",
                                 .impact_level = "Moderate",
                                 .baseline_configuration_name = "CIS Level 2",
                                 .diagram_label = "Cluster",
                                 .function = "Application",
                                 .asset_type = "Container",
                                 .default_vendor = "Open Source",
                                 .system_administrator = "",
                                 .unknown_os = "No operating system in image",
                                 .authenticated_scan = "Yes",
                                 .deliverables = "legacy",
                                 .provider = "Example Provider",
                                 .offering = "Example Cloud",
                                 .point_of_contact = "isso@example.com",
                                 .certification_class = "C",
                                 .package_overview_uri = "https://trust.example/package.json",
                                 .configuration_checksum = "",
                                 .unique_vulnerability_baseline = "10",
                                 .poam_items = "all",
                                 .template_poam = "",
                                 .template_dr = "",
                                 .other_assets = ""};
    world_make_evidence(world);
    world_make_rows(world);
    world_make_findings(world);
    world_make_statements(world);
    world->inventory_count = world->instance_count = 4;
    world->not_running_count = 1;
    world->finding_count = 5;
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
    const struct snapshot_instants instants = {INT64_C(1796083199999999), INT64_C(1796083199999999),
                                               INT64_C(1793491200000000)};
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
                                 sizeof(world->totals[0])},
            [SNAPSHOT_FINDINGS] = {(const char *)world->findings,
                                   world->no_findings ? 0 : world->finding_count,
                                   sizeof(world->findings[0])},
            [SNAPSHOT_CLOSED] = {(const char *)world->closed, 1, sizeof(world->closed[0])},
            [SNAPSHOT_DEVIATIONS] = {(const char *)world->deviations, 2,
                                     sizeof(world->deviations[0])},
            [SNAPSHOT_FAILURES] = {(const char *)world->failures, world->no_findings ? 0 : 1,
                                   sizeof(world->failures[0])},
            [SNAPSHOT_DESCRIPTIONS] = {(const char *)world->descriptions, 2,
                                       sizeof(world->descriptions[0])},
            [SNAPSHOT_ISSUES] = {(const char *)world->issues, 2, sizeof(world->issues[0])}};
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
                                     .max_inventory_rows = world->max_inventory_rows,
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
