#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/kube_position.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS "0123456789012345678901234567890123456789012345678901234567890123456789"
static const char too_long[] =
        "{\"cluster\":\"c\",\"url\":\"https://a\",\"version\":\"" DIGITS DIGITS "\"}";

struct place {
    char folder[64], path[128];
    struct kube_position position;
    struct mu_error err;
};

static int setup(void **state)
{
    static struct place place;

    place = (struct place){.position = {.version = "untouched"}};
    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/muster_position.XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    (void)snprintf(place.path, sizeof(place.path), "%s/position.json", place.folder);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    const struct place *place = *state;

    (void)unlink(place->path);
    return rmdir(place->folder);
}

static enum mu_status read_of(struct place *place, const char *cluster, const char *url)
{
    return kube_position_read(place->path, cluster, url, &place->position, &place->err);
}

static void what_was_written_is_read(void **state)
{
    const struct kube_position position = {.version = "12\"3", .listed_at_us = 1700000000000000};
    struct place *place = *state;

    assert_int_equal(kube_position_write(place->path, "c", "https://a", &position, &place->err),
                     MU_OK);
    assert_int_equal(read_of(place, "c", "https://a"), MU_OK);
    assert_string_equal(place->position.version, "12\"3");
    assert_int_equal(place->position.listed_at_us, 1700000000000000);
}

static void a_position_of_another_cluster_is_none(void **state)
{
    const struct kube_position position = {.version = "123"};
    struct place *place = *state;

    assert_int_equal(read_of(place, "c", "https://a"), MU_E_NOT_FOUND);
    assert_int_equal(kube_position_write(place->path, "c", "https://a", &position, &place->err),
                     MU_OK);
    assert_int_equal(read_of(place, "d", "https://a"), MU_E_NOT_FOUND);
    assert_int_equal(read_of(place, "c", "https://b"), MU_E_NOT_FOUND);
    assert_string_equal(place->position.version, "untouched");
}

static void whose_it_is_can_be_asked(void **state)
{
    const struct kube_position position = {.version = "123"};
    struct place *place = *state;
    char cluster[KUBE_CLUSTER_SIZE] = "untouched";

    assert_int_equal(kube_position_read_any(place->path, cluster, &place->position, &place->err),
                     MU_E_NOT_FOUND);
    assert_string_equal(cluster, "untouched");
    assert_int_equal(kube_position_write(place->path, "c", "https://a", &position, &place->err),
                     MU_OK);
    assert_int_equal(kube_position_read_any(place->path, cluster, &place->position, &place->err),
                     MU_OK);
    assert_string_equal(cluster, "c");
    assert_string_equal(place->position.version, "123");
}

static void what_is_not_understood_is_none(void **state)
{
    static const char *const texts[] = {
            "",
            "{",
            "[]",
            "{\"cluster\":\"c\",\"url\":\"https://a\"}",
            "{\"cluster\":\"c\",\"url\":\"https://a\",\"version\":\"\"}",
            too_long};
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(mu_file_write_atomic(place->path, texts[i], strlen(texts[i]), &place->err),
                         MU_OK);
        assert_int_equal(read_of(place, "c", "https://a"), MU_E_NOT_FOUND);
    }
    assert_string_equal(place->position.version, "untouched");
}

static void files_that_cannot_be_are_errors(void **state)
{
    const struct kube_position position = {.version = "123"};
    struct place *place = *state;
    static char large[20000];

    memset(large, ' ', sizeof(large));
    assert_int_equal(mu_file_write_atomic(place->path, large, sizeof(large), &place->err), MU_OK);
    assert_int_equal(read_of(place, "c", "https://a"), MU_E_LIMIT);
    assert_int_equal(kube_position_read(place->folder, "c", "u", &place->position, &place->err),
                     MU_E_UNAVAILABLE);
    assert_int_equal(kube_position_write("/nonexistent/position", "c", "u", &position, &place->err),
                     MU_E_UNAVAILABLE);
    assert_int_equal(kube_position_write(place->path, "\xff", "u", &position, &place->err),
                     MU_E_UNAVAILABLE);
}

#define POSITION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            POSITION_TEST(what_was_written_is_read),
            POSITION_TEST(a_position_of_another_cluster_is_none),
            POSITION_TEST(whose_it_is_can_be_asked),
            POSITION_TEST(what_is_not_understood_is_none),
            POSITION_TEST(files_that_cannot_be_are_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
