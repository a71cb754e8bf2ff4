#include "import/import_build.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A character is not cut in the middle: bytes that follow in one begin with binary 10. */
static size_t cut_len(const char *text, size_t len)
{
    if (len <= IMPORT_TEXT_MAX_BYTES)
        return len;
    len = IMPORT_TEXT_MAX_BYTES;
    while (len > 0 && ((unsigned char)text[len] & 0xc0U) == 0x80)
        len--;
    return len;
}

const char *import_keep(struct import_build *build, const char *text, size_t len)
{
    const char *kept;

    if (!text || len == 0)
        return NULL;
    kept = mu_arena_strndup(build->arena, text, cut_len(text, len));
    build->no_memory = build->no_memory || !kept;
    return kept;
}

const char *import_text(struct import_build *build, const json_t *value, const char *path)
{
    const char *text = mu_json_text_at(value, path);

    return import_keep(build, text, text ? strlen(text) : 0);
}

void import_digest_add(struct import_build *build, const char *text)
{
    const char *at = text ? strrchr(text, '@') : NULL;
    const char *digest = at ? at + 1 : text;

    if (!digest || !mu_digest_valid(digest, strlen(digest)) ||
        build->digest_count == IMPORT_DIGESTS_MAX)
        return;
    for (size_t i = 0; i < build->digest_count; i++) {
        if (mu_text_equal(build->digests[i], digest))
            return;
    }
    digest = import_keep(build, digest, strlen(digest));
    if (digest)
        build->digests[build->digest_count++] = digest;
}

int64_t import_time(const char *text)
{
    struct mu_error ignored;
    int64_t at_us;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

void import_configuration(struct import_build *build, const json_t *settings)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;
    struct mu_error ignored;

    mu_buf_init(&text, IMPORT_MAX_BYTES);
    if (settings && mu_json_print(settings, &text, &ignored) == MU_OK)
        mu_sha256_text(text.data, text.len, build->scan->told_configuration);
}

void import_note(struct import_build *build, const char *fmt, ...)
{
    char text[256];
    va_list arguments;
    const char *kept;

    if (build->scan->note_count == IMPORT_NOTES_MAX)
        return;
    va_start(arguments, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    mu_utf8_clean(text);
    kept = import_keep(build, text, strlen(text));
    if (kept)
        build->scan->notes[build->scan->note_count++] = kept;
}

struct imported_finding import_finding(void)
{
    return (struct imported_finding){.cvss_v3_tenths = -1, .cvss_v2_tenths = -1};
}

/* v4 vectors begin "CVSS:4.", v2's with a metric; "(AV:N/..)" is v2 in brackets. */
void import_cvss(struct import_build *build, struct imported_finding *finding, const char *vector,
                 bool nvd)
{
    int tenths;

    if (!vector)
        return;
    if (mu_text_starts(vector, "CVSS:3")) {
        if ((finding->cvss_v3 && (finding->cvss_v3_nvd || !nvd)) || !cvss_v3_base(vector, &tenths))
            return;
        finding->cvss_v3 = import_keep(build, vector, strlen(vector));
        finding->cvss_v3_tenths = tenths;
        finding->cvss_v3_nvd = nvd;
    } else if (!mu_text_starts(vector, "CVSS:")) {
        if ((finding->cvss_v2 && (finding->cvss_v2_nvd || !nvd)) || !cvss_v2_base(vector, &tenths))
            return;
        finding->cvss_v2 = import_keep(build, vector, strlen(vector));
        finding->cvss_v2_tenths = tenths;
        finding->cvss_v2_nvd = nvd;
    }
}

struct word {
    const char *word;
    enum severity severity;
};

static enum severity severity_told(const char *told)
{
    static const struct word words[] = {
            {"critical", SEVERITY_CRITICAL},     {"high", SEVERITY_HIGH},
            {"important", SEVERITY_HIGH},        {"medium", SEVERITY_MODERATE},
            {"moderate", SEVERITY_MODERATE},     {"low", SEVERITY_LOW},
            {"negligible", SEVERITY_NEGLIGIBLE}, {"info", SEVERITY_NEGLIGIBLE},
    };

    for (size_t i = 0; told && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(words[i].word, told) == 0)
            return words[i].severity;
    }
    return SEVERITY_UNKNOWN;
}

static void severity_decide(struct imported_finding *finding)
{
    enum severity told = severity_told(finding->told_severity);

    if (finding->cvss_v3) {
        finding->severity = severity_of_v3(finding->cvss_v3_tenths);
        finding->severity_source = "cvss_v3";
    } else if (finding->cvss_v2) {
        finding->severity = severity_of_v2(finding->cvss_v2_tenths);
        finding->severity_source = "cvss_v2";
    } else {
        finding->severity = told;
        finding->severity_source = told == SEVERITY_UNKNOWN ? "none" : "scanner";
    }
}

/* Grown outside of the arena; import_read hands it over. */
static enum mu_status findings_grow(struct import_build *build, struct mu_error *err)
{
    struct imported_scan *scan = build->scan;
    size_t capacity = build->capacity ? build->capacity * 2 : 256;
    struct imported_finding *grown;

    if (scan->finding_count == IMPORT_FINDINGS_MAX)
        return mu_fail(err, MU_E_LIMIT, "more than %d findings", IMPORT_FINDINGS_MAX);
    if (scan->finding_count < build->capacity)
        return MU_OK;
    grown = realloc(scan->findings, capacity * sizeof(*grown)); /* bounded by the limit */
    if (!grown)
        return mu_fail(err, MU_E_NOMEM, "no memory for %zu findings", capacity);
    scan->findings = grown;
    build->capacity = capacity;
    return MU_OK;
}

enum mu_status import_add(struct import_build *build, struct imported_finding *finding,
                          const char *what, size_t index, struct mu_error *err)
{
    if (build->no_memory)
        return mu_fail(err, MU_E_NOMEM, "no memory for a report of this size");
    if (!finding->id || !finding->package || !finding->version)
        return mu_fail(err, MU_E_INVALID,
                       "%s %zu (%s) names no %s: too little for a scan of record", what, index,
                       finding->id ? finding->id : "without id",
                       !finding->id        ? "vulnerability"
                       : !finding->package ? "package"
                                           : "version");
    if (findings_grow(build, err) != MU_OK)
        return err->status;
    severity_decide(finding);
    build->scan->findings[build->scan->finding_count++] = *finding;
    build->scan->suppressed_count += finding->suppressed_reason ? 1 : 0;
    return MU_OK;
}
