/* CycloneDX with vulnerabilities, as Trivy, Grype and others write it. */
#include "import/import_build.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NESTING_MAX = 8 };

struct document {
    struct import_build *build;
    json_t *by_ref; /* bom-ref to component; borrowed values hold references */
};

/* ---- components by reference ---- */

/* References of components in components stand in the same table. */
static void index_components(json_t *by_ref, const json_t *components, int depth)
{
    json_t *component;
    size_t index;

    if (depth == NESTING_MAX)
        return;
    json_array_foreach (components, index, component) {
        const char *ref = mu_json_text_at(component, "bom-ref");

        if (ref)
            (void)json_object_set(by_ref, ref, component);
        index_components(by_ref, json_object_get(component, "components"), depth + 1);
    }
}

/* "urn:cdx:SERIAL/VERSION#REF" names a component of a document; so does REF alone. */
static const json_t *component_of(const struct document *document, const char *ref)
{
    const char *mark = ref && mu_text_starts(ref, "urn:cdx:") ? strchr(ref, '#') : NULL;

    return ref ? json_object_get(document->by_ref, mark ? mark + 1 : ref) : NULL;
}

static const char *property_of(const json_t *component, const char *const *names, size_t count)
{
    const json_t *rows = mu_json_at(component, "properties"), *row;
    size_t index;

    for (size_t i = 0; i < count; i++) {
        json_array_foreach (rows, index, row) {
            if (mu_text_equal(mu_json_text_at(row, "name"), names[i]))
                return mu_json_text_at(row, "value");
        }
    }
    return NULL;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *path_of(const json_t *component)
{
    static const char *const names[] = {"aquasecurity:trivy:FilePath", "syft:location:0:path"};
    const char *location = mu_json_text_at(component, "evidence.occurrences.0.location");

    return location ? location : property_of(component, names, COUNT_OF(names));
}

static const char *layer_of(const json_t *component)
{
    static const char *const names[] = {"aquasecurity:trivy:LayerDigest", "muster:layer:digest",
                                        "syft:location:0:layerID"};

    return property_of(component, names, COUNT_OF(names));
}

/* "group/name" for npm's scopes, "group:name" for Maven; the name alone without a group. */
static const char *name_of(struct import_build *build, const json_t *component)
{
    const char *group = mu_json_text_at(component, "group");
    const char *name = mu_json_text_at(component, "name"), *purl;
    char text[IMPORT_TEXT_MAX_BYTES];

    if (!name || !group || group[0] == '\0')
        return import_text(build, component, "name");
    purl = mu_json_text_at(component, "purl");
    (void)snprintf(text, sizeof(text), "%s%s%s", group,
                   purl && mu_text_starts(purl, "pkg:maven/") ? ":" : "/", name);
    return import_keep(build, text, strlen(text));
}

/* ---- vulnerabilities ---- */

static void read_ratings(struct import_build *build, struct imported_finding *finding,
                         const json_t *row)
{
    const json_t *ratings = mu_json_at(row, "ratings"), *rating;
    size_t index;

    json_array_foreach (ratings, index, rating) {
        const char *source = mu_json_text_at(rating, "source.name");

        import_cvss(build, finding, mu_json_text_at(rating, "vector"),
                    source && (strcmp(source, "nvd") == 0 || strcmp(source, "NVD") == 0));
        if (!finding->told_severity)
            finding->told_severity = import_text(build, rating, "severity");
    }
}

/* States of an analysis that take a vulnerability out of the count. */
static const char *suppressed_reason(struct import_build *build, const json_t *row)
{
    static const char *const states[] = {"not_affected", "false_positive", "resolved",
                                         "resolved_with_pedigree"};
    const char *state = mu_json_text_at(row, "analysis.state");
    const char *why = mu_json_text_at(row, "analysis.justification");
    char text[256];

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (!mu_text_equal(state, states[i]))
            continue;
        (void)snprintf(text, sizeof(text), "%s%s%.150s", state, why ? ": " : "", why ? why : "");
        return import_keep(build, text, strlen(text));
    }
    return NULL;
}

/* The first version said to be unaffected: itself, or "vers:TYPE/>=VERSION". */
static const char *fixed_of(struct import_build *build, const json_t *affects)
{
    const json_t *versions = mu_json_at(affects, "versions"), *row;
    size_t index;

    json_array_foreach (versions, index, row) {
        const char *range = mu_json_text_at(row, "range"),
                   *from = range ? strstr(range, "/>=") : NULL;

        if (!mu_text_equal(mu_json_text_at(row, "status"), "unaffected"))
            continue;
        if (from)
            return import_keep(build, from + 3, strcspn(from + 3, "|"));
        if (mu_json_text_at(row, "version"))
            return import_text(build, row, "version");
    }
    return NULL;
}

/* "Upgrade NAME to version VERSION", as Trivy recommends. */
static const char *recommended(struct import_build *build, const json_t *row, const char *name)
{
    static const char middle[] = " to version ";
    const char *text = mu_json_text_at(row, "recommendation");
    const char *found = text && name ? strstr(text, name) : NULL;

    if (!found || strncmp(found + strlen(name), middle, strlen(middle)) != 0)
        return NULL;
    found += strlen(name) + strlen(middle);
    return import_keep(build, found, strcspn(found, ";,\n"));
}

/* The version that a row of `affects` says is affected; else the component's. */
static const char *version_of(struct import_build *build, const json_t *affects,
                              const json_t *component)
{
    const char *own = import_text(build, component, "version");

    return own ? own : import_text(build, affects, "versions.0.version");
}

static enum mu_status read_affects(const struct document *document, const json_t *row,
                                   const struct imported_finding *common, size_t number,
                                   struct mu_error *err)
{
    const json_t *rows = mu_json_at(row, "affects"), *affects;
    struct import_build *build = document->build;
    size_t index;

    if (json_array_size(rows) == 0)
        return mu_fail(err, MU_E_INVALID, "vulnerability %zu (%s) affects nothing", number,
                       common->id ? common->id : "without id");
    json_array_foreach (rows, index, affects) {
        const json_t *component = component_of(document, mu_json_text_at(affects, "ref"));
        struct imported_finding finding = *common;
        const char *path = path_of(component), *layer = layer_of(component);

        finding.package = name_of(build, component);
        finding.version = version_of(build, affects, component);
        finding.purl = import_text(build, component, "purl");
        finding.path = import_keep(build, path, path ? strlen(path) : 0);
        finding.layer_digest = import_keep(build, layer, layer ? strlen(layer) : 0);
        finding.fixed_version = fixed_of(build, affects);
        if (!finding.fixed_version)
            finding.fixed_version = recommended(build, row, mu_json_text_at(component, "name"));
        if (import_add(build, &finding, "vulnerability", number, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status read_vulnerability(const struct document *document, const json_t *row,
                                         size_t number, struct mu_error *err)
{
    struct imported_finding common = import_finding();
    struct import_build *build = document->build;

    common.id = import_text(build, row, "id");
    common.advisory = import_text(build, row, "references.0.id");
    common.summary = import_text(build, row, "description");
    common.url = import_text(build, row, "source.url");
    common.suppressed_reason = suppressed_reason(build, row);
    read_ratings(build, &common, row);
    return read_affects(document, row, &common, number, err);
}

/* ---- the document ---- */

/* The image's component: its version, its URL, and what tools write beside it. */
static void read_digests(struct import_build *build, const json_t *component)
{
    static const char *const names[] = {"aquasecurity:trivy:RepoDigest"};
    const json_t *rows = mu_json_at(component, "properties"), *row;
    const char *purl = mu_json_text_at(component, "purl");
    const char *mark = purl ? strstr(purl, "@sha256") : NULL;
    size_t index;

    json_array_foreach (rows, index, row) {
        if (mu_text_equal(mu_json_text_at(row, "name"), names[0]))
            import_digest_add(build, mu_json_text_at(row, "value"));
    }
    if (mark) {
        char digest[MU_DIGEST_TEXT_SIZE];
        const char *hex = mark + strlen("@sha256");

        hex += strncasecmp(hex, "%3a", 3) == 0 ? 3 : 1;
        (void)snprintf(digest, sizeof(digest), "sha256:%.64s", hex);
        import_digest_add(build, digest);
    }
    if (build->digest_count == 0)
        import_digest_add(build, mu_json_text_at(component, "version"));
    if (build->digest_count == 0)
        import_digest_add(build, mu_json_text_at(component, "name"));
}

static void read_image(struct import_build *build, const json_t *root)
{
    static const char *const image_id[] = {"aquasecurity:trivy:ImageID"};
    const json_t *component = mu_json_at(root, "metadata.component");
    const char *config = property_of(component, image_id, COUNT_OF(image_id));
    struct imported_scan *scan = build->scan;

    read_digests(build, component);
    scan->tool = import_text(build, root, "metadata.tools.components.0.name");
    scan->tool_version = import_text(build, root, "metadata.tools.components.0.version");
    if (!scan->tool) { /* before CycloneDX 1.5 */
        scan->tool = import_text(build, root, "metadata.tools.0.name");
        scan->tool_version = import_text(build, root, "metadata.tools.0.version");
    }
    scan->reference = import_text(build, component, "name");
    scan->config_digest = import_keep(build, config, config ? strlen(config) : 0);
    scan->scanned_at_us = import_time(mu_json_text_at(root, "metadata.timestamp"));
}

static void read_os(struct import_build *build, const json_t *root)
{
    const json_t *components = mu_json_at(root, "components"), *component;
    size_t index;

    json_array_foreach (components, index, component) {
        if (!mu_text_equal(mu_json_text_at(component, "type"), "operating-system"))
            continue;
        build->scan->os_id = import_text(build, component, "name");
        build->scan->os_version = import_text(build, component, "version");
        return;
    }
}

enum mu_status import_cyclonedx(struct import_build *build, const json_t *root,
                                struct mu_error *err)
{
    const json_t *rows = mu_json_at(root, "vulnerabilities"), *row;
    json_auto_t *by_ref = json_object();
    const struct document document = {build, by_ref};
    size_t index;

    if (!json_is_array(rows))
        return mu_fail(err, MU_E_INVALID,
                       "it is a bill of materials without vulnerabilities, not a scan");
    read_image(build, root);
    read_os(build, root);
    index_components(by_ref, mu_json_at(root, "components"), 0);
    json_array_foreach (rows, index, row) {
        if (read_vulnerability(&document, row, index, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}
