#include "policy/evidence_facts.h"

#include "store/rounds.h"

#include "base/log.h"
#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ARRAY_MAX_BYTES = 64 * 1024 * 1024,
    ARRAYS = 6,
    LAYERS_MAX = 1000,
    ROUND_MOST = 100,
    PAUSE_MS = 500
};

static const struct mu_json_limits limits = {EVIDENCE_MAX_BYTES, 16};

static void list_arrays(struct evidence_facts *facts, struct mu_buf *ret_arrays[ARRAYS])
{
    struct mu_buf *const arrays[ARRAYS] = {&facts->ordinals, &facts->checks, &facts->severities,
                                           &facts->titles,   &facts->paths,  &facts->chain};

    for (size_t i = 0; i < ARRAYS; i++)
        ret_arrays[i] = arrays[i];
}

void evidence_facts_init(struct evidence_facts *facts)
{
    struct mu_buf *arrays[ARRAYS];

    *facts = (struct evidence_facts){0};
    list_arrays(facts, arrays);
    for (size_t i = 0; i < ARRAYS; i++) {
        mu_buf_init(arrays[i], ARRAY_MAX_BYTES);
        mu_pg_array_begin(arrays[i]);
    }
}

void evidence_facts_done(struct evidence_facts *facts)
{
    struct mu_buf *arrays[ARRAYS];

    list_arrays(facts, arrays);
    for (size_t i = 0; i < ARRAYS; i++)
        mu_buf_done(arrays[i]);
}

/* ---- one raw result ---- */

static void take_issues(const json_t *issues, struct evidence_facts *facts)
{
    const json_t *issue;
    char ordinal[24];
    size_t i;

    json_array_foreach (issues, i, issue) {
        const char *check = mu_json_text_at(issue, "check");
        const char *severity = mu_json_text_at(issue, "severity");

        if (!check)
            continue;
        (void)snprintf(ordinal, sizeof(ordinal), "%zu", i);
        mu_pg_array_add(&facts->ordinals, ordinal);
        mu_pg_array_add(&facts->checks, check);
        mu_pg_array_add(&facts->severities, severity ? severity : "unknown");
        mu_pg_array_add(&facts->titles, mu_json_text_at(issue, "title"));
        mu_pg_array_add(&facts->paths, mu_json_text_at(issue, "path"));
        facts->issue_count++;
    }
}

/* Of one layer that was read whole, what it unpacks to (OCI image specification, "Layer DiffID");
 * NULL: another scanner's, or not read. */
static const char *diff_id_of(const json_t *layer)
{
    const char *diff_id = mu_json_text_at(layer, "diff_id");

    return json_is_true(json_object_get(layer, "scanned")) && diff_id &&
                           mu_oci_digest_valid(diff_id, strlen(diff_id))
                   ? diff_id
                   : NULL;
}

/* Names each number of layers from the first on by all of them, as the specification's ChainID
 * does. What comes above a layer that is not known is not known either. */
static void take_layers(const json_t *layers, struct evidence_facts *facts)
{
    char link[MU_UUID_TEXT_SIZE] = "";
    const json_t *layer;
    size_t i, known = 0;

    json_array_foreach (layers, i, layer) {
        const char *const parts[] = {link, diff_id_of(layer)};

        if (!parts[1] || i >= LAYERS_MAX)
            break;
        mu_stable_id("layer_chain", parts, sizeof(parts) / sizeof(parts[0]), link);
        mu_pg_array_add(&facts->chain, link);
        known++;
    }
    if (known == json_array_size(layers))
        memcpy(facts->top, link, sizeof(link));
}

enum mu_status evidence_facts_parse(const char *bytes, size_t len, struct evidence_facts *facts,
                                    struct mu_error *err)
{
    json_auto_t *root = NULL;
    struct mu_buf *arrays[ARRAYS];
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits, EVIDENCE_MAX_VALUES, &root, err);

    if (st != MU_OK)
        return st;
    take_issues(json_object_get(root, "issues"), facts);
    take_layers(json_object_get(json_object_get(root, "image"), "layers"), facts);
    list_arrays(facts, arrays);
    for (size_t i = 0; st == MU_OK && i < ARRAYS; i++) {
        mu_pg_array_end(arrays[i]);
        st = mu_buf_status(arrays[i], "facts of a raw result", err);
    }
    return st;
}

/* ---- the database ---- */

static enum mu_status write_facts(struct mu_pg *pg, const char *digest,
                                  const struct evidence_facts *facts, struct mu_error *err)
{
    MU_AUTO(pg_transaction) struct mu_pg *transaction = pg;
    char known_at[POLICY_TIME_SIZE];
    enum mu_status st = mu_pg_begin(pg, MU_PG_READ_COMMITTED, err);

    (void)transaction;
    if (st == MU_OK)
        st = policy_tick(pg, known_at, err);
    if (st == MU_OK && facts && facts->issue_count > 0)
        st = mu_pg_execute(pg, POLICY_EVIDENCE_ISSUES,
                           (const char *const[]){digest, facts->ordinals.data, facts->checks.data,
                                                 facts->severities.data, facts->titles.data,
                                                 facts->paths.data},
                           NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_EVIDENCE_LAYERS,
                           (const char *const[]){digest, facts ? facts->chain.data : NULL,
                                                 facts && facts->top[0] ? facts->top : NULL,
                                                 known_at},
                           NULL, err);
    if (st == MU_OK)
        st = mu_pg_execute(pg, POLICY_EVIDENCE_DONE, (const char *const[]){digest, known_at}, NULL,
                           err);
    return st == MU_OK ? mu_pg_commit(pg, err) : st;
}

static enum mu_status read_one(struct mu_pg *pg, const struct evidence_store *store,
                               const char *digest, struct mu_error *err)
{
    MU_AUTO_DONE(evidence_facts_done) struct evidence_facts facts;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    enum mu_status st;

    evidence_facts_init(&facts);
    mu_buf_init(&text, EVIDENCE_MAX_BYTES);
    st = evidence_store_read(store, digest, &text, err);
    if (st == MU_OK)
        st = evidence_facts_parse(text.data, text.len, &facts, err);
    if (st == MU_OK)
        return write_facts(pg, digest, &facts, err);
    MU_LOG(MU_LOG_WARN, "evidence cannot be read for policies", MU_KV("evidence", digest),
           MU_KV("error", err->message));
    return st == MU_E_INVALID || st == MU_E_LIMIT ? write_facts(pg, digest, NULL, err) : MU_OK;
}

enum mu_status evidence_facts_round(struct mu_pg *pg, const struct evidence_store *store, int most,
                                    size_t *ret_count, struct mu_error *err)
{
    MU_AUTO(pg_result) struct mu_pg_result *rows = NULL;
    char limit[24];
    const char *values[] = {limit};
    enum mu_status st;

    (void)snprintf(limit, sizeof(limit), "%d", most);
    st = mu_pg_execute(pg, POLICY_EVIDENCE_NEXT, values, &rows, err);
    for (size_t i = 0; st == MU_OK && i < mu_pg_rows(rows); i++)
        st = read_one(pg, store, mu_pg_text(rows, i, 0), err);
    if (st == MU_OK)
        *ret_count = mu_pg_rows(rows);
    return st;
}

struct reading {
    const char *conninfo;
    const struct evidence_store *store;
};

static enum mu_status open_facts(const void *opaque, struct mu_pg **ret_pg, struct mu_error *err)
{
    const struct reading *reading = opaque;

    return policy_pg_open(reading->conninfo, ret_pg, err);
}

static enum mu_status read_round(const void *opaque, struct mu_pg *pg, bool *ret_busy,
                                 struct mu_error *err)
{
    const struct reading *reading = opaque;
    size_t count = 0;
    enum mu_status st = evidence_facts_round(pg, reading->store, ROUND_MOST, &count, err);

    *ret_busy = count >= ROUND_MOST;
    return st;
}

void evidence_facts_run(const char *conninfo, const struct evidence_store *store)
{
    const struct reading reading = {conninfo, store};
    const struct rounds rounds = {.open = open_facts,
                                  .round = read_round,
                                  .opaque = &reading,
                                  .waiting = "facts for policies wait, retrying",
                                  .pause_ms = PAUSE_MS,
                                  .backoff = {500, 30000, 0}};

    rounds_run(&rounds);
}
