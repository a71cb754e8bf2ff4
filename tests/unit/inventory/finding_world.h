/*
 * finding_world: scans with findings, in a line. Header-only; for tests of inventory.
 */
#ifndef MU_TEST_INVENTORY_FINDING_WORLD_H
#define MU_TEST_INVENTORY_FINDING_WORLD_H

#include "world.h"

/* An instant as SQL text, in the arena. */
static inline const char *sql_time(struct world *w, int64_t at)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at, text);
    return mu_arena_strdup(w->arena, text);
}

/* One finding of a raw result; what is left out is absent. */
struct found {
    const char *id, *advisory, *package, *severity, *extra; /* extra: `"kev":null` */
};

static inline const char *findings_text(struct world *w, const struct found *found, size_t count)
{
    const char *text = "[";

    for (size_t i = 0; i < count; i++)
        text = mu_arena_printf(
                w->arena,
                "%s%s{\"id\":\"%s\",\"advisory\":\"%s\",\"package\":\"%s\",\"package_version\":"
                "\"1\",\"severity\":\"%s\",\"status\":\"affected\"%s%s}",
                text, i ? "," : "", found[i].id,
                found[i].advisory ? found[i].advisory : found[i].id,
                found[i].package ? found[i].package : "lib",
                found[i].severity ? found[i].severity : "high", found[i].extra ? "," : "",
                found[i].extra ? found[i].extra : "");
    return mu_arena_printf(w->arena, "%s]", text);
}

/* A complete scan of a manifest at an instant, applied. */
static inline void scan_with(struct world *w, const char *digest, int64_t at,
                             const struct found *found, size_t count)
{
    /* The time makes the evidence of each scan another one. */
    const char *text = mu_arena_printf(
            w->arena, RAW_SCAN "\"at\":%lld,\"database\":{\"built_at\":\"%s\"},\"findings\":%s}",
            digest, (long long)at, sql_time(w, at), findings_text(w, found, count));
    char *name = mu_arena_alloc(w->arena, MU_DIGEST_TEXT_SIZE);
    struct evidence_writer *writer = NULL;
    enum evidence_outcome outcome;
    struct mu_error err;

    mu_sha256_text(text, strlen(text), name);
    assert_int_equal(evidence_writer_open(w->evidence, name, &writer, &err), MU_OK);
    assert_int_equal(evidence_writer_append(writer, text, strlen(text), &err), MU_OK);
    assert_int_equal(evidence_writer_commit(writer, &outcome, &err), MU_OK);
    evidence_writer_free(writer);
    add_scan(w, mu_arena_printf(w->arena, "scan %s %lld", digest, (long long)at),
             (struct scan){.digest = digest,
                           .uai = REPO ":1.0",
                           .evidence = name,
                           .at = at,
                           .platform = "linux/amd64"});
    world_apply(w);
}

#define SCAN(w, digest, at, ...)                                        \
    scan_with((w), (digest), (at), (const struct found[]){__VA_ARGS__}, \
              sizeof((const struct found[]){__VA_ARGS__}) / sizeof(struct found))
#define CLEAN_SCAN(w, digest, at) scan_with((w), (digest), (at), NULL, 0)

static inline void push_at(struct world *w, const char *tag, char digit, int64_t at)
{
    add_push(w, mu_arena_printf(w->arena, "push %s %c %lld", tag, digit, (long long)at), tag,
             digest_of(digit), at);
    world_apply(w);
}

#endif
