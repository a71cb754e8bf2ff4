/* The running containers against the rows, both ways. */
#include "verify/state.h"

#include "bundle/containers.h"
#include "bundle/layout.h"
#include "csv/csv_reader.h"
#include "workbook/cell_text.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

struct container_reader {
    struct verify_state *state;
    json_t *running; /* "UAI digest" -> true */
    struct mu_buf key;
    size_t lines;
};

/* Without the apostrophe that keeps spreadsheets from running it. */
static const char *plain(const char *field)
{
    return field[0] == '\'' && cell_text_is_runnable(field + 1) ? field + 1 : field;
}

static void check_container(struct container_reader *reader, const char *const *fields)
{
    const char *uai = plain(fields[CONTAINERS_UAI]), *digest = plain(fields[CONTAINERS_DIGEST]);
    const char *pod = fields[CONTAINERS_POD], *state = fields[CONTAINERS_STATE];
    const json_t *row = json_object_get(reader->state->rows, uai);

    if (json_object_get(reader->state->others, uai))
        verify_difference(reader->state, "containers", uai,
                          "runs in pod '%s', but is declared as no image", pod);
    else if (!row)
        verify_difference(reader->state, "containers", uai, "runs in pod '%s' but has no row", pod);
    else if (*digest && !json_object_get(json_object_get(row, "digests"), digest))
        verify_difference(reader->state, "containers", uai,
                          "%s runs in pod '%s' but is not in the row", digest, pod);
    else if (json_is_true(json_object_get(row, "in_scan")) && !mu_text_equal(state, "covered"))
        verify_difference(reader->state, "containers", uai,
                          "is %s in pod '%s', but its row says Yes", state, pod);
    if (verify_key(uai, digest, &reader->key))
        (void)json_object_set_new(reader->running, reader->key.data, json_true());
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
        check_container(reader, fields);
    }
    return MU_OK;
}

static void check_rows_run(struct container_reader *reader)
{
    const char *uai, *digest;
    json_t *row, *ignored;

    json_object_foreach (reader->state->rows, uai, row) {
        json_object_foreach (json_object_get(row, "digests"), digest, ignored) {
            if (verify_key(uai, digest, &reader->key) &&
                !json_object_get(reader->running, reader->key.data))
                verify_difference(reader->state, "containers", uai,
                                  "%s is in the row, but no container runs it", digest);
        }
    }
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

void verify_add_containers(struct verify_state *state, FILE *in)
{
    struct container_reader reader = {.state = state, .running = json_object()};
    struct mu_error err;

    mu_buf_init(&reader.key, VERIFY_KEY_BYTES);
    if (csv_read(in, on_line, &reader, &err) != MU_OK) {
        verify_difference(state, "containers", BUNDLE_CONTAINERS, "cannot be read: %s",
                          err.message);
    } else {
        check_rows_run(&reader);
        check_total(&reader);
    }
    mu_buf_done(&reader.key);
    json_decref(reader.running);
}

void verify_containers(struct verify_state *state)
{
    char path[VERIFY_PATH_SIZE];
    MU_AUTO_FILE FILE *in = NULL;

    if (!verify_path(state, BUNDLE_CONTAINERS, path))
        return;
    in = fopen(path, "re");
    if (in)
        verify_add_containers(state, in);
    else
        verify_difference(state, "files", BUNDLE_CONTAINERS, "cannot be read: %s", strerror(errno));
}
