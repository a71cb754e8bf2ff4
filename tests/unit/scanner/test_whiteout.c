#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/evidence_tree.h"
#include "layer/layer_stream.h"
#include "layer_build.h"

static const char status[] = "var/lib/dpkg/status";

/* One layer as a list of entries, pushed through the real walk. */
struct layer {
    struct mu_buf tar;
};

static struct layer layer_new(void)
{
    struct layer layer;

    mu_buf_init(&layer.tar, LAYER_BUILD_MAX);
    return layer;
}

static enum mu_status apply(struct evidence_tree *tree, uint32_t index, struct layer *layer,
                            struct mu_error *err)
{
    const struct layer_limits limits = {.max_unpacked_bytes = 1 << 30, .max_entries = 100000};
    MU_AUTO(layer_stream) struct layer_stream *stream = NULL;
    struct tar_sink sink;
    struct layer_result result;
    enum mu_status st;

    layer_build_end(&layer->tar);
    evidence_tree_sink(tree, &sink);
    evidence_tree_layer_begin(tree, index);
    assert_int_equal(layer_stream_new(&limits, &sink, &stream, err), MU_OK);
    st = layer_stream_write(stream, layer->tar.data, layer->tar.len, err);
    if (st == MU_OK)
        st = layer_stream_finish(stream, &result, err);
    if (st == MU_OK)
        evidence_tree_layer_commit(tree);
    else
        evidence_tree_layer_rollback(tree);
    mu_buf_done(&layer->tar);
    return st;
}

static void apply_ok(struct evidence_tree *tree, uint32_t index, struct layer layer)
{
    struct mu_error err;

    if (apply(tree, index, &layer, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static struct layer file_layer(const char *path, const char *text)
{
    struct layer layer = layer_new();

    layer_build_file(&layer.tar, path, text);
    return layer;
}

static int set_up(void **state)
{
    static const char *const files[] = {"var/lib/dpkg/status", "etc/os-release",
                                        "usr/lib/os-release"};
    struct evidence_tree *tree = evidence_tree_new();
    struct mu_error err;

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(evidence_tree_want(tree, files[i], EVIDENCE_CONTENT, &err), MU_OK);
    assert_int_equal(evidence_tree_want(tree, "var/lib/dpkg/status.d", EVIDENCE_CHILDREN, &err),
                     MU_OK);
    assert_int_equal(evidence_tree_want(tree, "lib/apk/db/installed", EVIDENCE_PRESENCE, &err),
                     MU_OK);
    *state = tree;
    return 0;
}

static int tear_down(void **state)
{
    evidence_tree_free(*state);
    return 0;
}

static void expect_file(struct evidence_tree *tree, const char *path, const char *text,
                        uint32_t layer_index)
{
    struct evidence_file file;
    struct mu_error err;

    if (evidence_tree_find(tree, path, EVIDENCE_CONTENT, &file, &err) != MU_OK)
        fail_msg("%s", err.message);
    assert_int_equal(file.len, strlen(text));
    assert_memory_equal(file.bytes, text, file.len);
    assert_int_equal(file.layer_index, layer_index);
}

static void expect_none(struct evidence_tree *tree, const char *path)
{
    struct evidence_file untouched = {.len = 77};
    struct mu_error err;

    assert_int_equal(evidence_tree_find(tree, path, EVIDENCE_CONTENT, &untouched, &err),
                     MU_E_NOT_FOUND);
    assert_int_equal(untouched.len, 77);
}

static void a_higher_layer_wins_and_unwanted_files_leave_no_trace(void **state)
{
    struct layer upper = file_layer("var/lib/dpkg/status", "new");

    layer_build_file(&upper.tar, "var/lib/dpkg/status-old", "no");
    apply_ok(*state, 0, file_layer(status, "old"));
    apply_ok(*state, 1, upper);
    expect_file(*state, status, "new", 1);
    expect_none(*state, "etc/os-release");
    assert_false(evidence_tree_again(*state));
}

static void of_two_entries_in_one_layer_the_last_wins(void **state)
{
    struct layer layer = file_layer(status, "first");

    layer_build_file(&layer.tar, "./var//lib/dpkg/status", "last");
    apply_ok(*state, 0, layer);
    expect_file(*state, status, "last", 0);
}

static void a_whiteout_hides_the_file_of_lower_layers(void **state)
{
    apply_ok(*state, 0, file_layer(status, "old"));
    apply_ok(*state, 1, file_layer("var/lib/dpkg/.wh.status", ""));
    expect_none(*state, status);
    apply_ok(*state, 2, file_layer(status, "again"));
    expect_file(*state, status, "again", 2);
}

static void a_whiteout_of_a_directory_hides_all_below(void **state)
{
    apply_ok(*state, 0, file_layer(status, "old"));
    apply_ok(*state, 1, file_layer("var/.wh.lib", ""));
    expect_none(*state, status);
}

/* In either order: a whiteout speaks of lower layers only. */
static void a_whiteout_spares_its_own_layer(void **state)
{
    struct layer after = file_layer(status, "mine");
    struct layer before = file_layer("var/lib/.wh.dpkg", "");

    apply_ok(*state, 0, file_layer(status, "old"));
    layer_build_file(&after.tar, "var/lib/.wh.dpkg", "");
    apply_ok(*state, 1, after);
    expect_file(*state, status, "mine", 1);
    layer_build_file(&before.tar, status, "third");
    apply_ok(*state, 2, before);
    expect_file(*state, status, "third", 2);
}

static void an_opaque_directory_hides_lower_content_alone(void **state)
{
    struct layer upper = file_layer("var/lib/dpkg/status.d/base", "kept");

    apply_ok(*state, 0, file_layer(status, "old"));
    layer_build_file(&upper.tar, "var/lib/dpkg/.wh..wh..opq", "");
    apply_ok(*state, 1, upper);
    expect_none(*state, status);
    expect_file(*state, "var/lib/dpkg/status.d/base", "kept", 1);
}

static void an_opaque_root_hides_everything_lower(void **state)
{
    apply_ok(*state, 0, file_layer(status, "old"));
    apply_ok(*state, 1, file_layer(".wh..wh..opq", ""));
    expect_none(*state, status);
}

static void other_aufs_names_are_ignored(void **state)
{
    apply_ok(*state, 0, file_layer(status, "kept"));
    apply_ok(*state, 1, file_layer("var/lib/dpkg/.wh..wh.plnk", ""));
    apply_ok(*state, 2, file_layer("var/lib/dpkg/.wh.", ""));
    expect_file(*state, status, "kept", 0);
}

static void a_file_in_place_of_a_directory_hides_what_was_below(void **state)
{
    apply_ok(*state, 0, file_layer(status, "old"));
    apply_ok(*state, 1, file_layer("var/lib", "a file"));
    expect_none(*state, status);
}

static void a_directory_entry_keeps_what_is_below(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, 0, file_layer(status, "kept"));
    layer_build_entry(&layer.tar, "var/lib/dpkg/", '5', "", "", 0);
    apply_ok(*state, 1, layer);
    expect_file(*state, status, "kept", 0);
}

static void a_symbolic_link_is_followed_across_layers(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, 0, file_layer("usr/lib/os-release", "ID=debian"));
    layer_build_symlink(&layer.tar, "etc/os-release", "../usr/lib/os-release");
    apply_ok(*state, 1, layer);
    expect_file(*state, "etc/os-release", "ID=debian", 0);
}

static void a_link_that_climbs_above_the_root_stays_in_it(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=x");

    layer_build_symlink(&layer.tar, "etc/os-release", "../../../../usr/lib/os-release");
    apply_ok(*state, 0, layer);
    expect_file(*state, "etc/os-release", "ID=x", 0);
}

static void an_absolute_link_starts_at_the_images_root(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=x");

    layer_build_symlink(&layer.tar, "etc/os-release", "/usr/lib/os-release");
    apply_ok(*state, 0, layer);
    expect_file(*state, "etc/os-release", "ID=x", 0);
}

static void links_in_a_circle_lead_nowhere(void **state)
{
    struct layer layer = layer_new();

    layer_build_symlink(&layer.tar, "etc/os-release", "../usr/lib/os-release");
    layer_build_symlink(&layer.tar, "usr/lib/os-release", "../../etc/os-release");
    apply_ok(*state, 0, layer);
    expect_none(*state, "etc/os-release");
    assert_false(evidence_tree_again(*state));
}

static void entries_below_a_linked_directory_land_where_it_leads(void **state)
{
    struct layer layer = layer_new();

    layer_build_entry(&layer.tar, "var/lib/dpkg", '5', "", "", 0);
    layer_build_symlink(&layer.tar, "etc", "var/lib");
    apply_ok(*state, 0, layer);
    apply_ok(*state, 1, file_layer("etc/dpkg/status", "through the link"));
    expect_file(*state, status, "through the link", 1);
    apply_ok(*state, 2, file_layer("etc/dpkg/.wh.status", ""));
    expect_none(*state, status);
}

static void a_link_out_of_what_is_known_asks_for_another_reading(void **state)
{
    struct evidence_tree *tree = *state;

    for (int pass = 0; pass < 2; pass++) {
        struct layer layer = file_layer("opt/db/status", "far away");

        layer_build_symlink(&layer.tar, "var/lib/dpkg", "/opt/db");
        apply_ok(tree, 0, layer);
        if (pass == 1)
            break;
        expect_none(tree, status);
        assert_true(evidence_tree_again(tree));
        evidence_tree_reset(tree);
    }
    expect_file(tree, status, "far away", 0);
    assert_false(evidence_tree_again(tree));
}

static void a_hard_link_has_its_targets_content(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=hard");

    layer_build_entry(&layer.tar, "etc/os-release", '1', "./usr/lib/os-release", "", 0);
    apply_ok(*state, 0, layer);
    apply_ok(*state, 1, file_layer("usr/lib/.wh.os-release", ""));
    expect_file(*state, "etc/os-release", "ID=hard", 0);
    expect_none(*state, "usr/lib/os-release");
}

static void a_hard_link_to_an_unknown_file_asks_for_another_reading(void **state)
{
    struct evidence_tree *tree = *state;

    for (int pass = 0; pass < 2; pass++) {
        struct layer layer = file_layer("backup/status", "linked");

        layer_build_entry(&layer.tar, status, '1', "backup/status", "", 0);
        apply_ok(tree, 0, layer);
        assert_int_equal(evidence_tree_again(tree), pass == 0);
        if (pass == 0)
            evidence_tree_reset(tree);
    }
    expect_file(tree, status, "linked", 0);
}

static void a_layer_that_is_rolled_back_leaves_nothing(void **state)
{
    struct layer broken = file_layer(status, "from a broken layer");
    struct mu_error err;

    layer_build_file(&broken.tar, "var/lib/dpkg/status.d/evil", "Package: evil");
    layer_build_file(&broken.tar, "etc/.wh.os-release", "");
    mu_buf_puts(&broken.tar, "no tar header at all");
    for (int i = 0; i < 600; i++)
        mu_buf_puts(&broken.tar, "x");
    apply_ok(*state, 0, file_layer(status, "good"));
    apply_ok(*state, 1, file_layer("etc/os-release", "ID=good"));
    assert_int_equal(apply(*state, 2, &broken, &err), MU_E_INVALID);
    expect_file(*state, status, "good", 0);
    expect_file(*state, "etc/os-release", "ID=good", 1);
    expect_none(*state, "var/lib/dpkg/status.d/evil");
}

static enum mu_status name_add(void *opaque, const char *name, struct mu_error *err)
{
    (void)err;
    mu_buf_printf(opaque, "%s ", name);
    return MU_OK;
}

static void the_files_of_a_wanted_directory_are_listed(void **state)
{
    struct layer layer = file_layer("var/lib/dpkg/status.d/libc6", "Package: libc6");
    struct mu_buf names;
    struct mu_error err;

    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/libc6.md5sums", "0 x");
    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/sub/dir", "no");
    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/gone", "Package: gone");
    apply_ok(*state, 0, layer);
    apply_ok(*state, 1, file_layer("var/lib/dpkg/status.d/.wh.gone", ""));
    mu_buf_init(&names, 1024);
    assert_int_equal(evidence_tree_list(*state, "var/lib/dpkg/status.d", name_add, &names, &err),
                     MU_OK);
    assert_string_equal(names.data, "libc6 ");
    mu_buf_done(&names);
}

static void a_sparse_evidence_file_is_said_to_be_unreadable(void **state)
{
    struct layer layer = layer_new();
    struct evidence_file file;
    struct mu_error err;

    layer_build_entry(&layer.tar, status, 'S', "", "", 0);
    apply_ok(*state, 0, layer);
    assert_int_equal(evidence_tree_find(*state, status, EVIDENCE_CONTENT, &file, &err),
                     MU_E_INVALID);
}

static void an_evidence_file_over_its_limit_fails_the_layer_before_memory(void **state)
{
    struct layer layer = layer_new();
    struct mu_error err;
    uint8_t block[512];

    layer_build_header(block, status, '0', "", (uint64_t)EVIDENCE_FILE_MAX_BYTES + 1);
    mu_buf_append(&layer.tar, block, sizeof(block));
    assert_int_equal(apply(*state, 0, &layer, &err), MU_E_LIMIT);
    assert_non_null(strstr(err.message, "file 'var/lib/dpkg/status' of 67108865 bytes"));
}

static void evidence_files_without_number_fail_the_layer(void **state)
{
    struct layer layer = layer_new();
    struct mu_error err;
    char name[64];

    for (int i = 0; i < EVIDENCE_NODES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "var/lib/dpkg/status.d/p%d", i);
        layer_build_file(&layer.tar, name, "");
    }
    assert_int_equal(apply(*state, 0, &layer, &err), MU_E_LIMIT);
}

static void a_want_that_is_too_deep_is_refused(void **state)
{
    struct mu_error err;
    char path[2 * (EVIDENCE_DEPTH_MAX + 1)];

    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 2 ? '/' : 'd';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(evidence_tree_want(*state, path, EVIDENCE_CONTENT, &err), MU_E_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_higher_layer_wins_and_unwanted_files_leave_no_trace),
            TEST(of_two_entries_in_one_layer_the_last_wins),
            TEST(a_whiteout_hides_the_file_of_lower_layers),
            TEST(a_whiteout_of_a_directory_hides_all_below),
            TEST(a_whiteout_spares_its_own_layer),
            TEST(an_opaque_directory_hides_lower_content_alone),
            TEST(an_opaque_root_hides_everything_lower),
            TEST(other_aufs_names_are_ignored),
            TEST(a_file_in_place_of_a_directory_hides_what_was_below),
            TEST(a_directory_entry_keeps_what_is_below),
            TEST(a_symbolic_link_is_followed_across_layers),
            TEST(a_link_that_climbs_above_the_root_stays_in_it),
            TEST(an_absolute_link_starts_at_the_images_root),
            TEST(links_in_a_circle_lead_nowhere),
            TEST(entries_below_a_linked_directory_land_where_it_leads),
            TEST(a_link_out_of_what_is_known_asks_for_another_reading),
            TEST(a_hard_link_has_its_targets_content),
            TEST(a_hard_link_to_an_unknown_file_asks_for_another_reading),
            TEST(a_layer_that_is_rolled_back_leaves_nothing),
            TEST(the_files_of_a_wanted_directory_are_listed),
            TEST(a_sparse_evidence_file_is_said_to_be_unreadable),
            TEST(an_evidence_file_over_its_limit_fails_the_layer_before_memory),
            TEST(evidence_files_without_number_fail_the_layer),
            TEST(a_want_that_is_too_deep_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
