#include "numbers/numbers_json.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"

#include <string.h>

enum { PATH_PART = 64, JSON_DEPTH = 8, VALUE_TEXT_SIZE = 32 };

/* ---- writing ---- */

static json_t *number_or_null(int64_t value)
{
    return value == NUMBERS_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *time_text(int64_t at_us)
{
    char text[MU_TIME_TEXT_SIZE];

    mu_time_format(at_us, text);
    return json_string(text);
}

/* Sets root.a.b.c; the objects on the way are made. */
static void set_at(json_t *root, const char *path, json_t *value)
{
    const char *dot = strchr(path, '.');
    char part[PATH_PART];
    json_t *object;

    (void)snprintf(part, sizeof(part), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
    if (!dot) {
        (void)json_object_set_new(root, part, value);
        return;
    }
    object = json_object_get(root, part);
    if (!object) {
        (void)json_object_set_new(root, part, json_object());
        object = json_object_get(root, part);
    }
    set_at(object, dot + 1, value);
}

static json_t *figures_json(const struct numbers *numbers)
{
    json_t *all = json_object();

    for (size_t i = 0; i < figure_count; i++)
        set_at(all, figures[i].path, number_or_null(figure_value(numbers, i)));
    return all;
}

static json_t *trigger_items(const struct trigger_result *result)
{
    json_t *items = json_array();

    for (size_t i = 0; i < result->item_count; i++)
        (void)json_array_append_new(items, json_pack("{s:s, s:b}", "item", result->items[i].item,
                                                     "now", result->items[i].now ? 1 : 0));
    return items;
}

static json_t *triggers_json(const struct numbers *numbers)
{
    json_t *all = json_array();

    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const struct trigger_result *result = &numbers->triggers[i];
        const struct trigger_rule *rule = &trigger_rules[i];

        (void)json_array_append_new(
                all,
                json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:s, s:I, s:s, s:o}",
                          "trigger", rule->id, "title", rule->title, "unit", rule->unit, "source",
                          trigger_source, "limit", number_or_null(result->limit), "now",
                          number_or_null(result->now), "next", number_or_null(result->next),
                          "reached_now", result->reached_now ? 1 : 0, "reached_next",
                          result->reached_next ? 1 : 0, "level", result->level, "recurrences",
                          (json_int_t)result->recurrences, "advice", rule->advice, "items",
                          trigger_items(result)));
    }
    return all;
}

static json_t *deviations_json(const struct numbers *numbers)
{
    json_t *all = json_array();

    for (size_t i = 0; i < numbers->deviation_count; i++)
        (void)json_array_append_new(all, json_pack("{s:s, s:s, s:I}", "kind",
                                                   numbers->deviations[i].kind, "state",
                                                   numbers->deviations[i].state, "count",
                                                   (json_int_t)numbers->deviations[i].count));
    return all;
}

static json_t *history_json(const struct numbers *numbers)
{
    json_t *all = json_array();

    for (size_t i = 0; i < numbers->history_count; i++) {
        const struct numbers_month *month = &numbers->history[i];
        json_t *reached = json_array();

        for (size_t j = 0; j < TRIGGER_COUNT; j++)
            if (month->reached[j])
                (void)json_array_append_new(reached, json_string(trigger_rules[j].id));
        (void)json_array_append_new(
                all, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "month", month->month,
                               "unique", number_or_null(month->unique), "items",
                               number_or_null(month->items), "late", number_or_null(month->late),
                               "kev", number_or_null(month->kev), "containers",
                               number_or_null(month->containers), "covered",
                               number_or_null(month->covered), "reached", reached));
    }
    return all;
}

enum mu_status numbers_to_json(const struct numbers *numbers, json_t **ret_root,
                               struct mu_error *err)
{
    json_t *root = json_pack(
            "{s:s, s:s, s:o, s:o, s:o, s:{s:s, s:s}, s:o, s:o, s:o, s:o}", "schema", NUMBERS_SCHEMA,
            "month", numbers->month, "as_of", time_text(numbers->as_of_us), "known_at",
            time_text(numbers->known_at_us), "next_submission", time_text(numbers->next_us),
            "system", "name", numbers->system_name, "fedramp_id", numbers->fedramp_id, "figures",
            figures_json(numbers), "triggers", triggers_json(numbers), "deviations",
            deviations_json(numbers), "history", history_json(numbers));

    if (!root)
        return mu_fail(err, MU_E_INVALID, "a text that is not UTF-8, or no memory");
    *ret_root = root;
    return MU_OK;
}

/* ---- reading ---- */

static enum mu_status check(const char *path, const json_t *root, struct mu_error *err)
{
    const char *month = mu_json_text_at(root, "month");
    int64_t begin_us, end_us;

    if (!mu_text_equal(mu_json_text_at(root, "schema"), NUMBERS_SCHEMA))
        return mu_fail(err, MU_E_INVALID, "'%s' is no %s: give the numbers.json of a package", path,
                       NUMBERS_SCHEMA);
    if (!month || mu_month_parse(month, &begin_us, &end_us, err) != MU_OK)
        return mu_fail(err, MU_E_INVALID, "'%s': 'month' must be YYYY-MM", path);
    if (!json_is_object(json_object_get(root, "figures")) ||
        !json_is_array(json_object_get(root, "triggers")))
        return mu_fail(err, MU_E_INVALID, "'%s': 'figures' or 'triggers' is missing", path);
    return MU_OK;
}

enum mu_status numbers_print(const struct numbers *numbers, struct mu_buf *out,
                             struct mu_error *err)
{
    json_auto_t *root = NULL;
    enum mu_status st = numbers_to_json(numbers, &root, err);

    return st == MU_OK ? mu_json_print(root, out, err) : st;
}

enum mu_status numbers_json_parse(const char *path, const char *bytes, size_t len,
                                  json_t **ret_root, struct mu_error *err)
{
    static const struct mu_json_limits limits = {NUMBERS_JSON_MAX_BYTES, JSON_DEPTH};
    enum { MAX_VALUES = 200 * 1000 };
    MU_AUTO(json_document) json_t *root = NULL;
    enum mu_status st = mu_json_parse_bounded(bytes, len, &limits, MAX_VALUES, &root, err);

    if (st != MU_OK)
        return mu_wrap(err, "'%s'", path);
    st = check(path, root, err);
    if (st != MU_OK)
        return st;
    *ret_root = root;
    root = NULL;
    return MU_OK;
}

enum mu_status numbers_json_read(const char *path, json_t **ret_root, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, NUMBERS_JSON_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    return st == MU_OK ? numbers_json_parse(path, bytes.data, bytes.len, ret_root, err) : st;
}

int64_t numbers_json_figure(const json_t *root, const char *path)
{
    const json_t *value = mu_json_at(json_object_get(root, "figures"), path);

    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                    : NUMBERS_UNKNOWN;
}

const json_t *numbers_json_trigger(const json_t *root, const char *id)
{
    const json_t *trigger;
    size_t i;

    json_array_foreach (json_object_get(root, "triggers"), i, trigger)
        if (mu_text_equal(mu_json_text_at(trigger, "trigger"), id))
            return trigger;
    return NULL;
}

/* ---- for people ---- */

const char *const numbers_columns[NUMBERS_COLUMN_COUNT] = {"value", "figure", "source"};
const char *const triggers_columns[TRIGGERS_COLUMN_COUNT] = {"trigger",         "limit", "now",
                                                             "next_submission", "level", "state"};

static const char *number_text(int64_t value, char text[MU_NUMBER_TEXT_SIZE])
{
    if (value == NUMBERS_UNKNOWN)
        return NULL;
    (void)mu_text_of_number(value, text);
    return text;
}

/* Per mille are shown in percent. */
static const char *measure_text(const struct trigger_rule *rule, int64_t value,
                                char text[VALUE_TEXT_SIZE])
{
    enum { TENTHS = 10 };

    if (rule->measure != MEASURE_UNAUTHENTICATED || value == NUMBERS_UNKNOWN)
        return number_text(value, text);
    (void)snprintf(text, VALUE_TEXT_SIZE, "%lld.%lld %%", (long long)value / TENTHS,
                   (long long)value % TENTHS);
    return text;
}

static int64_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : NUMBERS_UNKNOWN;
}

static void put_trigger(const struct trigger_rule *rule, const json_t *trigger,
                        struct mu_table *table)
{
    char limit[VALUE_TEXT_SIZE], now[VALUE_TEXT_SIZE], next[VALUE_TEXT_SIZE];
    const char *cells[TRIGGERS_COLUMN_COUNT] = {
            rule->title,
            measure_text(rule, number_of(trigger, "limit"), limit),
            measure_text(rule, number_of(trigger, "now"), now),
            measure_text(rule, number_of(trigger, "next"), next),
            mu_json_text_at(trigger, "level"),
            json_is_true(json_object_get(trigger, "reached_now"))    ? "reached"
            : json_is_true(json_object_get(trigger, "reached_next")) ? "will be reached"
            : number_of(trigger, "limit") == NUMBERS_UNKNOWN ||
                            number_of(trigger, "now") == NUMBERS_UNKNOWN
                    ? "not known"
                    : "not reached"};

    mu_table_row(table, cells);
}

void numbers_json_tables(const json_t *root, struct mu_table *figures_table,
                         struct mu_table *triggers_table)
{
    char text[MU_NUMBER_TEXT_SIZE];

    for (size_t i = 0; i < figure_count; i++) {
        const int64_t value = numbers_json_figure(root, figures[i].path);
        const char *cells[NUMBERS_COLUMN_COUNT] = {number_text(value, text), figures[i].label,
                                                   figures[i].source};

        if (value != 0 || !mu_text_starts(figures[i].path, "ratings."))
            mu_table_row(figures_table, cells);
    }
    for (size_t i = 0; i < TRIGGER_COUNT; i++)
        put_trigger(&trigger_rules[i], numbers_json_trigger(root, trigger_rules[i].id),
                    triggers_table);
}
