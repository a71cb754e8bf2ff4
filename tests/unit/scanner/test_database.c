#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "database/format.h"
#include "database_build.h"
#include "version/version.h"

#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct builder *builder;
    struct mu_buf bytes;
    struct database *database;
    struct mu_error err;
    char folder[64], path[128];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->builder = builder_new();
    mu_buf_init(&f->bytes, DATABASE_BUILD_MAX);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-database-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/v.db", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    database_close(f->database);
    builder_free(f->builder);
    mu_buf_done(&f->bytes);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void open_built(struct fixture *f)
{
    f->database = database_build_open(f->builder, &f->bytes);
    f->builder = NULL;
}

static void expect_says(const struct fixture *f, const char *word)
{
    if (!strstr(f->err.message, word))
        fail_msg("'%s' does not say '%s'", f->err.message, word);
}

static const struct database_row *only_row(const struct fixture *f, const char *ecosystem,
                                           const char *package)
{
    size_t count = 0;
    const struct database_row *row = database_find(f->database, ecosystem, package, &count);

    assert_int_equal(count, 1);
    return row;
}

static struct advisory read_row(const struct fixture *f, const char *ecosystem, const char *package)
{
    struct advisory advisory;

    database_read(f->database, only_row(f, ecosystem, package), &advisory);
    return advisory;
}

static void expect_affects(const struct fixture *f, const char *version, bool affected,
                           const char *fixed)
{
    struct range_place place = {.fixed = "untouched"};
    const struct database_row *row = only_row(f, "Debian:12", "p");

    if (database_affects(f->database, row, version_scheme_of("dpkg")->compare, version, &place) !=
        affected)
        fail_msg("'%s' is %saffected", version, affected ? "not " : "");
    if (!fixed)
        assert_null(place.fixed);
    else
        assert_string_equal(place.fixed, fixed);
}

static enum mu_status add(struct fixture *f, const char *json)
{
    return osv_record_add(f->builder, json, strlen(json), &f->err);
}

/* ---- what records say ---- */

static void real_records_are_found_by_release_and_source_package(void **state)
{
    struct fixture *f = *state;
    version_compare_fn *compare = version_scheme_of("dpkg")->compare;
    const struct database_row *row;
    struct advisory advisory;
    struct range_place place;

    database_build_file(f->builder, "DEBIAN-CVE-2023-5363");
    database_build_file(f->builder, "DEBIAN-CVE-2025-0665");
    open_built(f);
    row = only_row(f, "Debian:12", "openssl");
    advisory = read_row(f, "Debian:12", "openssl");
    assert_string_equal(advisory.id, "DEBIAN-CVE-2023-5363");
    assert_string_equal(advisory.rating, "not yet assigned");
    assert_string_equal(advisory.cvss_v3, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N");
    assert_int_equal(database_related_count(row), 1);
    assert_string_equal(database_related(f->database, row, 0), "CVE-2023-5363");
    assert_true(database_affects(f->database, row, compare, "3.0.11-1~deb12u1", &place));
    assert_string_equal(place.fixed, "3.0.11-1~deb12u2");
    assert_false(database_affects(f->database, row, compare, "3.0.11-1~deb12u2", &place));
    assert_true(database_has_ecosystem(f->database, "Debian:14"));
    assert_false(database_has_ecosystem(f->database, "Debian:1"));
    assert_false(database_has_ecosystem(f->database, "Debian:99"));
    only_row(f, "Debian:13", "curl");
}

static void a_package_of_another_name_or_release_has_no_rows(void **state)
{
    struct fixture *f = *state;
    size_t count = 7;

    database_build_file(f->builder, "DEBIAN-CVE-2025-0665");
    open_built(f);
    (void)database_find(f->database, "Debian:12", "curl", &count);
    assert_int_equal(count, 0);
    (void)database_find(f->database, "Debian:13", "libcurl4", &count);
    assert_int_equal(count, 0);
    (void)database_find(f->database, "Debian:13", "cur", &count);
    assert_int_equal(count, 0);
}

static void introduced_0_is_before_every_version(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"},{\"fixed\":\"1.2-3\"}",
                          "");
    open_built(f);
    expect_affects(f, "0~~alpha", true, "1.2-3");
    expect_affects(f, "1.2-2", true, "1.2-3");
    expect_affects(f, "1.2-3", false, NULL);
    expect_affects(f, "1:0", false, NULL);
}

static void a_range_without_end_has_no_fix(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"}", "");
    open_built(f);
    expect_affects(f, "9:9", true, NULL);
}

static void fixed_0_means_never_affected(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"},{\"fixed\":\"0\"}", "");
    open_built(f);
    expect_affects(f, "1", false, NULL);
    expect_affects(f, "0~git1", false, NULL);
}

static void last_affected_is_itself_affected(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "X-1", "p",
                          "{\"introduced\":\"1.0\"},{\"last_affected\":\"1.5\"}", "");
    open_built(f);
    expect_affects(f, "0.9", false, NULL);
    expect_affects(f, "1.0", true, NULL);
    expect_affects(f, "1.5", true, NULL);
    expect_affects(f, "1.5-1", false, NULL);
}

static void events_of_a_range_count_in_version_order(void **state)
{
    struct fixture *f = *state;

    database_build_record(f->builder, "X-1", "p",
                          "{\"fixed\":\"3.1\"},{\"introduced\":\"3.0\"},{\"fixed\":\"1.1\"},"
                          "{\"introduced\":\"0\"}",
                          "");
    open_built(f);
    expect_affects(f, "1.0", true, "1.1");
    expect_affects(f, "2.0", false, NULL);
    expect_affects(f, "3.0", true, "3.1");
    expect_affects(f, "3.1", false, NULL);
}

static void each_of_several_ranges_has_its_own_fix(void **state)
{
    struct fixture *f = *state;

    database_build_add(
            f->builder,
            "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":"
            "\"p\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"},{"
            "\"fixed\":\"1.5\"}]},{\"type\":\"GIT\",\"events\":[{\"introduced\":\"0\"}]},{\"type\":"
            "\"ECOSYSTEM\",\"events\":[{\"introduced\":\"2.0\"},{\"fixed\":\"2.5\"}]}]}]}");
    open_built(f);
    expect_affects(f, "1.4", true, "1.5");
    expect_affects(f, "1.7", false, NULL);
    expect_affects(f, "2.1", true, "2.5");
    expect_affects(f, "2.5", false, NULL);
}

static void a_version_that_is_listed_is_affected(void **state)
{
    struct fixture *f = *state;

    database_build_add(f->builder,
                       "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
                       "\"name\":\"p\"},\"versions\":[\"1.0-1\",\"1.0-3\"]}]}");
    open_built(f);
    expect_affects(f, "1.0-1", true, NULL);
    expect_affects(f, "1.0-2", false, NULL);
    expect_affects(f, "1.0-3", true, NULL);
}

static void a_record_without_summary_shows_its_details(void **state)
{
    struct fixture *f = *state;

    database_build_file(f->builder, "DEBIAN-CVE-2025-0665");
    open_built(f);
    assert_memory_equal(read_row(f, "Debian:13", "curl").summary, "libcurl would wrongly close",
                        27);
}

static void a_long_summary_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char json[4096] = "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
                      "\"name\":\"p\"},\"versions\":[\"1\"]}],\"summary\":\"a";
    size_t len = strlen(json);
    const char *summary;

    for (int i = 0; i < 300; i++, len += 3)
        memcpy(json + len, "\xe2\x82\xac", 4);
    memcpy(json + len, "\"}", 3);
    database_build_add(f->builder, json);
    open_built(f);
    summary = read_row(f, "Debian:12", "p").summary;
    assert_int_equal(strlen(summary), 1 + 3 * 170); /* of 512 bytes */
    assert_memory_equal(summary + strlen(summary) - 3, "\xe2\x82\xac", 3);
}

static void severity_of_the_entry_goes_before_that_of_the_record(void **state)
{
    struct fixture *f = *state;

    database_build_add(
            f->builder,
            "{\"id\":\"X-1\",\"severity\":[{\"type\":\"CVSS_V3\",\"score\":\"CVSS:3.1/whole\"}],"
            "\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":\"p\"},\"severity\":"
            "[{\"type\":\"CVSS_V2\",\"score\":\"AV:N\"},{\"type\":\"CVSS_V4\",\"score\":\"x\"}],"
            "\"versions\":[\"1\"]},{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":\"q\"},"
            "\"versions\":[\"1\"]}]}");
    open_built(f);
    assert_string_equal(read_row(f, "Debian:12", "p").cvss_v2, "AV:N");
    assert_string_equal(read_row(f, "Debian:12", "p").cvss_v3, "");
    assert_string_equal(read_row(f, "Debian:12", "q").cvss_v3, "CVSS:3.1/whole");
}

/* ---- which records count ---- */

static void withdrawn_records_are_counted_and_marked(void **state)
{
    struct fixture *f = *state;
    struct database_facts facts;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"}", "");
    database_build_record(f->builder, "X-2", "q", "{\"introduced\":\"0\"}",
                          ",\"withdrawn\":\"2026-01-01T00:00:00Z\"");
    open_built(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.records, 2);
    assert_int_equal(facts.withdrawn, 1);
    assert_int_equal(facts.rows, 2);
    assert_false(read_row(f, "Debian:12", "p").withdrawn);
    assert_true(read_row(f, "Debian:12", "q").withdrawn);
}

/* The form some publishers give to withdrawn records. */
static void a_withdrawn_record_may_have_no_affected(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(add(f, "{\"id\":\"X-1\",\"withdrawn\":\"2026-01-01T00:00:00Z\"}"), MU_OK);
}

static void of_one_id_the_newest_record_holds_whatever_the_order(void **state)
{
    struct fixture *f = *state;
    static const char *const versions[] = {"2026-02-01", "2026-03-01", "2026-01-01"};
    struct database_facts facts;

    for (size_t i = 0; i < 3; i++) {
        char json[512];

        (void)snprintf(json, sizeof(json),
                       "{\"id\":\"X-1\",\"modified\":\"%sT00:00:00Z\",\"affected\":[{\"package\":{"
                       "\"ecosystem\":\"Debian:12\",\"name\":\"p\"},\"versions\":[\"%s\"]}]}",
                       versions[i], versions[i]);
        database_build_add(f->builder, json);
    }
    open_built(f);
    expect_affects(f, "2026-03-01", true, NULL);
    expect_affects(f, "2026-02-01", false, NULL);
    database_facts(f->database, &facts);
    assert_int_equal(facts.records, 1);
}

static void a_record_withdrawn_later_takes_its_older_form_away(void **state)
{
    struct fixture *f = *state;
    struct database_facts facts;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"}", "");
    database_build_record(f->builder, "X-2", "q", "{\"introduced\":\"0\"}", "");
    database_build_add(f->builder, "{\"id\":\"X-1\",\"modified\":\"2026-06-01T00:00:00Z\","
                                   "\"withdrawn\":\"2026-06-01T00:00:00Z\"}");
    open_built(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.rows, 1);
    assert_int_equal(facts.records, 2);
    assert_int_equal(facts.withdrawn, 1);
}

static void other_ecosystems_and_git_ranges_are_skipped_and_counted(void **state)
{
    struct fixture *f = *state;
    struct database_facts facts;
    uint32_t count;

    database_build_record(f->builder, "X-1", "p", "{\"introduced\":\"0\"}", "");
    database_build_add(
            f->builder,
            "{\"id\":\"X-2\",\"affected\":[{\"package\":{\"ecosystem\":\"Plan 9:4\",\"name\":"
            "\"p\"}},{\"package\":{\"ecosystem\":\"Debianoid:1\",\"name\":\"p\"}},{\"package\":{"
            "\"ecosystem\":\"Debian:12\"}},{\"ranges\":[]},{\"package\":{\"ecosystem\":"
            "\"Debian:13\",\"name\":\"g\"},\"ranges\":[{\"type\":\"GIT\",\"events\":[]}]}]}");
    open_built(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.skipped, 5);
    assert_int_equal(facts.rows, 1);
    assert_int_equal(database_unknown_count(f->database), 2);
    assert_string_equal(database_unknown_at(f->database, 0, &count), "Plan 9");
    assert_int_equal(count, 1);
}

static void unknown_times_do_not_make_a_database_new(void **state)
{
    struct fixture *f = *state;
    struct database_facts facts;

    database_build_add(f->builder, "{\"id\":\"X-1\",\"modified\":\"0001-01-01T00:00:00Z\","
                                   "\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
                                   "\"name\":\"p\"}}]}");
    database_build_record(f->builder, "X-2", "q", "{\"introduced\":\"0\"}", "");
    open_built(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.newest_record_at_us, 1767323045000000);
    assert_int_equal(facts.built_at_us, facts.newest_record_at_us);
}

/* ---- refusals of the builder ---- */

static void a_record_without_id_is_refused_by_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(add(f, "{\"affected\":[]}"), MU_E_INVALID);
    expect_says(f, "id");
    assert_int_equal(add(f, "{\"id\":\"\"}"), MU_E_INVALID);
    assert_int_equal(add(f, "{\"id\":7}"), MU_E_INVALID);
}

static void broken_json_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(add(f, "{\"id\":\"X-1\""), MU_E_INVALID);
    assert_int_equal(add(f, "[]"), MU_E_INVALID);
    assert_int_equal(add(f, ""), MU_E_INVALID);
}

static void deep_json_is_refused(void **state)
{
    struct fixture *f = *state;
    enum { DEPTH = 100000 };
    char *json = malloc(DEPTH);

    memset(json, '[', DEPTH);
    assert_int_equal(osv_record_add(f->builder, json, DEPTH, &f->err), MU_E_LIMIT);
    free(json);
}

static void members_of_a_wrong_kind_are_passed_over(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
            add(f,
                "{\"id\":\"X-1\",\"modified\":7,\"aliases\":{\"a\":1},\"severity\":\"high\","
                "\"affected\":[7,null,{\"package\":[]},{\"package\":{\"ecosystem\":\"Debian:12\","
                "\"name\":\"p\"},\"ranges\":[7,{\"events\":{}},{\"type\":7,\"events\":[7,{"
                "\"fixed\":7}]}],\"versions\":[7,{}]}]}"),
            MU_OK);
    open_built(f);
    expect_affects(f, "1", false, NULL);
}

static void a_version_too_long_is_refused_and_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct database_facts facts;
    char json[2048], version[600];

    memset(version, '1', sizeof(version) - 1);
    version[sizeof(version) - 1] = '\0';
    (void)snprintf(json, sizeof(json),
                   "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
                   "\"name\":\"p\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
                   "\"introduced\":\"0\"},{\"fixed\":\"%s\"}]}]}]}",
                   version);
    assert_int_equal(add(f, json), MU_E_LIMIT);
    expect_says(f, "version");
    database_build_record(f->builder, "X-2", "q", "{\"introduced\":\"0\"}", "");
    open_built(f);
    database_facts(f->database, &facts);
    assert_int_equal(facts.rows, 1);
    assert_int_equal(facts.records, 1);
}

static void a_range_of_too_many_events_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mu_buf json;

    mu_buf_init(&json, 1 << 20);
    mu_buf_puts(&json, "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\","
                       "\"name\":\"p\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[");
    for (int i = 0; i < 257; i++)
        mu_buf_printf(&json, "%s{\"fixed\":\"%d\"}", i ? "," : "", i);
    mu_buf_puts(&json, "]}]}]}");
    assert_int_equal(add(f, json.data), MU_E_LIMIT);
    expect_says(f, "events");
    mu_buf_done(&json);
}

static void a_database_without_a_row_is_not_made(void **state)
{
    struct fixture *f = *state;

    database_build_add(f->builder, "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":"
                                   "\"Plan 9\",\"name\":\"p\"}}]}");
    assert_int_equal(builder_finish(f->builder, MU_TIME_NONE, &f->bytes, &f->err), MU_E_INVALID);
    assert_int_equal(f->bytes.len, 0);
}

static void the_same_records_give_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct builder *again = builder_new();
    struct mu_buf bytes;

    mu_buf_init(&bytes, DATABASE_BUILD_MAX);
    for (int i = 0; i < 2; i++) {
        struct builder *builder = i == 0 ? f->builder : again;

        database_build_file(builder, "DSA-5532-1");
        database_build_file(builder, "DEBIAN-CVE-2023-5363");
        assert_int_equal(builder_finish(builder, 5, i == 0 ? &f->bytes : &bytes, &f->err), MU_OK);
    }
    assert_int_equal(f->bytes.len, bytes.len);
    assert_memory_equal(f->bytes.data, bytes.data, bytes.len);
    mu_buf_done(&bytes);
    builder_free(again);
}

/* ---- damaged files ---- */

static void build_small(struct fixture *f)
{
    static const struct builder_source source = {.name = "Debian.zip", .kind = "osv"};
    static const struct builder_fact fact = {.cve = "CVE-2026-1", .kev_added = "2026-01-01"};

    database_build_file(f->builder, "DSA-5532-1");
    database_build_file(f->builder, "DEBIAN-CVE-2024-35200");
    database_build_add(f->builder, "{\"id\":\"X-9\",\"affected\":[{\"package\":{"
                                   "\"ecosystem\":\"Plan 9\",\"name\":\"p\"}}]}");
    builder_add_source(f->builder, &source);
    assert_int_equal(builder_add_fact(f->builder, &fact, &f->err), MU_OK);
    assert_int_equal(builder_finish(f->builder, MU_TIME_NONE, &f->bytes, &f->err), MU_OK);
}

static enum mu_status open_bytes(struct fixture *f, size_t len)
{
    struct database *database = (void *)f;
    enum mu_status st = database_open_memory(f->bytes.data, len, &database, &f->err);

    if (st == MU_OK)
        database_close(database);
    else
        assert_ptr_equal(database, f); /* untouched */
    return st;
}

/* Puts a right checksum under changed bytes, so that what stands behind it is reached. */
static void sign_again(struct fixture *f)
{
    struct mu_sha256 *hash = mu_sha256_new();
    uint8_t digest[MU_SHA256_BYTES];

    mu_sha256_update(hash, f->bytes.data, f->bytes.len - DATABASE_CHECKSUM_BYTES);
    mu_sha256_final(hash, digest);
    memcpy(f->bytes.data + f->bytes.len - DATABASE_CHECKSUM_BYTES, digest, sizeof(digest));
    mu_sha256_free(hash);
}

static struct database_header *header_of(struct fixture *f)
{
    return (void *)f->bytes.data;
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    for (size_t len = 0; len < f->bytes.len; len++)
        if (open_bytes(f, len) != MU_E_INVALID)
            fail_msg("cut at %zu was not refused", len);
    assert_int_equal(open_bytes(f, f->bytes.len), MU_OK);
}

static void any_flipped_bit_is_noticed(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    for (size_t i = 0; i < f->bytes.len; i++) {
        char was = f->bytes.data[i];

        f->bytes.data[i] = (char)(was ^ (1 << i % 8));
        if (open_bytes(f, f->bytes.len) != MU_E_INVALID)
            fail_msg("a flipped bit at %zu was not noticed", i);
        f->bytes.data[i] = was;
    }
}

static void a_file_of_another_kind_is_told_apart(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    f->bytes.data[0] = 'P';
    assert_int_equal(open_bytes(f, f->bytes.len), MU_E_INVALID);
    expect_says(f, "no database file");
}

static void a_file_of_the_other_byte_order_is_refused(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    header_of(f)->version = __builtin_bswap32(DATABASE_FORMAT_VERSION);
    sign_again(f);
    assert_int_equal(open_bytes(f, f->bytes.len), MU_E_INVALID);
    expect_says(f, "another format version");
}

static const size_t item_sizes[SECTION_COUNT] = {sizeof(struct database_source_row),
                                                 sizeof(struct database_package),
                                                 sizeof(struct database_row),
                                                 sizeof(struct database_event),
                                                 sizeof(struct database_fact),
                                                 sizeof(struct database_unknown),
                                                 sizeof(uint32_t),
                                                 1};

static uint32_t *section_words(struct fixture *f, enum database_section section)
{
    size_t at = sizeof(struct database_header);

    for (int i = 0; i < (int)section; i++)
        at += header_of(f)->counts[i] * item_sizes[i];
    return (void *)(f->bytes.data + at);
}

/* Sets one word of the first item wrong; `word` is its place in the item. */
static void expect_refused(struct fixture *f, enum database_section section, size_t word,
                           const char *says)
{
    uint32_t *words = section_words(f, section), was = words[word];

    words[word] = UINT32_MAX;
    sign_again(f);
    if (open_bytes(f, f->bytes.len) != MU_E_INVALID)
        fail_msg("word %zu of section %d was not refused", word, (int)section);
    expect_says(f, says);
    words[word] = was;
    sign_again(f);
}

static void offsets_that_lead_out_of_the_file_are_refused(void **state)
{
    struct fixture *f = *state;
    const size_t row_words = sizeof(struct database_row) / sizeof(uint32_t);
    const size_t flags = offsetof(struct database_row, flags) / sizeof(uint32_t);

    build_small(f);
    for (size_t i = 0; i < row_words; i++)
        if (i != flags)
            expect_refused(f, SECTION_ROWS, i, "a row leads out");
    for (size_t i = 0; i < 4; i++)
        expect_refused(f, SECTION_PACKAGES, i, "a package leads out");
    expect_refused(f, SECTION_SOURCES, 2, "a source leads out");
    expect_refused(f, SECTION_SOURCES, 3, "a source leads out");
    expect_refused(f, SECTION_EVENTS, 1, "an event leads out");
    expect_refused(f, SECTION_FACTS, 0, "a fact leads out");
    expect_refused(f, SECTION_UNKNOWN, 0, "an ecosystem leads out");
    expect_refused(f, SECTION_LISTS, 0, "a list leads out");
}

static void counts_that_do_not_fit_the_file_are_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t *counts;

    build_small(f);
    counts = header_of(f)->counts;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        uint32_t was = counts[i];

        counts[i] = UINT32_MAX;
        sign_again(f);
        assert_int_equal(open_bytes(f, f->bytes.len), MU_E_INVALID);
        expect_says(f, "torn");
        counts[i] = 0;
        sign_again(f);
        assert_int_equal(open_bytes(f, f->bytes.len), MU_E_INVALID);
        counts[i] = was;
    }
}

static void strings_without_their_end_are_refused(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    f->bytes.data[f->bytes.len - DATABASE_CHECKSUM_BYTES - 1] = 'x';
    sign_again(f);
    assert_int_equal(open_bytes(f, f->bytes.len), MU_E_INVALID);
}

/* ---- on the disk ---- */

static void write_file(struct fixture *f, size_t len)
{
    if (mu_file_write_atomic(f->path, f->bytes.data, len, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void a_missing_file_is_named(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(database_open(f->path, &f->database, &f->err), MU_E_NOT_FOUND);
    expect_says(f, f->path);
}

static void a_folder_is_no_database(void **state)
{
    struct fixture *f = *state;

    assert_int_not_equal(database_open(f->folder, &f->database, &f->err), MU_OK);
    expect_says(f, f->folder);
}

static void an_empty_and_a_torn_file_are_named(void **state)
{
    struct fixture *f = *state;

    build_small(f);
    write_file(f, 0);
    assert_int_equal(database_open(f->path, &f->database, &f->err), MU_E_INVALID);
    expect_says(f, f->path);
    write_file(f, f->bytes.len - 1);
    assert_int_equal(database_open(f->path, &f->database, &f->err), MU_E_INVALID);
    expect_says(f, f->path);
}

/* Replacing is a rename: who has the old file open keeps it whole. */
static void an_open_database_outlives_its_replacement(void **state)
{
    struct fixture *f = *state;
    struct database *after = NULL;
    struct database_facts before_facts, after_facts;
    size_t whole;

    build_small(f);
    whole = f->bytes.len;
    write_file(f, whole);
    assert_int_equal(database_open(f->path, &f->database, &f->err), MU_OK);
    header_of(f)->built_at_us += 1;
    sign_again(f);
    write_file(f, whole);
    assert_int_equal(database_open(f->path, &after, &f->err), MU_OK);
    database_facts(f->database, &before_facts);
    database_facts(after, &after_facts);
    assert_int_equal(after_facts.built_at_us, before_facts.built_at_us + 1);
    assert_string_not_equal(after_facts.version, before_facts.version);
    only_row(f, "Debian:12", "openssl");
    database_close(after);
}

static void the_version_is_the_hash_of_the_file(void **state)
{
    struct fixture *f = *state;
    char digest[MU_DIGEST_TEXT_SIZE];
    struct database_facts facts;

    database_build_file(f->builder, "DSA-5532-1");
    open_built(f);
    mu_sha256_text(f->bytes.data, f->bytes.len, digest);
    database_facts(f->database, &facts);
    assert_string_equal(facts.version, digest);
    assert_int_equal(facts.size_bytes, f->bytes.len);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(real_records_are_found_by_release_and_source_package),
            TEST(a_package_of_another_name_or_release_has_no_rows),
            TEST(introduced_0_is_before_every_version),
            TEST(a_range_without_end_has_no_fix),
            TEST(fixed_0_means_never_affected),
            TEST(last_affected_is_itself_affected),
            TEST(events_of_a_range_count_in_version_order),
            TEST(each_of_several_ranges_has_its_own_fix),
            TEST(a_version_that_is_listed_is_affected),
            TEST(a_record_without_summary_shows_its_details),
            TEST(a_long_summary_is_cut_between_characters),
            TEST(severity_of_the_entry_goes_before_that_of_the_record),
            TEST(withdrawn_records_are_counted_and_marked),
            TEST(a_withdrawn_record_may_have_no_affected),
            TEST(of_one_id_the_newest_record_holds_whatever_the_order),
            TEST(a_record_withdrawn_later_takes_its_older_form_away),
            TEST(other_ecosystems_and_git_ranges_are_skipped_and_counted),
            TEST(unknown_times_do_not_make_a_database_new),
            TEST(a_record_without_id_is_refused_by_name),
            TEST(broken_json_is_refused),
            TEST(deep_json_is_refused),
            TEST(members_of_a_wrong_kind_are_passed_over),
            TEST(a_version_too_long_is_refused_and_leaves_nothing_behind),
            TEST(a_range_of_too_many_events_is_refused),
            TEST(a_database_without_a_row_is_not_made),
            TEST(the_same_records_give_the_same_bytes),
            TEST(a_file_cut_anywhere_is_refused),
            TEST(any_flipped_bit_is_noticed),
            TEST(a_file_of_another_kind_is_told_apart),
            TEST(a_file_of_the_other_byte_order_is_refused),
            TEST(offsets_that_lead_out_of_the_file_are_refused),
            TEST(counts_that_do_not_fit_the_file_are_refused),
            TEST(strings_without_their_end_are_refused),
            TEST(a_missing_file_is_named),
            TEST(a_folder_is_no_database),
            TEST(an_empty_and_a_torn_file_are_named),
            TEST(an_open_database_outlives_its_replacement),
            TEST(the_version_is_the_hash_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
