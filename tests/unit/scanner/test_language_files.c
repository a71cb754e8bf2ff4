#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder_told.h"
#include "package/language/language_finders.h"

static void expect(const struct finder *finder, const char *path, const char *text,
                   enum mu_status status, const char *lines)
{
    struct told told;

    told_init(&told);
    assert_int_equal(told_read(&told, finder, path, text, strlen(text)), status);
    assert_string_equal(told.lines.data, lines);
    told_done(&told);
}

/* ---- Ruby ---- */

static void gemspecs_are_wanted_below_specifications(void **state)
{
    (void)state;
    assert_true(
            told_wants(&finder_ruby_gemspec, "usr/lib/ruby/gems/3.1.0/specifications/a.gemspec"));
    assert_true(told_wants(&finder_ruby_gemspec, "g/specifications/default/json-2.6.gemspec"));
    assert_false(told_wants(&finder_ruby_gemspec, "g/gems/json-2.6/json.gemspec"));
    assert_false(told_wants(&finder_ruby_gemspec, "g/specifications/a.gemspec.bak"));
}

static void the_stub_line_of_an_installed_gem_counts(void **state)
{
    (void)state;
    expect(&finder_ruby_gemspec, "specifications/nokogiri-1.13.9-x86_64-linux.gemspec",
           "# -*- encoding: utf-8 -*-\n"
           "# stub: nokogiri 1.13.9 x86_64-linux lib\n"
           "# stub: ext/nokogiri/extconf.rb\n\n"
           "Gem::Specification.new do |s|\n"
           "  s.name = \"nokogiri\".freeze\n"
           "  s.licenses = [\"MIT\".freeze]\n",
           MU_OK, "gem nokogiri 1.13.9 =MIT\n");
}

static void assignments_name_a_gem_without_a_stub(void **state)
{
    (void)state;
    expect(&finder_ruby_gemspec, "specifications/x.gemspec",
           "Gem::Specification.new do |s|\n  s.name = 'rake'\n"
           "  s.version = Gem::Version.new(\"13.0.6\")\n  s.required_ruby_version = \">= 2.2\"\n"
           "  s.rubygems_version = \"9\"\n  s.name = \"second\"\nend\n",
           MU_OK, "gem rake 13.0.6\n");
}

static void a_version_that_is_an_expression_comes_from_the_file_name(void **state)
{
    (void)state;
    expect(&finder_ruby_gemspec, "specifications/default/io-console-0.6.0.gemspec",
           "Gem::Specification.new do |s|\n  s.name = \"io-console\"\n  s.version = "
           "_VERSION\nend\n",
           MU_OK, "gem io-console 0.6.0\n");
    expect(&finder_ruby_gemspec, "specifications/a-b-1.0-java.gemspec", "s.version = \"#{V}\"\n",
           MU_OK, "gem a-b 1.0\n");
}

static void a_gemspec_without_name_and_version_is_named(void **state)
{
    (void)state;
    expect(&finder_ruby_gemspec, "specifications/x.gemspec", "", MU_E_INVALID, "");
    expect(&finder_ruby_gemspec, "specifications/-.gemspec", "s.name = \"", MU_E_INVALID, "");
}

/* ---- PHP ---- */

static const char installed[] = "vendor/composer/installed.json";

static void composers_list_is_wanted_in_its_folder(void **state)
{
    (void)state;
    assert_true(told_wants(&finder_php_installed, "var/www/vendor/composer/installed.json"));
    assert_false(told_wants(&finder_php_installed, "var/www/installed.json"));
    assert_false(told_wants(&finder_php_installed, "var/www/xcomposer/installed.json"));
}

static void both_forms_of_composers_list_are_read(void **state)
{
    (void)state;
    expect(&finder_php_installed, installed,
           "[{\"name\":\"symfony/yaml\",\"version\":\"v5.4.0\",\"license\":[\"MIT\"]}]", MU_OK,
           "composer symfony/yaml v5.4.0 =MIT\n");
    expect(&finder_php_installed, installed,
           "{\"packages\":[{\"name\":\"a/b\",\"version\":\"dev-main\"}],\"dev\":true}", MU_OK,
           "composer a/b dev-main\n");
}

static void one_broken_package_does_not_hide_the_next(void **state)
{
    (void)state;
    expect(&finder_php_installed, installed,
           "[{\"name\":\"a/b\"},7,{\"name\":\"c/d\",\"version\":\"1\"}]", MU_E_INVALID,
           "composer c/d 1\n");
}

static void a_list_of_another_shape_is_named(void **state)
{
    (void)state;
    expect(&finder_php_installed, installed, "{}", MU_E_INVALID, "");
    expect(&finder_php_installed, installed, "{\"packages\":{}}", MU_E_INVALID, "");
    expect(&finder_php_installed, installed, "<?php", MU_E_INVALID, "");
}

/* ---- .NET ---- */

static void dotnet_files_are_wanted_by_name(void **state)
{
    (void)state;
    assert_true(told_wants(&finder_dotnet_packages, "app/Shop.deps.json"));
    assert_true(told_wants(&finder_dotnet_packages, "app/packages.lock.json"));
    assert_false(told_wants(&finder_dotnet_packages, "app/deps.json"));
    assert_false(told_wants(&finder_dotnet_packages, "app/Shop.runtimeconfig.json"));
}

static void libraries_of_packages_and_runtimes_count(void **state)
{
    (void)state;
    expect(&finder_dotnet_packages, "app/Shop.deps.json",
           "{\"libraries\":{\"Shop/1.0.0\":{\"type\":\"project\"},"
           "\"Newtonsoft.Json/13.0.1\":{\"type\":\"package\",\"serviceable\":true},"
           "\"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.5\":{\"type\":"
           "\"runtimepack\"},\"Old/1\":{\"type\":\"reference\"}}}",
           MU_OK,
           "nuget Newtonsoft.Json 13.0.1\n"
           "nuget Microsoft.NETCore.App.Runtime.linux-x64 6.0.5\n");
}

static void locked_packages_count_but_projects_do_not(void **state)
{
    (void)state;
    expect(&finder_dotnet_packages, "app/packages.lock.json",
           "{\"version\":1,\"dependencies\":{\"net6.0\":{"
           "\"Serilog\":{\"type\":\"Direct\",\"resolved\":\"2.12.0\"},"
           "\"mine\":{\"type\":\"Project\",\"resolved\":\"1\"},\"odd\":[]}}}",
           MU_OK, "nuget Serilog 2.12.0\n");
}

static void a_library_without_a_version_is_named(void **state)
{
    (void)state;
    expect(&finder_dotnet_packages, "x.deps.json", "{\"libraries\":{\"A\":{\"type\":\"package\"}}}",
           MU_E_INVALID, "");
    expect(&finder_dotnet_packages, "x.deps.json", "{\"libraries\":[]}", MU_OK, "");
}

/* ---- Java runtimes ---- */

static void a_java_runtime_is_told_by_its_release_file(void **state)
{
    (void)state;
    assert_true(told_wants(&finder_java_release, "opt/java/openjdk/release"));
    assert_false(told_wants(&finder_java_release, "etc/os-release"));
    expect(&finder_java_release, "opt/java/release",
           "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"21.0.4+7-LTS\"\n"
           "JAVA_VERSION=\"21.0.4\"\n",
           MU_OK, "generic openjdk 21.0.4+7-LTS\n");
    expect(&finder_java_release, "opt/java/release",
           "JAVA_VERSION=\"1.8.0_422\"\r\nBUILD_TYPE=\"commercial\"\r\n", MU_OK,
           "generic jdk 1.8.0_422\n");
    expect(&finder_java_release, "opt/zulu/release",
           "IMPLEMENTOR=\"Azul Systems, Inc.\"\nJAVA_VERSION=\"17.0.1\"\n", MU_OK,
           "generic zulu 17.0.1\n");
}

static void another_file_named_release_says_nothing(void **state)
{
    (void)state;
    expect(&finder_java_release, "srv/release", "stable\n", MU_OK, "");
    expect(&finder_java_release, "srv/release", "JAVA_VERSION=\"\"\n", MU_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(gemspecs_are_wanted_below_specifications),
            cmocka_unit_test(the_stub_line_of_an_installed_gem_counts),
            cmocka_unit_test(assignments_name_a_gem_without_a_stub),
            cmocka_unit_test(a_version_that_is_an_expression_comes_from_the_file_name),
            cmocka_unit_test(a_gemspec_without_name_and_version_is_named),
            cmocka_unit_test(composers_list_is_wanted_in_its_folder),
            cmocka_unit_test(both_forms_of_composers_list_are_read),
            cmocka_unit_test(one_broken_package_does_not_hide_the_next),
            cmocka_unit_test(a_list_of_another_shape_is_named),
            cmocka_unit_test(dotnet_files_are_wanted_by_name),
            cmocka_unit_test(libraries_of_packages_and_runtimes_count),
            cmocka_unit_test(locked_packages_count_but_projects_do_not),
            cmocka_unit_test(a_library_without_a_version_is_named),
            cmocka_unit_test(a_java_runtime_is_told_by_its_release_file),
            cmocka_unit_test(another_file_named_release_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
