#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/commands.h"
#include "base/file.h"
#include "match/package_line.h"
#include "match/rematch.h"
#include "match_stage.h"

#include <unistd.h>

static const struct image_os no_os;
static const struct image_os debian = {.found = true, .id = "debian", .version_id = "12"};

/* A database of its own, beside that of the stage. */
struct other {
    struct builder *builder;
    struct mu_buf bytes;
    struct database *database;
};

static void other_add(struct other *other, const char *id, const char *ecosystem,
                      const char *package, const char *fixed)
{
    char json[1024];

    if (!other->builder)
        other->builder = builder_new();
    (void)snprintf(json, sizeof(json),
                   "{\"id\":\"%s\",\"affected\":[{\"package\":{\"ecosystem\":\"%s\",\"name\":"
                   "\"%s\"},\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{\"introduced\":\"0\"},"
                   "{\"fixed\":\"%s\"}]}]}],\"aliases\":[\"CVE-2026-%s\"]}",
                   id, ecosystem, package, fixed, id + 2);
    database_build_add(other->builder, json);
}

static void other_open(struct other *other)
{
    other->database = database_build_open(other->builder, &other->bytes);
}

static void other_done(struct other *other)
{
    database_close(other->database);
    mu_buf_done(&other->bytes);
}

static void only_what_is_new_changed_or_gone_differs(void **state)
{
    struct match_stage *f = *state;
    MU_AUTO(change_set) struct change_set *set = NULL;
    struct other before = {0}, after = {0};

    other_add(&before, "X-1", "npm", "same", "2");
    other_add(&before, "X-2", "npm", "changed", "2");
    other_add(&before, "X-3", "npm", "gone", "2");
    other_add(&after, "X-4", "Go", "new", "2");
    other_add(&after, "X-2", "npm", "changed", "3");
    other_add(&after, "X-1", "npm", "same", "2");
    other_open(&before);
    other_open(&after);
    assert_int_equal(change_set_new(before.database, after.database, &set, &f->err), MU_OK);
    assert_int_equal(change_set_count(set), 3);
    assert_false(change_set_has(set, "npm", "same"));
    assert_true(change_set_has(set, "npm", "changed"));
    assert_true(change_set_has(set, "npm", "gone"));
    assert_true(change_set_has(set, "Go", "new"));
    assert_false(change_set_has(set, "Go", "gone"));
    other_done(&before);
    other_done(&after);
}

static void add_fact(struct builder *builder, const char *kev, uint32_t epss)
{
    const struct builder_fact fact = {
            .cve = "CVE-2026-1", .kev_added = kev, .has_epss = true, .epss_millionths = epss};
    struct mu_error err;

    assert_int_equal(builder_add_fact(builder, &fact, &err), MU_OK);
}

/* EPSS moves daily for every CVE: it makes no package worth judging again. KEV does. */
static void kev_makes_a_change_and_epss_does_not(void **state)
{
    struct match_stage *f = *state;
    struct other databases[3] = {{0}};
    MU_AUTO(change_set) struct change_set *moved = NULL, *listed = NULL;

    for (size_t i = 0; i < 3; i++) {
        other_add(&databases[i], "X-1", "npm", "p", "2");
        add_fact(databases[i].builder, i == 2 ? "2026-01-01" : NULL, (uint32_t)i);
        other_open(&databases[i]);
    }
    assert_int_equal(change_set_new(databases[0].database, databases[1].database, &moved, &f->err),
                     MU_OK);
    assert_int_equal(change_set_new(databases[1].database, databases[2].database, &listed, &f->err),
                     MU_OK);
    assert_int_equal(change_set_count(moved), 0);
    assert_int_equal(change_set_count(listed), 1);
    for (size_t i = 0; i < 3; i++)
        other_done(&databases[i]);
}

static enum mu_status judge(struct match_stage *f, struct rematch *rematch,
                            const struct image_os *os, struct image_package package)
{
    return rematch_package(rematch, os, &package, &f->result, &f->err);
}

static void with_changes_only_the_packages_they_name_are_judged(void **state)
{
    struct match_stage *f = *state;
    struct other before = {0}, after = {0};
    MU_AUTO(change_set) struct change_set *set = NULL;
    MU_AUTO(rematch) struct rematch *rematch = NULL;

    other_add(&before, "X-1", "npm", "same", "2");
    other_add(&before, "X-2", "Debian:12", "src", "2");
    other_add(&after, "X-1", "npm", "same", "2");
    other_add(&after, "X-2", "Debian:12", "src", "3");
    other_open(&before);
    other_open(&after);
    assert_int_equal(change_set_new(before.database, after.database, &set, &f->err), MU_OK);
    f->rules.database = after.database;
    rematch = rematch_new(&f->rules, set);
    assert_int_equal(judge(f, rematch, &no_os,
                           (struct image_package){.type = "npm", .name = "same", .version = "1"}),
                     MU_END);
    assert_int_equal(judge(f, rematch, &no_os,
                           (struct image_package){.type = "npm", .name = "none", .version = "1"}),
                     MU_END);
    assert_int_equal(judge(f, rematch, &debian,
                           (struct image_package){.type = "deb",
                                                  .name = "bin",
                                                  .version = "9",
                                                  .source_name = "src",
                                                  .source_version = "2"}),
                     MU_OK);
    assert_string_equal(match_stage_only(f)->fixed_version, "3");
    /* One that is fixed by now is told too: what was found before does not hold. */
    assert_int_equal(judge(f, rematch, &debian,
                           (struct image_package){.type = "deb",
                                                  .name = "bin",
                                                  .version = "9",
                                                  .source_name = "src",
                                                  .source_version = "3"}),
                     MU_OK);
    assert_int_equal(f->result.finding_count, 0);
    other_done(&before);
    other_done(&after);
}

static void without_changes_every_package_is_judged(void **state)
{
    struct match_stage *f = *state;
    struct other database = {0};
    MU_AUTO(rematch) struct rematch *rematch = NULL;

    other_add(&database, "X-1", "npm", "p", "2");
    other_open(&database);
    f->rules.database = database.database;
    rematch = rematch_new(&f->rules, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(judge(f, rematch, &no_os,
                               (struct image_package){.type = "npm", .name = "p", .version = "1"}),
                         MU_OK);
        assert_string_equal(match_stage_only(f)->id, "CVE-2026-1");
    }
    other_done(&database);
}

/* ---- lines ---- */

static enum mu_status read_line(struct match_stage *f, const char *text, struct package_line *line)
{
    return package_line_read(text, strlen(text), f->arena, line, &f->err);
}

static void a_line_names_a_package_by_purl_or_by_members(void **state)
{
    struct match_stage *f = *state;
    struct package_line line;

    assert_int_equal(read_line(f, "{\"purl\":\"pkg:npm/%40s/p@1\",\"key\":\"k\"}", &line), MU_OK);
    assert_string_equal(line.package.name, "@s/p");
    assert_string_equal(line.key, "k");
    package_line_done(&line);
    assert_int_equal(read_line(f,
                               "{\"type\":\"deb\",\"name\":\"a\",\"version\":\"1\",\"source_name\":"
                               "\"s\",\"os\":{\"id\":\"debian\",\"version_id\":\"12\"}}",
                               &line),
                     MU_OK);
    assert_string_equal(line.package.source_name, "s");
    assert_true(line.os.found);
    assert_string_equal(line.os.version_id, "12");
    package_line_done(&line);
}

static void a_line_that_names_none_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "{\"type\":\"npm\",\"name\":\"a\"}",
                                        "{\"purl\":\"pkg:npm/a\"}",
                                        "{\"purl\":\"npm\"}"};
    struct match_stage *f = *state;
    struct package_line line = {.key = "untouched"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (read_line(f, wrong[i], &line) != MU_E_INVALID)
            fail_msg("'%s' was not refused", wrong[i]);
        assert_string_equal(line.key, "untouched");
    }
}

/* ---- the command ---- */

static void put_file(struct match_stage *f, const char *path, const void *bytes, size_t len)
{
    if (mu_file_write_atomic(path, bytes, len, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void the_command_tells_usage_from_refused_lines(void **state)
{
    struct match_stage *f = *state;
    char folder[] = "/tmp/test-rematch-XXXXXX", database[64], list[64];
    struct match_config config = {.database = database};
    char *arguments[] = {list, list};

    assert_non_null(mkdtemp(folder));
    (void)snprintf(database, sizeof(database), "%s/v.db", folder);
    (void)snprintf(list, sizeof(list), "%s/list", folder);
    match_stage_osv(f, "X-1", "npm", "p", "{\"introduced\":\"0\"}", "");
    match_stage_open(f);
    assert_int_equal(match_command(&config, 0, arguments), MU_EXIT_USAGE); /* no database */
    put_file(f, database, f->bytes.data, f->bytes.len);
    assert_int_equal(match_command(&config, 2, arguments), MU_EXIT_USAGE);
    assert_int_equal(match_command(&config, 1, arguments), MU_EXIT_FAILURE); /* no list */
    put_file(f, list, "{\"purl\":\"pkg:npm/p@1\"}\n\n", 25);
    assert_int_equal(match_command(&config, 1, arguments), MU_EXIT_OK);
    config.previous = database;
    assert_int_equal(match_command(&config, 1, arguments), MU_EXIT_OK);
    put_file(f, list, "{}\n", 3);
    assert_int_equal(match_command(&config, 1, arguments), MU_EXIT_DIFFERENCE);
    (void)unlink(database);
    (void)unlink(list);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            MATCH_STAGE_TEST(only_what_is_new_changed_or_gone_differs),
            MATCH_STAGE_TEST(kev_makes_a_change_and_epss_does_not),
            MATCH_STAGE_TEST(with_changes_only_the_packages_they_name_are_judged),
            MATCH_STAGE_TEST(without_changes_every_package_is_judged),
            MATCH_STAGE_TEST(a_line_names_a_package_by_purl_or_by_members),
            MATCH_STAGE_TEST(a_line_that_names_none_is_refused),
            MATCH_STAGE_TEST(the_command_tells_usage_from_refused_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
