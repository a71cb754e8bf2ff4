#include "database/debian_tracker.h"

#include "database/debian_release.h"
#include "json/json_doc.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

/* Why there is no fix, in our words; NULL: the tracker does not say. */
static const char *state_of(const json_t *release)
{
    static const struct {
        const char *reason, *state;
    } states[] = {{"ignored", "will_not_fix"}, {"postponed", "deferred"}};
    const char *reason = json_string_value(json_object_get(release, "nodsa_reason"));

    if (mu_text_equal(json_string_value(json_object_get(release, "urgency")), "end-of-life"))
        return "out_of_support";
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (mu_text_equal(reason, states[i].reason))
            return states[i].state;
    return json_object_get(release, "nodsa") ? "minor" : NULL;
}

static void add_release(struct builder *builder, const char *source, const char *codename,
                        const json_t *release)
{
    const char *status = json_string_value(json_object_get(release, "status"));
    const char *fixed = json_string_value(json_object_get(release, "fixed_version"));
    const char *version = debian_release_of(codename);
    char ecosystem[32];
    struct builder_affected affected = {
            .ecosystem = ecosystem,
            .package = source,
            .rating = json_string_value(json_object_get(release, "urgency")),
            .state = state_of(release)};
    bool open = mu_text_equal(status, "open");

    if (!version || (!open && !(mu_text_equal(status, "resolved") && fixed))) {
        builder_skip(builder);
        return;
    }
    (void)snprintf(ecosystem, sizeof(ecosystem), "Debian:%s", version);
    if (!builder_begin_affected(builder, &affected))
        return;
    builder_event(builder, DATABASE_EVENT_RANGE, "");
    builder_event(builder, DATABASE_EVENT_INTRODUCED, "0");
    if (!open)
        builder_event(builder, DATABASE_EVENT_FIXED, fixed);
    builder_end_affected(builder);
}

enum mu_status tracker_add(struct builder *builder, const char *source, const char *cve,
                           const char *json, size_t len, struct mu_error *err)
{
    static const struct mu_json_limits limits = {TRACKER_VALUE_MAX_BYTES, 16};
    json_auto_t *root = NULL;
    struct builder_record record = {
            .feed = FEED_TRACKER, .id = cve, .scope = {source}, .modified_us = MU_TIME_NONE};
    const char *codename;
    json_t *release;

    if (!mu_text_starts(cve, "CVE-"))
        return MU_OK; /* TEMP-: nothing to call it by */
    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return mu_wrap(err, "%s, %s", source, cve);
    record.summary = json_string_value(json_object_get(root, "description"));
    record.disputed = mu_text_starts(record.summary ? record.summary : "", "** DISPUTED **");
    builder_begin(builder, &record);
    json_object_foreach (json_object_get(root, "releases"), codename, release) {
        add_release(builder, source, codename, release);
    }
    return builder_end(builder, err);
}
