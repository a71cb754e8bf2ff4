#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/check_finders.h"
#include "check/checks.h"

#include "issue_list.h"

#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void ids_are_numbered_in_order_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHECK_COUNT; i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "MUSTER-IMG-%04zu", i + 1);
        assert_string_equal(checks[i].id, id);
        assert_ptr_equal(check_find(id), &checks[i]);
        assert_true(checks[i].title && checks[i].severity && checks[i].source &&
                    checks[i].remediation);
    }
    assert_null(check_find("MUSTER-IMG-9999"));
}

/* ---- entries ---- */

static void look(struct issue_list *list, const char *path, int kind, uint32_t mode)
{
    const struct finder_entry entry = {.path = path,
                                       .path_len = strlen(path),
                                       .kind = kind,
                                       .mode = mode,
                                       .gid = 42,
                                       .size_bytes = 100};
    struct mu_error err;

    assert_int_equal(check_entries_finder.look(&entry, &list->sink, &err), MU_OK);
}

static void rights_that_are_too_wide_are_told_with_mode_and_owner(void **state)
{
    struct issue_list list;

    (void)state;
    issue_list_start(&list);
    look(&list, "usr/bin/su", FINDER_FILE, 04755);
    look(&list, "usr/bin/chage", FINDER_FILE, 02755);
    look(&list, "var/local", FINDER_DIRECTORY, 02775);
    look(&list, "srv/a", FINDER_FILE, 0666);
    look(&list, "srv", FINDER_DIRECTORY, 0777);
    look(&list, "tmp", FINDER_DIRECTORY, 01777);
    look(&list, "bin", FINDER_SYMLINK, 0777);
    look(&list, "dev/null", FINDER_OTHER, 0666);
    assert_string_equal(list.lines.data, "0003 0 mode 4755, owner 0:42\n"
                                         "0003 0 mode 2755, owner 0:42\n"
                                         "0004 0 mode 0666, owner 0:42\n"
                                         "0005 0 mode 0777, owner 0:42\n");
    issue_list_done(&list);
}

static void leftovers_are_told_by_place_and_name(void **state)
{
    static const char *const leftovers[] = {
            "tmp/tool_1.0_amd64.deb",
            "var/cache/apt/archives/a_1_all.deb",
            "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_InRelease",
            "var/cache/apk/APKINDEX.066df28d.tar.gz",
            "var/cache/dnf/base-1/repodata/repomd.xml",
            "opt/tool.rpm",
    };
    static const char *const others[] = {
            "var/lib/apt/lists/lock",   "srv/app.apk", "srv/backup.tar.gz", "etc/os_Release",
            "usr/share/doc/repomd.xml", "deb",
    };
    struct issue_list list;

    (void)state;
    issue_list_start(&list);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        look(&list, others[i], FINDER_FILE, 0644);
    look(&list, "root/.cache", FINDER_DIRECTORY, 0755);
    look(&list, "root/.cache/pip/http", FINDER_FILE, 0644);
    assert_string_equal(list.lines.data, "");
    for (size_t i = 0; i < COUNT_OF(leftovers); i++)
        look(&list, leftovers[i], FINDER_FILE, 0644);
    look(&list, "root/.cache/pip/http-v2", FINDER_DIRECTORY, 0700);
    look(&list, "root/.npm/_cacache", FINDER_DIRECTORY, 0755);
    assert_int_equal(list.count, COUNT_OF(leftovers) + 2);
    issue_list_done(&list);
}

static void servers_of_remote_shells_are_told(void **state)
{
    struct issue_list list;

    (void)state;
    issue_list_start(&list);
    look(&list, "usr/sbin/sshd", FINDER_FILE, 0755);
    look(&list, "usr/sbin/dropbear", FINDER_FILE, 0755);
    look(&list, "usr/bin/ssh", FINDER_FILE, 0755);
    look(&list, "usr/share/sshd", FINDER_FILE, 0644);
    assert_string_equal(list.lines.data, "0015 0 -\n0015 0 -\n");
    issue_list_done(&list);
}

/* ---- files ---- */

static void read_file(const struct finder *finder, struct issue_list *list, const char *path,
                      const char *text)
{
    const struct finder_entry entry = {.path = path,
                                       .path_len = strlen(path),
                                       .kind = FINDER_FILE,
                                       .mode = 0644,
                                       .size_bytes = strlen(text)};
    const struct finder_input input = {
            .path = path, .bytes = (const uint8_t *)text, .len = strlen(text)};
    struct mu_error err;

    if (!finder->wants(&entry))
        fail_msg("%s is not wanted", path);
    assert_int_equal(finder->read(&input, &list->sink, &err), MU_OK);
}

static void accounts_without_password_and_second_roots_are_told(void **state)
{
    struct issue_list list;

    (void)state;
    issue_list_start(&list);
    read_file(
            &check_accounts_finder, &list, "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\n# comment:x\nodd line\nguest::1000:\ntoor:x:0:0::/:\n");
    read_file(&check_accounts_finder, &list, "etc/shadow", "root:*:1::::::\napp::1::::::\n");
    assert_string_equal(list.lines.data,
                        "0012 4 account guest\n0013 5 account toor\n0012 2 account app\n");
    assert_string_equal(list.facts.data, "users=root\nguest\ntoor\n");
    issue_list_done(&list);
}

static void too_many_users_give_no_fact(void **state)
{
    struct issue_list list;
    struct mu_buf text;

    (void)state;
    issue_list_start(&list);
    mu_buf_init(&text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        mu_buf_printf(&text, "user%d:x:%d:\n", i, i + 1);
    read_file(&check_accounts_finder, &list, "etc/passwd", text.data);
    assert_string_equal(list.facts.data, "");
    mu_buf_done(&text);
    issue_list_done(&list);
}

static void rules_of_sudo_without_password_are_told(void **state)
{
    struct issue_list list;

    (void)state;
    issue_list_start(&list);
    read_file(
            &check_sudoers_finder, &list, "etc/sudoers.d/app",
            "# app ALL=(ALL) NOPASSWD: ALL\n  app ALL=(ALL) NOPASSWD: ALL\n%sudo ALL=(ALL) ALL\n");
    assert_string_equal(list.lines.data, "0014 2 app ALL=(ALL) NOPASSWD: ALL\n");
    issue_list_done(&list);
}

struct wanted_case {
    const char *path;
    uint64_t size_bytes;
    bool wanted;
};

static void only_small_texts_outside_of_packages_are_searched(void **state)
{
    static const struct wanted_case cases[] = {
            {"app/.env", 100, true},
            {"app/.env.production", 100, true},
            {"root/.ssh/id_ed25519", 400, true},
            {"root/.docker/config.json", 100, true},
            {"usr/local/etc/app.conf", 100, true},
            {"etc/app/settings.py", 100, true},
            {"app/config.json", 256 * 1024, true},
            {"app/config.json", 256 * 1024 + 1, false},
            {"app/empty.json", 0, false},
            {"app/logo.png", 100, false},
            {"usr/lib/x.conf", 100, false},
            {"app/node_modules/a/key.pem", 100, false},
            {"usr/local/lib/python3.11/a.py", 100, false},
            {"app/tests/server.key", 100, false},
            {"app/server_test.go", 100, false},
            {"usr/local/go/src/a.go", 100, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct finder_entry entry = {.path = cases[i].path,
                                           .path_len = strlen(cases[i].path),
                                           .kind = FINDER_FILE,
                                           .size_bytes = cases[i].size_bytes};

        if (check_secrets_finder.wants(&entry) != cases[i].wanted)
            fail_msg("%s, %llu bytes", cases[i].path, (unsigned long long)cases[i].size_bytes);
    }
}

struct file_case {
    const char *path, *text, *expected;
};

static void credentials_of_tools_are_told_without_themselves(void **state)
{
    static const struct file_case cases[] = {
            /* "app:S3cure-pw" and "app:" in base64 */
            {"root/.docker/config.json",
             "{\"auths\":{\"registry.example\":{\"auth\":\"YXBwOlMzY3VyZS1wdw==\"},"
             "\"b.example\":{\"auth\":\"YXBwOg==\"},\"c.example\":{}},\"credsStore\":\"x\"}",
             "0011 0 credentials of registry registry.example\n"},
            {"root/.docker/config.json",
             "{\"auths\":{\"r.example\":{\"identitytoken\":\"a8Kd03mZ\"}}}",
             "0011 0 credentials of registry r.example\n"},
            {"root/.docker/config.json", "{\"credHelpers\":{\"r.example\":\"x\"}}", ""},
            {"root/.docker/config.json", "{ no JSON at all", ""},
            {"root/.netrc", "machine h.example login me\n password S3cure-pw\n",
             "0011 2 password of machine h.example\n"},
            {"root/.netrc", "machine h.example login me password <password>\n", ""},
            {"etc/apt/auth.conf.d/x.conf", "machine h.example login me password S3cure-pw\n",
             "0011 1 password of machine h.example\n"},
            {"home/a/.pgpass", "# c:o:m:m:ent\ndb.example:5432:*:app:S3cure-pw\n",
             "0011 2 password of database host db.example\n"},
            {"home/a/.pgpass", "db.example:5432:*:app:\n", ""},
            {"root/.npmrc", "//r.example/:_authToken=a8Kd03mZ-q9Xw\n",
             "0011 1 value of _authToken\n"},
            {"root/.npmrc", "//r.example/:_authToken=${NPM_TOKEN}\n", ""},
            {"root/.pypirc", "[pypi]\nusername = a\npassword = S3cure-pw\n",
             "0011 3 value of password\n"},
            {"root/.git-credentials", "https://me:S3cure-pw@git.example\n",
             "0011 1 password in URL of https://me\n"},
            {"etc/pip.conf", "[global]\nindex-url = https://me:S3cure-pw@pypi.example/simple\n",
             "0011 2 password in URL of https://me\n"},
            {"root/.kube/config", "users:\n- name: a\n  user:\n    token: a8Kd03mZq9Xw1Lp7\n",
             "0011 4 value of token\n"},
            {"root/.aws/credentials", "[default]\naws_secret_access_key = \"a8Kd03mZq9Xw1Lp7\"\n",
             "0011 2 value of aws_secret_access_key\n"},
            {"app/password.txt", "password = S3cure-pw and more\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct issue_list list;

        issue_list_start(&list);
        read_file(&check_secrets_finder, &list, cases[i].path, cases[i].text);
        if (strcmp(list.lines.data, cases[i].expected) != 0)
            fail_msg("%s: '%s', not '%s'", cases[i].path, list.lines.data, cases[i].expected);
        issue_list_done(&list);
    }
}

static void one_file_tells_at_most_so_many_secrets(void **state)
{
    struct issue_list list;
    struct mu_buf text;

    (void)state;
    issue_list_start(&list);
    mu_buf_init(&text, 1 << 18);
    for (int i = 0; i < 100; i++)
        mu_buf_puts(&text, "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\n");
    read_file(&check_secrets_finder, &list, "app/a.txt", text.data);
    assert_int_equal(list.count, 32);
    mu_buf_done(&text);
    issue_list_done(&list);
}

static void binary_files_are_not_searched(void **state)
{
    static const char bytes[] = "\0\0npm_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17";
    const struct finder_input input = {
            .path = "app/tool", .bytes = (const uint8_t *)bytes, .len = sizeof(bytes) - 1};
    struct issue_list list;
    struct mu_error err;

    (void)state;
    issue_list_start(&list);
    assert_int_equal(check_secrets_finder.read(&input, &list.sink, &err), MU_OK);
    assert_int_equal(list.count, 0);
    issue_list_done(&list);
}

static void what_the_sink_refuses_ends_the_reading(void **state)
{
    static const char text[] = "machine h login a password S3cure-pw";
    const struct finder_input input = {
            .path = "root/.netrc", .bytes = (const uint8_t *)text, .len = sizeof(text) - 1};
    struct issue_list list;
    struct mu_error err;

    (void)state;
    issue_list_start(&list);
    list.refuse = MU_E_LIMIT;
    assert_int_equal(check_secrets_finder.read(&input, &list.sink, &err), MU_E_LIMIT);
    issue_list_done(&list);
}

static void evidence_is_clean_and_short(void **state)
{
    struct issue_list list;
    struct mu_error err;
    char text[2 * CHECK_EVIDENCE_MAX_BYTES];

    (void)state;
    issue_list_start(&list);
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    text[0] = '\x1b';
    text[1] = '\xff';
    assert_int_equal(check_tell(CHECK_ROOT_USER, text, 7, &list.sink, &err), MU_OK);
    assert_memory_equal(list.lines.data, "0001 7  ?a", 10);
    assert_int_equal(list.lines.len, strlen("0001 7 ") + CHECK_EVIDENCE_MAX_BYTES + 1);
    issue_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(ids_are_numbered_in_order_and_found),
            cmocka_unit_test(rights_that_are_too_wide_are_told_with_mode_and_owner),
            cmocka_unit_test(leftovers_are_told_by_place_and_name),
            cmocka_unit_test(servers_of_remote_shells_are_told),
            cmocka_unit_test(accounts_without_password_and_second_roots_are_told),
            cmocka_unit_test(too_many_users_give_no_fact),
            cmocka_unit_test(rules_of_sudo_without_password_are_told),
            cmocka_unit_test(only_small_texts_outside_of_packages_are_searched),
            cmocka_unit_test(credentials_of_tools_are_told_without_themselves),
            cmocka_unit_test(one_file_tells_at_most_so_many_secrets),
            cmocka_unit_test(binary_files_are_not_searched),
            cmocka_unit_test(what_the_sink_refuses_ends_the_reading),
            cmocka_unit_test(evidence_is_clean_and_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
