#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/commands.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const documents[][2] = {
        {"osv.json",
         "{\"id\":\"GHSA-1\",\"modified\":\"2026-01-02T03:04:05Z\",\"aliases\":["
         "\"CVE-2026-1\"],\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":"
         "\"p\"},\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"0\"},"
         "{\"fixed\":\"2\"}]}]},{\"package\":{\"ecosystem\":\"Plan 9\",\"name\":\"p\"}}]}"},
        {"epss.csv", "cve,epss,percentile\nCVE-2026-1,0.5,0.9\n"},
        {"secdb.json", "{\"distroversion\":\"v3.20\",\"packages\":[{\"pkg\":{\"name\":\"a\","
                       "\"secfixes\":{\"2-r0\":[\"CVE-2026-2\"]}}}]}"}};
enum { DOCUMENTS = sizeof(documents) / sizeof(documents[0]) };

struct fixture {
    char folder[64], paths[DOCUMENTS][96], first[96], second[96], sources[96];
    struct db_config config;
    struct mu_error err;
};

static void put(struct fixture *f, const char *path, const void *bytes, size_t len)
{
    if (mu_file_write_atomic(path, bytes, len, &f->err) != MU_OK)
        fail_msg("%s", f->err.message);
}

static void drop(const char *path)
{
    if (!path || unlink(path) != 0)
        fail_msg("it was not there");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/test-db-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->first, sizeof(f->first), "%s/1.db", f->folder);
    (void)snprintf(f->second, sizeof(f->second), "%s/2.db", f->folder);
    (void)snprintf(f->sources, sizeof(f->sources), "%s/sources", f->folder);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        (void)snprintf(f->paths[i], sizeof(f->paths[i]), "%s/%s", f->folder, documents[i][0]);
        put(f, f->paths[i], documents[i][1], strlen(documents[i][1]));
    }
    f->config = (struct db_config){
            .out = f->first, .database = f->first, .format = "text", .sources = f->sources};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"1.db",
                                        "2.db",
                                        "sources",
                                        "osv.json",
                                        "epss.csv",
                                        "secdb.json",
                                        "feeds/data/osv.json",
                                        "feeds/state/osv.json.json",
                                        "feeds/data",
                                        "feeds/state",
                                        "feeds",
                                        ""};
    char path[160];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    free(f);
    return 0;
}

static int db(struct fixture *f, const char *part, const char *argument)
{
    char words[2][128];
    char *arguments[] = {words[0], words[1]};

    (void)snprintf(words[0], sizeof(words[0]), "%s", part);
    (void)snprintf(words[1], sizeof(words[1]), "%s", argument ? argument : "");
    return db_command(&f->config, argument ? 2 : 1, arguments);
}

static int build(struct fixture *f, const char *out)
{
    char word[] = "build";
    char *arguments[] = {word, f->paths[0], f->paths[1], f->paths[2]};

    f->config.out = out;
    return db_command(&f->config, 4, arguments);
}

static void same_inputs_and_time_give_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct mu_buf one, two;

    f->config.built_at = "2026-11-25T00:00:00Z";
    assert_int_equal(build(f, f->first), MU_EXIT_OK);
    assert_int_equal(build(f, f->second), MU_EXIT_OK);
    mu_buf_init(&one, 1 << 20);
    mu_buf_init(&two, 1 << 20);
    assert_int_equal(mu_file_read(f->first, &one, &f->err), MU_OK);
    assert_int_equal(mu_file_read(f->second, &two, &f->err), MU_OK);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    mu_buf_done(&one);
    mu_buf_done(&two);
}

static void info_and_verify_tell_a_whole_file_from_a_damaged_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(build(f, f->first), MU_EXIT_OK);
    assert_int_equal(db(f, "info", f->first), MU_EXIT_OK);
    f->config.format = "json";
    assert_int_equal(db(f, "info", f->first), MU_EXIT_OK);
    f->config.format = "xml";
    assert_int_equal(db(f, "info", f->first), MU_EXIT_USAGE);
    f->config.format = "text";
    assert_int_equal(db(f, "verify", f->first), MU_EXIT_OK);
    put(f, f->first, "MUVULNDB", 8);
    assert_int_equal(db(f, "verify", f->first), MU_EXIT_DIFFERENCE);
    assert_int_equal(db(f, "info", f->first), MU_EXIT_FAILURE);
    assert_int_equal(db(f, "verify", f->second), MU_EXIT_FAILURE); /* not there */
}

static void query_answers_or_says_why_not(void **state)
{
    static const struct {
        const char *purl;
        int code;
    } rows[] = {{"pkg:npm/p@1", MU_EXIT_OK},
                {"pkg:npm/unknown@1", MU_EXIT_OK},
                {"pkg:apk/alpine/a@1-r0?distro=alpine-3.20.1", MU_EXIT_OK},
                {"pkg:apk/alpine/a@1-r0?distro=alpine-3.19.1", MU_EXIT_DIFFERENCE},
                {"pkg:apk/alpine/a@1-r0", MU_EXIT_USAGE},
                {"pkg:pypi/p@1", MU_EXIT_DIFFERENCE},
                {"pkg:npm/p", MU_EXIT_USAGE},
                {"npm/p@1", MU_EXIT_USAGE}};
    struct fixture *f = *state;

    assert_int_equal(build(f, f->first), MU_EXIT_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (db(f, "query", rows[i].purl) != rows[i].code)
            fail_msg("%s does not end with %d", rows[i].purl, rows[i].code);
}

static void a_build_that_fails_leaves_the_old_file(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(build(f, f->first), MU_EXIT_OK);
    put(f, f->paths[1], "what is this", 12);
    assert_int_equal(build(f, f->first), MU_EXIT_FAILURE);
    assert_int_equal(db(f, "verify", f->first), MU_EXIT_OK);
}

static void update_builds_from_sources_and_says_when_one_failed(void **state)
{
    struct fixture *f = *state;
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "{\"folder\":\"%s/feeds\",\"sources\":[{\"name\":\"osv.json\",\"url\":"
                       "\"file://%s\",\"kind\":\"osv\"}]}",
                       f->folder, f->paths[0]);

    assert_int_equal(db(f, "update", NULL), MU_EXIT_USAGE); /* no list of sources */
    put(f, f->sources, text, (size_t)len);
    assert_int_equal(db(f, "update", NULL), MU_EXIT_OK);
    assert_int_equal(db(f, "verify", f->first), MU_EXIT_OK);
    drop(f->paths[0]);
    assert_int_equal(db(f, "update", NULL), MU_EXIT_DIFFERENCE);
    assert_int_equal(db(f, "query", "pkg:npm/p@1"), MU_EXIT_OK);
    assert_int_equal(db(f, "nothing", NULL), MU_EXIT_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(same_inputs_and_time_give_the_same_bytes),
            TEST(info_and_verify_tell_a_whole_file_from_a_damaged_one),
            TEST(query_answers_or_says_why_not),
            TEST(a_build_that_fails_leaves_the_old_file),
            TEST(update_builds_from_sources_and_says_when_one_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
