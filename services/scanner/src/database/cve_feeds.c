#include "database/cve_feeds.h"

#include "json/json_doc.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 64, CELLS_MAX = 3 };
static const struct mu_json_limits entry_limits = {CVE_ENTRY_MAX_BYTES, 32};

static const char *text(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

/* A date or a time; of a date its beginning. */
static int64_t time_of(const char *written)
{
    char whole[40];
    struct mu_error ignored;
    int64_t at_us;

    if (!written)
        return MU_TIME_NONE;
    if (snprintf(whole, sizeof(whole), strlen(written) == 10 ? "%sT00:00:00Z" : "%s", written) >=
        (int)sizeof(whole))
        return MU_TIME_NONE;
    if (mu_time_parse(whole, strlen(whole), &at_us, &ignored) == MU_OK)
        return at_us;
    /* NVD writes no offset. */
    if (strlen(whole) + 2 > sizeof(whole))
        return MU_TIME_NONE;
    memcpy(whole + strlen(whole), "Z", 2);
    return mu_time_parse(whole, strlen(whole), &at_us, &ignored) == MU_OK ? at_us : MU_TIME_NONE;
}

/* ---- KEV ---- */

enum mu_status kev_add_entry(struct builder *builder, const char *bytes, size_t len,
                             int64_t *ret_at_us, struct mu_error *err)
{
    json_auto_t *root = NULL;
    struct builder_fact fact = {0};

    if (mu_json_parse(bytes, len, &entry_limits, &root, err) != MU_OK)
        return err->status;
    fact.cve = text(root, "cveID");
    fact.kev_added = text(root, "dateAdded");
    fact.kev_due = text(root, "dueDate");
    fact.ransomware = mu_text_equal(text(root, "knownRansomwareCampaignUse"), "Known");
    if (!fact.kev_added)
        return mu_fail(err, MU_E_INVALID, "KEV: %.40s: dateAdded: is missing",
                       fact.cve ? fact.cve : "an entry");
    *ret_at_us = time_of(fact.kev_added);
    return builder_add_fact(builder, &fact, err);
}

/* ---- CSV ---- */

struct cells {
    char text[CELLS_MAX][CELL_SIZE];
    size_t count;
};

static bool read_cells(const char *line, size_t len, struct cells *cells)
{
    cells->count = 0;
    while (cells->count < CELLS_MAX) {
        const char *comma = memchr(line, ',', len);
        size_t cell = comma ? (size_t)(comma - line) : len;

        if (cell >= CELL_SIZE || memchr(line, '\0', cell))
            return false;
        memcpy(cells->text[cells->count], line, cell);
        cells->text[cells->count++][cell] = '\0';
        if (!comma)
            return true;
        line += cell + 1;
        len -= cell + 1;
    }
    return true;
}

/* A decimal between 0 and `most`, times `scale`. */
static bool read_decimal(const char *written, double most, double scale, uint32_t *ret_value)
{
    char *end = NULL;
    double value = strtod(written, &end);

    if (end == written || *end || !(value >= 0 && value <= most))
        return false;
    *ret_value = (uint32_t)lround(value * scale);
    return true;
}

/* "#model_version:v2025.03.14,score_date:2026-08-22T00:00:00+0000" */
static int64_t score_date(const char *line, size_t len)
{
    static const char mark[] = "score_date:";
    const char *found = memmem(line, len, mark, sizeof(mark) - 1);
    char date[11];

    if (!found || (size_t)(line + len - found) < sizeof(mark) - 1 + 10)
        return MU_TIME_NONE;
    memcpy(date, found + sizeof(mark) - 1, 10);
    date[10] = '\0';
    return time_of(date);
}

enum mu_status epss_add_line(struct builder *builder, const char *bytes, size_t len,
                             int64_t *ret_at_us, struct mu_error *err)
{
    struct cells cells;
    struct builder_fact fact = {.has_epss = true};

    *ret_at_us = MU_TIME_NONE;
    if (len == 0 || bytes[0] == '#') {
        *ret_at_us = score_date(bytes, len);
        return MU_END;
    }
    if (!read_cells(bytes, len, &cells) || cells.count < 3)
        return mu_fail(err, MU_E_INVALID, "EPSS: no line of cve,epss,percentile");
    if (mu_text_equal(cells.text[0], "cve"))
        return MU_END;
    fact.cve = cells.text[0];
    if (!read_decimal(cells.text[1], 1, 1e6, &fact.epss_millionths) ||
        !read_decimal(cells.text[2], 1, 1e6, &fact.percentile_millionths))
        return mu_fail(err, MU_E_INVALID, "EPSS: %s: no number between 0 and 1", fact.cve);
    return builder_add_fact(builder, &fact, err);
}

enum mu_status cvss_add_csv_line(struct builder *builder, const char *bytes, size_t len,
                                 int64_t *ret_at_us, struct mu_error *err)
{
    struct cells cells;
    struct builder_fact fact = {0};
    uint32_t tenths;

    *ret_at_us = MU_TIME_NONE;
    if (len == 0)
        return MU_END;
    if (!read_cells(bytes, len, &cells) || cells.count < 2)
        return mu_fail(err, MU_E_INVALID, "CVSS: no line of cve,score");
    if (mu_text_equal(cells.text[0], "cve") || cells.text[1][0] == '\0')
        return MU_END;
    fact.cve = cells.text[0];
    if (!read_decimal(cells.text[1], 10, 10, &tenths))
        return mu_fail(err, MU_E_INVALID, "CVSS: %s: no number between 0 and 10", fact.cve);
    fact.nvd_v3_tenths = (int)tenths;
    return builder_add_fact(builder, &fact, err);
}

/* ---- CVSS and SSVC ---- */

/* Where a vector belongs, by who gives it; a later 3.1 goes before a 3.0 of the same giver. */
static void take_vector(struct builder_fact *fact, const char *giver, const char *vector)
{
    const char **slot;

    if (!vector)
        return;
    if (mu_text_starts(vector, "CVSS:4.")) {
        fact->any_v4 = fact->any_v4 ? fact->any_v4 : vector;
        return;
    }
    if (!mu_text_starts(vector, "CVSS:3.")) {
        fact->nvd_v2 = fact->nvd_v2 ? fact->nvd_v2 : vector;
        return;
    }
    slot = mu_text_equal(giver, "nvd")        ? &fact->nvd_v3
           : mu_text_equal(giver, "CISA-ADP") ? &fact->adp_v3
                                              : &fact->cna_v3;
    if (!*slot || mu_text_starts(vector, "CVSS:3.1"))
        *slot = vector;
}

/* {"Exploitation": "none", "Automatable": "yes", "Technical Impact": "total"}, or one of them. */
static void take_decision_points(struct builder_fact *fact, const json_t *points)
{
    const struct {
        const char *name, **slot;
    } wanted[] = {{"Exploitation", &fact->exploitation},
                  {"Automatable", &fact->automatable},
                  {"Technical Impact", &fact->technical_impact}};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (text(points, wanted[i].name))
            *wanted[i].slot = text(points, wanted[i].name);
}

enum mu_status cvss_add_json_line(struct builder *builder, const char *bytes, size_t len,
                                  int64_t *ret_at_us, struct mu_error *err)
{
    json_auto_t *root = NULL;
    struct builder_fact fact = {0};
    const json_t *metric;
    size_t index;

    *ret_at_us = MU_TIME_NONE;
    if (len == 0)
        return MU_END;
    if (mu_json_parse(bytes, len, &entry_limits, &root, err) != MU_OK)
        return err->status;
    fact.cve = text(root, "id");
    json_array_foreach (json_object_get(root, "metrics"), index, metric) {
        take_vector(&fact, text(metric, "src"), text(metric, "vector"));
    }
    take_decision_points(&fact, json_object_get(root, "ssvc"));
    *ret_at_us = time_of(text(root, "published"));
    return builder_add_fact(builder, &fact, err);
}

/* ---- CVE records ---- */

static const json_t *vectors_of(const json_t *metric)
{
    static const char *const kinds[] = {"cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (json_object_get(metric, kinds[i]))
            return json_object_get(metric, kinds[i]);
    return NULL;
}

static void take_ssvc(struct builder_fact *fact, const json_t *metric)
{
    const json_t *option;
    size_t index;

    json_array_foreach (mu_json_at(metric, "other.content.options"), index, option) {
        take_decision_points(fact, option);
    }
}

static void take_container(struct builder_fact *fact, const char *giver, const json_t *container)
{
    const json_t *item;
    size_t index;

    json_array_foreach (json_object_get(container, "metrics"), index, item) {
        take_vector(fact, giver, text(vectors_of(item), "vectorString"));
        take_ssvc(fact, item);
    }
    json_array_foreach (json_object_get(container, "tags"), index, item) {
        fact->disputed |= mu_text_equal(json_string_value(item), "disputed");
    }
}

enum mu_status cve_record_add(struct builder *builder, const char *bytes, size_t len,
                              int64_t *ret_at_us, struct mu_error *err)
{
    json_auto_t *root = NULL;
    struct builder_fact fact = {0};
    const json_t *container;
    size_t index;

    if (mu_json_parse(bytes, len, &entry_limits, &root, err) != MU_OK)
        return err->status;
    fact.cve = mu_json_text_at(root, "cveMetadata.cveId");
    take_container(&fact, "cna", mu_json_at(root, "containers.cna"));
    json_array_foreach (mu_json_at(root, "containers.adp"), index, container) {
        take_container(&fact, "CISA-ADP", container);
    }
    *ret_at_us = time_of(mu_json_text_at(root, "cveMetadata.dateUpdated"));
    return builder_add_fact(builder, &fact, err);
}

/* ---- NVD ---- */

static void take_nvd_metrics(struct builder_fact *fact, const json_t *metrics)
{
    static const char *const kinds[] = {"cvssMetricV40", "cvssMetricV31", "cvssMetricV30",
                                        "cvssMetricV2"};
    const json_t *metric;
    size_t index;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_array_foreach (json_object_get(metrics, kinds[i]), index, metric) {
            bool own = mu_text_equal(text(metric, "source"), "nvd@nist.gov");

            take_vector(fact, own ? "nvd" : "cna",
                        mu_json_text_at(metric, "cvssData.vectorString"));
        }
    }
}

enum mu_status nvd_add_entry(struct builder *builder, const char *bytes, size_t len,
                             int64_t *ret_at_us, struct mu_error *err)
{
    json_auto_t *root = NULL;
    struct builder_fact fact = {0};
    const json_t *cve, *tags, *tag;
    size_t index, inner;

    if (mu_json_parse(bytes, len, &entry_limits, &root, err) != MU_OK)
        return err->status;
    cve = json_object_get(root, "cve");
    fact.cve = text(cve, "id");
    take_nvd_metrics(&fact, json_object_get(cve, "metrics"));
    json_array_foreach (json_object_get(cve, "cveTags"), index, tags) {
        json_array_foreach (json_object_get(tags, "tags"), inner, tag) {
            fact.disputed |= mu_text_equal(json_string_value(tag), "disputed");
        }
    }
    *ret_at_us = time_of(text(cve, "lastModified"));
    return builder_add_fact(builder, &fact, err);
}
