#include "match/vex.h"

#include "database/purl.h"
#include "match/purl_package.h"
#include "json/json_doc.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { VEX_MAX_BYTES = 64 * 1024 * 1024, VEX_STATEMENTS_MAX = 1 << 20 };
static const size_t arena_max_bytes = (size_t)256 << 20;

struct vex_set {
    struct mu_arena *arena;
    struct vex_statement *statements; /* sorted by vulnerability once loaded */
    size_t count, capacity;
};

struct reader {
    struct vex_set *set;
    const char *source, *author;
    int64_t at_us;
    const json_t *components; /* CycloneDX: bom-ref -> purl */
    struct mu_error *err;
};

const char *vex_status_word(enum vex_status status)
{
    static const char *const words[] = {"not_affected", "affected", "fixed", "under_investigation"};

    return words[status];
}

struct vex_set *vex_set_new(void)
{
    struct vex_set *set = mu_xcalloc(1, sizeof(*set));

    set->arena = mu_arena_new(arena_max_bytes);
    return set;
}

void vex_set_free(struct vex_set *set)
{
    if (!set)
        return;
    mu_arena_free(set->arena);
    free(set->statements);
    free(set);
}

size_t vex_set_count(const struct vex_set *set)
{
    return set->count;
}

/* ---- statements ---- */

static enum mu_status no_memory(const struct reader *reader)
{
    return mu_fail(reader->err, MU_E_NOMEM, "VEX: out of memory");
}

static const char *keep(const struct reader *reader, const char *text)
{
    return text ? mu_arena_strdup(reader->set->arena, text) : NULL;
}

static enum mu_status add(const struct reader *reader, const struct vex_statement *statement)
{
    struct vex_set *set = reader->set;

    if (!statement->vulnerability)
        return no_memory(reader);
    if (set->count == VEX_STATEMENTS_MAX)
        return mu_fail(reader->err, MU_E_LIMIT, "VEX: more than %d statements", VEX_STATEMENTS_MAX);
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 64;
        struct vex_statement *grown = realloc(set->statements, capacity * sizeof(*grown));

        if (!grown)
            return no_memory(reader);
        set->statements = grown;
        set->capacity = capacity;
    }
    set->statements[set->count] = *statement;
    set->statements[set->count].sequence = (uint32_t)set->count;
    set->count++;
    return MU_OK;
}

static enum mu_status read_purl(const struct reader *reader, const char *text,
                                struct purl *ret_purl)
{
    return purl_parse(text, strlen(text), reader->set->arena, ret_purl, reader->err);
}

/* Fills in the package, or the image, that a purl names. */
static enum mu_status name_product(const struct reader *reader, const char *text,
                                   struct vex_statement *statement)
{
    struct purl purl;
    enum mu_status st = read_purl(reader, text, &purl);

    if (st != MU_OK)
        return st;
    if (mu_text_equal(purl.type, "oci")) {
        statement->image = purl.version ? purl.version : "";
        return MU_OK;
    }
    statement->type = purl.type;
    statement->name = purl_package_name(&purl, reader->set->arena);
    statement->version = purl_package_version(&purl, reader->set->arena);
    return statement->name ? MU_OK : no_memory(reader);
}

/* ---- OpenVEX ---- */

static enum mu_status read_status(const struct reader *reader, const char *word,
                                  enum vex_status *ret_status)
{
    for (int i = VEX_NOT_AFFECTED; i <= VEX_UNDER_INVESTIGATION; i++) {
        if (mu_text_equal(word, vex_status_word((enum vex_status)i))) {
            *ret_status = (enum vex_status)i;
            return MU_OK;
        }
    }
    return mu_fail(reader->err, MU_E_INVALID, "VEX: status: '%.40s' is none", word ? word : "");
}

static const char *product_purl(const json_t *product)
{
    const char *id = json_string_value(json_object_get(product, "@id"));
    const char *purl = mu_json_text_at(product, "identifiers.purl");

    if (json_is_string(product))
        id = json_string_value(product);
    return purl ? purl : mu_text_starts(id ? id : "", "pkg:") ? id : NULL;
}

/* Each subcomponent of a product, else the product itself. */
static enum mu_status add_openvex_product(const struct reader *reader, const json_t *product,
                                          struct vex_statement statement)
{
    const json_t *parts = json_object_get(product, "subcomponents"), *part;
    const char *purl = product_purl(product);
    enum mu_status st = purl ? name_product(reader, purl, &statement) : MU_OK;
    size_t index;

    if (st != MU_OK || (!purl && json_array_size(parts) == 0))
        return st; /* a product without purl is none of ours */
    if (json_array_size(parts) == 0)
        return add(reader, &statement);
    json_array_foreach (parts, index, part) {
        struct vex_statement one = statement;
        const char *text = product_purl(part);

        if (st == MU_OK && text)
            st = name_product(reader, text, &one);
        if (st == MU_OK && text)
            st = add(reader, &one);
    }
    return st;
}

/* The vulnerability's name and its aliases each give a statement. */
static enum mu_status add_openvex_names(const struct reader *reader, const json_t *statement,
                                        struct vex_statement one)
{
    const json_t *vulnerability = json_object_get(statement, "vulnerability"), *product, *alias;
    const char *name = json_is_string(vulnerability)
                               ? json_string_value(vulnerability)
                               : json_string_value(json_object_get(vulnerability, "name"));
    size_t index, inner;
    enum mu_status st = MU_OK;

    if (!name)
        return mu_fail(reader->err, MU_E_INVALID, "VEX: vulnerability.name: is missing");
    json_array_foreach (json_object_get(statement, "products"), index, product) {
        one.vulnerability = keep(reader, name);
        if (st == MU_OK)
            st = add_openvex_product(reader, product, one);
        json_array_foreach (json_object_get(vulnerability, "aliases"), inner, alias) {
            one.vulnerability = keep(reader, json_string_value(alias));
            if (st == MU_OK && one.vulnerability)
                st = add_openvex_product(reader, product, one);
        }
    }
    return st;
}

static int64_t time_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    struct mu_error ignored;
    int64_t at_us;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

static const char *first_text(const json_t *object, const char *const *members)
{
    for (; *members; members++)
        if (json_is_string(json_object_get(object, *members)))
            return json_string_value(json_object_get(object, *members));
    return NULL;
}

static enum mu_status read_openvex(struct reader *reader, const json_t *root)
{
    static const char *const details[] = {"impact_statement", "action_statement", "status_notes",
                                          NULL};
    const json_t *statement;
    enum mu_status st = MU_OK;
    size_t index;

    reader->author = keep(reader, json_string_value(json_object_get(root, "author")));
    reader->at_us = time_of(root, "timestamp");
    json_array_foreach (json_object_get(root, "statements"), index, statement) {
        const int64_t at_us = time_of(statement, "timestamp");
        struct vex_statement one = {
                .source = reader->source,
                .author = reader->author,
                .at_us = at_us == MU_TIME_NONE ? reader->at_us : at_us,
                .justification = keep(
                        reader, json_string_value(json_object_get(statement, "justification"))),
                .detail = keep(reader, first_text(statement, details))};

        if (st == MU_OK)
            st = read_status(reader, json_string_value(json_object_get(statement, "status")),
                             &one.status);
        if (st == MU_OK)
            st = add_openvex_names(reader, statement, one);
    }
    return st;
}

/* ---- CycloneDX ---- */

static enum mu_status read_state(const struct reader *reader, const char *word,
                                 enum vex_status *ret_status)
{
    static const struct {
        const char *word;
        enum vex_status status;
    } states[] = {{"not_affected", VEX_NOT_AFFECTED},    {"false_positive", VEX_NOT_AFFECTED},
                  {"exploitable", VEX_AFFECTED},         {"resolved", VEX_FIXED},
                  {"resolved_with_pedigree", VEX_FIXED}, {"in_triage", VEX_UNDER_INVESTIGATION}};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (mu_text_equal(word, states[i].word)) {
            *ret_status = states[i].status;
            return MU_OK;
        }
    }
    return mu_fail(reader->err, MU_E_INVALID, "VEX: analysis.state: '%.40s' is none", word);
}

/* A reference is a purl, the bom-ref of a component, or a BOM link that ends with one. */
static const char *resolve_reference(const struct reader *reader, const char *reference)
{
    const char *hash = strchr(reference, '#'), *end = reference;
    const char *purl = json_string_value(json_object_get(reader->components, reference));

    if (!purl && hash && mu_text_starts(reference, "urn:cdx:")) {
        end = hash + 1;
        purl = json_string_value(json_object_get(reader->components, end));
    }
    if (purl)
        return purl;
    return mu_text_starts(end, "pkg:") ? end : NULL;
}

static enum mu_status add_cyclonedx(const struct reader *reader, const json_t *vulnerability,
                                    struct vex_statement one)
{
    const json_t *affects;
    enum mu_status st = MU_OK;
    size_t index;

    json_array_foreach (json_object_get(vulnerability, "affects"), index, affects) {
        const char *reference = json_string_value(json_object_get(affects, "ref"));
        const char *purl = reference ? resolve_reference(reader, reference) : NULL;
        struct vex_statement named = one;

        if (st == MU_OK && purl)
            st = name_product(reader, purl, &named);
        if (st == MU_OK && purl)
            st = add(reader, &named);
    }
    return st;
}

static void note_components(const json_t *components, json_t *by_ref)
{
    json_t *component;
    size_t index;

    json_array_foreach (components, index, component) {
        const char *reference = json_string_value(json_object_get(component, "bom-ref"));
        json_t *purl = json_object_get(component, "purl");

        if (reference && json_is_string(purl))
            (void)json_object_set(by_ref, reference, purl);
    }
}

static enum mu_status read_cyclonedx(struct reader *reader, const json_t *root)
{
    json_auto_t *by_ref = json_object();
    const json_t *vulnerability;
    enum mu_status st = MU_OK;
    size_t index;

    note_components(json_object_get(root, "components"), by_ref);
    reader->components = by_ref;
    reader->at_us = time_of(json_object_get(root, "metadata"), "timestamp");
    json_array_foreach (json_object_get(root, "vulnerabilities"), index, vulnerability) {
        const json_t *analysis = json_object_get(vulnerability, "analysis");
        const char *state = json_string_value(json_object_get(analysis, "state"));
        const char *id = json_string_value(json_object_get(vulnerability, "id"));
        const int64_t at_us = time_of(analysis, "lastUpdated");
        struct vex_statement one = {
                .vulnerability = keep(reader, id),
                .source = reader->source,
                .at_us = at_us == MU_TIME_NONE ? reader->at_us : at_us,
                .justification =
                        keep(reader, json_string_value(json_object_get(analysis, "justification"))),
                .detail = keep(reader, json_string_value(json_object_get(analysis, "detail")))};

        if (st != MU_OK || !state)
            continue; /* a finding without a judgement */
        if (!id)
            return mu_fail(reader->err, MU_E_INVALID, "VEX: vulnerabilities[%zu].id: is missing",
                           index);
        st = read_state(reader, state, &one.status);
        if (st == MU_OK)
            st = add_cyclonedx(reader, vulnerability, one);
    }
    return st;
}

/* ---- documents ---- */

/* By vulnerability, the one that holds last. */
static int compare_statements(const void *a, const void *b)
{
    const struct vex_statement *left = a, *right = b;
    int order = strcmp(left->vulnerability, right->vulnerability);

    if (order == 0)
        order = (left->at_us > right->at_us) - (left->at_us < right->at_us);
    return order ? order : (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

enum mu_status vex_set_read(struct vex_set *set, const char *source, const char *bytes, size_t len,
                            struct mu_error *err)
{
    static const struct mu_json_limits limits = {VEX_MAX_BYTES, 64};
    json_auto_t *root = NULL;
    struct reader reader = {.set = set, .at_us = MU_TIME_NONE, .err = err};
    size_t before = set->count;
    enum mu_status st = mu_json_parse(bytes, len, &limits, &root, err);

    if (st != MU_OK)
        return mu_wrap(err, "%s", source);
    reader.source = keep(&reader, source);
    if (mu_text_equal(json_string_value(json_object_get(root, "bomFormat")), "CycloneDX"))
        st = read_cyclonedx(&reader, root);
    else if (json_is_array(json_object_get(root, "statements")))
        st = read_openvex(&reader, root);
    else
        st = mu_fail(err, MU_E_INVALID, "VEX: neither OpenVEX nor CycloneDX");
    if (st != MU_OK) {
        set->count = before;
        return mu_wrap(err, "%s", source);
    }
    if (set->count > 1)
        qsort(set->statements, set->count, sizeof(struct vex_statement), compare_statements);
    return MU_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static enum mu_status load_file(struct vex_set *set, const char *path, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, VEX_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    return st == MU_OK ? vex_set_read(set, base_name(path), bytes.data, bytes.len, err) : st;
}

static int is_json(const struct dirent *entry)
{
    return mu_text_ends(entry->d_name, ".json");
}

enum mu_status vex_set_load(struct vex_set *set, const char *path, struct mu_error *err)
{
    struct dirent **entries = NULL;
    struct stat status;
    enum mu_status st = MU_OK;
    int count;

    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return load_file(set, path, err);
    count = scandir(path, &entries, is_json, alphasort);
    if (count < 0)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "VEX '%s': %s",
                       path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];

        if (st == MU_OK &&
            snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name) >= (int)sizeof(file))
            st = mu_fail(err, MU_E_LIMIT, "VEX '%s': a path of too many bytes", path);
        if (st == MU_OK)
            st = load_file(set, file, err);
        free(entries[i]);
    }
    free(entries);
    return st;
}

/* ---- lookup ---- */

static bool is_about(const struct vex_statement *statement, const struct image_package *package,
                     const char *image)
{
    if (statement->image && statement->image[0] && !mu_text_equal(statement->image, image))
        return false;
    if (!statement->type)
        return statement->image != NULL;
    return mu_text_equal(statement->type, package->type) &&
           strcasecmp(statement->name, package->name) == 0 &&
           (!statement->version || mu_text_equal(statement->version, package->version));
}

const struct vex_statement *vex_set_find(const struct vex_set *set, const char *vulnerability,
                                         const struct image_package *package, const char *image)
{
    size_t low = 0, high = set->count;
    const struct vex_statement *found = NULL;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(set->statements[middle].vulnerability, vulnerability) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < set->count && mu_text_equal(set->statements[low].vulnerability, vulnerability);
         low++)
        if (is_about(&set->statements[low], package, image))
            found = &set->statements[low];
    return found;
}
