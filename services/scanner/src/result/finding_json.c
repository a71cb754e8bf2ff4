#include "result/finding_json.h"

#include "result/raw_packages.h"

#include "base/text.h"

static void put_scores(struct json_stream *out, const struct severity_verdict *verdict)
{
    json_open(out, "scores", '[');
    for (size_t i = 0; i < verdict->score_count; i++) {
        const struct severity_score *score = &verdict->scores[i];

        json_open(out, NULL, '{');
        json_text(out, "type", score->type);
        json_text(out, "vector", score->vector[0] ? score->vector : NULL);
        if (score->tenths >= 0)
            json_tenths(out, "score", score->tenths);
        json_text(out, "source", score->giver);
        json_close(out, '}');
    }
    json_close(out, ']');
}

static void put_rating(struct json_stream *out, const struct severity_verdict *verdict)
{
    if (!verdict->rated_by) {
        json_text(out, "rating", NULL);
        return;
    }
    json_open(out, "rating", '{');
    json_text(out, "severity", severity_word(verdict->rated));
    json_text(out, "source", verdict->rated_by);
    json_close(out, '}');
}

static void put_reason(struct json_stream *out, const struct finding *finding)
{
    const struct finding_reason *reason = &finding->reason;

    json_open(out, "reason", '{');
    json_text(out, "advisory", finding->advisory);
    json_text(out, "ecosystem", reason->ecosystem);
    json_text(out, "name", reason->name);
    json_text(out, "version", reason->version);
    json_text(out, "comparator", reason->comparator);
    json_bool(out, "listed", reason->listed);
    json_text(out, "introduced", reason->introduced);
    json_text(out, "fixed", reason->fixed);
    json_text(out, "last_affected", reason->last_affected);
    json_close(out, '}');
}

static const char *known(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* SSVC's decision points. */
static void put_ssvc(struct json_stream *out, const struct cve_facts *facts)
{
    json_text(out, "exploitation", known(facts->exploitation));
    if (facts->automatable[0] != '\0')
        json_bool(out, "automatable", mu_text_equal(facts->automatable, "yes"));
    else
        json_text(out, "automatable", NULL);
    json_text(out, "technical_impact", known(facts->technical_impact));
}

static void put_facts(struct json_stream *out, const struct cve_facts *facts)
{
    if (facts->kev_added[0]) {
        json_open(out, "kev", '{');
        json_text(out, "date_added", facts->kev_added);
        json_text(out, "due_date", facts->kev_due[0] ? facts->kev_due : NULL);
        json_bool(out, "ransomware", facts->ransomware);
        json_close(out, '}');
    } else {
        json_text(out, "kev", NULL);
    }
    if (facts->has_epss) {
        json_open(out, "epss", '{');
        json_millionths(out, "score", facts->epss_millionths);
        json_millionths(out, "percentile", facts->percentile_millionths);
        json_close(out, '}');
    } else {
        json_text(out, "epss", NULL);
    }
    put_ssvc(out, facts);
}

static void put_vex(struct json_stream *out, const struct vex_statement *statement)
{
    if (!statement) {
        json_text(out, "vex", NULL);
        return;
    }
    json_open(out, "vex", '{');
    json_text(out, "status", vex_status_word(statement->status));
    json_text(out, "justification", statement->justification);
    json_text(out, "detail", statement->detail);
    json_text(out, "author", statement->author);
    json_text(out, "document", statement->source);
    json_time(out, "stated_at", statement->at_us);
    json_close(out, '}');
}

/* A suppressed one is not affected as far as somebody said so, else only not counted. */
static const char *status_of(const struct finding *finding)
{
    if (!finding->suppressed)
        return "affected";
    return finding->vex ? vex_status_word(finding->vex->status) : "suppressed";
}

static void put_identity(struct json_stream *out, const struct finding *finding,
                         const struct image_os *os)
{
    json_text(out, "id", finding->id);
    json_text(out, "advisory", finding->advisory);
    json_text(out, "package", finding->package->name);
    json_text(out, "package_version", finding->package->version);
    json_text(out, "package_type", finding->package->type);
    raw_package_purl_put(out, finding->package, os);
    raw_package_place_put(out, finding->package);
    if (finding->package->source_name)
        json_text(out, "source_name", finding->package->source_name);
    if (finding->package->source_version)
        json_text(out, "source_version", finding->package->source_version);
    json_int(out, "binary_packages", (int64_t)finding->package_count);
}

static void put_finding(struct json_stream *out, const struct finding *finding,
                        const struct image_os *os)
{
    json_open(out, NULL, '{');
    put_identity(out, finding, os);
    json_text(out, "status", status_of(finding));
    if (finding->suppressed) {
        json_text(out, "suppressed_reason", finding->suppressed);
        json_text(out, "suppressed_by", finding->suppressed_by);
    }
    json_text(out, "fixed_version", finding->fixed_version);
    json_text(out, "fix_state", finding->fix_state[0] ? finding->fix_state : NULL);
    json_text(out, "severity", severity_word(finding->severity.severity));
    json_text(out, "severity_source", finding->severity.source);
    put_scores(out, &finding->severity);
    put_rating(out, &finding->severity);
    put_facts(out, &finding->facts);
    json_bool(out, "disputed", finding->disputed);
    put_reason(out, finding);
    put_vex(out, finding->vex);
    json_open(out, "references", '[');
    for (size_t i = 0; i < finding->reference_count; i++)
        json_text(out, NULL, finding->references[i]);
    json_close(out, ']');
    json_text(out, "summary", finding->summary);
    json_close(out, '}');
}

void finding_json_list(struct json_stream *out, const char *name, const struct finding *findings,
                       size_t count, const struct image_os *os)
{
    json_open(out, name, '[');
    for (size_t i = 0; i < count; i++)
        put_finding(out, &findings[i], os);
    json_close(out, ']');
}
