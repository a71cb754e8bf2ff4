#include "numbers/count.h"
#include "numbers/numbers_json.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void take_month(const json_t *root, struct numbers_month *month)
{
    *month = (struct numbers_month){
            .unique = numbers_json_figure(root, "ratings.all.unique"),
            .items = numbers_json_figure(root, "ratings.all.items"),
            .late = numbers_json_figure(root, "ratings.all.late"),
            .kev = numbers_json_figure(root, "kev.vulnerabilities"),
            .containers = numbers_json_figure(root, "coverage.containers"),
            .covered = numbers_json_figure(root, "coverage.containers_in.covered")};
    (void)snprintf(month->month, sizeof(month->month), "%s", mu_json_text_at(root, "month"));
    for (size_t i = 0; i < TRIGGER_COUNT; i++)
        month->reached[i] = json_is_true(
                json_object_get(numbers_json_trigger(root, trigger_rules[i].id), "reached_now"));
}

static int by_month(const void *a, const void *b)
{
    const struct numbers_month *one = a, *other = b;

    return strcmp(one->month, other->month);
}

static enum mu_status add_month(const char *path, struct numbers *numbers, struct mu_error *err)
{
    MU_AUTO(json_document) json_t *root = NULL;
    enum mu_status st = numbers_json_read(path, &root, err);

    if (st != MU_OK)
        return st;
    if (numbers->history_count == NUMBERS_MAX_MONTHS)
        return mu_fail(err, MU_E_LIMIT, "more than %d earlier months", NUMBERS_MAX_MONTHS);
    if (strcmp(mu_json_text_at(root, "month"), numbers->month) >= 0)
        return mu_fail(err, MU_E_INVALID, "'%s' is of %s, which is not before %s", path,
                       mu_json_text_at(root, "month"), numbers->month);
    take_month(root, &numbers->history[numbers->history_count++]);
    return MU_OK;
}

static enum mu_status check_months(const struct numbers *numbers, struct mu_error *err)
{
    for (size_t i = 1; i < numbers->history_count; i++)
        if (mu_text_equal(numbers->history[i - 1].month, numbers->history[i].month))
            return mu_fail(err, MU_E_INVALID, "two files are of %s", numbers->history[i].month);
    return MU_OK;
}

enum mu_status count_history(const struct numbers_files *previous, struct mu_arena *arena,
                             struct numbers *numbers, struct mu_error *err)
{
    enum mu_status st = MU_OK;

    numbers->history = mu_arena_alloc(arena, NUMBERS_MAX_MONTHS * sizeof(*numbers->history));
    if (!numbers->history)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    for (size_t i = 0; st == MU_OK && i < previous->count; i++)
        st = add_month(previous->paths[i], numbers, err);
    if (st != MU_OK)
        return mu_wrap(err, "previous");
    qsort(numbers->history, numbers->history_count, sizeof(*numbers->history), by_month);
    st = check_months(numbers, err);
    return st == MU_OK ? MU_OK : mu_wrap(err, "previous");
}
