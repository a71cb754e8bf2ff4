#include "policy/evidence_facts.h"

#include "evidence/evidence_store.h"

#include "base/sha256.h"
#include "oci/reference.h"
#include "pg/pg.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    ARRAY_MAX_BYTES = 64 * 1024 * 1024, /* of one raw result */
    CHAIN_MAX_BYTES = 64 * 1024,
    LAYERS_MAX = 1000
};

static const struct mu_json_limits limits = {EVIDENCE_MAX_BYTES, 16};

void evidence_facts_init(struct evidence_facts *facts)
{
    *facts = (struct evidence_facts){0};
    for (size_t i = 0; i < FACTS_ARRAYS; i++) {
        mu_buf_init(&facts->arrays[i], EVIDENCE_FACTS_MAX_BYTES + ARRAY_MAX_BYTES);
        mu_pg_array_begin(&facts->arrays[i]);
    }
}

void evidence_facts_done(struct evidence_facts *facts)
{
    for (size_t i = 0; i < FACTS_ARRAYS; i++)
        mu_buf_done(&facts->arrays[i]);
}

void evidence_facts_empty(struct evidence_facts *facts)
{
    evidence_facts_done(facts);
    evidence_facts_init(facts);
}

void evidence_facts_end(struct evidence_facts *facts)
{
    for (size_t i = 0; i < FACTS_ARRAYS; i++)
        mu_pg_array_end(&facts->arrays[i]);
}

size_t evidence_facts_bytes(const struct evidence_facts *facts)
{
    size_t bytes = 0;

    for (size_t i = 0; i < FACTS_ARRAYS; i++)
        bytes += facts->arrays[i].len;
    return bytes;
}

/* ---- one raw result ---- */

static void take_issues(const char *digest, const json_t *issues, struct evidence_facts *facts)
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
        mu_pg_array_add(&facts->arrays[FACTS_ISSUES], digest);
        mu_pg_array_add(&facts->arrays[FACTS_ORDINALS], ordinal);
        mu_pg_array_add(&facts->arrays[FACTS_CHECKS], check);
        mu_pg_array_add(&facts->arrays[FACTS_SEVERITIES], severity ? severity : "unknown");
        mu_pg_array_add(&facts->arrays[FACTS_TITLES], mu_json_text_at(issue, "title"));
        mu_pg_array_add(&facts->arrays[FACTS_PATHS], mu_json_text_at(issue, "path"));
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
 * does. What comes above a layer that is not known is not known either. `layers` NULL: none is. */
static void take_layers(const char *digest, const json_t *layers, struct evidence_facts *facts)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf chain;
    char link[MU_UUID_TEXT_SIZE] = "";
    const json_t *layer;
    size_t i, known = 0;

    mu_buf_init(&chain, CHAIN_MAX_BYTES); /* LAYERS_MAX fit */
    mu_pg_array_begin(&chain);
    json_array_foreach (layers, i, layer) {
        const char *const parts[] = {link, diff_id_of(layer)};

        if (!parts[1] || i >= LAYERS_MAX)
            break;
        mu_stable_id("layer_chain", parts, sizeof(parts) / sizeof(parts[0]), link);
        mu_pg_array_add(&chain, link);
        known++;
    }
    mu_pg_array_end(&chain);
    mu_pg_array_add(&facts->arrays[FACTS_DIGESTS], digest);
    mu_pg_array_add(&facts->arrays[FACTS_CHAINS], chain.data);
    mu_pg_array_add(&facts->arrays[FACTS_TOPS],
                    known > 0 && known == json_array_size(layers) ? link : NULL);
    facts->count++;
}

static enum mu_status take(const char *digest, const json_t *root, struct evidence_facts *facts,
                           struct mu_error *err)
{
    size_t before[FACTS_ARRAYS], issues_before = facts->issue_count;
    enum mu_status st = MU_OK;

    for (size_t i = 0; i < FACTS_ARRAYS; i++)
        before[i] = facts->arrays[i].len;
    take_issues(digest, json_object_get(root, "issues"), facts);
    take_layers(digest, json_object_get(json_object_get(root, "image"), "layers"), facts);
    for (size_t i = 0; st == MU_OK && i < FACTS_ARRAYS; i++)
        if (facts->arrays[i].failed || facts->arrays[i].len - before[i] > ARRAY_MAX_BYTES)
            st = mu_fail(err, MU_E_LIMIT, "facts of a raw result: more than %d bytes",
                         ARRAY_MAX_BYTES);
    if (st == MU_OK)
        return st;
    for (size_t i = 0; i < FACTS_ARRAYS; i++) {
        mu_buf_cut(&facts->arrays[i], before[i]);
        facts->arrays[i].failed = false;
    }
    facts->issue_count = issues_before;
    facts->count--;
    return st;
}

enum mu_status evidence_facts_parse(const char *digest, const char *bytes, size_t len,
                                    struct evidence_facts *facts, struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits, EVIDENCE_MAX_VALUES, &root, err);

    return st == MU_OK ? take(digest, root, facts, err) : st;
}

void evidence_facts_nothing(const char *digest, struct evidence_facts *facts)
{
    take_layers(digest, NULL, facts);
}
