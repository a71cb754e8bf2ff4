#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/stream_state.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char folder[64], path[128];
};

static int setup(void **state)
{
    static struct place place;

    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/muster_state.XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    (void)snprintf(place.path, sizeof(place.path), "%s/stream.jsonl", place.folder);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;

    (void)unlink(place->path);
    return rmdir(place->folder);
}

static struct stream_state *open_state(const char *path)
{
    struct stream_state *state = NULL;
    struct mu_error err;

    if (stream_state_open(path, &state, &err) != MU_OK)
        fail_msg("%s", err.message);
    return state;
}

static void commit(struct stream_state *state)
{
    struct mu_error err;

    assert_int_equal(stream_state_commit(state, &err), MU_OK);
}

static void append(const struct place *place, const char *bytes)
{
    FILE *file = fopen(place->path, "ab");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
    assert_int_equal(fclose(file), 0);
}

static void what_is_committed_outlives_the_process(void **state)
{
    const struct place *place = *state;
    struct stream_state *values = open_state(place->path);

    stream_state_set(values, "position", json_integer(1795454884859005244));
    stream_state_set(values, "a", json_pack("{s:s}", "Id", "x"));
    stream_state_set(values, "b", json_true());
    commit(values);
    stream_state_set(values, "b", NULL);
    commit(values);
    stream_state_close(values);
    values = open_state(place->path);
    assert_int_equal(stream_state_number(values, "position"), 1795454884859005244);
    assert_string_equal(mu_json_text_at(stream_state_get(values, "a"), "Id"), "x");
    assert_null(stream_state_get(values, "b"));
    assert_int_equal(json_object_size(stream_state_all(values)), 2);
    stream_state_close(values);
}

static void what_is_not_committed_is_forgotten(void **state)
{
    const struct place *place = *state;
    struct stream_state *values = open_state(place->path);

    stream_state_set(values, "a", json_integer(1));
    commit(values);
    stream_state_set(values, "a", json_integer(2));
    stream_state_close(values);
    values = open_state(place->path);
    assert_int_equal(stream_state_number(values, "a"), 1);
    stream_state_close(values);
}

static void a_rollback_restores_what_was_committed(void **state)
{
    struct stream_state *values = open_state(NULL);

    (void)state;
    stream_state_set(values, "a", json_integer(1));
    stream_state_set(values, "b", json_integer(1));
    commit(values);
    stream_state_set(values, "a", json_integer(2));
    stream_state_set(values, "a", json_integer(3));
    stream_state_set(values, "b", NULL);
    stream_state_set(values, "c", json_integer(1));
    stream_state_rollback(values);
    assert_int_equal(stream_state_number(values, "a"), 1);
    assert_int_equal(stream_state_number(values, "b"), 1);
    assert_null(stream_state_get(values, "c"));
    stream_state_close(values);
}

static void a_group_without_its_end_is_not_read(void **state)
{
    const char *const ends[] = {"{\"set\":\"a\",\"to\":2}\n", "{\"set\":\"a\",\"to\":2}\n{\"comm"};
    const struct place *place = *state;

    for (size_t i = 0; i < 2; i++) {
        struct stream_state *values = open_state(place->path);

        stream_state_set(values, "a", json_integer(1));
        commit(values);
        stream_state_close(values);
        append(place, ends[i]);
        values = open_state(place->path);
        assert_int_equal(stream_state_number(values, "a"), 1);
        stream_state_close(values);
    }
}

/* A line that is no JSON spoils its own group and no other. */
static void a_torn_line_costs_its_group_alone(void **state)
{
    const struct place *place = *state;
    struct stream_state *values;

    append(place, "{\"set\":\"a\",\"to\":1}\n{\"commit\":true}\n{\"set\":\"a\",\"to\":2}\n{\"se\n"
                  "{\"set\":\"b\",\"to\":1}\n{\"commit\":true}\n");
    values = open_state(place->path);
    assert_int_equal(stream_state_number(values, "a"), 1);
    assert_int_equal(stream_state_number(values, "b"), 1);
    stream_state_close(values);
}

static void the_file_does_not_grow_with_the_number_of_changes(void **state)
{
    const struct place *place = *state;
    struct stream_state *values = open_state(place->path);
    struct stat info;

    for (int i = 0; i < 20000; i++) {
        stream_state_set(values, "position", json_integer(i));
        commit(values);
    }
    assert_int_equal(stat(place->path, &info), 0);
    assert_true(info.st_size < 200 * 1024);
    stream_state_close(values);
    values = open_state(place->path);
    assert_int_equal(stream_state_number(values, "position"), 19999);
    stream_state_close(values);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct stream_state *values = NULL;
    struct mu_error err;

    (void)state;
    assert_int_equal(stream_state_open("/nonexistent/x.jsonl", &values, &err), MU_E_UNAVAILABLE);
    assert_null(values);
    assert_non_null(strstr(err.message, "/nonexistent/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_is_committed_outlives_the_process, setup,
                                            teardown),
            cmocka_unit_test_setup_teardown(what_is_not_committed_is_forgotten, setup, teardown),
            cmocka_unit_test(a_rollback_restores_what_was_committed),
            cmocka_unit_test_setup_teardown(a_group_without_its_end_is_not_read, setup, teardown),
            cmocka_unit_test_setup_teardown(a_torn_line_costs_its_group_alone, setup, teardown),
            cmocka_unit_test_setup_teardown(the_file_does_not_grow_with_the_number_of_changes,
                                            setup, teardown),
            cmocka_unit_test(a_folder_that_is_not_there_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
