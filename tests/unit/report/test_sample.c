/* Samples: stratified, the same for everybody, and followed to the byte in the raw file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle_build.h"
#include "sample/raw_place.h"
#include "sample/sample.h"

enum { TEXT_BYTES = 1024 * 1024, CLASSES = 3 };

static const struct {
    const char *uai;
    int containers;
} classes[CLASSES] = {{UAI_A, 90}, {UAI_B, 9}, {UAI_C, 1}};

/* A fleet of three classes; `backwards`: its rows were learned in another order. */
static struct snapshot *fleet(bool backwards)
{
    const struct snapshot_instants instants = {1, 1, 0};
    struct snapshot *snapshot = NULL;
    struct mu_error err;

    assert_int_equal(snapshot_new(&instants, &snapshot, &err), MU_OK);
    for (int class = 0; class < CLASSES; class ++) {
        const struct inventory_row row = {
                .uai = classes[class].uai, .manifest_digest = DIGEST("1"), .state = "covered"};

        assert_int_equal(snapshot_add(snapshot, SNAPSHOT_INVENTORY, &row, &err), MU_OK);
        for (int i = 0; i < classes[class].containers; i++) {
            char pod[32];
            const struct instance_row instance = {.cluster = "c",
                                                  .namespace_name = "n",
                                                  .pod = pod,
                                                  .container = "app",
                                                  .uai = row.uai,
                                                  .manifest_digest = row.manifest_digest,
                                                  .state = "covered"};

            (void)snprintf(pod, sizeof(pod), "pod-%03d",
                           backwards ? classes[class].containers - 1 - i : i);
            assert_int_equal(snapshot_add(snapshot, SNAPSHOT_INSTANCES, &instance, &err), MU_OK);
            if (i % 7 == 0) /* of another manifest too: still one container */
                assert_int_equal(snapshot_add(snapshot, SNAPSHOT_INSTANCES, &instance, &err),
                                 MU_OK);
        }
    }
    return snapshot;
}

struct drawn {
    struct mu_buf text; /* pods, a line each */
    int of_class[CLASSES];
    size_t rows[CLASSES];
    struct sample_totals totals;
};

static enum mu_status take(void *opaque, const struct sample_item *item, struct mu_error *err)
{
    struct drawn *drawn = opaque;

    for (int class = 0; class < CLASSES; class ++)
        if (strcmp(item->container->uai, classes[class].uai) == 0) {
            drawn->of_class[class]++;
            drawn->rows[class] = item->workbook_row;
        }
    mu_buf_printf(&drawn->text, "%zu %s %s\n", item->number, item->container->uai,
                  item->container->pod);
    return mu_buf_status(&drawn->text, "drawn", err);
}

static void draw(struct drawn *drawn, const struct snapshot *snapshot, const char *seed,
                 size_t count)
{
    const struct sample_request request = {.snapshot = snapshot, .seed = seed, .count = count};
    struct mu_error err;

    *drawn = (struct drawn){0};
    mu_buf_init(&drawn->text, TEXT_BYTES);
    assert_int_equal(sample_draw(&request, take, drawn, &drawn->totals, &err), MU_OK);
}

static void each_class_gives_one_before_any_gives_two(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = fleet(false);
    struct drawn drawn;

    (void)state;
    for (size_t count = 1; count <= CLASSES; count++) {
        draw(&drawn, snapshot, "assessment 1", count);
        assert_int_equal(drawn.totals.drawn, count);
        for (int class = 0; class < CLASSES; class ++)
            assert_true(drawn.of_class[class] <= 1);
        mu_buf_done(&drawn.text);
    }
    draw(&drawn, snapshot, "assessment 1", 40);
    assert_int_equal(drawn.totals.drawn, 40);
    assert_int_equal(drawn.totals.classes, CLASSES);
    assert_int_equal(drawn.totals.containers, 100);
    assert_int_equal(drawn.of_class[2], 1);
    assert_true(drawn.of_class[1] >= 1);
    assert_true(drawn.of_class[0] > 20);
    mu_buf_done(&drawn.text);
}

static void the_rows_are_those_of_the_workbook(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = fleet(false);
    struct drawn drawn;

    (void)state;
    draw(&drawn, snapshot, "x", 3);
    for (size_t class = 0; class < CLASSES; class ++)
        assert_int_equal(drawn.rows[class], WORKBOOK_HEADER_ROWS + 1 + class);
    mu_buf_done(&drawn.text);
}

static void more_than_there_is_gives_all(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = fleet(false);
    struct drawn drawn;

    (void)state;
    draw(&drawn, snapshot, "x", 1000);
    assert_int_equal(drawn.totals.drawn, 100);
    mu_buf_done(&drawn.text);
}

static void the_same_seed_draws_the_same_whatever_the_order(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = fleet(false);
    MU_AUTO(snapshot) struct snapshot *other = fleet(true);
    struct drawn first, second, third;

    (void)state;
    draw(&first, snapshot, "2026-11", 3);
    draw(&second, snapshot, "2026-11", 3);
    assert_string_equal(first.text.data, second.text.data);
    mu_buf_done(&second.text);
    draw(&second, other, "2026-11", 3);
    assert_string_equal(first.text.data, second.text.data);
    draw(&third, snapshot, "2026-12", 3);
    assert_string_not_equal(first.text.data, third.text.data);
    mu_buf_done(&first.text);
    mu_buf_done(&second.text);
    mu_buf_done(&third.text);
}

static void none_and_too_many_are_refused(void **state)
{
    MU_AUTO(snapshot) struct snapshot *snapshot = fleet(false);
    struct sample_request request = {.snapshot = snapshot, .seed = "x"};
    struct sample_totals totals;
    struct mu_error err;

    (void)state;
    assert_int_equal(sample_draw(&request, take, NULL, &totals, &err), MU_E_LIMIT);
    request.count = SAMPLE_MAX + 1;
    assert_int_equal(sample_draw(&request, take, NULL, &totals, &err), MU_E_LIMIT);
}

/* ---- places ---- */

static void a_text_is_found_wherever_the_pieces_are_cut(void **state)
{
    static const char *const texts[] = {"needle", "absent"};
    static const size_t places[] = {0, 5, 65530, 65536, 69631, 69632, 131070, 200000};
    char path[] = "/tmp/muster-place-XXXXXX";
    const size_t size = 210000;
    char *bytes = mu_xcalloc(1, size);
    struct sample_place found[2];
    struct mu_error err;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        memset(bytes, 'n', size);
        for (size_t at = 999; at < size; at += 1000)
            bytes[at] = '\n';
        memcpy(bytes + places[i], "needle", 6);
        assert_int_equal(mu_file_write_atomic(path, bytes, size, &err), MU_OK);
        assert_int_equal(raw_places_find(path, texts, 2, found, &err), MU_OK);
        assert_int_equal(found[0].offset_bytes, places[i]);
        assert_int_equal(found[0].line, 1 + places[i] / 1000);
        assert_int_equal(found[1].offset_bytes, -1);
    }
    (void)unlink(path);
    assert_int_equal(raw_places_find(path, texts, 2, found, &err), MU_E_NOT_FOUND);
    free(bytes);
}

static enum mu_status path_in(const void *opaque, const char *digest, char *ret_path, size_t size,
                              struct mu_error *err)
{
    const struct world *world = opaque;

    (void)err;
    (void)snprintf(ret_path, size, "%s/%s", world->root, digest);
    return MU_OK;
}

static enum mu_status check_trail(void *opaque, const struct sample_item *item,
                                  struct mu_error *err)
{
    const struct world *world = opaque;

    (void)err;
    if (strcmp(item->container->uai, UAI_C) == 0) {
        assert_null(item->evidence_digest);
        assert_null(item->raw_file);
        return MU_OK;
    }
    for (size_t i = 0; i < WORLD_EVIDENCE; i++) {
        const char *raw = world->raw[i];

        if (strcmp(world->digest[i], item->evidence_digest) != 0)
            continue;
        assert_int_equal(item->uai.offset_bytes, strstr(raw, item->container->uai) - raw);
        assert_int_equal(item->manifest.offset_bytes,
                         strstr(raw, item->container->manifest_digest) - raw);
        assert_int_equal(item->uai.line, 1);
        return MU_OK;
    }
    fail();
    return MU_OK;
}

static void the_trail_ends_at_the_byte_in_the_raw_file(void **state)
{
    struct world world;
    struct sample_totals totals;
    struct mu_error err;
    char path[WORLD_PATH_SIZE];

    (void)state;
    world_init(&world);
    MU_AUTO(snapshot) struct snapshot *snapshot = world_snapshot(&world);
    const struct sample_request request = {snapshot, "seed", 100, path_in, &world};

    for (size_t i = 0; i < WORLD_EVIDENCE; i++) {
        (void)path_in(&world, world.digest[i], path, sizeof(path), &err);
        assert_int_equal(mu_file_write_atomic(path, world.raw[i], strlen(world.raw[i]), &err),
                         MU_OK);
    }
    assert_int_equal(sample_draw(&request, check_trail, &world, &totals, &err), MU_OK);
    assert_int_equal(totals.drawn, 4);
    (void)unlink(path);
    assert_int_equal(sample_draw(&request, check_trail, &world, &totals, &err), MU_E_NOT_FOUND);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_class_gives_one_before_any_gives_two),
            cmocka_unit_test(the_rows_are_those_of_the_workbook),
            cmocka_unit_test(more_than_there_is_gives_all),
            cmocka_unit_test(the_same_seed_draws_the_same_whatever_the_order),
            cmocka_unit_test(none_and_too_many_are_refused),
            cmocka_unit_test(a_text_is_found_wherever_the_pieces_are_cut),
            cmocka_unit_test(the_trail_ends_at_the_byte_in_the_raw_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
