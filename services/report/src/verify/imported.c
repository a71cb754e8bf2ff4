/* Evidence that was made of another scanner's report: the report is there, and is the one. */
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- counts ---- */

/* Of the findings that count; negligible ones are low where the document has no word for them. */
static int64_t found_of(const json_t *scan, const json_t *counts, const char *severity)
{
    bool low_has_both = mu_text_equal(severity, "low") && !json_object_get(counts, "negligible");
    bool all = mu_text_equal(severity, "findings");
    const json_t *finding;
    int64_t found = 0;
    size_t index;

    json_array_foreach (json_object_get(scan, "findings"), index, finding) {
        const char *word = mu_json_text_at(finding, "severity");

        if (mu_text_equal(mu_json_text_at(finding, "status"), "suppressed"))
            continue;
        found += all || mu_text_equal(word, severity) ||
                 (low_has_both && mu_text_equal(word, "negligible"));
    }
    return found;
}

void verify_scan_counts(struct verify_state *state, const char *file, const json_t *scan)
{
    static const char *const words[] = {"findings", "critical", "high",      "moderate",
                                        "low",      "unknown",  "negligible"};
    const json_t *counts = json_object_get(scan, "counts");

    for (size_t i = 0; json_is_object(counts) && i < sizeof(words) / sizeof(words[0]); i++) {
        const json_t *told = json_object_get(counts, words[i]);
        int64_t found;

        if (!told && mu_text_equal(words[i], "negligible"))
            continue;
        found = found_of(scan, counts, words[i]);
        if (!json_is_integer(told) || json_integer_value(told) != found)
            verify_difference(state, "raw scans", file, "counts %lld %s, its findings are %lld",
                              (long long)json_integer_value(told), words[i], (long long)found);
    }
}

/* ---- the verbatim report ---- */

/* What the document says it took from the report must be in it. */
static void look_into(struct verify_state *state, const char *file, const char *name,
                      const json_t *scan)
{
    const char *digest = mu_json_text_at(scan, "image.digest");
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    char path[VERIFY_PATH_SIZE];
    struct mu_error err;

    mu_buf_init(&bytes, BUNDLE_MAX_JSON_BYTES);
    if (!digest || !mu_text_equal(mu_json_text_at(scan, "image.digest_from"), "report") ||
        !verify_path(state, name, path))
        return;
    if (mu_file_read(path, &bytes, &err) != MU_OK)
        verify_difference(state, "files", name, "cannot be read: %s", err.message);
    else if (!memmem(bytes.data, bytes.len, digest, strlen(digest)))
        verify_difference(state, "raw scans", file, "takes %s from its report, which lacks it",
                          digest);
}

void verify_add_imported(struct verify_state *state, const char *file, const json_t *scan)
{
    const char *original = mu_json_text_at(scan, "original.digest");
    const json_t *size = mu_json_at(scan, "original.size_bytes"), *entry;
    char name[VERIFY_PATH_SIZE];

    if (!original || !mu_digest_valid(original, strlen(original))) {
        verify_difference(state, "raw scans", file, "names no report that it was made of");
        return;
    }
    (void)snprintf(name, sizeof(name), "%s/%s.json", BUNDLE_REPORTS, original + strlen("sha256:"));
    entry = json_object_get(json_object_get(state->manifest, "files"), name);
    (void)json_object_set_new(state->reports, name, json_true());
    if (!entry)
        verify_difference(state, "raw scans", file, "its report %s is not in the package",
                          original);
    else if (!json_equal(json_object_get(entry, "size_bytes"), size))
        verify_difference(state, "raw scans", file, "gives its report another size");
    else
        look_into(state, file, name, scan);
}

void verify_reports(struct verify_state *state)
{
    const char *name;
    json_t *entry;

    json_object_foreach (json_object_get(state->manifest, "files"), name, entry) {
        if (mu_text_starts(name, BUNDLE_REPORTS "/") && !json_object_get(state->reports, name))
            verify_difference(state, "files", name, "is a report that no raw scan was made of");
    }
}
