#include "database/osv_record.h"

#include "json/json_doc.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { MODULE_TEXT_SIZE = 128 };

/* ---- ranges ---- */

static void add_range(struct builder *builder, const json_t *range)
{
    static const struct {
        const char *name;
        enum database_event_kind kind;
    } kinds[] = {{"introduced", DATABASE_EVENT_INTRODUCED},
                 {"fixed", DATABASE_EVENT_FIXED},
                 {"last_affected", DATABASE_EVENT_LAST_AFFECTED},
                 {"limit", DATABASE_EVENT_LIMIT}};
    const json_t *event;
    size_t index;

    if (mu_text_equal(mu_json_text_at(range, "type"), "GIT")) {
        builder_skip(builder);
        return;
    }
    builder_event(builder, DATABASE_EVENT_RANGE, "");
    json_array_foreach (json_object_get(range, "events"), index, event) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            const char *version = json_string_value(json_object_get(event, kinds[i].name));

            if (version)
                builder_event(builder, kinds[i].kind, version);
        }
    }
}

/* ---- severity ---- */

/* CVSS vectors of the entry, else of the record ("severity may be top-level or per affected"). */
static void read_severity(const json_t *record, const json_t *entry,
                          struct builder_affected *affected)
{
    const json_t *severities = json_object_get(entry, "severity"), *severity;
    size_t index;

    if (!severities)
        severities = json_object_get(record, "severity");
    json_array_foreach (severities, index, severity) {
        const char *type = json_string_value(json_object_get(severity, "type"));
        const char *score = json_string_value(json_object_get(severity, "score"));

        if (!score)
            continue;
        if (mu_text_equal(type, "CVSS_V4"))
            affected->cvss_v4 = score;
        else if (mu_text_equal(type, "CVSS_V3") && mu_text_starts(score, "CVSS:3."))
            affected->cvss_v3 = score;
        else if (mu_text_equal(type, "CVSS_V2"))
            affected->cvss_v2 = score;
        else if (mu_text_equal(type, "Ubuntu"))
            affected->rating = score;
    }
}

/* "Important: kernel security update": AlmaLinux and Rocky Linux rate in the summary alone. */
static const char *rating_of_summary(const char *summary)
{
    static const char *const words[] = {"Critical", "Important", "Moderate", "Low"};

    for (size_t i = 0; summary && i < sizeof(words) / sizeof(words[0]); i++)
        if (mu_text_starts(summary, words[i]) && summary[strlen(words[i])] == ':')
            return words[i];
    return NULL;
}

static bool is_module_text(const char *text, size_t len)
{
    static const char allowed[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";

    return len > 0 && strspn(text, allowed) >= len;
}

/* "Important: nodejs:18 security update": AlmaLinux and Rocky Linux name module and stream in the
 * summary alone. False: it names none. */
static bool module_of_summary(const char *summary, char ret_module[MODULE_TEXT_SIZE])
{
    for (const char *word = summary; word && *word != '\0'; word += *word == ' ') {
        size_t len = strcspn(word, " "), name = strcspn(word, ": ");

        if (name < len && len < MODULE_TEXT_SIZE && is_module_text(word, name) &&
            is_module_text(word + name + 1, len - name - 1)) {
            (void)snprintf(ret_module, MODULE_TEXT_SIZE, "%.*s", (int)len, word);
            return true;
        }
        word += len;
    }
    return false;
}

static const char *rating_of(const json_t *record, const json_t *entry)
{
    static const char *const members[] = {"urgency", "severity"};
    const json_t *specific = json_object_get(entry, "ecosystem_specific");

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *rating = json_string_value(json_object_get(specific, members[i]));

        if (rating)
            return rating;
    }
    specific = json_object_get(record, "database_specific");
    if (json_is_string(json_object_get(specific, "severity")))
        return json_string_value(json_object_get(specific, "severity"));
    return rating_of_summary(json_string_value(json_object_get(record, "summary")));
}

/* ---- the record ---- */

static void add_texts(struct builder *builder, const json_t *array,
                      void (*add)(struct builder *, const char *))
{
    const json_t *item;
    size_t index;

    json_array_foreach (array, index, item) {
        if (json_is_string(item))
            add(builder, json_string_value(item));
    }
}

static void add_affected(struct builder *builder, const json_t *record, const char *module,
                         const json_t *entry)
{
    const json_t *package = json_object_get(entry, "package"), *range;
    struct builder_affected affected = {
            .ecosystem = json_string_value(json_object_get(package, "ecosystem")),
            .package = json_string_value(json_object_get(package, "name"))};
    size_t index;

    if (!affected.ecosystem || !affected.package) {
        builder_skip(builder);
        return;
    }
    affected.rating = rating_of(record, entry);
    affected.module = module;
    read_severity(record, entry, &affected);
    if (!builder_begin_affected(builder, &affected))
        return;
    json_array_foreach (json_object_get(entry, "ranges"), index, range) {
        add_range(builder, range);
    }
    add_texts(builder, json_object_get(entry, "versions"), builder_version);
    builder_end_affected(builder);
}

static int64_t time_of(const json_t *record, const char *member)
{
    const char *text = json_string_value(json_object_get(record, member));
    struct mu_error ignored;
    int64_t at_us;

    return text && mu_time_parse(text, strlen(text), &at_us, &ignored) == MU_OK ? at_us
                                                                                : MU_TIME_NONE;
}

static bool is_disputed(const char *summary, const char *details)
{
    static const char mark[] = "** DISPUTED **";

    return mu_text_starts(summary ? summary : "", mark) ||
           mu_text_starts(details ? details : "", mark);
}

/* AlmaLinux and Rocky Linux name their CVEs in `related` alone. */
static bool names_cves_as_related(const char *id)
{
    static const char *const prefixes[] = {"ALSA-", "ALBA-", "ALEA-", "RLSA-",
                                           "RLBA-", "RLEA-", "RXSA-"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (mu_text_starts(id, prefixes[i]))
            return true;
    return false;
}

static void relate(struct builder *builder, const json_t *record)
{
    static const struct {
        const char *member;
        enum builder_relation relation;
    } kinds[] = {{"aliases", RELATION_ALIAS},
                 {"upstream", RELATION_UPSTREAM},
                 {"related", RELATION_RELATED}};
    const json_t *item;
    size_t index;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_array_foreach (json_object_get(record, kinds[i].member), index, item) {
            const char *id = json_string_value(item);

            if (id && id[0])
                builder_relate(builder, kinds[i].relation, id);
        }
    }
}

enum mu_status osv_record_add(struct builder *builder, const char *json, size_t len,
                              struct mu_error *err)
{
    static const struct mu_json_limits limits = {OSV_RECORD_MAX_BYTES, 32};
    json_auto_t *record = NULL;
    struct builder_record head = {.feed = FEED_OSV};
    char module[MODULE_TEXT_SIZE];
    const char *details;
    const json_t *entry;
    bool has_module;
    size_t index;
    enum mu_status st = mu_json_parse(json, len, &limits, &record, err);

    if (st != MU_OK)
        return st;
    head.id = json_string_value(json_object_get(record, "id"));
    if (!head.id || head.id[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "OSV record: id: is missing");
    details = json_string_value(json_object_get(record, "details"));
    head.summary = json_string_value(json_object_get(record, "summary"));
    head.disputed = is_disputed(head.summary, details);
    if (!head.summary || !head.summary[0])
        head.summary = details;
    head.modified_us = time_of(record, "modified");
    head.withdrawn = json_is_string(json_object_get(record, "withdrawn"));
    head.cves_in_related = names_cves_as_related(head.id);
    has_module = head.cves_in_related && module_of_summary(head.summary, module);
    builder_begin(builder, &head);
    relate(builder, record);
    json_array_foreach (json_object_get(record, "affected"), index, entry) {
        add_affected(builder, record, has_module ? module : NULL, entry);
    }
    return builder_end(builder, err);
}
