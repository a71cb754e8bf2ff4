/*
 * Applies prepared events as muster-inventory does, batch by batch, and prints the seconds it took.
 *   bench_inventory_apply CONNINFO EVIDENCE_DIR MIX EVENTS [FIRST]
 *
 * MIX is what the events are:
 *   new    all is new: of ten events four push a new image, five tell a running pod of two
 * containers for the first time, one is a scan with twenty findings. fleet  what 1,000,000
 * containers of 100,000 images send in a year: 500,000 pods that live a week are told four times
 * each (created, scheduled, running, removed), which makes 100 million events; 100,000 pushes and a
 * scan of each image a month beside them make 1 and 12 of 1,000. Pods that will be removed and
 * images that they run were told before the clock starts. Everything is encoded before the clock
 * starts; decoding, evidence, SQL and commits are inside. FIRST is the number of the first event:
 * other numbers are other events.
 */
#include "apply/batch.h"
#include "evidence/evidence_store.h"
#include "store/migrations.h"
#include "store/statements.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_MAX = 500000,
    FINDINGS = 20,
    REPOSITORIES = 500,
    CLUSTERS = 4,
    DIGEST_SIZE = MU_DIGEST_TEXT_SIZE,
    IMAGE_ID_SIZE = 64 + DIGEST_SIZE,
    RUN_SIZE = sizeof("containerd://") + DIGEST_SIZE
};
#define ARENA_BYTES (SIZE_MAX / 4)
#define EPOCH_US    INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */

struct bench {
    struct evidence_store *evidence;
    struct mu_arena *arena;
    struct mu_incoming *events;
    size_t count, first;
};

static _Noreturn void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_inventory_apply: %s: %s\n", what, why);
    exit(1);
}

/* Ids are as scattered, and as long, as those of clusters and runtimes. */
static void uuid_of(const char *kind, size_t n, char ret_uuid[MU_UUID_TEXT_SIZE])
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%zu", n);
    mu_stable_id(kind, (const char *const[]){number}, 1, ret_uuid);
}

static void run_of(const char *container, size_t pod, char ret_run[RUN_SIZE])
{
    char text[48], digest[DIGEST_SIZE];

    (void)snprintf(text, sizeof(text), "%s %zu", container, pod);
    mu_sha256_text(text, strlen(text), digest);
    (void)snprintf(ret_run, RUN_SIZE, "containerd://%s", digest + strlen("sha256:"));
}

static void add(struct bench *bench, enum mu_topic topic, enum mu_msg_type type,
                const void *message)
{
    struct mu_incoming *incoming = &bench->events[bench->count];
    char id[MU_UUID_TEXT_SIZE];
    struct mu_buf json;
    struct mu_error err;

    uuid_of("event", bench->first + bench->count, id);
    mu_buf_init(&json, MU_MSG_MAX_BYTES);
    if (mu_msg_encode(type, message, &json, &err) != MU_OK)
        die("encode", err.message);
    *incoming = (struct mu_incoming){
            .topic = topic,
            .offset = (int64_t)(bench->first + bench->count),
            .value = mu_arena_strdup(bench->arena, json.data),
            .value_len = json.len,
            .envelope = {.type = type,
                         .id = mu_arena_strdup(bench->arena, id),
                         .source = "/clusters/production",
                         .time_us = EPOCH_US,
                         .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            .ce_type = mu_msg_descriptor(type)->ce_type};
    bench->count++;
    mu_buf_done(&json);
}

/* Digest, repository and tag of image number `n`. */
struct image {
    char digest[DIGEST_SIZE], repository[64], tag[24];
};

static struct image image_of(size_t n)
{
    struct image image;
    char text[32];

    (void)snprintf(text, sizeof(text), "image %zu", n);
    mu_sha256_text(text, strlen(text), image.digest);
    (void)snprintf(image.repository, sizeof(image.repository), "registry.example/team/app-%zu",
                   n % REPOSITORIES);
    (void)snprintf(image.tag, sizeof(image.tag), "1.%zu", n / REPOSITORIES);
    return image;
}

static void add_push(struct bench *bench, size_t n)
{
    struct image image = image_of(n);
    struct mu_registry_event event = {.source = "registry",
                                      .source_kind = "distribution",
                                      .source_event_id = "x",
                                      .action = MU_REGISTRY_PUSH,
                                      .occurred_at_us = EPOCH_US + (int64_t)n * 1000,
                                      .received_at_us = EPOCH_US + (int64_t)n * 1000,
                                      .repository = image.repository,
                                      .tag = image.tag,
                                      .digest = image.digest,
                                      .digest_kind = MU_DIGEST_KIND_MANIFEST,
                                      .media_type = "application/vnd.oci.image.manifest.v1+json",
                                      .size_bytes = 1024};

    add(bench, MU_TOPIC_REGISTRY_EVENTS, MU_MSG_REGISTRY_EVENT, &event);
}

/* What a pod's life tells (Kubernetes, Pod Lifecycle), in this order. */
enum phase { PHASE_CREATED, PHASE_SCHEDULED, PHASE_RUNNING, PHASE_REMOVED, PHASE_COUNT };

static void set_phase(struct mu_workload_event *event, enum phase phase)
{
    if (phase == PHASE_CREATED)
        event->node = NULL;
    if (phase == PHASE_REMOVED)
        event->action = MU_WORKLOAD_REMOVED;
    event->occurred_at_us += phase * INT64_C(1000000);
}

/* Before it runs the runtime has said nothing of it. */
static void set_container_phase(const struct mu_workload_event *event,
                                struct mu_workload_container *container, enum phase phase)
{
    if (phase < PHASE_RUNNING) {
        container->state = MU_CONTAINER_WAITING;
        container->image_id = container->digest = container->container_id = NULL;
        container->started_at_us = MU_TIME_NONE;
    }
    if (phase == PHASE_REMOVED) {
        container->state = MU_CONTAINER_TERMINATED;
        container->finished_at_us = event->occurred_at_us;
    }
}

/* Which images pods run: so many from the first on. */
struct image_range {
    size_t first, count;
};

static void add_pod(struct bench *bench, size_t n, struct image_range images, enum phase phase)
{
    struct image image = image_of(images.first + n * 7 % images.count);
    char uid[MU_UUID_TEXT_SIZE], pod[32], image_id[IMAGE_ID_SIZE], runs[2][RUN_SIZE];
    struct mu_workload_container containers[2] = {{.name = "main",
                                                   .kind = MU_CONTAINER_REGULAR,
                                                   .state = MU_CONTAINER_RUNNING,
                                                   .image = image.repository,
                                                   .image_id = image_id,
                                                   .repository = image.repository,
                                                   .tag = image.tag,
                                                   .digest = image.digest,
                                                   .container_id = runs[0],
                                                   .started_at_us = EPOCH_US + (int64_t)n * 1000,
                                                   .finished_at_us = MU_TIME_NONE}};
    struct mu_workload_event event = {.source = "cluster",
                                      .source_kind = "kubernetes",
                                      .source_event_id = "x",
                                      .action = MU_WORKLOAD_OBSERVED,
                                      .occurred_at_us = EPOCH_US + (int64_t)n * 1000,
                                      .received_at_us = EPOCH_US + (int64_t)n * 1000,
                                      .cluster = "production",
                                      .namespace_name = "default",
                                      .pod = pod,
                                      .pod_uid = uid,
                                      .owner_kind = "ReplicaSet",
                                      .owner_name = "web",
                                      .node = "node-1",
                                      .platform = "linux/amd64",
                                      .containers = {containers, 2}};

    uuid_of("pod", n, uid);
    (void)snprintf(pod, sizeof(pod), "web-%zx", n);
    (void)snprintf(image_id, sizeof(image_id), "%s@%s", image.repository, image.digest);
    run_of("main", n, runs[0]);
    run_of("proxy", n, runs[1]);
    containers[1] = containers[0];
    containers[1].name = "proxy";
    containers[1].kind = MU_CONTAINER_SIDECAR;
    containers[1].container_id = runs[1];
    set_phase(&event, phase);
    set_container_phase(&event, &containers[0], phase);
    set_container_phase(&event, &containers[1], phase);
    add(bench, MU_TOPIC_WORKLOAD_EVENTS, MU_MSG_WORKLOAD_EVENT, &event);
}

static void store_evidence(struct bench *bench, const char *digest, char ret_name[DIGEST_SIZE],
                           size_t *ret_len)
{
    struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome;
    struct mu_error err;
    struct mu_buf text;

    mu_buf_init(&text, 1024 * 1024);
    mu_buf_printf(&text,
                  "{\"schema\":\"muster.raw-scan.v1\",\"image\":{\"manifest_digest\":\"%s\"},"
                  "\"ecosystem\":\"Debian:12\",\"findings\":[",
                  digest);
    for (int i = 0; i < FINDINGS; i++)
        mu_buf_printf(&text,
                      "%s{\"id\":\"CVE-2026-%d\",\"package\":\"package-%d\",\"package_version\":"
                      "\"1.2.3-%d\",\"severity\":\"moderate\",\"purl\":\"pkg:deb/debian/x@1\"}",
                      i > 0 ? "," : "", i, i, i);
    mu_buf_puts(&text, "]}");
    mu_sha256_text(text.data, text.len, ret_name);
    if (evidence_writer_open(bench->evidence, ret_name, &writer, &err) != MU_OK ||
        evidence_writer_append(writer, text.data, text.len, &err) != MU_OK ||
        evidence_writer_commit(writer, &outcome, &err) != MU_OK)
        die("evidence", err.message);
    evidence_writer_free(writer);
    *ret_len = text.len;
    mu_buf_done(&text);
}

static void add_scan(struct bench *bench, size_t n)
{
    struct image image = image_of(n);
    char uai[128], evidence[DIGEST_SIZE];
    const char *uais[] = {uai};
    size_t evidence_len = 0;
    struct mu_scan_result result = {.request_id = "request",
                                    .job_id = "job",
                                    .attempt = 1,
                                    .repository = image.repository,
                                    .digest = image.digest,
                                    .digest_kind = MU_DIGEST_KIND_MANIFEST,
                                    .outcome = MU_SCAN_COMPLETE,
                                    .uais = {uais, 1},
                                    .scanner_name = "muster-scanner",
                                    .scanner_version = "1",
                                    .database_version = image.digest,
                                    .database_built_at_us = EPOCH_US,
                                    .configuration_checksum = image.digest,
                                    .started_at_us = EPOCH_US + (int64_t)n * 1000,
                                    .finished_at_us = EPOCH_US + (int64_t)n * 1000,
                                    .platform = "linux/amd64",
                                    .has_counts = true,
                                    .counts = {.packages = 80, .findings = FINDINGS}};

    (void)snprintf(uai, sizeof(uai), "%s:%s", image.repository, image.tag);
    store_evidence(bench, image.digest, evidence, &evidence_len);
    result.evidence_digest = evidence;
    result.evidence_size_bytes = (int64_t)evidence_len;
    add(bench, MU_TOPIC_SCAN_RESULTS, MU_MSG_SCAN_RESULT, &result);
}

static void add_new(struct bench *bench, size_t events)
{
    struct image_range images = {0, (bench->first + events) * 4 / 10 + 1};
    size_t pushes = bench->first * 4 / 10;
    size_t pods = bench->first * 5 / 10, scans = bench->first / 10;

    while (bench->count < events) {
        size_t kind = bench->count % 10;

        if (kind < 4)
            add_push(bench, pushes++);
        else if (kind < 9)
            add_pod(bench, pods++, images, PHASE_RUNNING);
        else
            add_scan(bench, scans++);
    }
}

/* ---- the mix of a fleet ---- */

enum {
    FLEET_IMAGES = 2000, /* pushed before the clock starts */
    FLEET_PODS = 2000,   /* at a time */
    FLEET_BEFORE = FLEET_IMAGES + FLEET_PODS * PHASE_REMOVED,
    FLEET_EVENTS_A_PUSH = 1000,
    FLEET_EVENTS_A_SCAN = 83
};

/* How many pods are created between a pod's creation and this word of it. */
static size_t phase_lag(enum phase phase)
{
    static const size_t lags[PHASE_COUNT] = {0, 20, 60, FLEET_PODS};

    return lags[phase];
}

static void add_fleet(struct bench *bench, size_t events)
{
    struct image_range images = {bench->first, FLEET_IMAGES};
    size_t pushes = bench->first + FLEET_IMAGES, scans = bench->first, words = 0;
    size_t pods = 2 * bench->first; /* the first of this run: no run has half as many as events */

    for (size_t n = 0; n < FLEET_IMAGES; n++)
        add_push(bench, bench->first + n);
    for (size_t n = 0; n < FLEET_PODS * PHASE_REMOVED; n++)
        add_pod(bench, pods + n % FLEET_PODS, images, (enum phase)(n / FLEET_PODS));
    pods += FLEET_PODS;
    while (bench->count < FLEET_BEFORE + events) {
        size_t n = bench->count - FLEET_BEFORE;

        if (n % FLEET_EVENTS_A_PUSH == 0)
            add_push(bench, pushes++);
        else if (n % FLEET_EVENTS_A_SCAN == 0)
            add_scan(bench, scans++);
        else {
            enum phase phase = (enum phase)(words % PHASE_COUNT);

            add_pod(bench, pods + words++ / PHASE_COUNT - phase_lag(phase), images, phase);
        }
    }
}

/* Name, what makes its events, and how many of them stand before the clock starts. */
static const struct mix {
    const char *name;
    void (*add)(struct bench *bench, size_t events);
    size_t before;
} mixes[] = {{"new", add_new, 0}, {"fleet", add_fleet, FLEET_BEFORE}};

static const struct mix *mix_named(const char *name)
{
    for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
        if (mu_text_equal(mixes[i].name, name))
            return &mixes[i];
    return NULL;
}

static void apply(struct bench *bench, struct batch_applier *applier, struct mu_pg *pg, size_t from,
                  size_t to)
{
    struct mu_error err;

    while (from < to) {
        size_t count = to - from < BATCH_MAX_MESSAGES ? to - from : BATCH_MAX_MESSAGES;

        if (batch_apply_ahead(applier, pg, bench->events + from, count, &err) != MU_OK)
            die("apply", err.message);
        from += count;
    }
    if (batch_finish(applier, &err) != MU_OK)
        die("apply", err.message);
}

static double apply_all(struct bench *bench, struct mu_pg *pg, size_t before)
{
    struct batch_applier *applier = batch_applier_new(bench->evidence, 0);
    uint64_t start_ms;

    apply(bench, applier, pg, 0, before);
    start_ms = mu_monotonic_ms();
    apply(bench, applier, pg, before, bench->count);
    batch_applier_free(applier);
    return (double)(mu_monotonic_ms() - start_ms) / 1000;
}

int main(int argc, char **argv)
{
    struct bench bench = {.arena = mu_arena_new(ARENA_BYTES)};
    const struct mix *mix = argc > 3 ? mix_named(argv[3]) : NULL;
    struct mu_pg *pg = NULL;
    uint64_t events = 0, first = 0;
    struct mu_error err;
    int applied = 0;

    if (argc < 5 || argc > 6 || !mix || mu_text_to_u64(argv[4], "EVENTS", &events, &err) != MU_OK ||
        events == 0 || events > EVENTS_MAX ||
        (argc == 6 && mu_text_to_u64(argv[5], "FIRST", &first, &err) != MU_OK))
        die("usage",
            "bench_inventory_apply CONNINFO EVIDENCE_DIR new|fleet EVENTS (1 to 500000) [FIRST]");
    bench.first = first;
    bench.events = mu_xcalloc(events + mix->before, sizeof(*bench.events));
    if (evidence_store_open(argv[2], &bench.evidence, &err) != MU_OK)
        die(argv[2], err.message);
    mix->add(&bench, events);
    if (mu_pg_migrate(argv[1], inventory_migrations, inventory_migration_count, &applied, &err) !=
                MU_OK ||
        inventory_pg_open(argv[1], "bench", &pg, &err) != MU_OK)
        die("database", err.message);
    (void)printf("%.3f\n", apply_all(&bench, pg, mix->before));
    mu_pg_close(pg);
    evidence_store_close(bench.evidence);
    free(bench.events);
    mu_arena_free(bench.arena);
    return 0;
}
