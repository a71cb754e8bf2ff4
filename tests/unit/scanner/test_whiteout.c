#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "summary_stage.h"

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

/* Layers are counted from 0 in the order in which they are applied. */
static enum mu_status apply(struct summary_stage *stage, struct layer *layer, struct mu_error *err)
{
    enum mu_status st;

    layer_build_end(&layer->tar);
    st = summary_stage_apply(stage, &layer->tar, (struct layer_wants){NULL, 0}, err);
    mu_buf_done(&layer->tar);
    return st;
}

static void apply_ok(struct summary_stage *stage, struct layer layer)
{
    struct mu_error err;

    if (apply(stage, &layer, &err) != MU_OK)
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
    struct summary_stage *stage = calloc(1, sizeof(*stage));

    summary_stage_open(stage);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    summary_stage_close(*state);
    free(*state);
    return 0;
}

static void expect_told(const struct summary_stage *stage, const char *path, const char *type,
                        const char *text, uint32_t layer_index)
{
    struct stage_search found = summary_stage_find(stage, path, type);

    if (found.hits != 1)
        fail_msg("'%s' is told %zu times", path, found.hits);
    assert_string_equal(found.text, text);
    assert_int_equal(found.layer, layer_index);
}

static void expect_file(const struct summary_stage *stage, const char *path, const char *text,
                        uint32_t layer_index)
{
    expect_told(stage, path, "path", text, layer_index);
}

static void expect_none(const struct summary_stage *stage, const char *path)
{
    assert_int_equal(summary_stage_find(stage, path, "path").hits, 0);
}

static void a_higher_layer_wins_and_unwanted_files_leave_no_trace(void **state)
{
    struct layer upper = file_layer("var/lib/dpkg/status", "new");

    layer_build_file(&upper.tar, "var/lib/dpkg/status-old", "no");
    apply_ok(*state, file_layer(status, "old"));
    apply_ok(*state, upper);
    expect_file(*state, status, "new", 1);
    expect_none(*state, "etc/os-release");
    expect_none(*state, "var/lib/dpkg/status-old");
}

static void of_two_entries_in_one_layer_the_last_wins(void **state)
{
    struct layer layer = file_layer(status, "first");

    layer_build_file(&layer.tar, "./var//lib/dpkg/status", "last");
    apply_ok(*state, layer);
    expect_file(*state, status, "last", 0);
}

static void a_whiteout_hides_the_file_of_lower_layers(void **state)
{
    apply_ok(*state, file_layer(status, "old"));
    apply_ok(*state, file_layer("var/lib/dpkg/.wh.status", ""));
    expect_none(*state, status);
    apply_ok(*state, file_layer(status, "again"));
    expect_file(*state, status, "again", 2);
}

static void a_whiteout_of_a_directory_hides_all_below(void **state)
{
    apply_ok(*state, file_layer(status, "old"));
    apply_ok(*state, file_layer("var/.wh.lib", ""));
    expect_none(*state, status);
}

/* In either order: a whiteout speaks of lower layers only. */
static void a_whiteout_spares_its_own_layer(void **state)
{
    struct layer after = file_layer(status, "mine");
    struct layer before = file_layer("var/lib/.wh.dpkg", "");

    apply_ok(*state, file_layer(status, "old"));
    layer_build_file(&after.tar, "var/lib/.wh.dpkg", "");
    apply_ok(*state, after);
    expect_file(*state, status, "mine", 1);
    layer_build_file(&before.tar, status, "third");
    apply_ok(*state, before);
    expect_file(*state, status, "third", 2);
}

static void an_opaque_directory_hides_lower_content_alone(void **state)
{
    struct layer upper = file_layer("var/lib/dpkg/status.d/base", "kept");

    apply_ok(*state, file_layer(status, "old"));
    layer_build_file(&upper.tar, "var/lib/dpkg/.wh..wh..opq", "");
    apply_ok(*state, upper);
    expect_none(*state, status);
    expect_file(*state, "var/lib/dpkg/status.d/base", "kept", 1);
}

static void an_opaque_root_hides_everything_lower(void **state)
{
    apply_ok(*state, file_layer(status, "old"));
    apply_ok(*state, file_layer(".wh..wh..opq", ""));
    expect_none(*state, status);
}

static void other_aufs_names_are_ignored(void **state)
{
    apply_ok(*state, file_layer(status, "kept"));
    apply_ok(*state, file_layer("var/lib/dpkg/.wh..wh.plnk", ""));
    apply_ok(*state, file_layer("var/lib/dpkg/.wh.", ""));
    expect_file(*state, status, "kept", 0);
}

static void a_file_in_place_of_a_directory_hides_what_was_below(void **state)
{
    apply_ok(*state, file_layer(status, "old"));
    apply_ok(*state, file_layer("var/lib", "a file"));
    expect_none(*state, status);
}

static void a_directory_entry_keeps_what_is_below(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, file_layer(status, "kept"));
    layer_build_entry(&layer.tar, "var/lib/dpkg/", '5', "", "", 0);
    apply_ok(*state, layer);
    expect_file(*state, status, "kept", 0);
}

static void a_symbolic_link_is_followed_across_layers(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, file_layer("usr/lib/os-release", "ID=debian"));
    layer_build_symlink(&layer.tar, "etc/os-release", "../usr/lib/os-release");
    apply_ok(*state, layer);
    expect_file(*state, "etc/os-release", "ID=debian", 0);
}

static void a_link_that_climbs_above_the_root_stays_in_it(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=x");

    layer_build_symlink(&layer.tar, "etc/os-release", "../../../../usr/lib/os-release");
    apply_ok(*state, layer);
    expect_file(*state, "etc/os-release", "ID=x", 0);
}

static void an_absolute_link_starts_at_the_images_root(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=x");

    layer_build_symlink(&layer.tar, "etc/os-release", "/usr/lib/os-release");
    apply_ok(*state, layer);
    expect_file(*state, "etc/os-release", "ID=x", 0);
}

static void links_in_a_circle_lead_nowhere(void **state)
{
    struct layer layer = layer_new();

    layer_build_symlink(&layer.tar, "etc/os-release", "../usr/lib/os-release");
    layer_build_symlink(&layer.tar, "usr/lib/os-release", "../../etc/os-release");
    apply_ok(*state, layer);
    expect_none(*state, "etc/os-release");
}

static void entries_below_a_linked_directory_land_where_it_leads(void **state)
{
    struct layer layer = layer_new();

    layer_build_entry(&layer.tar, "var/lib/dpkg", '5', "", "", 0);
    layer_build_symlink(&layer.tar, "etc", "var/lib");
    apply_ok(*state, layer);
    apply_ok(*state, file_layer("etc/dpkg/status", "magic:through"));
    expect_told(*state, status, "head", "magic:through", 1);
    apply_ok(*state, file_layer("etc/dpkg/.wh.status", ""));
    assert_int_equal(summary_stage_find(*state, status, "head").hits, 0);
}

static void a_hard_link_has_its_targets_content(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=hard");

    layer_build_entry(&layer.tar, "etc/os-release", '1', "./usr/lib/os-release", "", 0);
    apply_ok(*state, layer);
    apply_ok(*state, file_layer("usr/lib/.wh.os-release", ""));
    expect_file(*state, "etc/os-release", "ID=hard", 0);
    expect_none(*state, "usr/lib/os-release");
}

static void a_hard_link_to_a_file_nobody_read_asks_for_another_reading(void **state)
{
    const struct layer_want want = {"backup/status", "var/lib/dpkg/status"};
    struct summary_stage *stage = *state;

    for (int pass = 0; pass < 2; pass++) {
        struct layer layer = file_layer("backup/status", "linked");
        struct mu_error err;

        summary_stage_close(stage);
        summary_stage_open(stage);
        layer_build_entry(&layer.tar, status, '1', "backup/status", "", 0);
        layer_build_end(&layer.tar);
        assert_int_equal(summary_stage_apply(stage, &layer.tar,
                                             (struct layer_wants){&want, (size_t)pass}, &err),
                         MU_OK);
        mu_buf_done(&layer.tar);
        assert_int_equal(stage->merge.want_count, pass == 0);
        if (pass == 0)
            assert_string_equal(stage->merge.wants[0].path, want.path);
    }
    expect_file(stage, status, "linked", 0);
    apply_ok(stage, file_layer("var/lib/dpkg/.wh.status", ""));
    expect_none(stage, status);
    expect_none(stage, "backup/status");
}

static void a_hard_link_to_a_lower_layers_file_has_its_content(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, file_layer("usr/lib/os-release", "ID=low"));
    layer_build_entry(&layer.tar, "etc/os-release", '1', "usr/lib/os-release", "", 0);
    apply_ok(*state, layer);
    expect_file(*state, "etc/os-release", "ID=low", 1);
}

/* What was found by its content counts under every name; what was by its path does not. */
static void a_hard_link_under_a_name_nobody_wants_shares_content_alone(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "magic:both");

    layer_build_entry(&layer.tar, "opt/copy", '1', "usr/lib/os-release", "", 0);
    apply_ok(*state, layer);
    expect_told(*state, "opt/copy", "head", "magic:both", 0);
    expect_none(*state, "opt/copy");
}

static void a_plain_file_hides_the_evidence_below_it(void **state)
{
    apply_ok(*state, file_layer("opt/tool", "magic:old"));
    expect_told(*state, "opt/tool", "head", "magic:old", 0);
    apply_ok(*state, file_layer("opt/tool", "a script"));
    assert_int_equal(summary_stage_find(*state, "opt/tool", "head").hits, 0);
}

static void a_plain_file_after_evidence_in_its_layer_hides_it(void **state)
{
    struct layer layer = file_layer("opt/tool", "magic:first");

    layer_build_file(&layer.tar, "opt/tool", "a script");
    apply_ok(*state, layer);
    assert_int_equal(summary_stage_find(*state, "opt/tool", "head").hits, 0);
}

/* Nothing in the upper layer's summary has a name here: its paths alone say what they replace. */
static void a_plain_file_through_a_lower_link_hides_what_is_there(void **state)
{
    struct layer layer = file_layer("usr/bin/tool", "magic:old");

    layer_build_symlink(&layer.tar, "bin", "usr/bin");
    apply_ok(*state, layer);
    apply_ok(*state, file_layer("bin/tool", "a script"));
    assert_int_equal(summary_stage_find(*state, "usr/bin/tool", "head").hits, 0);
}

static void a_plain_file_through_a_link_of_its_layer_hides_what_is_there(void **state)
{
    struct layer layer = layer_new();

    apply_ok(*state, file_layer("usr/bin/tool", "magic:old"));
    layer_build_symlink(&layer.tar, "bin", "usr/bin");
    layer_build_file(&layer.tar, "bin/tool", "a script");
    apply_ok(*state, layer);
    assert_int_equal(summary_stage_find(*state, "usr/bin/tool", "head").hits, 0);
}

static void a_directory_in_place_of_a_link_is_entered_itself(void **state)
{
    struct layer layer = file_layer("usr/lib/os-release", "ID=there");

    layer_build_symlink(&layer.tar, "lib", "usr/lib");
    apply_ok(*state, layer);
    layer = layer_new();
    layer_build_entry(&layer.tar, "lib/", '5', "", "", 0);
    layer_build_file(&layer.tar, "lib/os-release", "a script");
    apply_ok(*state, layer);
    expect_file(*state, "usr/lib/os-release", "ID=there", 0);
    expect_none(*state, "lib/os-release");
}

static void links_that_lead_into_each_other_end(void **state)
{
    struct layer layer = layer_new();

    layer_build_symlink(&layer.tar, "a", ".");
    layer_build_symlink(&layer.tar, "b", "a/b/a");
    layer_build_symlink(&layer.tar, "c/d", "../c");
    layer_build_file(&layer.tar, "opt/tool", "magic:old");
    apply_ok(*state, layer);
    layer = file_layer("a/a/a/opt/tool", "a script");
    layer_build_file(&layer.tar, "b/opt/tool", "x");
    layer_build_file(&layer.tar, "c/d/d/d/x", "x");
    apply_ok(*state, layer);
    assert_int_equal(summary_stage_find(*state, "opt/tool", "head").hits, 0);
}

/* An entry for the directory alone tells of it anew. */
static void the_mode_of_an_entry_is_that_of_the_highest_layer(void **state)
{
    uint8_t block[512];

    for (int pass = 0; pass < 2; pass++) {
        struct layer layer = layer_new();

        layer_build_header(block, "srv/", '5', "", 0);
        memcpy(block + 100, pass == 0 ? "0004755" : "0000755", 8);
        layer_build_checksum(block);
        mu_buf_append(&layer.tar, block, sizeof(block));
        layer_build_file(&layer.tar, "srv/tool", "magic:x");
        apply_ok(*state, layer);
        assert_int_equal(summary_stage_find(*state, "srv", "SETUID").hits, pass == 0);
    }
    expect_told(*state, "srv/tool", "head", "magic:x", 1);
}

static void a_layer_that_is_broken_leaves_nothing(void **state)
{
    struct layer broken = file_layer(status, "from a broken layer");
    struct mu_error err;

    layer_build_file(&broken.tar, "etc/.wh.os-release", "");
    mu_buf_puts(&broken.tar, "no tar header at all");
    for (int i = 0; i < 600; i++)
        mu_buf_puts(&broken.tar, "x");
    apply_ok(*state, file_layer(status, "good"));
    apply_ok(*state, file_layer("etc/os-release", "ID=good"));
    assert_int_equal(apply(*state, &broken, &err), MU_E_INVALID);
    expect_file(*state, status, "good", 0);
    expect_file(*state, "etc/os-release", "ID=good", 1);
}

static void the_files_of_a_wanted_directory_are_read(void **state)
{
    struct layer layer = file_layer("var/lib/dpkg/status.d/libc6", "Package: libc6");

    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/libc6.md5sums", "0 x");
    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/sub/dir", "no");
    layer_build_file(&layer.tar, "var/lib/dpkg/status.d/gone", "Package: gone");
    apply_ok(*state, layer);
    apply_ok(*state, file_layer("var/lib/dpkg/status.d/.wh.gone", ""));
    expect_file(*state, "var/lib/dpkg/status.d/libc6", "Package: libc6", 0);
    expect_none(*state, "var/lib/dpkg/status.d/libc6.md5sums");
    expect_none(*state, "var/lib/dpkg/status.d/sub/dir");
    expect_none(*state, "var/lib/dpkg/status.d/gone");
}

/* The status of what is said of the file at `path` in the first layer. */
static enum mu_status status_said(const struct summary_stage *stage, char *ret_message)
{
    struct summary_cursor entries;
    struct summary_entry entry;
    struct evidence_cursor cursor;
    struct evidence_item item;

    summary_entries_begin(&stage->layers[0], &entries);
    assert_true(summary_entries_next(&entries, &entry));
    summary_evidence_begin(&stage->layers[0], entry.evidence, &cursor);
    assert_true(summary_evidence_next(&cursor, &item));
    assert_int_equal(item.kind, EVIDENCE_END);
    (void)snprintf(ret_message, STAGE_TEXT_MAX, "%s", item.message);
    return item.status;
}

/* Old GNU: the text, then a hole up to `size`. */
static void sparse_add(struct mu_buf *tar, const char *name, const char *text, unsigned size)
{
    unsigned len = (unsigned)strlen(text);
    uint8_t block[512];

    layer_build_header(block, name, 'S', "", len);
    (void)snprintf((char *)block + 386 + 12, 12, "%011o", len);
    (void)snprintf((char *)block + 386, 12, "%011o", 0U);
    block[386 + 11] = ' ';
    (void)snprintf((char *)block + 483, 12, "%011o", size);
    layer_build_checksum(block);
    mu_buf_append(tar, block, sizeof(block));
    layer_build_data(tar, text, len);
}

static void a_sparse_evidence_file_is_read_with_its_holes(void **state)
{
    struct layer layer = layer_new();

    sparse_add(&layer.tar, status, "Package: x", 4096);
    apply_ok(*state, layer);
    expect_file(*state, status, "Package: x", 0);
}

static void holes_beyond_the_layers_budget_are_not_made(void **state)
{
    enum { SIZE = 7 << 20, COUNT = SUMMARY_UNPACK_MIN_BYTES / SIZE };
    const struct summary_stage *stage = *state;
    struct layer layer = layer_new();
    char name[64];

    for (int i = 0; i <= COUNT; i++) {
        (void)snprintf(name, sizeof(name), "var/lib/dpkg/status.d/p%d", i);
        sparse_add(&layer.tar, name, "Package: x", SIZE);
    }
    apply_ok(*state, layer);
    assert_int_equal(stage->layers[0].head->unpack_refused, 1);
    expect_file(*state, "var/lib/dpkg/status.d/p0", "Package: x", 0);
}

static void an_evidence_file_over_its_limit_is_refused_unread(void **state)
{
    enum { SIZE = (64 << 20) + 1 };
    struct layer layer = layer_new();
    char message[STAGE_TEXT_MAX], *zeros = calloc(1, SIZE);

    layer_build_entry(&layer.tar, status, '0', "", zeros, SIZE);
    free(zeros);
    apply_ok(*state, layer);
    assert_int_equal(status_said(*state, message), MU_E_LIMIT);
    assert_non_null(strstr(message, "a file of 67108865 bytes"));
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
            TEST(a_hard_link_has_its_targets_content),
            TEST(a_hard_link_to_a_file_nobody_read_asks_for_another_reading),
            TEST(a_hard_link_to_a_lower_layers_file_has_its_content),
            TEST(a_hard_link_under_a_name_nobody_wants_shares_content_alone),
            TEST(a_plain_file_hides_the_evidence_below_it),
            TEST(a_plain_file_after_evidence_in_its_layer_hides_it),
            TEST(a_plain_file_through_a_lower_link_hides_what_is_there),
            TEST(a_plain_file_through_a_link_of_its_layer_hides_what_is_there),
            TEST(a_directory_in_place_of_a_link_is_entered_itself),
            TEST(links_that_lead_into_each_other_end),
            TEST(the_mode_of_an_entry_is_that_of_the_highest_layer),
            TEST(a_layer_that_is_broken_leaves_nothing),
            TEST(the_files_of_a_wanted_directory_are_read),
            TEST(a_sparse_evidence_file_is_read_with_its_holes),
            TEST(holes_beyond_the_layers_budget_are_not_made),
            TEST(an_evidence_file_over_its_limit_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
