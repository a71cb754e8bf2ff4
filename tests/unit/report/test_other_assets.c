#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assets/other_assets.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const struct system_file moderate = {.impact_level = "Moderate"};
static const struct system_file high = {.impact_level = "High"};

#define HEADER                                                                                     \
    "UNIQUE ASSET IDENTIFIER,IPv4 or IPv6 Address,Virtual,Public,Authenticated Scan,Baseline "     \
    "Configuration Name,OS Name and Version,Asset Type,In Latest Scan,Diagram Label,Function,End-" \
    "of-Life\n"
#define HOST "10.0.0.1,Yes,No,Yes,CIS Level 2,Debian 12,Server,Yes,Node,Runs pods,6/30/2028\n"

static const char yaml_host[] = "- unique_asset_identifier: node-1\n"
                                "  address: 10.0.0.1\n"
                                "  virtual: Yes\n"
                                "  public: No\n"
                                "  authenticated_scan: Yes\n"
                                "  Baseline Configuration Name: CIS Level 2\n"
                                "  os: Debian 12\n"
                                "  asset_type: Server\n"
                                "  in_latest_scan: Yes\n"
                                "  diagram_label: Node\n"
                                "  function: Runs pods\n";

static enum mu_status parse(const char *path, const char *text, const struct system_file *system,
                            struct other_assets *ret_assets, struct mu_error *err)
{
    return other_assets_parse(path, text, strlen(text), system, ret_assets, err);
}

static void assets_come_sorted_with_their_lines(void **state)
{
    struct other_assets assets;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("hosts.csv", "\xef\xbb\xbf" HEADER "node-2," HOST "\nnode-1," HOST,
                           &moderate, &assets, &err),
                     MU_OK);
    assert_int_equal(assets.count, 2);
    assert_string_equal(assets.assets[0].row.cells[COLUMN_UAI], "node-1");
    assert_string_equal(assets.assets[0].row.cells[COLUMN_END_OF_LIFE], "6/30/2028");
    assert_int_equal(assets.assets[0].line, 4);
    assert_int_equal(assets.assets[1].line, 2);
    other_assets_done(&assets);
}

static void lines_may_end_as_on_windows_and_cells_hold_several(void **state)
{
    struct other_assets assets;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("hosts.csv",
                           "unique_asset_identifier,address,virtual,public,"
                           "baseline_configuration_name,software_vendor,software_name_version,"
                           "diagram_label,function\r\n"
                           "db-1,\"10.0.0.1\n10.0.0.2\",Yes,No,STIG,Open Source,PostgreSQL "
                           "15,DB,Data\r\n"
                           "db-2,10.0.0.3,Yes,No,STIG,Open Source,PostgreSQL 15,DB,Data\r\n",
                           &moderate, &assets, &err),
                     MU_OK);
    assert_string_equal(assets.assets[0].row.cells[COLUMN_ADDRESS], "10.0.0.1\n10.0.0.2");
    assert_string_equal(assets.assets[1].row.cells[COLUMN_FUNCTION], "Data");
    assert_int_equal(assets.assets[1].line, 4);
    other_assets_done(&assets);
}

static void yaml_is_read_by_keys_and_headers(void **state)
{
    struct other_assets assets;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("hosts.yaml", yaml_host, &moderate, &assets, &err), MU_OK);
    assert_int_equal(assets.count, 1);
    assert_string_equal(assets.assets[0].row.cells[COLUMN_BASELINE], "CIS Level 2");
    assert_string_equal(assets.assets[0].row.cells[COLUMN_VIRTUAL], "Yes");
    other_assets_done(&assets);
}

static void every_mistake_is_named_with_line_and_column(void **state)
{
    static const struct {
        const char *path, *text, *says;
    } cases[] = {
            {"a.csv", "", "a.csv: is empty"},
            {"a.csv", "Colour\n", "a.csv:1: 'Colour' is no column"},
            {"a.csv", "Virtual,virtual\n", "a.csv:1: 'virtual' stands there twice"},
            {"a.csv", HEADER "node-1,1\n", "a.csv:2: has 2 columns, the header 12"},
            {"a.csv", HEADER "," HOST, "a.csv:2: 'UNIQUE ASSET IDENTIFIER' is mandatory"},
            {"a.csv", HEADER "n/a," HOST, "a.csv:2: 'UNIQUE ASSET IDENTIFIER' says 'n/a'"},
            {"a.csv", HEADER "n,10.0.0.1,yes,No,Yes,C,D,S,Yes,N,R,\n",
             "a.csv:2: 'Virtual' must be"},
            {"a.csv", HEADER "n,10.0.0.1,Yes,No,Yes,C,D,S,Yes,N,R,2028-06-30\n", "m/d/yyyy"},
            {"a.csv", HEADER "n,10.0.0.1,Yes,No,Yes,C,D,S,Yes,N,R,2/29/2027\n", "m/d/yyyy"},
            {"a.csv", HEADER "n,10.0.0.1,No,No,Yes,C,D,S,Yes,N,R,\n", "'Hardware Make/Model' is"},
            {"a.csv", HEADER "n,10.0.0.1,No,No,Yes,C,D,,Yes,N,R,\n", "must be blank for software"},
            {"a.csv", HEADER "n," HOST "m," HOST "n," HOST,
             "a.csv:4: 'UNIQUE ASSET IDENTIFIER' 'n' "
             "stands in line 2 too"},
            {"a.csv", HEADER "\"n", "a.csv: row 2 is torn"},
            {"a.csv", HEADER "n\xff," HOST, "is not UTF-8"},
            {"a.yaml", "name: x\n", "a.yaml: must be a list"},
            {"a.yaml", "- x\n", "a.yaml:1: 'an asset' must be a mapping"},
            {"a.yaml", "- os: x\n  colour: red\n", "a.yaml:2: 'colour' is no column"},
            {"a.yaml", "- os: x\n  OS Name and Version: y\n",
             "a.yaml:2: 'OS Name and Version' stands"},
            {"a.yml", "- public: No\n  os: [1]\n", "a.yml:2: 'os'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct other_assets assets;
        struct mu_error err;

        if (parse(cases[i].path, cases[i].text, &moderate, &assets, &err) == MU_OK ||
            !strstr(err.message, cases[i].says) || !mu_text_starts(err.message, cases[i].path))
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void a_high_system_names_its_administrators(void **state)
{
    struct other_assets assets;
    struct mu_error err;

    (void)state;
    assert_int_equal(parse("hosts.yaml", yaml_host, &high, &assets, &err), MU_E_INVALID);
    assert_non_null(
            strstr(err.message, "hosts.yaml:1: 'System Administrator/ Owner' is mandatory"));
}

static void no_file_is_no_assets(void **state)
{
    struct other_assets assets;
    struct mu_error err;

    (void)state;
    assert_int_equal(other_assets_read("", &moderate, &assets, &err), MU_OK);
    assert_int_equal(assets.count, 0);
    other_assets_done(&assets);
    assert_int_equal(other_assets_read("/nonexistent.csv", &moderate, &assets, &err),
                     MU_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(assets_come_sorted_with_their_lines),
            cmocka_unit_test(lines_may_end_as_on_windows_and_cells_hold_several),
            cmocka_unit_test(yaml_is_read_by_keys_and_headers),
            cmocka_unit_test(every_mistake_is_named_with_line_and_column),
            cmocka_unit_test(a_high_system_names_its_administrators),
            cmocka_unit_test(no_file_is_no_assets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
