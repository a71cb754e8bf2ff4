#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/known_pods.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    char folder[64], path[128];
};

static int setup(void **state)
{
    static struct place place;

    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/muster_pods.XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    (void)snprintf(place.path, sizeof(place.path), "%s/known.jsonl", place.folder);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;

    (void)unlink(place->path);
    return rmdir(place->folder);
}

static struct known_pods *open_known(const char *path)
{
    struct known_pods *known = NULL;
    struct mu_error err;
    bool found;

    if (known_pods_open(path, &known, &found, &err) != MU_OK)
        fail_msg("%s", err.message);
    return known;
}

static void see(struct known_pods *known, const char *uid)
{
    json_auto_t *pod = json_pack("{s:{s:s, s:s, s:s, s:s}}", "metadata", "uid", uid, "name", "web",
                                 "namespace", "shop", "resourceVersion", "12345");
    struct mu_error err;

    assert_int_equal(known_pods_see(known, pod, &err), MU_OK);
}

static enum mu_status collect(void *opaque, const char *uid, json_t *pod, struct mu_error *err)
{
    (void)err;
    assert_string_equal(mu_json_text_at(pod, "kind"), "Pod");
    assert_string_equal(mu_json_text_at(pod, "metadata.uid"), uid);
    assert_string_equal(mu_json_text_at(pod, "metadata.name"), "web");
    assert_string_equal(mu_json_text_at(pod, "metadata.namespace"), "shop");
    mu_buf_printf(opaque, "%s ", uid);
    return MU_OK;
}

/* Those missing from a listing that has only "b". */
static void assert_missing(struct known_pods *known, const char *expected)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf uids;
    json_auto_t *listed = json_pack("{s:b}", "b", 1);
    struct mu_error err;

    mu_buf_init(&uids, 1024);
    assert_int_equal(known_pods_each_missing(known, listed, collect, &uids, &err), MU_OK);
    assert_string_equal(uids.data, expected);
}

static void what_a_listing_no_longer_has_is_missing(void **state)
{
    MU_AUTO(known_pods) struct known_pods *known = open_known(NULL);

    (void)state;
    see(known, "a");
    see(known, "b");
    see(known, "c");
    assert_missing(known, "a c ");
}

static void the_next_process_knows_them_too(void **state)
{
    const struct place *place = *state;
    struct known_pods *known = open_known(place->path);

    see(known, "a");
    see(known, "b");
    known_pods_close(known);
    known = open_known(place->path);
    see(known, "c");
    assert_missing(known, "a c ");
    known_pods_close(known); /* as if killed: nothing is written at the end */
    known = open_known(place->path);
    assert_missing(known, "a c ");
    known_pods_close(known);
}

static void a_removal_counts_when_it_is_durable(void **state)
{
    const struct place *place = *state;
    struct known_pods *known = open_known(place->path);
    struct mu_error err;

    see(known, "a");
    known_pods_leave(known, "a");
    known_pods_leave(known, "never seen");
    assert_int_equal(known_pods_leaving(known), 1);
    assert_missing(known, ""); /* it is on its way */
    assert_int_equal(known_pods_settle(known, false, &err), MU_OK);
    assert_missing(known, "a "); /* it was lost: a listing tells it again */
    known_pods_leave(known, "a");
    known_pods_close(known);
    known = open_known(place->path); /* killed before it was durable */
    assert_missing(known, "a ");
    known_pods_leave(known, "a");
    assert_int_equal(known_pods_settle(known, true, &err), MU_OK);
    known_pods_close(known);
    known = open_known(place->path);
    assert_missing(known, "");
    known_pods_close(known);
}

static void torn_and_foreign_lines_are_skipped(void **state)
{
    static const char lines[] =
            "{\"pod\":{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"a\",\"name\":\"web\","
            "\"namespace\":\"shop\"}}}\n"
            "not json\n[1]\n{\"pod\":7}\n{\"gone\":\"nobody\"}\n\n"
            "{\"pod\":{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"torn";
    const struct place *place = *state;
    struct known_pods *known;
    struct mu_error err;

    assert_int_equal(mu_file_write_atomic(place->path, lines, strlen(lines), &err), MU_OK);
    known = open_known(place->path);
    assert_missing(known, "a ");
    see(known, "z"); /* on a line of its own, not behind the torn one */
    known_pods_close(known);
    known = open_known(place->path);
    assert_missing(known, "a z ");
    known_pods_close(known);
}

static void a_line_without_end_is_refused(void **state)
{
    const struct place *place = *state;
    struct known_pods *known = NULL;
    static char line[20000];
    struct mu_error err;
    bool found = false;

    memset(line, 'x', sizeof(line));
    assert_int_equal(mu_file_write_atomic(place->path, line, sizeof(line), &err), MU_OK);
    assert_int_equal(known_pods_open(place->path, &known, &found, &err), MU_E_LIMIT);
    assert_null(known);
}

static size_t count_at(const char *path)
{
    json_auto_t *uids = json_object();
    struct mu_error err;

    assert_int_equal(known_pods_read(path, uids, &err), MU_OK);
    return json_object_size(uids);
}

static void a_file_is_of_one_watch_and_read_by_all(void **state)
{
    const struct place *place = *state;
    struct known_pods *known, *second = NULL;
    struct mu_error err;
    bool found;

    assert_int_equal(count_at(place->path), 0);
    known = open_known(place->path);
    see(known, "a");
    assert_int_equal(known_pods_compact(known, &err), MU_OK);
    assert_int_equal(known_pods_open(place->path, &second, &found, &err), MU_E_CONFLICT);
    assert_null(second);
    assert_int_equal(count_at(place->path), 1);
    known_pods_close(known);
    known_pods_close(open_known(place->path));
}

static void a_file_that_cannot_be_is_named(void **state)
{
    struct known_pods *known = NULL;
    struct mu_error err;
    bool found = false;

    (void)state;
    assert_int_equal(known_pods_open("/nonexistent/known", &known, &found, &err), MU_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/nonexistent/known"));
    assert_null(known);
    known_pods_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_a_listing_no_longer_has_is_missing),
            cmocka_unit_test_setup_teardown(the_next_process_knows_them_too, setup, teardown),
            cmocka_unit_test_setup_teardown(a_removal_counts_when_it_is_durable, setup, teardown),
            cmocka_unit_test_setup_teardown(torn_and_foreign_lines_are_skipped, setup, teardown),
            cmocka_unit_test_setup_teardown(a_line_without_end_is_refused, setup, teardown),
            cmocka_unit_test_setup_teardown(a_file_is_of_one_watch_and_read_by_all, setup,
                                            teardown),
            cmocka_unit_test(a_file_that_cannot_be_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
