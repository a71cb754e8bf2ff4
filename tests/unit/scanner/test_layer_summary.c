#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "layer/summary_cache.h"
#include "summary_stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYER_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LAYER_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct layer_wants no_wants = {NULL, 0};

struct fixture {
    struct summary_stage stage;
    struct summary_box box;
    struct mu_buf tar;
    struct mu_error err;
    char folder[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    summary_stage_open(&f->stage);
    mu_buf_init(&f->tar, LAYER_BUILD_MAX);
    layer_build_file(&f->tar, "usr/lib/os-release", "ID=x");
    layer_build_symlink(&f->tar, "etc/os-release", "../usr/lib/os-release");
    layer_build_file(&f->tar, "opt/.wh.old", "");
    layer_build_file(&f->tar, "opt/tool", "magic:tool");
    layer_build_file(&f->tar, "opt/plain", "plain");
    layer_build_end(&f->tar);
    if (summary_stage_read(&f->stage, &f->tar, no_wants, -1, &f->box, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-summary-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static void folder_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        (void)closedir(folder);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    folder_empty(f->folder);
    (void)rmdir(f->folder);
    summary_box_done(&f->box);
    summary_stage_close(&f->stage);
    mu_buf_done(&f->tar);
    free(f);
    return 0;
}

static unsigned flags_of(const struct fixture *f, const char *path)
{
    return layer_summary_path(&f->box.summary, path_hash(&f->stage.make.key, path, strlen(path)));
}

static void every_path_of_the_layer_is_known(void **state)
{
    const struct fixture *f = *state;

    assert_int_equal(flags_of(f, "opt/plain"), PATH_NO_DIRECTORY);
    assert_int_equal(flags_of(f, "usr/lib"), PATH_PARENT);
    assert_int_equal(flags_of(f, "usr"), PATH_PARENT);
    assert_int_equal(flags_of(f, "etc/os-release"), PATH_NO_DIRECTORY);
    assert_int_equal(flags_of(f, "opt/other"), 0);
    assert_int_equal(flags_of(f, "opt/old"), 0);
}

static void what_must_be_known_by_name_is_in_the_tars_order(void **state)
{
    static const struct {
        enum summary_kind kind;
        const char *path, *link;
    } wanted[] = {{SUMMARY_FILE, "usr/lib/os-release", ""},
                  {SUMMARY_SYMLINK, "etc/os-release", "../usr/lib/os-release"},
                  {SUMMARY_WHITEOUT, "opt/old", ""},
                  {SUMMARY_FILE, "opt/tool", ""}};
    const struct fixture *f = *state;
    struct summary_cursor cursor;
    struct summary_entry entry;
    size_t count = 0;

    summary_entries_begin(&f->box.summary, &cursor);
    for (; summary_entries_next(&cursor, &entry); count++) {
        assert_true(count < 4);
        assert_int_equal(entry.kind, wanted[count].kind);
        assert_string_equal(entry.path, wanted[count].path);
        assert_string_equal(entry.link, wanted[count].link);
    }
    assert_int_equal(count, 4);
}

static enum mu_status open_bytes(const struct fixture *f, const uint8_t *bytes, size_t len)
{
    struct layer_summary summary;
    struct mu_error err;

    return layer_summary_open(bytes, len, &f->stage.make, &summary, &err);
}

static void checksum_put(uint8_t *bytes, size_t len)
{
    MU_AUTO(sha256) struct mu_sha256 *hash = mu_sha256_new();

    mu_sha256_update(hash, bytes, len - MU_SHA256_BYTES);
    mu_sha256_final(hash, bytes + len - MU_SHA256_BYTES);
}

static void a_changed_byte_anywhere_is_seen(void **state)
{
    const struct fixture *f = *state;
    uint8_t *copy = malloc(f->box.len);

    memcpy(copy, f->box.bytes, f->box.len);
    assert_int_equal(open_bytes(f, copy, f->box.len), MU_OK);
    for (size_t i = 0; i < f->box.len; i++) {
        copy[i] ^= 1;
        assert_int_equal(open_bytes(f, copy, f->box.len), MU_E_INVALID);
        copy[i] ^= 1;
    }
    for (size_t len = 0; len < f->box.len; len++)
        assert_int_equal(open_bytes(f, copy, len), MU_E_INVALID);
    free(copy);
}

/* Whoever wrote it may also have put the checksum right: nothing is out of bounds then. */
static void a_forged_summary_opens_only_when_all_of_it_makes_sense(void **state)
{
    struct fixture *f = *state;
    uint8_t *copy = malloc(f->box.len);
    size_t opened = 0;

    for (size_t i = 0; i + MU_SHA256_BYTES < f->box.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct layer_summary summary;

            memcpy(copy, f->box.bytes, f->box.len);
            copy[i] = (uint8_t)(copy[i] ^ 1 << bit);
            checksum_put(copy, f->box.len);
            if (layer_summary_open(copy, f->box.len, &f->stage.make, &summary, &f->err) != MU_OK)
                continue;
            opened++;
            f->stage.layers[0] = summary;
            f->stage.merge.layer_count = 1;
            assert_int_equal(merge_layer(&f->stage.merge, 0, &f->err), MU_OK);
            (void)summary_stage_find(&f->stage, "opt/tool", "head");
        }
    }
    f->stage.merge.layer_count = 0;
    assert_true(opened > 0); /* another text is a text too */
    free(copy);
}

static void a_summary_of_other_finders_or_another_key_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct summary_make other = f->stage.make;
    struct layer_summary summary;
    struct mu_error err;

    other.finder_count = 2;
    summary_make_id(&other);
    assert_int_equal(layer_summary_open(f->box.bytes, f->box.len, &other, &summary, &err),
                     MU_E_INVALID);
    other = f->stage.make;
    other.key.words[0]++;
    summary_make_id(&other);
    assert_int_equal(layer_summary_open(f->box.bytes, f->box.len, &other, &summary, &err),
                     MU_E_INVALID);
}

/* ---- names ---- */

static void whiteouts_of_no_name_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct summary_box box = {.bytes = NULL};

    mu_buf_reset(&f->tar);
    layer_build_file(&f->tar, "a/.wh.", "");
    layer_build_file(&f->tar, "a/.wh..", "");
    layer_build_file(&f->tar, "a/.wh...", "");
    layer_build_file(&f->tar, "a/.wh..wh.plnk", "");
    layer_build_end(&f->tar);
    assert_int_equal(summary_stage_read(&f->stage, &f->tar, no_wants, -1, &box, &f->err), MU_OK);
    if (!box.summary.head || box.summary.head->entry_count != 0)
        fail();
    summary_box_done(&box);
}

static void a_tree_of_a_hundred_levels_is_one_path_each(void **state)
{
    struct fixture *f = *state;
    struct summary_box box = {.bytes = NULL};
    char path[512] = "";

    mu_buf_reset(&f->tar);
    for (int i = 0; i < 100; i++)
        (void)snprintf(path + 2 * i, sizeof(path) - (size_t)(2 * i), "d/");
    (void)snprintf(path + 200, sizeof(path) - 200, "tool");
    layer_build_pax(&f->tar, "path", path);
    layer_build_file(&f->tar, "x", "magic:deep");
    layer_build_end(&f->tar);
    assert_int_equal(summary_stage_read(&f->stage, &f->tar, no_wants, -1, &box, &f->err), MU_OK);
    if (!box.summary.head || box.summary.head->path_count != 101)
        fail();
    assert_int_equal(box.summary.head->entry_count, 1);
    summary_box_done(&box);
}

static void a_finder_that_wants_another_path_sees_it_under_that(void **state)
{
    const struct layer_want want = {"srv/db", "var/lib/dpkg"};
    struct fixture *f = *state;

    mu_buf_reset(&f->tar);
    layer_build_symlink(&f->tar, "var/lib/dpkg", "/srv/db");
    layer_build_file(&f->tar, "srv/db/status", "moved");
    layer_build_file(&f->tar, "srv/dbx/status", "not this");
    layer_build_end(&f->tar);
    assert_int_equal(
            summary_stage_apply(&f->stage, &f->tar, (struct layer_wants){&want, 1}, &f->err),
            MU_OK);
    assert_int_equal(summary_stage_find(&f->stage, "srv/dbx/status", "path").hits, 0);
    assert_int_equal(summary_stage_find(&f->stage, "var/lib/dpkg/status", "path").hits, 0);
}

/* ---- large files ---- */

static void a_file_larger_than_memory_needs_a_file_of_its_own(void **state)
{
    enum { SIZE = FINDER_HEAD_BYTES + (17 << 20) };
    struct fixture *f = *state;
    char *bytes = calloc(1, SIZE);
    struct summary_box box = {.bytes = NULL};
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    memcpy(bytes, "magic:", 6);
    mu_buf_reset(&f->tar);
    layer_build_entry(&f->tar, "opt/large", '0', "", bytes, SIZE);
    layer_build_end(&f->tar);
    free(bytes);
    for (int with = 0; with < 2; with++) {
        struct summary_cursor entries;
        struct summary_entry entry;
        struct evidence_cursor cursor;
        struct evidence_item item;

        assert_int_equal(
                summary_stage_read(&f->stage, &f->tar, no_wants, with ? fd : -1, &box, &f->err),
                MU_OK);
        summary_entries_begin(&box.summary, &entries);
        assert_true(summary_entries_next(&entries, &entry));
        summary_evidence_begin(&box.summary, entry.evidence, &cursor);
        assert_true(summary_evidence_next(&cursor, &item));
        assert_int_equal(item.kind, with ? EVIDENCE_PACKAGE : EVIDENCE_END);
        assert_int_equal(item.status, with ? MU_OK : MU_E_LIMIT);
        summary_box_done(&box);
    }
    (void)close(fd);
}

/* ---- the cache ---- */

static struct summary_cache *cache_of(struct fixture *f, uint64_t max_bytes)
{
    struct summary_cache *cache = NULL;
    struct path_key key;

    if (summary_cache_open(f->folder, max_bytes, &key, &cache, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
    return cache;
}

static bool is_kept(struct fixture *f, struct summary_cache *cache, const char *digest)
{
    struct summary_box box = {.bytes = NULL};
    bool found = summary_cache_find(cache, digest, &f->stage.make, no_wants, &box);

    if (found)
        assert_memory_equal(box.bytes, f->box.bytes, f->box.len);
    summary_box_done(&box);
    return found;
}

static void keep(struct fixture *f, struct summary_cache *cache, const char *digest)
{
    if (summary_cache_keep(cache, digest, &f->stage.make, no_wants, &f->box, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void what_was_kept_is_found_under_its_layer_alone(void **state)
{
    const struct layer_want want = {"a", "b"};
    struct fixture *f = *state;
    MU_AUTO(summary_cache) struct summary_cache *cache = cache_of(f, 1 << 20);
    struct summary_box box = {.bytes = NULL};

    keep(f, cache, LAYER_A);
    assert_true(is_kept(f, cache, LAYER_A));
    assert_false(is_kept(f, cache, LAYER_B));
    assert_false(summary_cache_find(cache, LAYER_A, &f->stage.make, (struct layer_wants){&want, 1},
                                    &box));
}

static void the_key_of_a_folder_stays_the_same(void **state)
{
    struct fixture *f = *state;
    struct path_key keys[2];

    for (int i = 0; i < 2; i++) {
        MU_AUTO(summary_cache) struct summary_cache *cache = NULL;

        assert_int_equal(summary_cache_open(f->folder, 1 << 20, &keys[i], &cache, &f->err), MU_OK);
    }
    assert_memory_equal(&keys[0], &keys[1], sizeof(keys[0]));
}

/* Changes the cache's only summary with `change`; what is torn is removed and can be made anew. */
static void expect_refused(struct fixture *f, void (*change)(const char *path))
{
    MU_AUTO(summary_cache) struct summary_cache *cache = cache_of(f, 1 << 20);
    DIR *folder;
    const struct dirent *entry;
    char path[512];

    keep(f, cache, LAYER_A);
    folder = opendir(f->folder);
    while ((entry = readdir(folder)) != NULL) {
        if (!strstr(entry->d_name, ".summary"))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, entry->d_name);
        change(path);
    }
    (void)closedir(folder);
    assert_false(is_kept(f, cache, LAYER_A));
    assert_int_not_equal(access(path, F_OK), 0);
    keep(f, cache, LAYER_A);
    assert_true(is_kept(f, cache, LAYER_A));
}

static void tear_off(const char *path)
{
    assert_int_equal(truncate(path, 300), 0);
}

static void empty_out(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void flip(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_int_equal(pwrite(fd, "?", 1, 250), 1);
    (void)close(fd);
}

static void a_torn_file_is_refused_and_made_anew(void **state)
{
    expect_refused(*state, tear_off);
    expect_refused(*state, empty_out);
}

static void a_changed_file_is_refused_and_made_anew(void **state)
{
    expect_refused(*state, flip);
}

static void a_file_under_another_ones_name_is_refused(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(summary_cache) struct summary_cache *cache = cache_of(f, 1 << 20);
    char names[2][512] = {"", ""};
    const struct dirent *entry;
    DIR *folder;
    size_t count = 0;

    keep(f, cache, LAYER_A);
    keep(f, cache, LAYER_B);
    folder = opendir(f->folder);
    while ((entry = readdir(folder)) != NULL && count < 2)
        if (strstr(entry->d_name, ".summary"))
            (void)snprintf(names[count++], sizeof(names[0]), "%s/%s", f->folder, entry->d_name);
    (void)closedir(folder);
    assert_int_equal(count, 2);
    assert_int_equal(rename(names[0], names[1]), 0);
    assert_false(is_kept(f, cache, LAYER_A));
    assert_false(is_kept(f, cache, LAYER_B));
}

static void the_least_recently_used_goes_first(void **state)
{
    static const char digest[] = "sha256:%064d";
    struct fixture *f = *state;
    MU_AUTO(summary_cache) struct summary_cache *cache = cache_of(f, 4 * (f->box.len + 64));
    char names[8][MU_DIGEST_TEXT_SIZE];

    for (int i = 0; i < 8; i++) {
        (void)snprintf(names[i], sizeof(names[i]), digest, i);
        keep(f, cache, names[i]);
        assert_true(is_kept(f, cache, names[0])); /* used again and again */
    }
    assert_true(is_kept(f, cache, names[7]));
    assert_false(is_kept(f, cache, names[1]));
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    struct summary_cache *cache = NULL;
    struct path_key key;
    struct mu_error err;

    (void)state;
    assert_int_equal(summary_cache_open("/proc/no/such", 1 << 20, &key, &cache, &err),
                     MU_E_UNAVAILABLE);
    assert_null(cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static enum mu_status nowhere(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    (void)opaque, (void)bytes, (void)len, (void)err;
    return MU_OK;
}

static void what_finders_unpack_of_a_layer_has_a_budget(void **state)
{
    struct fixture *f = *state;
    MU_AUTO(summary_writer) struct summary_writer *writer = summary_writer_new(&f->stage.make);
    const struct finder_sink *sink = summary_writer_sink(writer);
    struct summary_head head = {.packed_bytes = 1};

    assert_int_equal(finder_may_unpack(sink, SUMMARY_UNPACK_MIN_BYTES, &f->err), MU_OK);
    assert_int_equal(finder_may_unpack(sink, 1, &f->err), MU_E_LIMIT);
    summary_writer_passes(writer, 100);
    assert_int_equal(finder_may_unpack(sink, 100 * SUMMARY_UNPACK_FACTOR, &f->err), MU_OK);
    summary_writer_passes(writer, UINT64_MAX);
    summary_writer_passes(writer, UINT64_MAX);
    assert_int_equal(finder_may_unpack(sink, UINT64_MAX, &f->err), MU_E_LIMIT);
    assert_true(summary_writer_size(writer) > 0);
    assert_int_equal(summary_writer_finish(writer, &head, nowhere, NULL, &f->err), MU_OK);
    assert_int_equal(head.unpack_refused, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(every_path_of_the_layer_is_known),
            TEST(what_must_be_known_by_name_is_in_the_tars_order),
            TEST(what_finders_unpack_of_a_layer_has_a_budget),
            TEST(a_changed_byte_anywhere_is_seen),
            TEST(a_forged_summary_opens_only_when_all_of_it_makes_sense),
            TEST(a_summary_of_other_finders_or_another_key_is_refused),
            TEST(whiteouts_of_no_name_are_passed_over),
            TEST(a_tree_of_a_hundred_levels_is_one_path_each),
            TEST(a_finder_that_wants_another_path_sees_it_under_that),
            TEST(a_file_larger_than_memory_needs_a_file_of_its_own),
            TEST(what_was_kept_is_found_under_its_layer_alone),
            TEST(the_key_of_a_folder_stays_the_same),
            TEST(a_torn_file_is_refused_and_made_anew),
            TEST(a_changed_file_is_refused_and_made_anew),
            TEST(a_file_under_another_ones_name_is_refused),
            TEST(the_least_recently_used_goes_first),
            TEST(a_folder_that_cannot_be_made_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
