/* dotnet_assembly, pe_version: what assemblies say of themselves, and when it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder_told.h"
#include "package/language/language_finders.h"
#include "package/language/pe_version.h"
#include "pe_build.h"

static const struct pe_text json_texts[] = {{"CompanyName", "Somebody"},
                                            {"FileVersion", "13.0.3.27908"},
                                            {"InternalName", "Example.Json.dll"},
                                            {"OriginalFilename", "Example.Json.dll"},
                                            {"ProductVersion", "13.0.3+0a2e291c0d9c0c7675"},
                                            {NULL, NULL}};

/* Reads what pe_build makes of the texts; the packages as one text. */
static void expect_told(bool wide, bool clr, const struct pe_text *texts, const char *packages)
{
    struct told told;
    struct mu_buf file;

    pe_build(&file, wide, clr, texts);
    told_init(&told);
    assert_int_equal(told_read(&told, &finder_dotnet_assembly, "app/x.dll", file.data, file.len),
                     MU_OK);
    assert_string_equal(told.lines.data, packages);
    told_done(&told);
    mu_buf_done(&file);
}

static void an_assembly_is_told_by_its_original_name_and_product_version(void **state)
{
    (void)state;
    expect_told(false, true, json_texts, "nuget Example.Json 13.0.3\n");
    expect_told(true, true, json_texts, "nuget Example.Json 13.0.3\n");
}

static void a_program_without_clr_header_is_none(void **state)
{
    (void)state;
    expect_told(false, false, json_texts, "");
}

static void the_files_version_counts_where_the_products_is_none(void **state)
{
    const struct pe_text texts[] = {{"InternalName", "Lib.exe"},
                                    {"FileVersion", "4.2.0.0"},
                                    {"ProductVersion", "nightly build"},
                                    {NULL, NULL}};
    const struct pe_text unversioned[] = {{"InternalName", "Lib.dll"},
                                          {"FileVersion", "0.0.0.0"},
                                          {"ProductVersion", "0.0.0.0"},
                                          {NULL, NULL}};

    (void)state;
    expect_told(true, true, texts, "nuget Lib 4.2.0.0\n");
    expect_told(true, true, unversioned, "");
}

static void translations_are_left_out(void **state)
{
    const struct pe_text texts[] = {
            {"OriginalFilename", "Lib.resources.dll"}, {"ProductVersion", "1.0.0"}, {NULL, NULL}};

    (void)state;
    expect_told(true, true, texts, "");
    assert_false(told_wants(&finder_dotnet_assembly, "app/de/Lib.resources.dll"));
    assert_true(told_wants(&finder_dotnet_assembly, "app/Lib.DLL"));
}

/* Each byte of headers and resource changed, one at a time: no fault, and nothing that is no text.
 */
static void no_changed_byte_leads_out_of_the_file(void **state)
{
    struct mu_buf file;
    struct pe_version version;
    struct exe_image image;

    (void)state;
    pe_build(&file, true, true, json_texts);
    for (size_t at = 0; at < 0x600; at++) {
        char was = file.data[at];

        for (int bit = 0; bit < 8; bit++) {
            file.data[at] = (char)(was ^ 1 << bit);
            if (exe_images((const uint8_t *)file.data, file.len, &image, 1) == 1 &&
                pe_version_read(&image, &version))
                assert_true(strlen(version.product_version) < PE_TEXT_MAX_BYTES);
        }
        file.data[at] = was;
    }
    for (size_t len = 0; len < file.len; len += 3) {
        if (exe_images((const uint8_t *)file.data, len, &image, 1) == 1)
            (void)pe_version_read(&image, &version);
    }
    mu_buf_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_assembly_is_told_by_its_original_name_and_product_version),
            cmocka_unit_test(a_program_without_clr_header_is_none),
            cmocka_unit_test(the_files_version_counts_where_the_products_is_none),
            cmocka_unit_test(translations_are_left_out),
            cmocka_unit_test(no_changed_byte_leads_out_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
