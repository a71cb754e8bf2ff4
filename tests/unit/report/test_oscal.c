#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oscal/oscal.h"

#include "bundle_build.h"

static int set_up(void **state)
{
    struct world *world = mu_xcalloc(1, sizeof(*world));

    world_init(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_done(*state);
    free(*state);
    return 0;
}

static void write_ok(struct world *world)
{
    struct bundle_counts counts;
    struct mu_error err;

    if (world_write(world, 0, &counts, &err) != MU_OK)
        fail_msg("%s", err.message);
}

static void a_text_is_one_line_without_blanks_at_its_ends(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {{"plain", "plain"},
                 {"  two\r\n\tlines \x01\x7f end  ", "two lines end"},
                 {"\xc2\xa0wide\xe2\x80\xa8"
                  "blanks\xe3\x80\x80\xef\xbb\xbf",
                  "wide blanks"},
                 {" \n\t", ""},
                 {"", ""},
                 {NULL, ""},
                 {"\xc3\xa9t\xc3\xa9 \xe2\x82\xac", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac"}};
    struct oscal oscal = {.out = NULL};

    (void)state;
    mu_buf_init(&oscal.line, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(oscal_line(&oscal, cases[i].text), cases[i].line);
    mu_buf_done(&oscal.line);
}

static const json_t *of_asset(const json_t *list, const char *uai)
{
    const json_t *one, *prop;
    size_t i, p;

    json_array_foreach (list, i, one)
        json_array_foreach (json_object_get(one, "props"), p, prop)
            if (strcmp(mu_json_text_at(prop, "name"), "asset-id") == 0 &&
                strcmp(mu_json_text_at(prop, "value"), uai) == 0)
                return one;
    return NULL;
}

static void an_asset_implements_a_component_for_each_image(void **state)
{
    struct world *world = *state;
    const json_t *local, *asset, *image;
    json_t *poam;

    write_ok(world);
    poam = world_json(world, BUNDLE_OSCAL_POAM);
    local = mu_json_at(poam, "plan-of-action-and-milestones.local-definitions");
    asset = of_asset(json_object_get(local, "inventory-items"), UAI_A);
    assert_non_null(asset);
    assert_int_equal(json_array_size(json_object_get(asset, "implemented-components")), 2);
    image = of_asset(json_object_get(local, "components"), UAI_A "@" DIGEST("2"));
    assert_non_null(image);
    assert_string_equal(mu_json_text_at(asset, "implemented-components.1.component-uuid"),
                        mu_json_text_at(image, "uuid"));
    json_decref(poam);
}

static void an_image_of_which_no_digest_is_known_is_no_component(void **state)
{
    struct world *world = *state;
    json_t *definition;

    world->inventory[3].manifest_digest = NULL;
    write_ok(world);
    definition = world_json(world, BUNDLE_OSCAL_COMPONENT);
    assert_int_equal(json_array_size(mu_json_at(definition, "component-definition.components")), 3);
    json_decref(definition);
}

static void a_month_without_items_has_no_poam_and_one_without_images_no_components(void **state)
{
    struct world *world = *state;
    json_t *definition;

    world->inventory_count = world->instance_count = world->total_count = 0;
    world->no_findings = true;
    write_ok(world);
    assert_int_equal(access(world_path(world, BUNDLE_OSCAL_POAM), F_OK), -1);
    definition = world_json(world, BUNDLE_OSCAL_COMPONENT);
    assert_null(mu_json_at(definition, "component-definition.components"));
    json_decref(definition);
}

static void a_failure_of_detection_is_an_item_until_it_is_over(void **state)
{
    struct world *world = *state;
    json_t *poam;

    write_ok(world);
    poam = world_json(world, BUNDLE_OSCAL_POAM);
    assert_int_equal(json_array_size(mu_json_at(poam, "plan-of-action-and-milestones.poam-items")),
                     6);
    json_decref(poam);
}

static void one_that_is_over_is_none(void **state)
{
    struct world *world = *state;
    json_t *poam;

    world->failures[0].closed_at = "2026-11-11T00:00:00.000000Z";
    write_ok(world);
    poam = world_json(world, BUNDLE_OSCAL_POAM);
    assert_int_equal(json_array_size(mu_json_at(poam, "plan-of-action-and-milestones.poam-items")),
                     5);
    json_decref(poam);
}

static void there_is_none_where_the_system_file_says_no(void **state)
{
    struct world *world = *state;

    world->system.oscal = "No";
    write_ok(world);
    assert_int_equal(access(world_path(world, "oscal"), F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_text_is_one_line_without_blanks_at_its_ends),
            TEST(an_asset_implements_a_component_for_each_image),
            TEST(an_image_of_which_no_digest_is_known_is_no_component),
            TEST(a_month_without_items_has_no_poam_and_one_without_images_no_components),
            TEST(a_failure_of_detection_is_an_item_until_it_is_over),
            TEST(one_that_is_over_is_none),
            TEST(there_is_none_where_the_system_file_says_no),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
