#include "scans/bom_parts.h"

#include "bundle/json_file.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* How CycloneDX calls what the scan calls otherwise. */
struct word {
    const char *ours, *theirs;
};

static const struct word severities[] = {{"critical", "critical"}, {"high", "high"},
                                         {"moderate", "medium"},   {"low", "low"},
                                         {"negligible", "info"},   {NULL, "unknown"}};
static const struct word methods[] = {
        {"CVSS:4", "CVSSv4"},  {"CVSS:3.1", "CVSSv31"}, {"CVSS:3", "CVSSv3"}, {"CVSS_V4", "CVSSv4"},
        {"CVSS_V3", "CVSSv3"}, {"CVSS_V2", "CVSSv2"},   {NULL, "other"}};
/* `impact analysis state`: of what the scan does not count. */
static const struct word states[] = {{"fixed", "resolved"},
                                     {"under_investigation", "in_triage"},
                                     {"affected", "exploitable"},
                                     {NULL, "not_affected"}};

static const char *word_of(const struct word *words, const char *ours)
{
    while (words->ours && !(ours && mu_text_starts(ours, words->ours)))
        words++;
    return words->theirs;
}

static void put_source(struct json_stream *out, const char *name)
{
    if (!name || !*name)
        return;
    json_open(out, "source", '{');
    json_text(out, "name", name);
    json_close(out, '}');
}

/* ---- ratings ---- */

static void put_score(struct bom_writer *writer, const json_t *score)
{
    const json_t *number = json_object_get(score, "score");
    const char *vector = bom_text(score, "vector"), *type = bom_text(score, "type");

    json_open(writer->out, NULL, '{');
    put_source(writer->out, bom_text(score, "source"));
    if (json_is_number(number))
        json_tenths(writer->out, "score", (int)(json_number_value(number) * 10 + 0.5));
    json_text(writer->out, "method",
              word_of(methods, vector && mu_text_starts(vector, "CVSS:") ? vector : type));
    json_known_text(writer->out, "vector", vector);
    json_close(writer->out, '}');
}

static void put_ratings(struct bom_writer *writer, const json_t *finding)
{
    const json_t *score;
    size_t i;

    json_open(writer->out, "ratings", '[');
    json_open(writer->out, NULL, '{');
    put_source(writer->out, bom_text(finding, "severity_source"));
    json_text(writer->out, "severity", word_of(severities, bom_text(finding, "severity")));
    json_close(writer->out, '}');
    json_array_foreach (json_object_get(finding, "scores"), i, score)
        put_score(writer, score);
    json_close(writer->out, ']');
}

/* ---- the rest of a vulnerability ---- */

static bool is_web_address(const char *text)
{
    size_t scheme = !text ? 0
                    : mu_text_starts(text, "https://")
                            ? strlen("https://")
                            : (mu_text_starts(text, "http://") ? strlen("http://") : 0);

    if (scheme == 0 || !text[scheme])
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f ||
            strchr("<>\"{}|\\^`[]", *text))
            return false;
    return true;
}

static void put_advisory(struct bom_writer *writer, const char *url, bool *open)
{
    if (!is_web_address(url))
        return;
    if (!*open)
        json_open(writer->out, "advisories", '[');
    *open = true;
    json_open(writer->out, NULL, '{');
    json_text(writer->out, "url", url);
    json_close(writer->out, '}');
}

static void put_advisories(struct bom_writer *writer, const json_t *finding)
{
    const json_t *reference;
    bool open = false;
    size_t i;

    put_advisory(writer, bom_text(finding, "url"), &open);
    json_array_foreach (json_object_get(finding, "references"), i, reference)
        put_advisory(writer, json_string_value(reference), &open);
    if (open)
        json_close(writer->out, ']');
}

static void put_recommendation(struct bom_writer *writer, const json_t *finding)
{
    const char *fixed = bom_text(finding, "fixed_version"), *package = bom_text(finding, "package");

    if (!fixed || !*fixed || !package)
        return;
    mu_buf_reset(&writer->text);
    mu_buf_printf(&writer->text, "Update %s to %s or later.", package, fixed);
    json_text(writer->out, "recommendation", writer->text.data);
}

/* Why it does not count. */
static void put_analysis(struct bom_writer *writer, const json_t *finding)
{
    const json_t *vex = json_object_get(finding, "vex");
    const char *reason = bom_text(finding, "suppressed_reason"), *said = bom_text(vex, "detail");

    if (!reason)
        reason = bom_text(finding, "status_reason");
    mu_buf_reset(&writer->text);
    mu_buf_printf(&writer->text, "%s%s%s", reason ? reason : "suppressed", said ? ": " : "",
                  said ? said : "");
    json_open(writer->out, "analysis", '{');
    json_text(writer->out, "state", word_of(states, bom_text(vex, "status")));
    json_text(writer->out, "detail", writer->text.data);
    json_close(writer->out, '}');
}

static void put_ref(struct bom_writer *writer, const char *ref)
{
    json_open(writer->out, NULL, '{');
    json_text(writer->out, "ref", ref);
    json_close(writer->out, '}');
}

static void put_affects(struct bom_writer *writer, const json_t *finding)
{
    json_open(writer->out, "affects", '[');
    if (bom_each_ref(writer, finding, put_ref) == 0)
        put_ref(writer, writer->bom->digest);
    json_close(writer->out, ']');
}

static void put_vulnerability(struct bom_writer *writer, const json_t *finding, bool suppressed)
{
    if (!bom_text(finding, "id"))
        return;
    json_open(writer->out, NULL, '{');
    json_text(writer->out, "id", bom_text(finding, "id"));
    put_source(writer->out, bom_text(finding, "advisory"));
    put_ratings(writer, finding);
    json_known_text(writer->out, "description", bom_text(finding, "summary"));
    put_recommendation(writer, finding);
    put_advisories(writer, finding);
    if (suppressed)
        put_analysis(writer, finding);
    put_affects(writer, finding);
    json_close(writer->out, '}');
}

/* Another scanner's report has them all in one list. */
void bom_put_vulnerabilities(struct bom_writer *writer)
{
    static const char *const lists[] = {"findings", "suppressed"};

    json_open(writer->out, "vulnerabilities", '[');
    for (size_t list = 0; list < 2; list++) {
        const json_t *finding;
        size_t i;

        json_array_foreach (json_object_get(writer->bom->scan, lists[list]), i, finding)
            put_vulnerability(writer, finding,
                              list == 1 ||
                                      mu_text_equal(bom_text(finding, "status"), "suppressed"));
    }
    json_close(writer->out, ']');
}
