/* Reports of Trivy, Grype and CycloneDX, and raw scans of Muster: of what, when, by what. */
#include "verify/foreign_state.h"

#include "base/clock.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    struct verify_state *state;
    const char *file;
    json_t *members;          /* those that say what it is of */
    bool has_vulnerabilities; /* the member is there */
};

/* Members that are read; the others may be large and are only measured. */
static const char *const wanted[] = {"ArtifactName",  "ArtifactType", "Metadata",   "CreatedAt",
                                     "SchemaVersion", "source",       "descriptor", "bomFormat",
                                     "metadata",      "schema",       "targets",    "finished_at",
                                     "scanned_at",    "status",       "scanner"};

static enum json_stream_wish on_wish(void *opaque, const char *member, const char *key)
{
    struct scan *scan = opaque;

    (void)key;
    scan->has_vulnerabilities |= mu_text_equal(member, "vulnerabilities");
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (mu_text_equal(member, wanted[i]))
            return JSON_STREAM_WHOLE;
    return JSON_STREAM_SKIP;
}

static enum mu_status on_piece(void *opaque, const char *member, const char *key, json_t *value,
                               struct mu_error *err)
{
    struct scan *scan = opaque;

    (void)key, (void)err;
    if (member)
        (void)json_object_set(scan->members, member, value);
    return MU_OK;
}

/* ---- what it tells ---- */

static void put_name(struct scan *scan, const char *kind, const char *name)
{
    if (name && *name && verify_key_fits(name, ""))
        (void)verify_put(scan->state->store, VERIFY_NAMES,
                         (const char *const[]){scan->file, kind, name});
}

static void put_digest(struct scan *scan, const char *kind, const char *text)
{
    char digest[128];

    if (text && foreign_digest(text, strlen(text), digest))
        put_name(scan, kind, digest);
}

/* A reference as people write it: what it names, and the digest when it has one. */
static void put_reference(struct scan *scan, const char *text)
{
    char name[FOREIGN_NAME_SIZE];
    const char *slash, *colon;

    if (!text || !*text)
        return;
    put_digest(scan, "digest", text);
    slash = strrchr(text, '/');
    colon = strchr(slash ? slash : text, ':');
    if (!colon || mu_text_starts(text, "sha256:") ||
        (strchr(text, '@') && colon > strchr(text, '@')))
        return; /* no version: the digest says what it is */
    foreign_name(text, name);
    put_name(scan, "name", name);
    put_name(scan, "spelled", text);
}

static void put_references(struct scan *scan, const json_t *texts)
{
    const json_t *text;
    size_t i;

    json_array_foreach (texts, i, text) {
        put_reference(scan, json_string_value(text));
    }
}

static void put_scan(struct scan *scan, const char *tool, const char *version, const char *time)
{
    char tool_text[256], time_text[MU_TIME_TEXT_SIZE];
    struct mu_error err;
    int64_t at_us = 0;
    bool has_time = time && mu_time_parse(time, strlen(time), &at_us, &err) == MU_OK;

    if (has_time)
        mu_time_format(at_us, time_text);
    (void)snprintf(tool_text, sizeof(tool_text), "%s%s%s", tool, version ? " " : "",
                   version ? version : "");
    scan->state->summary.raw_scans++;
    (void)verify_put(
            scan->state->store, VERIFY_SCANS,
            (const char *const[]){scan->file, tool_text, has_time ? time_text : NULL, NULL});
}

/* ---- the kinds ---- */

static bool is_trivy(const struct scan *scan)
{
    return mu_json_text_at(scan->members, "ArtifactName") &&
           json_object_get(scan->members, "SchemaVersion");
}

static void take_trivy(struct scan *scan)
{
    const json_t *metadata = json_object_get(scan->members, "Metadata");

    put_reference(scan, mu_json_text_at(scan->members, "ArtifactName"));
    put_references(scan, json_object_get(metadata, "RepoTags"));
    put_references(scan, json_object_get(metadata, "RepoDigests"));
    put_digest(scan, "config", mu_json_text_at(metadata, "ImageID"));
    put_scan(scan, "trivy", NULL, mu_json_text_at(scan->members, "CreatedAt"));
}

static bool is_grype(const struct scan *scan)
{
    return mu_text_equal(mu_json_text_at(scan->members, "source.type"), "image");
}

static void take_grype(struct scan *scan)
{
    const json_t *target = mu_json_at(scan->members, "source.target");

    put_reference(scan, mu_json_text_at(target, "userInput"));
    put_references(scan, json_object_get(target, "tags"));
    put_references(scan, json_object_get(target, "repoDigests"));
    put_digest(scan, "digest", mu_json_text_at(target, "manifestDigest"));
    put_digest(scan, "config", mu_json_text_at(target, "imageID"));
    put_scan(scan, "grype", mu_json_text_at(scan->members, "descriptor.version"),
             mu_json_text_at(scan->members, "descriptor.timestamp"));
}

static bool is_cyclonedx(const struct scan *scan)
{
    return mu_text_equal(mu_json_text_at(scan->members, "bomFormat"), "CycloneDX");
}

/* "%3A" and the like of a package URL. */
static void decode(const char *text, size_t len, char *out, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < len && used + 1 < room; i++) {
        const char hex[3] = {i + 2 < len ? text[i + 1] : '\0', i + 2 < len ? text[i + 2] : '\0',
                             '\0'};

        if (text[i] == '%' && isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1])) {
            out[used++] = (char)strtoul(hex, NULL, 16);
            i += 2;
        } else {
            out[used++] = text[i];
        }
    }
    out[used] = '\0';
}

/* The value of a qualifier of a package URL, decoded; "" when it has none. */
static void qualifier(const char *purl, const char *key, char *out, size_t room)
{
    const char *at = strchr(purl, '?');

    *out = '\0';
    while (at && *at) {
        size_t len = strcspn(++at, "&#"), key_len = strlen(key);

        if (len > key_len && strncmp(at, key, key_len) == 0 && at[key_len] == '=')
            decode(at + key_len + 1, len - key_len - 1, out, room);
        at += len;
    }
}

static void take_purl(struct scan *scan, const char *purl)
{
    char repository[FOREIGN_NAME_SIZE], tag[256], text[2 * FOREIGN_NAME_SIZE];
    const char *version = purl ? strchr(purl, '@') : NULL;

    if (!purl || !mu_text_starts(purl, "pkg:oci/"))
        return;
    if (version) {
        decode(version + 1, strcspn(version + 1, "?#"), text, sizeof(text));
        put_digest(scan, "digest", text);
    }
    qualifier(purl, "repository_url", repository, sizeof(repository));
    qualifier(purl, "tag", tag, sizeof(tag));
    (void)snprintf(text, sizeof(text), "%s:%s", repository, tag);
    if (*repository && *tag)
        put_reference(scan, text);
}

/* What Trivy and Syft say of the image beside its name. */
static void take_properties(struct scan *scan, const json_t *properties)
{
    const json_t *property;
    size_t i;

    json_array_foreach (properties, i, property) {
        const char *name = mu_json_text_at(property, "name");
        const char *value = mu_json_text_at(property, "value");
        const char *last = name ? strrchr(name, ':') : NULL;

        last = last ? last + 1 : name;
        if (mu_text_equal(last, "RepoTag") || mu_text_equal(last, "RepoDigest"))
            put_reference(scan, value);
        else if (mu_text_equal(last, "ImageID"))
            put_digest(scan, "config", value);
    }
}

static void take_component(struct scan *scan, const json_t *component)
{
    const char *name = mu_json_text_at(component, "name");
    const char *version = mu_json_text_at(component, "version");
    char text[FOREIGN_NAME_SIZE], digest[128];

    put_reference(scan, name);
    if (version && foreign_digest(version, strlen(version), digest)) {
        put_name(scan, "digest", digest);
    } else if (name && version && !strchr(name, '@')) {
        (void)snprintf(text, sizeof(text), "%s:%s", name, version);
        put_reference(scan, text);
    }
    take_purl(scan, mu_json_text_at(component, "purl"));
    take_properties(scan, json_object_get(component, "properties"));
}

static void take_cyclonedx(struct scan *scan)
{
    const json_t *metadata = json_object_get(scan->members, "metadata");
    const json_t *tools = json_object_get(metadata, "tools");
    const json_t *tool = json_is_array(tools) ? tools : json_object_get(tools, "components");

    take_component(scan, json_object_get(metadata, "component"));
    take_properties(scan, json_object_get(metadata, "properties"));
    if (!scan->has_vulnerabilities)
        verify_difference(scan->state, "scans", scan->file,
                          "lists components, but says nothing of vulnerabilities: it is no scan");
    put_scan(scan, "cyclonedx", mu_json_text_at(json_array_get(tool, 0), "name"),
             mu_json_text_at(metadata, "timestamp"));
}

static bool is_muster(const struct scan *scan)
{
    return mu_text_starts(mu_json_text_at(scan->members, "schema"), "muster.") &&
           json_is_array(json_object_get(scan->members, "targets"));
}

static void take_muster(struct scan *scan)
{
    const char *time = mu_json_text_at(scan->members, "finished_at");
    const json_t *target;
    size_t i;

    json_array_foreach (json_object_get(scan->members, "targets"), i, target) {
        put_reference(scan, mu_json_text_at(target, "uai"));
        put_digest(scan, "digest", mu_json_text_at(target, "digest"));
    }
    if (!mu_text_equal(mu_json_text_at(scan->members, "status"), "complete"))
        verify_difference(scan->state, "scans", scan->file, "is not complete");
    put_scan(scan, "muster-scanner", mu_json_text_at(scan->members, "scanner.version"),
             time ? time : mu_json_text_at(scan->members, "scanned_at"));
}

static const struct {
    bool (*is)(const struct scan *scan);
    void (*take)(struct scan *scan);
} kinds[] = {{is_muster, take_muster},
             {is_trivy, take_trivy},
             {is_grype, take_grype},
             {is_cyclonedx, take_cyclonedx}};

void foreign_read_scan(struct verify_state *state, const char *name, FILE *in)
{
    struct scan scan = {.state = state, .file = name, .members = json_object()};
    bool known = false;
    struct mu_error err;

    if (json_stream_read(in, on_wish, on_piece, &scan, NULL, &err) != MU_OK) {
        verify_difference(state, "scans", name, "cannot be read: %s", err.message);
        known = true;
    }
    for (size_t i = 0; !known && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        known = kinds[i].is(&scan);
        if (known)
            kinds[i].take(&scan);
    }
    if (!known)
        verify_difference(state, "scans", name,
                          "is no image report of Trivy, Grype or CycloneDX and no raw scan");
    json_decref(scan.members);
}
