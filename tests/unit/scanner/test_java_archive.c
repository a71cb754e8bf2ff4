#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder_told.h"
#include "package/language/language_finders.h"
#include "zip_build.h"

struct jar_file {
    const char *name, *text;
};

static void jar_add(struct zip_build *zip, const char *name, const char *content)
{
    zip_build_add(zip, name, content, strlen(content), ZIP_BUILD_DEFLATED);
}

/* An archive of these texts, by a name of NULL ended. */
static void jar_build(struct zip_build *zip, const struct jar_file *files)
{
    zip_build_init(zip);
    for (; files->name; files++)
        jar_add(zip, files->name, files->text);
    zip_build_finish(zip);
}

static enum mu_status jar_read(struct told *told, const char *path, const struct zip_build *zip)
{
    return told_read(told, &finder_java_archive, path, zip->out.data, zip->out.len);
}

static void expect(const char *path, const struct jar_file *files, const char *lines)
{
    struct zip_build zip;
    struct told told;

    jar_build(&zip, files);
    told_init(&told);
    assert_int_equal(jar_read(&told, path, &zip), MU_OK);
    assert_string_equal(told.lines.data, lines);
    told_done(&told);
    zip_build_done(&zip);
}

#define MANIFEST             "META-INF/MANIFEST.MF"
#define POM(group, artifact) "META-INF/maven/" group "/" artifact "/pom.properties"

static void archives_are_wanted_by_their_ending(void **state)
{
    static const char *const wanted[] = {"a.jar", "opt/app.WAR", "x.ear", "x.hpi", "x.lpkg"};
    static const char *const unwanted[] = {"jar", "a.jar.sha1", "b.zip", "ajar", "dir.jar/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_true(told_wants(&finder_java_archive, wanted[i]));
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
        assert_false(told_wants(&finder_java_archive, unwanted[i]));
}

static void its_own_pom_properties_names_an_archive(void **state)
{
    const struct jar_file files[] = {
            {MANIFEST, "Manifest-Version: 1.0\nBundle-License: Apache-2.0\n"},
            {POM("org.example", "thing"),
             "#Generated\nversion=1.2.3\ngroupId=org.example\nartifactId=thing\n"},
            {0}};

    (void)state;
    expect("lib/thing-1.2.3.jar", files,
           "maven org.example:thing 1.2.3 @META-INF/maven/org.example/thing/pom.properties "
           "=Apache-2.0\n");
}

static void colons_separate_in_pom_properties_too(void **state)
{
    const struct jar_file files[] = {
            {POM("g", "a"), "groupId: org.example\r\nartifactId : a\r\nversion:1.0=final\r\n"},
            {0}};

    (void)state;
    expect("a.jar", files, "maven org.example:a 1.0=final @META-INF/maven/g/a/pom.properties\n");
}

static void a_pom_with_variables_left_in_it_says_nothing(void **state)
{
    const struct jar_file files[] = {
            {POM("g", "a"), "groupId=g\nartifactId=a\nversion=${revision}\n"}, {0}};

    (void)state;
    expect("a-2.0.jar", files, "maven a:a 2.0\n");
}

static void a_shaded_archive_tells_itself_and_its_parts(void **state)
{
    const struct jar_file files[] = {
            {MANIFEST, "Implementation-Version: 9.1\nImplementation-Vendor-Id: com.example\n"},
            {POM("org.a", "a"), "groupId=org.a\nartifactId=a\nversion=1\n"},
            {POM("org.b", "b"), "groupId=org.b\nartifactId=b\nversion=2\n"},
            {0}};

    (void)state;
    expect("opt/agent.jar", files,
           "maven org.a:a 1 @META-INF/maven/org.a/a/pom.properties\n"
           "maven org.b:b 2 @META-INF/maven/org.b/b/pom.properties\n"
           "maven com.example:agent 9.1\n");
}

/* As guice.jar with cglib in it: one pom.properties, which is another's. */
static void the_only_pom_is_not_the_archives_own_at_another_version(void **state)
{
    const struct jar_file files[] = {
            {MANIFEST, "Bundle-Version: 4.2.3\nBundle-SymbolicName: com.google.inject\n"},
            {POM("cglib", "cglib"), "groupId=cglib\nartifactId=cglib\nversion=3.2.12\n"},
            {0}};

    (void)state;
    expect("share/java/guice.jar", files,
           "maven cglib:cglib 3.2.12 @META-INF/maven/cglib/cglib/pom.properties\n"
           "maven com.google.inject:guice 4.2.3\n");
}

/* As maven3-core.jar of a distribution that renames its archives. */
static void the_only_pom_is_the_archives_own_at_its_version(void **state)
{
    const struct jar_file files[] = {
            {MANIFEST, "Implementation-Version: 3.8.7\n"},
            {POM("g", "maven-core"), "groupId=g\nartifactId=maven-core\nversion=3.8.7\n"},
            {0}};

    (void)state;
    expect("share/java/maven3-core.jar", files,
           "maven g:maven-core 3.8.7 @META-INF/maven/g/maven-core/pom.properties\n");
}

/* Where the file's name alone could be read in more than one way. */
static void a_pom_that_spells_the_file_is_its_own(void **state)
{
    const struct jar_file files[] = {
            {POM("g", "shaded-lib"), "groupId=g\nartifactId=shaded-lib\nversion=25.1-jre-sub-1\n"},
            {0}};

    (void)state;
    expect("lib/shaded-lib-25.1-jre-sub-1.jar", files,
           "maven g:shaded-lib 25.1-jre-sub-1 @META-INF/maven/g/shaded-lib/pom.properties\n");
}

static void lines_of_a_manifest_continue(void **state)
{
    const struct jar_file files[] = {{MANIFEST, "Manifest-Version: 1.0\r\nImplementation-Version: 1"
                                                ".2\r\n 3.4\r\nGroup-Id: org.exa\r\n mple\r\n"},
                                     {0}};

    (void)state;
    expect("x.jar", files, "maven org.example:x 1.23.4\n");
}

static void a_version_may_be_in_a_later_section(void **state)
{
    const struct jar_file files[] = {
            {MANIFEST, "Manifest-Version: 1.0\n\nName: com/example/\nImplementation-Version: 7\n"},
            {0}};

    (void)state;
    expect("x.jar", files, "maven x:x 7\n");
}

static void an_archive_without_any_version_is_not_told(void **state)
{
    const struct jar_file files[] = {{MANIFEST, "Manifest-Version: 1.0\n"}, {0}};

    (void)state;
    expect("x.jar", files, "");
}

static void an_agents_instrumentation_is_not_what_it_instruments(void **state)
{
    const struct jar_file files[] = {{MANIFEST, "Implementation-Version: 1\nWeave-Classes: a.B\n"},
                                     {0}};

    (void)state;
    expect("spring-1.0.jar", files, "");
}

struct name_case {
    const char *path, *manifest, *line;
};

static const struct name_case name_cases[] = {
        {"spring-core-5.3.20.jar", "", "maven org.springframework:spring-core 5.3.20\n"},
        {"log4j-1.2-api-2.17.1.jar", "", "maven log4j-1.2-api:log4j-1.2-api 2.17.1\n"},
        {"guava-31.1-jre.jar", "", "maven guava:guava 31.1-jre\n"},
        {"thing-1.0-beta-2.jar", "", "maven thing:thing 1.0-beta-2\n"},
        {"akka-actor_2.13-2.6.0.jar", "", "maven com.typesafe.akka:akka-actor_2.13 2.6.0\n"},
        {"thing-r08.jar", "", "maven thing:thing r08\n"},
        {"thing_1.2.jar", "", "maven thing:thing 1.2\n"},
        {"catalina.jar", "Implementation-Version: 9.0.1\n",
         "maven org.apache.tomcat:tomcat-catalina 9.0.1\n"},
        {"org.mortbay.jasper.apache-el-9.0.96.jar", "",
         "maven org.mortbay.jasper:apache-el 9.0.96\n"},
        {"javax.inject-1.jar", "", "maven javax.inject:javax.inject 1\n"},
        {"rhino-1.7.jar", "Bundle-SymbolicName: org.mozilla.rhino;singleton:=true\n",
         "maven org.mozilla:rhino 1.7\n"},
        {"groovy-3.0.jar", "Automatic-Module-Name: org.codehaus.groovy\n",
         "maven org.codehaus.groovy:groovy 3.0\n"},
        {"groovy-json-3.0.jar", "Automatic-Module-Name: org.codehaus.groovy.json\n",
         "maven org.codehaus.groovy:groovy-json 3.0\n"},
        {"demo-a-b-1.jar", "Bundle-SymbolicName: org.demo.a.b\n", "maven org.demo:demo-a-b 1\n"},
        {"rxjava-3.1.jar", "Bundle-SymbolicName: io.reactivex.rxjava3.rxjava\n",
         "maven io.reactivex.rxjava3:rxjava 3.1\n"},
        {"commons-http-3.jar", "Implementation-Vendor-Id: org.apache\n",
         "maven commons-http:commons-http 3\n"},
        {"jsoup-1.jar", "Bundle-SymbolicName: org.jsoup\n", "maven org.jsoup:jsoup 1\n"},
        {"x-1.jar", "Implementation-Vendor-Id: Example Company\n", "maven x:x 1\n"},
        {"root/.m2/repository/org/demo/app/x/1.5/x-1.5.jar", "", "maven org.demo.app:x 1.5\n"},
        {"c/files-2.1/org.demo.app/x/1.5/0123abcd/x-1.5.jar", "", "maven org.demo.app:x 1.5\n"},
        {"tink-1.9.0.jar", "Automatic-Module-Name: com.google.crypto.tink\n",
         "maven com.google.crypto.tink:tink 1.9.0\n"},
        {"flink-shaded-netty-4.1.91.Final-17.0.jar", "",
         "maven org.apache.flink:flink-shaded-netty 4.1.91.Final-17.0\n"},
        {"jackson-mapper-asl-1.9.13.jar", "Bundle-SymbolicName: jackson-mapper-asl\n",
         "maven org.codehaus.jackson:jackson-mapper-asl 1.9.13\n"},
        {"app-3.4.0-exec.jar", "", "maven app:app 3.4.0\n"},
        {"jffi-1.3.13-native.jar", "Bundle-SymbolicName: com.github.jnr.jffi.native\n",
         "maven com.github.jnr:jffi 1.3.13\n"},
        {"trace-http-6.0.jar", "Bundle-SymbolicName: org.example.trace.http\n",
         "maven org.example.trace:trace-http 6.0\n"},
        {"lens-3.4.jar", "Bundle-SymbolicName: org.lens.lens2.lens\n",
         "maven org.lens.lens2:lens 3.4\n"},
        {"limits-core-0.5.jar", "Implementation-Title: com.example.limits#limits-core;0.5\n",
         "maven com.example.limits:limits-core 0.5\n"},
        {"limits-core-0.5.jar", "Implementation-Title: com.example.limits#other;0.5\n",
         "maven limits-core:limits-core 0.5\n"},
        {"srv/repository/mine/x-1.5.jar", "", "maven x:x 1.5\n"},
};

static void coordinates_follow_from_name_and_manifest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        const struct jar_file files[] = {{MANIFEST, name_cases[i].manifest}, {0}};

        expect(name_cases[i].path, files, name_cases[i].line);
    }
}

/* Archives around a jar, `levels` deep; the innermost is lib-1.0.jar. */
static void nest(struct zip_build *ret_outer, unsigned levels)
{
    const struct jar_file files[] = {{MANIFEST, ""}, {0}};

    jar_build(ret_outer, files);
    for (unsigned level = 0; level < levels; level++) {
        struct zip_build outer;

        zip_build_init(&outer);
        zip_build_add(&outer, level == 0 ? "lib-1.0.jar" : "in.jar", ret_outer->out.data,
                      ret_outer->out.len, level % 2 ? ZIP_BUILD_DEFLATED : ZIP_BUILD_STORED);
        zip_build_finish(&outer);
        zip_build_done(ret_outer);
        *ret_outer = outer;
    }
}

static void archives_within_archives_are_read(void **state)
{
    struct zip_build zip;
    struct told told;

    (void)state;
    told_init(&told);
    nest(&zip, FINDER_NESTING_MAX);
    assert_int_equal(jar_read(&told, "outer.ear", &zip), MU_OK);
    assert_string_equal(told.lines.data,
                        "maven lib:lib 1.0 @in.jar!/in.jar!/in.jar!/lib-1.0.jar\n");
    zip_build_done(&zip);
    told_done(&told);
}

static void archives_nested_too_deep_are_named(void **state)
{
    struct zip_build zip;
    struct told told;

    (void)state;
    told_init(&told);
    nest(&zip, 50);
    assert_int_equal(jar_read(&told, "outer.ear", &zip), MU_E_LIMIT);
    assert_non_null(strstr(told.err.message, "nested deeper"));
    assert_string_equal(told.lines.data, "");
    zip_build_done(&zip);
    told_done(&told);
}

static void trouble_in_one_part_does_not_hide_the_others(void **state)
{
    struct zip_build zip;
    struct told told;

    (void)state;
    zip_build_init(&zip);
    jar_add(&zip, "lib/broken-1.jar", "this is no archive");
    jar_add(&zip, POM("g", "bad"), "groupId=g\nartifactId=b\x01\nversion=1\n");
    jar_add(&zip, POM("g", "good"), "groupId=g\nartifactId=good\nversion=1\n");
    zip_build_finish(&zip);
    told_init(&told);
    assert_int_equal(jar_read(&told, "app-2.jar", &zip), MU_E_INVALID);
    assert_non_null(strstr(told.err.message, "lib/broken-1.jar"));
    assert_string_equal(told.lines.data, "maven g:good 1 @META-INF/maven/g/good/pom.properties\n"
                                         "maven app:app 2\n");
    zip_build_done(&zip);
    told_done(&told);
}

static void members_named_as_places_to_break_out_are_only_shown(void **state)
{
    struct zip_build inner, zip;
    const struct jar_file files[] = {{MANIFEST, ""}, {0}};
    struct told told;

    (void)state;
    jar_build(&inner, files);
    zip_build_init(&zip);
    zip_build_add(&zip, "../../etc/\x07\xff-1.jar", inner.out.data, inner.out.len,
                  ZIP_BUILD_STORED);
    zip_build_add(&zip, "../../etc/evil-1.jar", inner.out.data, inner.out.len, ZIP_BUILD_STORED);
    zip_build_finish(&zip);
    told_init(&told);
    assert_int_equal(jar_read(&told, "a.jar", &zip), MU_E_INVALID); /* the first has no name */
    assert_string_equal(told.lines.data, "maven evil:evil 1 @../../etc/evil-1.jar\n");
    told_done(&told);
    zip_build_done(&zip);
    zip_build_done(&inner);
}

static void the_place_of_a_single_pom_xml_has_the_coordinates(void **state)
{
    const struct jar_file files[] = {{"META-INF/maven/org.demo/demo-core/pom.xml", "<project/>"},
                                     {0}};
    const struct jar_file two[] = {{"META-INF/maven/org.demo/a/pom.xml", ""},
                                   {"META-INF/maven/org.demo/b/pom.xml", ""},
                                   {0}};

    (void)state;
    expect("core-1.0.jar", files, "maven org.demo:demo-core 1.0\n");
    expect("core-1.0.jar", two, "maven core:core 1.0\n");
}

static void a_version_that_is_a_variable_is_none(void **state)
{
    const struct jar_file files[] = {{MANIFEST, "Implementation-Version: ${project.version}\n"},
                                     {0}};

    (void)state;
    expect("x.jar", files, "");
}

static void a_long_place_is_cut_to_what_a_sink_takes(void **state)
{
    enum { FOLDERS = 6000 };
    const struct jar_file files[] = {{MANIFEST, ""}, {0}};
    struct zip_build inner, zip;
    struct told told;
    char name[FOLDERS + 20];

    (void)state;
    memset(name, '/', FOLDERS);
    memcpy(name + FOLDERS, "lib-1.jar", 10);
    jar_build(&inner, files);
    zip_build_init(&zip);
    zip_build_add(&zip, name, inner.out.data, inner.out.len, ZIP_BUILD_STORED);
    zip_build_finish(&zip);
    told_init(&told);
    assert_int_equal(jar_read(&told, "a.ear", &zip), MU_OK);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.lines.len, strlen("maven lib:lib 1 @\n") + FINDER_TEXT_MAX_BYTES);
    told_done(&told);
    zip_build_done(&zip);
    zip_build_done(&inner);
}

/* One member whose directory entry claims that size. */
static enum mu_status with_claimed_size(uint64_t size_bytes, const char *word)
{
    struct zip_build zip;
    struct told told;
    enum mu_status st;

    zip_build_init(&zip);
    jar_add(&zip, "lib/a-1.jar", "small");
    zip_poke(&zip.directory, zip.last_central + 24, size_bytes, 4);
    zip_build_finish(&zip);
    told_init(&told);
    st = jar_read(&told, "a.ear", &zip);
    assert_non_null(strstr(told.err.message, word));
    told_done(&told);
    zip_build_done(&zip);
    return st;
}

static void what_would_unpack_to_too_much_is_refused_unread(void **state)
{
    (void)state;
    assert_int_equal(with_claimed_size(0xc0000000, "unpacks to more"), MU_E_LIMIT);
    assert_int_equal(with_claimed_size(65 * 1024 * 1024, "of more than 67108864"), MU_E_LIMIT);
    assert_int_equal(with_claimed_size(32 * 1024 * 1024, "cannot have"), MU_E_INVALID);
}

static void what_is_no_archive_is_refused(void **state)
{
    struct told told;

    (void)state;
    told_init(&told);
    assert_int_equal(told_read(&told, &finder_java_archive, "a.jar", "", 0), MU_E_INVALID);
    assert_int_equal(told_read(&told, &finder_java_archive, "a.jar", "PK\3\4", 4), MU_E_INVALID);
    assert_int_equal(told_read(&told, &finder_java_archive, "a.rar", "Rar!\x1a\7", 6), MU_OK);
    told_done(&told);
}

static void a_refusing_sink_ends_nested_reading_as_well(void **state)
{
    struct zip_build zip;
    struct told told;

    (void)state;
    told_init(&told);
    nest(&zip, 2);
    told.refuse_at = 1;
    assert_int_equal(jar_read(&told, "outer-1.ear", &zip), MU_E_LIMIT);
    assert_int_equal(told.count, 1);
    zip_build_done(&zip);
    told_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(archives_are_wanted_by_their_ending),
            cmocka_unit_test(its_own_pom_properties_names_an_archive),
            cmocka_unit_test(colons_separate_in_pom_properties_too),
            cmocka_unit_test(a_pom_with_variables_left_in_it_says_nothing),
            cmocka_unit_test(a_shaded_archive_tells_itself_and_its_parts),
            cmocka_unit_test(the_only_pom_is_not_the_archives_own_at_another_version),
            cmocka_unit_test(the_only_pom_is_the_archives_own_at_its_version),
            cmocka_unit_test(a_pom_that_spells_the_file_is_its_own),
            cmocka_unit_test(lines_of_a_manifest_continue),
            cmocka_unit_test(a_version_may_be_in_a_later_section),
            cmocka_unit_test(an_archive_without_any_version_is_not_told),
            cmocka_unit_test(an_agents_instrumentation_is_not_what_it_instruments),
            cmocka_unit_test(coordinates_follow_from_name_and_manifest),
            cmocka_unit_test(archives_within_archives_are_read),
            cmocka_unit_test(archives_nested_too_deep_are_named),
            cmocka_unit_test(trouble_in_one_part_does_not_hide_the_others),
            cmocka_unit_test(members_named_as_places_to_break_out_are_only_shown),
            cmocka_unit_test(the_place_of_a_single_pom_xml_has_the_coordinates),
            cmocka_unit_test(a_version_that_is_a_variable_is_none),
            cmocka_unit_test(a_long_place_is_cut_to_what_a_sink_takes),
            cmocka_unit_test(what_would_unpack_to_too_much_is_refused_unread),
            cmocka_unit_test(what_is_no_archive_is_refused),
            cmocka_unit_test(a_refusing_sink_ends_nested_reading_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
