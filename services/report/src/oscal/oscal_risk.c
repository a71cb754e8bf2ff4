/* Observations, risks and POA&M items. */
#include "oscal/oscal_poam.h"

#include "bundle/json_file.h"
#include "bundle/layout.h"
#include "items/item_deviations.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define CVSS_SYSTEM "http://www.first.org/cvss/v3.1"

/* ---- what they share ---- */

static void put_actor(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    json_open(oscal->out, "actors", '[');
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "type", "tool");
    oscal_uuid(oscal, "actor-uuid", "tool", weakness->tool);
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

static void put_origins(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    json_open(oscal->out, "origins", '[');
    json_open(oscal->out, NULL, '{');
    put_actor(oscal, weakness);
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

/* "CVE-2026-1: what it is" */
static const char *title_of(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    if (!weakness->item)
        return weakness->title;
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "%s%s%s", weakness->item->vulnerability,
                  weakness->summary && *weakness->summary ? ": " : "",
                  weakness->summary ? weakness->summary : "");
    return oscal->name.data;
}

static void put_description(struct oscal *oscal, const struct oscal_weakness *weakness,
                            const char *name)
{
    const struct item *item = weakness->item;

    if (!item) {
        oscal_text(oscal, name, weakness->text, weakness->id);
        return;
    }
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "%s%s%s", item->vulnerability, item->packages ? " in " : "",
                  item->packages ? item->packages : "");
    if (weakness->summary && *weakness->summary)
        mu_buf_printf(&oscal->name, ": %s", weakness->summary);
    if (item->fixed_versions)
        mu_buf_printf(&oscal->name, ". Fixed in: %s", item->fixed_versions);
    oscal_text(oscal, name, oscal->name.data, item->item);
}

static void put_relation(struct oscal *oscal, const char *list, const char *member,
                         const char *kind, const struct oscal_weakness *weakness)
{
    json_open(oscal->out, list, '[');
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, member, kind, weakness->id);
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

/* ---- observations ---- */

static enum mu_status put_subjects(struct oscal *oscal, const struct item *item,
                                   struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct oscal_list list = {.name = "subjects"};
    struct finding_row row;
    bool found = true;
    enum mu_status st = snapshot_list(oscal->render->snapshot, SNAPSHOT_LIST_FINDINGS_OF_ITEM,
                                      item->item, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        oscal_element(oscal, &list);
        json_open(oscal->out, NULL, '{');
        oscal_uuid(oscal, "subject-uuid", "asset", row.uai);
        json_text(oscal->out, "type", "inventory-item");
        oscal_text(oscal, "title", row.uai, "Asset");
        json_close(oscal->out, '}');
    }
    oscal_list_end(oscal, &list);
    return st;
}

static void put_evidence(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    char href[sizeof("../" BUNDLE_RAW_SCANS "/.json") + MU_SHA256_HEX_SIZE];

    if (!weakness->evidence_digest || !mu_text_starts(weakness->evidence_digest, "sha256:"))
        return;
    (void)snprintf(href, sizeof(href), "../%s/%.64s.json", BUNDLE_RAW_SCANS,
                   weakness->evidence_digest + strlen("sha256:"));
    json_open(oscal->out, "relevant-evidence", '[');
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "href", href);
    json_text(oscal->out, "description", "Raw scan that describes it.");
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

enum mu_status oscal_put_observation(struct oscal *oscal, const struct oscal_weakness *weakness,
                                     struct mu_error *err)
{
    enum mu_status st = MU_OK;

    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "observation", weakness->id);
    oscal_text(oscal, "title", title_of(oscal, weakness), weakness->id);
    put_description(oscal, weakness, "description");
    json_open(oscal->out, "methods", '[');
    json_text(oscal->out, NULL, "TEST");
    json_close(oscal->out, ']');
    json_open(oscal->out, "types", '[');
    json_text(oscal->out, NULL, "finding");
    json_close(oscal->out, ']');
    put_origins(oscal, weakness);
    if (weakness->item)
        st = put_subjects(oscal, weakness->item, err);
    put_evidence(oscal, weakness);
    json_time(oscal->out, "collected", weakness->detected_at_us);
    json_close(oscal->out, '}');
    return st;
}

/* ---- risks ---- */

/* How FedRAMP's properties of a risk call the kinds of deviation; `accepted` is CR26's. */
static const struct {
    const char *kind, *prop;
} deviation_props[] = {{"false_positive", "false-positive"},
                       {"operational_requirement", "operational-requirement"},
                       {"risk_adjustment", "risk-adjustment"},
                       {"vendor_dependency", "vendor-dependency"},
                       {"accepted", "accepted-vulnerability"}};

enum { DEVIATION_KINDS = sizeof(deviation_props) / sizeof(deviation_props[0]) };

/* The state of each kind: of several the approved one. */
struct deviated {
    const char *states[DEVIATION_KINDS];
    bool any_approved, any_pending;
};

static enum mu_status take_deviation(void *opaque, const struct deviation_row *row,
                                     struct mu_error *err)
{
    struct deviated *deviated = opaque;
    bool approved = mu_text_equal(row->state, "approved");
    bool pending = mu_text_equal(row->state, "pending");

    (void)err;
    for (size_t i = 0; i < DEVIATION_KINDS; i++) {
        if (!mu_text_equal(deviation_props[i].kind, row->kind))
            continue;
        if (approved)
            deviated->states[i] = "approved";
        else if (!deviated->states[i])
            deviated->states[i] = pending ? "pending" : "withdrawn";
    }
    deviated->any_approved |= approved;
    deviated->any_pending |= pending;
    return MU_OK;
}

static void put_risk_props(struct oscal *oscal, const struct oscal_weakness *weakness,
                           const struct deviated *deviated)
{
    const struct item *item = weakness->item;

    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, OSCAL_FEDRAMP, "impacted-control-id", "ra-5");
    if (item) {
        oscal_prop(oscal, OSCAL_FEDRAMP, "vulnerability-id", item->vulnerability);
        mu_buf_reset(&oscal->name);
        mu_buf_puts(&oscal->name, item->reported_as ? item->reported_as : item->vulnerability);
        mu_buf_cut(&oscal->name, strcspn(oscal->name.data, "\n"));
        oscal_prop(oscal, OSCAL_FEDRAMP, "plugin-id", oscal->name.data);
        oscal_prop(oscal, OSCAL_FEDRAMP, "kev-catalog", item->kev_added ? "yes" : "no");
        oscal_prop(oscal, OSCAL_FEDRAMP, "kev-due-date", item->kev_due);
    }
    for (size_t i = 0; i < DEVIATION_KINDS; i++)
        oscal_prop(oscal, OSCAL_FEDRAMP, deviation_props[i].prop, deviated->states[i]);
    json_close(oscal->out, ']');
}

/* Low, moderate and high: what nobody rated counts as high, as by Rev5's clocks. */
static const char *level_of(enum rating rating)
{
    return rating >= RATING_LOW ? "low" : rating == RATING_MODERATE ? "moderate" : "high";
}

static void put_facet(struct oscal *oscal, const char *name, const char *space, const char *value,
                      const char *state)
{
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "name", name);
    json_text(oscal->out, "system", space);
    json_text(oscal->out, "value", value);
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, NULL, "state", state);
    json_close(oscal->out, ']');
    json_close(oscal->out, '}');
}

static void put_characterizations(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    const struct item *item = weakness->item;
    const char *initial = level_of(item ? item->original : RATING_MODERATE);

    json_open(oscal->out, "characterizations", '[');
    json_open(oscal->out, NULL, '{');
    json_open(oscal->out, "origin", '{');
    put_actor(oscal, weakness);
    json_close(oscal->out, '}');
    json_open(oscal->out, "facets", '[');
    put_facet(oscal, "likelihood", OSCAL_FEDRAMP, initial, "initial");
    put_facet(oscal, "impact", OSCAL_FEDRAMP, initial, "initial");
    if (item && item->rating != item->original) {
        const char *adjusted = level_of(item->rating);

        put_facet(oscal, "likelihood", OSCAL_FEDRAMP, adjusted, "adjusted");
        put_facet(oscal, "impact", OSCAL_FEDRAMP, adjusted, "adjusted");
    }
    if (item && *oscal_line(oscal, item->cvss))
        put_facet(oscal, "base-score",
                  mu_text_equal(item->severity_source, "nvd_cvss2")
                          ? "http://www.first.org/cvss/v2.0"
                          : CVSS_SYSTEM,
                  mu_arena_strdup(oscal->arena, oscal->line.data), "initial");
    if (item && mu_text_starts(item->vulnerability, "CVE-"))
        put_facet(oscal, "cve-id", "http://cve.mitre.org", item->vulnerability, "initial");
    json_close(oscal->out, ']');
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
}

static const char *status_of(const struct deviated *deviated)
{
    if (deviated->any_approved)
        return "deviation-approved";
    return deviated->any_pending ? "deviation-requested" : "open";
}

static void put_statement(struct oscal *oscal, const struct oscal_weakness *weakness)
{
    const struct item *item = weakness->item;

    if (!item) {
        json_text(oscal->out, "statement",
                  "While detection fails, vulnerabilities may stay unseen (VDR-CSO-FAV).");
        return;
    }
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "Severity %s (%s), %zu assets, %zu running containers.",
                  rating_names[item->original],
                  item->severity_source ? item->severity_source : "no source", item->assets,
                  item->instances);
    json_text(oscal->out, "statement", oscal->name.data);
}

enum mu_status oscal_put_risk(struct oscal *oscal, const struct oscal_weakness *weakness,
                              struct mu_error *err)
{
    struct deviated deviated = {.any_approved = false};
    enum mu_status st = weakness->item ? item_deviations_each(oscal->render->snapshot,
                                                              weakness->item->deviations,
                                                              take_deviation, &deviated, err)
                                       : MU_OK;

    if (st != MU_OK)
        return st;
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "risk", weakness->id);
    oscal_text(oscal, "title", title_of(oscal, weakness), weakness->id);
    put_description(oscal, weakness, "description");
    put_statement(oscal, weakness);
    put_risk_props(oscal, weakness, &deviated);
    json_text(oscal->out, "status", status_of(&deviated));
    put_origins(oscal, weakness);
    put_characterizations(oscal, weakness);
    if (weakness->item)
        json_known_time(oscal->out, "deadline", weakness->item->due_at_us);
    put_relation(oscal, "related-observations", "observation-uuid", "observation", weakness);
    json_close(oscal->out, '}');
    return MU_OK;
}

/* ---- items ---- */

enum mu_status oscal_put_poam_item(struct oscal *oscal, const struct oscal_weakness *weakness,
                                   struct mu_error *err)
{
    (void)err;
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "poam-item", weakness->id);
    oscal_text(oscal, "title", title_of(oscal, weakness), weakness->id);
    put_description(oscal, weakness, "description");
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, OSCAL_FEDRAMP, "POAM-ID", weakness->id);
    json_close(oscal->out, ']');
    put_origins(oscal, weakness);
    put_relation(oscal, "related-observations", "observation-uuid", "observation", weakness);
    put_relation(oscal, "related-risks", "risk-uuid", "risk", weakness);
    json_close(oscal->out, '}');
    return MU_OK;
}
