#include "gate/gate_build.h"

#include "document/text_map.h"
#include "policy/assess.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_ARENA_BYTES = 256 * 1024 * 1024, KEPT_ARENA_BYTES = 1024 * 1024 * 1024 };

/* What a manifest was judged to be, without the findings behind it. */
struct kept_manifest {
    struct judged judged;
    struct mu_json_texts uais;
    const char *scan_id, *database_version;
    int64_t scanned_at_us;
};

struct build {
    struct mu_pg *pg;
    struct policy *policy;
    struct assess_times times;
    char as_of[MU_TIME_TEXT_SIZE];
    struct mu_arena *kept, *row; /* for all of it; for a row */
    struct text_map *by_image;   /* "repository@digest" -> manifests[] */
    struct kept_manifest *manifests;
    size_t manifest_count, manifest_capacity;
    struct text_map *by_word; /* "repository@digest" -> words[] */
    struct person_word *words;
    struct gate_cache_builder *cache;

    char name[MU_OCI_UAI_SIZE]; /* that is being gathered; "" at the beginning */
    struct judged worst;
    const struct kept_manifest *worst_of;
    const struct person_word *word;
    char digest[MU_OCI_DIGEST_SIZE];
};

static void build_done(struct build *build)
{
    mu_pg_close(build->pg);
    policy_free(build->policy);
    mu_arena_free(build->kept);
    mu_arena_free(build->row);
    text_map_free(build->by_image);
    text_map_free(build->by_word);
    free(build->manifests);
    gate_cache_builder_free(build->cache);
}

static void image_key(const char *repository, const char *digest, char ret_key[MU_OCI_UAI_SIZE])
{
    (void)snprintf(ret_key, MU_OCI_UAI_SIZE, "%s@%s", repository, digest);
}

/* ---- manifests ---- */

static bool keep_texts(struct mu_arena *arena, const struct mu_json_texts *from,
                       struct mu_json_texts *ret_to)
{
    bool whole = true;

    ret_to->count = from->count;
    ret_to->items = mu_arena_alloc(arena, (from->count + 1) * sizeof(*from->items));
    for (size_t i = 0; ret_to->items && i < from->count; i++) {
        ret_to->items[i] = mu_arena_strdup(arena, from->items[i]);
        whole &= ret_to->items[i] != NULL;
    }
    return ret_to->items && whole;
}

static enum mu_status keep_manifest(struct build *build, const struct image_facts *facts,
                                    const struct judged *judged, const struct mu_json_texts *uais,
                                    struct mu_error *err)
{
    struct kept_manifest *kept;
    char key[MU_OCI_UAI_SIZE];

    if (build->manifest_count == build->manifest_capacity) {
        size_t capacity = build->manifest_capacity ? 2 * build->manifest_capacity : 1024;
        struct kept_manifest *grown = realloc(build->manifests, capacity * sizeof(*grown));

        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "gate cache: out of memory");
        build->manifests = grown;
        build->manifest_capacity = capacity;
    }
    kept = &build->manifests[build->manifest_count];
    *kept = (struct kept_manifest){
            .judged = *judged,
            .scan_id = mu_arena_strdup(build->kept, facts->scan_id ? facts->scan_id : ""),
            .database_version = mu_arena_strdup(
                    build->kept, facts->database_version ? facts->database_version : ""),
            .scanned_at_us = facts->finished_at_us};
    if (!kept->scan_id || !kept->database_version || !keep_texts(build->kept, uais, &kept->uais))
        return mu_fail(err, MU_E_NOMEM, "gate cache: out of memory");
    image_key(facts->repository, facts->digest, key);
    text_map_add(build->by_image, key, build->manifest_count++);
    return MU_OK;
}

static enum mu_status take_manifest(void *opaque, const struct mu_pg_result *row,
                                    struct mu_error *err)
{
    struct build *build = opaque;
    struct image_facts facts;
    struct mu_json_texts uais;
    struct judged judged;
    enum mu_status st;

    mu_arena_reset(build->row);
    st = assess_row(row, 0, build->row, &facts, &uais, err);
    if (st != MU_OK)
        return st;
    judge_image(build->policy, &facts, build->times.as_of_us, &judged);
    return keep_manifest(build, &facts, &judged, &uais, err);
}

/* ---- people ---- */

static enum mu_status take_people(struct build *build, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    const char *values[] = {build->times.as_of, build->times.known, NULL};
    enum mu_status st = mu_pg_execute(build->pg, POLICY_PEOPLE, values, &rows, err);
    char key[MU_OCI_UAI_SIZE];

    if (st != MU_OK)
        return st;
    build->words = mu_arena_alloc(build->kept, (mu_pg_rows(rows) + 1) * sizeof(*build->words));
    for (size_t i = 0; build->words && i < mu_pg_rows(rows); i++) {
        assess_person_row(rows, i, build->kept, &build->words[i]);
        image_key(build->words[i].repository, build->words[i].digest, key);
        text_map_add(build->by_word, key, i);
    }
    return build->words ? MU_OK : mu_fail(err, MU_E_NOMEM, "gate cache: out of memory");
}

static const struct person_word *word_on(const struct build *build, const char *repository,
                                         const char *digest)
{
    char key[MU_OCI_UAI_SIZE];
    size_t number = 0;

    image_key(repository, digest, key);
    return text_map_find(build->by_word, key, &number) ? &build->words[number] : NULL;
}

/* ---- names ---- */

static enum mu_status finish_name(struct build *build, struct mu_error *err)
{
    struct gate_entry entry = {
            .name = build->name, .digest = build->digest, .scanned_at_us = MU_TIME_NONE};

    if (!build->name[0])
        return MU_OK;
    if (build->word)
        assess_word(build->word, &build->worst);
    entry.rule = build->worst.rule;
    entry.detail = build->worst.detail;
    entry.verdict = build->worst.verdict;
    entry.reason = build->worst.reason;
    entry.expires_at_us = build->worst.expires_at_us;
    if (build->worst_of) {
        entry.scan_id = build->worst_of->scan_id;
        entry.database_version = build->worst_of->database_version;
        entry.scanned_at_us = build->worst_of->scanned_at_us;
    }
    return gate_cache_builder_add(build->cache, &entry, err);
}

static bool carries(const struct kept_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->uais.count; i++)
        if (mu_text_equal(manifest->uais.items[i], name))
            return true;
    return false;
}

/* A scan that does not carry the name of a tag is none of it: it is scanned again for that. */
static void add_manifest(struct build *build, const struct kept_manifest *manifest)
{
    enum verdict before = build->worst.verdict;
    struct judged judged = manifest->judged;

    if (manifest->scanned_at_us != MU_TIME_NONE && !strchr(build->name, '@') &&
        judged.reason != REASON_NOT_IN_REGISTRY && !carries(manifest, build->name)) {
        judged.verdict = VERDICT_WAITING;
        judged.reason = REASON_NEVER_SCANNED;
        judged.rule = "";
        (void)snprintf(judged.detail, sizeof(judged.detail), "no scan of it under this name yet");
    }
    judge_worst(&build->worst, &judged);
    if (build->worst.verdict != before)
        build->worst_of = manifest;
}

static enum mu_status begin_name(struct build *build, const char *name, const char *digest,
                                 struct mu_error *err)
{
    enum mu_status st = finish_name(build, err);

    (void)snprintf(build->name, sizeof(build->name), "%s", name);
    (void)snprintf(build->digest, sizeof(build->digest), "%s", digest);
    build->worst = (struct judged){.rule = "", .expires_at_us = MU_TIME_NONE};
    build->worst_of = NULL;
    build->word = NULL;
    return st;
}

/* Columns of NAMES; rows of one name follow each other. */
static enum mu_status take_name(void *opaque, const struct mu_pg_result *row, struct mu_error *err)
{
    struct build *build = opaque;
    const char *name = mu_pg_text(row, 0, 0), *repository = mu_pg_text(row, 0, 1);
    const char *digest = mu_pg_text(row, 0, 2), *manifest = mu_pg_text(row, 0, 3);
    const struct person_word *word;
    char key[MU_OCI_UAI_SIZE];
    size_t number = 0;

    if (!mu_text_equal(name, build->name) && begin_name(build, name, digest, err) != MU_OK)
        return err->status;
    image_key(repository, manifest ? manifest : digest, key);
    if (text_map_find(build->by_image, key, &number))
        add_manifest(build, &build->manifests[number]);
    word = manifest ? word_on(build, repository, manifest) : NULL;
    if (word && mu_text_equal(word->decision, "revoke"))
        build->word = word;
    if (!build->word)
        build->word = word_on(build, repository, digest);
    return MU_OK;
}

/* ---- all of it ---- */

static enum mu_status read_snapshot(struct build *build, struct mu_error *err)
{
    MU_AUTO_DONE(assess_scope_done) struct assess_scope scope = {0};
    const char *values[] = {build->times.as_of, build->times.known, NULL, NULL, NULL, NULL};
    enum mu_status st = assess_policy(build->pg, &build->times, &build->policy, err);

    if (st != MU_OK)
        return st;
    assess_scope_init(build->policy, &scope);
    values[2] = scope.severities.data;
    values[3] = scope.aged;
    values[4] = scope.deviations.data;
    values[5] = scope.based;
    st = take_people(build, err);
    if (st == MU_OK)
        st = mu_pg_stream(build->pg, POLICY_FACTS_ALL, values, take_manifest, build, err);
    if (st == MU_OK)
        st = mu_pg_stream(build->pg, POLICY_NAMES, values, take_name, build, err);
    return st == MU_OK ? finish_name(build, err) : st;
}

static enum mu_status known_at(struct mu_pg *pg, int64_t *ret_known_us, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *result = NULL;
    enum mu_status st = mu_pg_execute(pg, POLICY_CLOCK, NULL, &result, err);

    if (st == MU_OK)
        *ret_known_us = mu_pg_time_us(result, 0, 0);
    return st;
}

/* Of the file that is there, whoever made it; 0 when there is none that can be read. */
static uint64_t generation_before(const struct gate_build_config *config)
{
    MU_AUTO(gate_cache) struct gate_cache *before = NULL;
    struct mu_error ignored;

    if (gate_cache_open(config->path, config->key, &before, &ignored) != MU_OK)
        return 0;
    return gate_cache_info(before)->generation;
}

enum mu_status gate_build(const struct gate_build_config *config, struct gate_cache_info *ret_info,
                          struct mu_error *err)
{
    MU_AUTO_DONE(build_done) struct build build = {.times = {.known = "infinity"}};
    struct gate_cache_info info = {.built_at_us = mu_now_us()};
    enum mu_status st = policy_pg_open(config->conninfo, &build.pg, err);

    if (st != MU_OK)
        return st;
    mu_time_format(info.built_at_us, build.as_of);
    build.times.as_of = build.as_of;
    build.times.as_of_us = info.built_at_us;
    build.kept = mu_arena_new(KEPT_ARENA_BYTES);
    build.row = mu_arena_new(ROW_ARENA_BYTES);
    build.by_image = text_map_new();
    build.by_word = text_map_new();
    build.cache = gate_cache_builder_new();
    st = mu_pg_begin(build.pg, MU_PG_LONG_READ, err);
    if (st == MU_OK)
        st = known_at(build.pg, &info.known_at_us, err);
    if (st == MU_OK)
        st = read_snapshot(&build, err);
    mu_pg_rollback(build.pg);
    if (st != MU_OK)
        return mu_wrap(err, "gate cache");
    info.generation = generation_before(config) + 1;
    (void)snprintf(info.policy, sizeof(info.policy), "%s", build.policy->digest);
    st = gate_cache_builder_write(build.cache, &info, config->key, config->path, err);
    if (st == MU_OK)
        *ret_info = info;
    return st;
}
