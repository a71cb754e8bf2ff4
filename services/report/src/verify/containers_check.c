/* The running containers against the rows, both ways. */
#include "verify/checks.h"
#include "verify/state.h"

#include "bundle/containers.h"
#include "bundle/layout.h"
#include "csv/csv_reader.h"
#include "workbook/cell_text.h"

#include "base/text.h"

#include <string.h>

struct container_reader {
    struct verify_state *state;
    size_t lines;
};

/* Without the apostrophe that keeps spreadsheets from running it. */
static const char *plain(const char *field)
{
    return field[0] == '\'' && cell_text_is_runnable(field + 1) ? field + 1 : field;
}

static enum mu_status on_line(void *opaque, size_t line, const char *const *fields, size_t count,
                              struct mu_error *err)
{
    struct container_reader *reader = opaque;

    if (count != CONTAINERS_COLUMN_COUNT)
        return mu_fail(err, MU_E_INVALID, "row %zu has %zu columns, not %d", line, count,
                       CONTAINERS_COLUMN_COUNT);
    for (size_t i = 0; line == 1 && i < count; i++)
        if (!mu_text_equal(fields[i], containers_columns[i]))
            return mu_fail(err, MU_E_INVALID, "column %zu is headed '%.100s', not '%s'", i + 1,
                           fields[i], containers_columns[i]);
    if (line > 1) {
        reader->lines++;
        (void)verify_put(reader->state->store, VERIFY_CONTAINERS,
                         (const char *const[]){plain(fields[CONTAINERS_UAI]),
                                               plain(fields[CONTAINERS_DIGEST]),
                                               fields[CONTAINERS_POD], fields[CONTAINERS_STATE]});
    }
    return MU_OK;
}

/* A line for each manifest behind a container: never fewer lines than containers. */
static void check_total(struct container_reader *reader)
{
    const json_t *count =
            json_object_get(json_object_get(reader->state->manifest, "counts"), "containers");

    if (reader->state->manifest && (!json_is_integer(count) || json_integer_value(count) < 0 ||
                                    (size_t)json_integer_value(count) > reader->lines))
        verify_difference(reader->state, "containers", BUNDLE_CONTAINERS,
                          "names %zu, the manifest counts %lld containers", reader->lines,
                          (long long)json_integer_value(count));
}

/* Of each state there are at least as many lines as the manifest counts containers. */
static void check_states(struct container_reader *reader)
{
    struct verify_state *state = reader->state;
    json_t *counts = json_object_get(state->manifest, "running_containers"), *count;
    const char *name;
    int64_t sum = 0;

    json_object_foreach (counts, name, count) {
        int64_t lines =
                verify_ask_number(state->store, "SELECT count(*) FROM containers WHERE state = ?",
                                  (const char *const[]){name, NULL});

        sum += json_integer_value(count);
        if (json_integer_value(count) > lines)
            verify_difference(state, "containers", BUNDLE_CONTAINERS,
                              "names %lld that are %s, the manifest counts %lld", (long long)lines,
                              name, (long long)json_integer_value(count));
    }
    if (state->manifest &&
        sum != json_integer_value(mu_json_at(state->manifest, "counts.containers")))
        verify_difference(
                state, "containers", BUNDLE_MANIFEST, "counts %lld containers, by state %lld",
                (long long)json_integer_value(mu_json_at(state->manifest, "counts.containers")),
                (long long)sum);
}

void verify_read_containers(struct verify_state *state, FILE *in)
{
    struct container_reader reader = {.state = state};
    struct mu_error err;

    if (csv_read(in, on_line, &reader, &err) != MU_OK) {
        verify_difference(state, "containers", BUNDLE_CONTAINERS, "cannot be read: %s",
                          err.message);
        return;
    }
    state->groups |= VERIFY_HAS_CONTAINERS;
    check_total(&reader);
    check_states(&reader);
}

void verify_containers(struct verify_state *state)
{
    MU_AUTO_FILE FILE *in = verify_open(state, BUNDLE_CONTAINERS);

    if (in)
        verify_read_containers(state, in);
}
