#include "identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Ids are written into databases and files: these must never change. */
static void ids_are_what_they_always_were(void **state)
{
    struct asset_name asset;
    char id[MU_UUID_TEXT_SIZE];

    (void)state;
    identity_asset("registry.example/app", "1.0", DIGEST, &asset);
    assert_string_equal(asset.asset_id, "f6b78958-eae3-8b9e-8ed1-b3f445b4bd50");
    identity_event("/src", "e1", id);
    assert_string_equal(id, "b165128b-99ae-8119-8778-5ee96963011a");
    identity_instance("prod", "uid", "main", id);
    assert_string_equal(id, "54dc0582-4403-8ba0-abbd-0c26105316b5");
    identity_job("registry.example/app", DIGEST, id);
    assert_string_equal(id, "85be636c-29a9-8090-b73b-0263175ff9fe");
    identity_request("job", 1, id);
    assert_string_equal(id, "eb2bc250-6a57-8ef9-99fa-31a688bb23ad");
}

static void a_tagged_asset_is_the_same_whatever_its_digest(void **state)
{
    struct asset_name one, two;

    (void)state;
    identity_asset("registry.example/app", "1.0", DIGEST, &one);
    identity_asset("registry.example/app", "1.0", NULL, &two);
    assert_string_equal(one.asset_id, two.asset_id);
    assert_string_equal(one.uai, "registry.example/app:1.0");
}

static void an_asset_without_a_tag_is_called_by_its_digest(void **state)
{
    struct asset_name none, empty;

    (void)state;
    identity_asset("registry.example/app", NULL, DIGEST, &none);
    identity_asset("registry.example/app", "", DIGEST, &empty);
    assert_string_equal(none.uai, "registry.example/app@" DIGEST);
    assert_string_equal(none.asset_id, empty.asset_id);
    assert_false(none.floating);
}

static void tags_and_repositories_make_different_assets(void **state)
{
    struct asset_name one, tag, repository;

    (void)state;
    identity_asset("registry.example/app", "1.0", NULL, &one);
    identity_asset("registry.example/app", "1.1", NULL, &tag);
    identity_asset("registry.example/app2", "1.0", NULL, &repository);
    assert_string_not_equal(one.asset_id, tag.asset_id);
    assert_string_not_equal(one.asset_id, repository.asset_id);
}

static void only_tags_that_are_meant_to_move_float(void **state)
{
    struct asset_name name;

    (void)state;
    identity_asset("registry.example/app", "latest", NULL, &name);
    assert_true(name.floating);
    identity_asset("registry.example/app", "1.2.3", NULL, &name);
    assert_false(name.floating);
}

/* ("ab", "c") and ("a", "bc") are two things. */
static void parts_of_an_id_do_not_run_together(void **state)
{
    char one[MU_UUID_TEXT_SIZE], two[MU_UUID_TEXT_SIZE];

    (void)state;
    identity_event("/ab", "c", one);
    identity_event("/a", "bc", two);
    assert_string_not_equal(one, two);
}

static void every_issue_of_a_job_is_a_request_of_its_own(void **state)
{
    char one[MU_UUID_TEXT_SIZE], two[MU_UUID_TEXT_SIZE];

    (void)state;
    identity_request("job", 1, one);
    identity_request("job", 2, two);
    assert_string_not_equal(one, two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(ids_are_what_they_always_were),
            cmocka_unit_test(a_tagged_asset_is_the_same_whatever_its_digest),
            cmocka_unit_test(an_asset_without_a_tag_is_called_by_its_digest),
            cmocka_unit_test(tags_and_repositories_make_different_assets),
            cmocka_unit_test(only_tags_that_are_meant_to_move_float),
            cmocka_unit_test(parts_of_an_id_do_not_run_together),
            cmocka_unit_test(every_issue_of_a_job_is_a_request_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
