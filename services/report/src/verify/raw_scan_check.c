/* Raw scans: their targets, their counts against their findings, and of an imported one the report
 * that it was made of. */
#include "verify/schema.h"
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/sha256.h"
#include "base/stop.h"
#include "base/text.h"
#include "oci/reference.h"

#include <string.h>

/* What is counted of findings, by the words of `counts`. */
static const char *const severities[] = {"critical", "high",       "moderate",
                                         "low",      "negligible", "unknown"};
enum { SEVERITY_COUNT = sizeof(severities) / sizeof(severities[0]), LOW = 3, NEGLIGIBLE = 4 };

struct scan_reader {
    struct verify_state *state;
    const char *file;
    struct schema_check check; /* which schema it is of shows at the end; findings are as in both */
    json_t *members;           /* those in one piece */
    int64_t findings, suppressed, packages;
    int64_t by_severity[SEVERITY_COUNT];
};

static enum json_stream_wish on_wish(void *opaque, const char *member, const char *key)
{
    (void)opaque;
    return schema_wish(&schema_raw_scan, member, key);
}

static void count_finding(struct scan_reader *reader, const json_t *finding)
{
    const char *severity = mu_json_text_at(finding, "severity");
    const char *id = mu_json_text_at(finding, "id");

    if (mu_text_equal(mu_json_text_at(finding, "status"), "suppressed")) {
        reader->suppressed++;
        return;
    }
    reader->findings++;
    for (size_t i = 0; i < SEVERITY_COUNT; i++)
        reader->by_severity[i] += mu_text_equal(severity, severities[i]);
    if (id && verify_key_fits(id, ""))
        (void)verify_put(reader->state->store, VERIFY_FOUND,
                         (const char *const[]){reader->file, id});
}

static enum mu_status on_piece(void *opaque, const char *member, const char *key, json_t *value,
                               struct mu_error *err)
{
    struct scan_reader *reader = opaque;
    bool listed = member && on_wish(NULL, member, NULL) == JSON_STREAM_EACH;

    (void)err;
    if (listed)
        schema_piece(&reader->check, member, key, value);
    if (mu_text_equal(member, "findings"))
        count_finding(reader, value);
    else if (mu_text_equal(member, "suppressed"))
        reader->suppressed++;
    else if (mu_text_equal(member, "packages"))
        reader->packages++;
    if (member && !listed)
        (void)json_object_set(reader->members, member, value);
    return MU_OK;
}

/* ---- targets ---- */

static void add_target(struct scan_reader *reader, const json_t *target, bool complete)
{
    const char *uai = mu_json_text_at(target, "uai"), *digest = mu_json_text_at(target, "digest");

    if (!uai || !digest || !mu_oci_digest_valid(digest, strlen(digest)) ||
        !verify_key_fits(uai, digest)) {
        verify_difference(reader->state, "raw scans", reader->file,
                          "has a target without usable uai and digest");
        return;
    }
    (void)verify_put(reader->state->store, VERIFY_TARGETS,
                     (const char *const[]){uai, digest, reader->file, complete ? "1" : "0",
                                           mu_json_text_at(reader->members, "finished_at")});
}

static void add_targets(struct scan_reader *reader)
{
    const json_t *targets = json_object_get(reader->members, "targets"), *target;
    bool complete = mu_text_equal(mu_json_text_at(reader->members, "status"), "complete");
    size_t index;

    if (json_array_size(targets) == 0)
        verify_difference(reader->state, "raw scans", reader->file, "names no target");
    json_array_foreach (targets, index, target) {
        add_target(reader, target, complete);
    }
}

/* ---- counts ---- */

static void check_count(struct scan_reader *reader, const char *name, int64_t found)
{
    const json_t *told = json_object_get(json_object_get(reader->members, "counts"), name);

    if (!json_is_integer(told) || json_integer_value(told) != found)
        verify_difference(reader->state, "raw scans", reader->file,
                          "counts %lld %s, its findings are %lld",
                          (long long)json_integer_value(told), name, (long long)found);
}

/* Negligible ones are low where the document has no word for them. */
static void check_counts(struct scan_reader *reader)
{
    const json_t *counts = json_object_get(reader->members, "counts");

    if (!json_is_object(counts))
        return;
    check_count(reader, "findings", reader->findings);
    if (!json_object_get(counts, severities[NEGLIGIBLE]))
        reader->by_severity[LOW] += reader->by_severity[NEGLIGIBLE];
    for (size_t i = 0; i < SEVERITY_COUNT; i++)
        if (i != NEGLIGIBLE || json_object_get(counts, severities[i]))
            check_count(reader, severities[i], reader->by_severity[i]);
    if (json_object_get(counts, "suppressed"))
        check_count(reader, "suppressed", reader->suppressed);
    if (json_object_get(counts, "packages"))
        check_count(reader, "packages", reader->packages);
}

/* ---- the verbatim report of another scanner ---- */

enum { LOOK_BYTES = 64 * 1024 };

/* Whether the text stands in the file; of what lies over the border of two pieces the end of the
 * first is kept. */
static bool file_holds(FILE *in, const char *text)
{
    char bytes[LOOK_BYTES];
    size_t kept = 0, len, text_len = strlen(text);

    if (text_len == 0 || text_len >= sizeof(bytes) / 2)
        return false;
    while ((len = fread(bytes + kept, 1, sizeof(bytes) - kept, in)) > 0) {
        len += kept;
        if (memmem(bytes, len, text, text_len))
            return true;
        kept = len < text_len ? len : text_len - 1;
        memmove(bytes, bytes + len - kept, kept);
    }
    return false;
}

/* What the document says it took from the report must be in it. */
static void look_into(struct scan_reader *reader, const char *name)
{
    const char *digest = mu_json_text_at(reader->members, "image.digest");
    const char *from = mu_json_text_at(reader->members, "image.digest_from");
    MU_AUTO_FILE FILE *in =
            digest && mu_text_equal(from, "report") ? verify_open(reader->state, name) : NULL;

    if (in && !file_holds(in, digest))
        verify_difference(reader->state, "raw scans", reader->file,
                          "takes %s from its report, which lacks it", digest);
}

static void check_report(struct scan_reader *reader)
{
    static const char size_of[] = "SELECT size_bytes FROM files WHERE name = ?";
    const char *original = mu_json_text_at(reader->members, "original.digest");
    const json_t *size = mu_json_at(reader->members, "original.size_bytes");
    char name[VERIFY_PATH_SIZE];

    if (!original || !mu_digest_valid(original, strlen(original))) {
        verify_difference(reader->state, "raw scans", reader->file,
                          "names no report that it was made of");
        return;
    }
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_REPORTS, original + strlen("sha256:"));
    (void)verify_put(reader->state->store, VERIFY_REPORTS, (const char *const[]){name});
    if (!verify_lists(reader->state, name))
        verify_difference(reader->state, "raw scans", reader->file,
                          "its report %s is not in the package", original);
    else if (verify_ask_number(reader->state->store, size_of, (const char *const[]){name, NULL}) !=
             json_integer_value(size))
        verify_difference(reader->state, "raw scans", reader->file,
                          "gives its report another size");
    else
        look_into(reader, name);
}

/* ---- one, and all ---- */

static void check_schema(struct scan_reader *reader)
{
    const char *schema = mu_json_text_at(reader->members, "schema"), *member;
    json_t *value;

    if (mu_text_equal(schema, BUNDLE_IMPORTED_SCHEMA))
        reader->check.schema = &schema_imported_scan;
    else if (!mu_text_equal(schema, BUNDLE_RAW_SCHEMA))
        verify_difference(reader->state, "schema", reader->file, "is of no schema of raw scans");
    json_object_foreach (reader->members, member, value) {
        schema_piece(&reader->check, member, NULL, value);
    }
}

static void check_scan(struct scan_reader *reader)
{
    check_schema(reader);
    reader->state->summary.raw_scans++;
    add_targets(reader);
    check_counts(reader);
    if (mu_text_equal(mu_json_text_at(reader->members, "schema"), BUNDLE_IMPORTED_SCHEMA))
        check_report(reader);
}

void verify_read_raw_scan(struct verify_state *state, const char *file, FILE *in)
{
    struct scan_reader reader = {.state = state, .file = file, .members = json_object()};
    const struct verify_pieces pieces = {false, on_wish, on_piece, &reader};
    bool whole;

    schema_begin(&reader.check, state, &schema_raw_scan, file);
    whole = verify_read_pieces(state, file, in, &pieces);
    if (whole)
        check_scan(&reader);
    schema_end(&reader.check, whole);
    json_decref(reader.members);
}

static bool on_name(void *opaque, const char *const *columns)
{
    struct verify_state *state = opaque;
    MU_AUTO_FILE FILE *in = verify_open(state, columns[0]);

    if (in)
        verify_read_raw_scan(state, columns[0], in);
    return !mu_stop_requested();
}

void verify_raw_scans(struct verify_state *state)
{
    verify_ask(state->store,
               "SELECT name FROM files WHERE name GLOB '" BUNDLE_RAW_SCANS "/*' ORDER BY name",
               NULL, 1, on_name, state);
    state->summary.targets = (size_t)verify_ask_number(
            state->store, "SELECT count(*) FROM (SELECT DISTINCT uai, digest FROM targets)", NULL);
}
