#include "database/csaf.h"

#include "database/purl.h"
#include "json/json_doc.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRANCH_DEPTH_MAX = 16, ECOSYSTEM_SIZE = 160 };
static const size_t arena_max_bytes = (size_t)256 << 20;

/* One component of one product, as a vulnerability speaks of it. */
struct item {
    const char *ecosystem, *name, *module, *architecture, *state, *rating;
    const char *fixed; /* NULL: no fix; "0": never affected */
};

struct csaf {
    struct builder *builder;
    struct mu_arena *arena;
    json_t *identifiers; /* product_id -> product_identification_helper, borrowed */
    json_t *relations;   /* product_id of a relationship -> that relationship, borrowed */
    struct item *items;
    size_t count, capacity;
    struct mu_error *err;
};

/* ---- the product tree ---- */

static void note_branches(struct csaf *csaf, const json_t *branches, unsigned depth)
{
    const json_t *branch;
    size_t index;

    json_array_foreach (branches, index, branch) {
        const json_t *product = json_object_get(branch, "product");
        const char *id = json_string_value(json_object_get(product, "product_id"));
        json_t *helper = json_object_get(product, "product_identification_helper");

        if (id && json_is_object(helper))
            (void)json_object_set(csaf->identifiers, id, helper);
        if (depth < BRANCH_DEPTH_MAX)
            note_branches(csaf, json_object_get(branch, "branches"), depth + 1);
    }
}

static void note_relations(struct csaf *csaf, const json_t *relations)
{
    json_t *relation;
    size_t index;

    json_array_foreach (relations, index, relation) {
        const char *id = mu_json_text_at(relation, "full_product_name.product_id");

        if (id)
            (void)json_object_set(csaf->relations, id, relation);
    }
}

static const char *helper_text(const struct csaf *csaf, const char *product_id, const char *member)
{
    return json_string_value(
            json_object_get(json_object_get(csaf->identifiers, product_id), member));
}

/* "cpe:/a:redhat:enterprise_linux:9::appstream" gives "Red Hat:enterprise_linux:9::appstream". */
static const char *ecosystem_of(struct csaf *csaf, const char *product_id)
{
    const char *cpe = helper_text(csaf, product_id, "cpe");
    const char *rest = cpe ? strstr(cpe, ":redhat:") : NULL;

    return rest ? mu_arena_printf(csaf->arena, "Red Hat:%.*s", ECOSYSTEM_SIZE, rest + 8) : NULL;
}

/* ---- items ---- */

static enum mu_status add_item(struct csaf *csaf, const struct item *item)
{
    if (csaf->count == csaf->capacity) {
        size_t capacity = csaf->capacity ? 2 * csaf->capacity : 256;
        struct item *items = mu_arena_alloc(csaf->arena, capacity * sizeof(*items));

        if (!items)
            return mu_fail(csaf->err, MU_E_NOMEM, "CSAF: out of memory");
        if (csaf->count > 0)
            memcpy(items, csaf->items, csaf->count * sizeof(*items));
        csaf->items = items;
        csaf->capacity = capacity;
    }
    csaf->items[csaf->count++] = *item;
    return MU_OK;
}

/* "openssl-1:3.0.7-27.el9.x86_64" where there is no purl: name-[epoch:]version-release.arch. */
static bool read_nevra(struct csaf *csaf, const char *text, struct item *item, const char **fixed)
{
    char *copy = mu_arena_strdup(csaf->arena, text), *dot, *release, *version;

    dot = copy ? strrchr(copy, '.') : NULL;
    if (!dot)
        return false;
    *dot = '\0';
    release = strrchr(copy, '-');
    if (!release || release == copy)
        return false;
    version = memrchr(copy, '-', (size_t)(release - copy));
    if (!version || version == copy)
        return false;
    *version = '\0';
    item->name = copy;
    item->architecture = dot + 1;
    *fixed = version + 1;
    return true;
}

static const char *module_of(struct csaf *csaf, const char *label)
{
    const char *second = label ? strchr(label, ':') : NULL;
    size_t len = second ? (size_t)(second - label) + 1 + strcspn(second + 1, ":") : 0;

    return len > 0 ? mu_arena_strndup(csaf->arena, label, len) : NULL;
}

/* Name, version and architecture of a component. False: it is no rpm. */
static bool read_component(struct csaf *csaf, const char *component, struct item *item,
                           const char **fixed)
{
    const char *text = helper_text(csaf, component, "purl");
    const char *epoch;
    struct mu_error ignored;
    struct purl purl;

    if (!text)
        return read_nevra(csaf, component, item, fixed);
    if (purl_parse(text, strlen(text), csaf->arena, &purl, &ignored) != MU_OK ||
        !mu_text_equal(purl.type, "rpm"))
        return false;
    epoch = purl_qualifier(&purl, "epoch");
    item->name = purl.name;
    item->architecture = purl_qualifier(&purl, "arch");
    if (purl_qualifier(&purl, "rpmmod"))
        item->module = module_of(csaf, purl_qualifier(&purl, "rpmmod"));
    *fixed = purl.version && epoch ? mu_arena_printf(csaf->arena, "%s:%s", epoch, purl.version)
                                   : purl.version;
    return true;
}

static bool holds_product(const json_t *object, const char *product_id, const char *member)
{
    const json_t *id;
    size_t index;

    json_array_foreach (json_object_get(object, member), index, id) {
        if (mu_text_equal(json_string_value(id), product_id))
            return true;
    }
    return false;
}

static const char *state_of(const json_t *vulnerability, const char *product_id)
{
    static const struct {
        const char *details, *state;
    } states[] = {{"Will not fix", "will_not_fix"},
                  {"Fix deferred", "deferred"},
                  {"Out of support scope", "out_of_support"},
                  {"Affected", NULL}};
    const json_t *remediation;
    size_t index;

    json_array_foreach (json_object_get(vulnerability, "remediations"), index, remediation) {
        const char *details = json_string_value(json_object_get(remediation, "details"));

        for (size_t i = 0; details && i < sizeof(states) / sizeof(states[0]); i++)
            if (mu_text_equal(details, states[i].details) &&
                holds_product(remediation, product_id, "product_ids"))
                return states[i].state;
    }
    return NULL;
}

/* A component may relate to a module which relates to the product: its label is in between. */
static void read_module_relation(struct csaf *csaf, const char **product, struct item *item)
{
    const json_t *between = json_object_get(csaf->relations, *product);
    const char *label = json_string_value(json_object_get(between, "product_reference"));
    const char *whole = mu_json_text_at(between, "relates_to_product_reference");

    if (!label || !whole)
        return;
    item->module = module_of(csaf, label);
    *product = whole;
}

enum verdict { FIXED, AFFECTED, NOT_AFFECTED };

static enum mu_status add_product(struct csaf *csaf, const json_t *vulnerability,
                                  const char *product_id, enum verdict verdict)
{
    const json_t *relation = json_object_get(csaf->relations, product_id);
    const char *component = json_string_value(json_object_get(relation, "product_reference"));
    const char *product = mu_json_text_at(relation, "relates_to_product_reference");
    const char *version = NULL;
    struct item item = {0};

    if (!component || !product)
        return MU_OK;
    read_module_relation(csaf, &product, &item);
    item.ecosystem = ecosystem_of(csaf, product);
    if (!item.ecosystem || !read_component(csaf, component, &item, &version) ||
        mu_text_equal(item.architecture, "src") || (verdict == FIXED && !version))
        return MU_OK; /* a container image, a source package: nothing that is installed */
    if (verdict == FIXED)
        item.fixed = version;
    else if (verdict == NOT_AFFECTED)
        item.fixed = "0";
    else
        item.state = state_of(vulnerability, product_id);
    return add_item(csaf, &item);
}

static enum mu_status collect(struct csaf *csaf, const json_t *vulnerability)
{
    static const struct {
        const char *member;
        enum verdict verdict;
    } kinds[] = {
            {"fixed", FIXED}, {"known_affected", AFFECTED}, {"known_not_affected", NOT_AFFECTED}};
    const json_t *status = json_object_get(vulnerability, "product_status"), *id;
    enum mu_status st = MU_OK;
    size_t index;

    csaf->count = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_array_foreach (json_object_get(status, kinds[i].member), index, id) {
            if (st == MU_OK && json_is_string(id))
                st = add_product(csaf, vulnerability, json_string_value(id), kinds[i].verdict);
        }
    }
    return st;
}

/* ---- rows: the items of one package and fix together, with their architectures ---- */

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_groups(const struct item *a, const struct item *b)
{
    int order = compare_texts(a->ecosystem, b->ecosystem);

    if (order == 0)
        order = compare_texts(a->name, b->name);
    if (order == 0)
        order = compare_texts(a->fixed, b->fixed);
    if (order == 0)
        order = compare_texts(a->module, b->module);
    return order ? order : compare_texts(a->state, b->state);
}

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a, *right = b;
    int order = compare_groups(left, right);

    return order ? order : compare_texts(left->architecture, right->architecture);
}

static void add_row(struct builder *builder, const struct item *items, size_t count,
                    const struct builder_affected *rated)
{
    struct builder_affected affected = *rated;

    affected.ecosystem = items->ecosystem;
    affected.package = items->name;
    affected.module = items->module;
    affected.state = items->state;
    if (!builder_begin_affected(builder, &affected))
        return;
    builder_event(builder, DATABASE_EVENT_RANGE, "");
    builder_event(builder, DATABASE_EVENT_INTRODUCED, "0");
    if (items->fixed)
        builder_event(builder, DATABASE_EVENT_FIXED, items->fixed);
    for (size_t i = 0; i < count; i++)
        if (items[i].architecture &&
            (i == 0 || compare_texts(items[i].architecture, items[i - 1].architecture) != 0))
            builder_architecture(builder, items[i].architecture);
    builder_end_affected(builder);
}

static const char *impact_of(const json_t *vulnerability, const json_t *document)
{
    const json_t *threat;
    size_t index;

    json_array_foreach (json_object_get(vulnerability, "threats"), index, threat) {
        if (mu_text_equal(json_string_value(json_object_get(threat, "category")), "impact"))
            return json_string_value(json_object_get(threat, "details"));
    }
    return mu_json_text_at(document, "aggregate_severity.text");
}

static int64_t released_us(const json_t *document)
{
    const char *text = mu_json_text_at(document, "tracking.current_release_date");
    struct mu_error ignored;
    int64_t at_us;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

static enum mu_status add_vulnerability(struct csaf *csaf, const json_t *document,
                                        const json_t *vulnerability)
{
    const char *cve = json_string_value(json_object_get(vulnerability, "cve"));
    struct builder_record record = {.feed = FEED_CSAF,
                                    .id = mu_json_text_at(document, "tracking.id"),
                                    .summary =
                                            json_string_value(json_object_get(document, "title")),
                                    .scope = {cve},
                                    .modified_us = released_us(document)};
    const struct builder_affected rated = {
            .rating = impact_of(vulnerability, document),
            .cvss_v3 = mu_json_text_at(vulnerability, "scores.0.cvss_v3.vectorString"),
            .cvss_v2 = mu_json_text_at(vulnerability, "scores.0.cvss_v2.vectorString")};
    enum mu_status st = collect(csaf, vulnerability);
    size_t next;

    if (st != MU_OK)
        return st;
    if (csaf->count > 0)
        qsort(csaf->items, csaf->count, sizeof(struct item), compare_items);
    builder_begin(csaf->builder, &record);
    if (cve)
        builder_relate(csaf->builder, RELATION_UPSTREAM, cve);
    for (size_t i = 0; i < csaf->count; i = next) {
        for (next = i + 1;
             next < csaf->count && compare_groups(&csaf->items[i], &csaf->items[next]) == 0;)
            next++;
        add_row(csaf->builder, csaf->items + i, next - i, &rated);
    }
    return builder_end(csaf->builder, csaf->err);
}

enum mu_status csaf_add(struct builder *builder, const char *json, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {CSAF_MAX_BYTES, 32};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(arena_max_bytes);
    json_auto_t *root = NULL, *identifiers = json_object(), *relations = json_object();
    struct csaf csaf = {.builder = builder,
                        .arena = arena,
                        .identifiers = identifiers,
                        .relations = relations,
                        .err = err};
    const json_t *document, *vulnerability;
    enum mu_status st = mu_json_parse(json, len, &limits, &root, err);
    size_t index;

    if (st != MU_OK)
        return st;
    document = json_object_get(root, "document");
    if (!mu_json_text_at(document, "tracking.id"))
        return mu_fail(err, MU_E_INVALID, "CSAF: document.tracking.id: is missing");
    note_branches(&csaf, mu_json_at(root, "product_tree.branches"), 0);
    note_relations(&csaf, mu_json_at(root, "product_tree.relationships"));
    json_array_foreach (json_object_get(root, "vulnerabilities"), index, vulnerability) {
        if (st == MU_OK)
            st = add_vulnerability(&csaf, document, vulnerability);
    }
    return st;
}
