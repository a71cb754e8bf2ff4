#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exe_build.h"
#include "finder_told.h"
#include "package/language/language_finders.h"

#include <isa-l.h>
#include <stdlib.h>

/* ---- what is in the sections ---- */

#define SENTINEL "0123456789abcdef"

static const char modules[] = SENTINEL "path\texample.org/app/cmd/app\n"
                                       "mod\texample.org/app\tv1.2.3\th1:x=\n"
                                       "dep\texample.org/a\tv0.1.0\th1:y=\n"
                                       "dep\texample.org/old\tv1.0.0\n"
                                       "=>\texample.org/new\tv2.0.0\th1:z=\n"
                                       "dep\texample.org/here\tv1.0.0\n"
                                       "=>\t./here\t\n"
                                       "build\t-compiler=gc\n" SENTINEL;

static const char modules_told[] = "golang stdlib 1.22.1\n"
                                   "golang example.org/app v1.2.3\n"
                                   "golang example.org/a v0.1.0\n"
                                   "golang example.org/new v2.0.0\n"
                                   "golang example.org/here (devel)\n";

static void put_varint_text(struct mu_buf *out, const char *text)
{
    size_t len = strlen(text);

    do {
        uint8_t byte = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));

        mu_buf_append(out, &byte, 1);
        len >>= 7;
    } while (len > 0);
    mu_buf_puts(out, text);
}

/* The form since Go 1.18: the texts are in the record. */
static void inline_record(struct mu_buf *out, const char *toolchain, const char *module_text)
{
    mu_buf_init(out, 65536);
    mu_buf_append(out, "\xff Go buildinf:\x08\x02", 16);
    mu_buf_append(out, (const char[16]){0}, 16);
    put_varint_text(out, toolchain);
    put_varint_text(out, module_text);
}

/* The form before: pointers to (pointer, length) in memory, all within this one part. */
static void pointer_record(struct exe_build *exe, const char *toolchain, const char *module_text)
{
    unsigned word = exe->wide ? 8 : 4;
    uint64_t headers = EXE_BUILD_ADDRESS + 64, texts = headers + 4ULL * word;

    mu_buf_append(&exe->out, "\xff Go buildinf:", 14);
    exe_put(exe, word, 1);
    exe_put(exe, exe->big_endian, 1);
    exe_word(exe, headers);
    exe_word(exe, headers + 2ULL * word);
    exe_pad(exe, 64);
    exe_word(exe, texts);
    exe_word(exe, strlen(toolchain));
    exe_word(exe, texts + strlen(toolchain));
    exe_word(exe, strlen(module_text));
    mu_buf_puts(&exe->out, toolchain);
    mu_buf_puts(&exe->out, module_text);
}

static void zlib_pack(struct mu_buf *out, const char *text)
{
    struct isal_zstream stream;
    uint8_t packed[4096], input[2048];

    memcpy(input, text, strlen(text));
    isal_deflate_stateless_init(&stream);
    stream.next_in = input;
    stream.avail_in = (uint32_t)strlen(text);
    stream.next_out = packed;
    stream.avail_out = sizeof(packed);
    stream.end_of_stream = 1;
    stream.gzip_flag = IGZIP_ZLIB;
    assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
    mu_buf_init(out, 65536);
    mu_buf_append(out, packed, stream.total_out);
}

/* ---- reading ---- */

static void expect(const struct exe_build *exe, const char *path, enum mu_status status,
                   const char *lines)
{
    struct told told;
    const struct finder_entry entry = {.path = path, .path_len = strlen(path), .kind = FINDER_FILE};

    told_init(&told);
    assert_true(finder_executable.wants_head(&entry, (const uint8_t *)exe->out.data,
                                             exe->out.len < FINDER_HEAD_BYTES ? exe->out.len
                                                                              : FINDER_HEAD_BYTES));
    assert_int_equal(told_read(&told, &finder_executable, path, exe->out.data, exe->out.len),
                     status);
    assert_string_equal(told.lines.data, lines);
    told_done(&told);
}

/* What is told of an ELF program with this build information. */
static void expect_go(const char *toolchain, const char *module_text, const char *lines)
{
    struct mu_buf record;
    struct exe_build exe;

    inline_record(&record, toolchain, module_text);
    exe_build_init(&exe, true, false);
    exe_build_elf(&exe, ".go.buildinfo", record.data, record.len);
    expect(&exe, "bin/app", MU_OK, lines);
    exe_build_done(&exe);
    mu_buf_done(&record);
}

typedef void build_fn(struct exe_build *exe, const char *name, const void *bytes, size_t len);

struct form {
    build_fn *build;
    const char *go_section;
    bool wide, big_endian;
};

static const struct form forms[] = {
        {exe_build_elf, ".go.buildinfo", true, false},
        {exe_build_elf, ".go.buildinfo", true, true},
        {exe_build_elf, ".go.buildinfo", false, false},
        {exe_build_elf, ".go.buildinfo", false, true},
        {exe_build_elf, NULL, true, false}, /* no table of sections: the data segment */
        {exe_build_elf, NULL, false, true},
        {exe_build_pe, ".data", true, false},
        {exe_build_pe, ".data", false, false},
        {exe_build_macho, "__go_buildinfo", true, false},
        {exe_build_macho, "__go_buildinfo", false, true},
};

static void inline_build_information_is_read_in_every_format(void **state)
{
    struct mu_buf record;

    (void)state;
    inline_record(&record, "go1.22.1", modules);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct exe_build exe;

        exe_build_init(&exe, forms[i].wide, forms[i].big_endian);
        forms[i].build(&exe, forms[i].go_section, record.data, record.len);
        expect(&exe, "bin/app", MU_OK, modules_told);
        exe_build_done(&exe);
    }
    mu_buf_done(&record);
}

static void pointed_build_information_is_read_in_every_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct exe_build exe, record;

        exe_build_init(&record, forms[i].wide, forms[i].big_endian);
        pointer_record(&record, "go1.22.1", modules);
        exe_build_init(&exe, forms[i].wide, forms[i].big_endian);
        forms[i].build(&exe, forms[i].go_section, record.out.data, record.out.len);
        expect(&exe, "bin/app", MU_OK, modules_told);
        exe_build_done(&exe);
        exe_build_done(&record);
    }
}

static void each_image_of_a_fat_file_is_read(void **state)
{
    struct exe_build fat, first, second;
    struct mu_buf one, two;

    (void)state;
    inline_record(&one, "go1.20", "");
    inline_record(&two, "go1.21", "");
    exe_build_init(&first, true, false);
    exe_build_macho(&first, "__go_buildinfo", one.data, one.len);
    exe_build_init(&second, true, false);
    exe_build_macho(&second, "__go_buildinfo", two.data, two.len);
    exe_build_init(&fat, false, true);
    exe_build_fat(&fat, &first, &second);
    expect(&fat, "bin/app", MU_OK, "golang stdlib 1.20\ngolang stdlib 1.21\n");
    exe_build_done(&fat);
    exe_build_done(&second);
    exe_build_done(&first);
    mu_buf_done(&two);
    mu_buf_done(&one);
}

static void a_java_class_is_no_fat_file(void **state)
{
    static const uint8_t class_head[64] = {0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61};
    static const uint8_t object_head[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,
                                            0,    0,   0,   0,   0, 0, 0, 1};
    const struct finder_entry entry = {.path = "A.class", .path_len = 7, .kind = FINDER_FILE};

    (void)state;
    assert_false(finder_executable.wants_head(&entry, class_head, sizeof(class_head)));
    assert_false(finder_executable.wants_head(&entry, object_head, sizeof(object_head)));
    assert_false(finder_executable.wants_head(&entry, class_head, 0));
}

static void toolchains_are_told_as_modules_write_versions(void **state)
{
    static const char *const cases[][2] = {
            {"go1.22.1", "1.22.1"},
            {"go1.22", "1.22"},
            {"go1.22rc2", "1.22.0-rc.2"},
            {"go1.21.0rc1", "1.21.0-rc.1"},
            {"go1.19.8 X:boringcrypto", "1.19.8"},
            {"go1.20.12-vendor1", "1.20.12"},
            {"go1.22-20231128-RC02 cl/586117301 +6111acc8e6", "(devel)"},
            {"devel go1.23-abcdef", "(devel)"},
            {"go1", "(devel)"},
            {"x", "(devel)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[100];

        (void)snprintf(line, sizeof(line), "golang stdlib %s\n", cases[i][1]);
        expect_go(cases[i][0], "", line);
    }
}

struct main_case {
    const char *lines, *told; /* behind that of stdlib */
};

#define REVISION "build\tvcs.revision=0123456789abcdef0123\nbuild\tvcs.time=2024-01-31T23:59:58Z\n"

static const struct main_case main_cases[] = {
        {"mod\te.org/m\t(devel)\t\n", "golang e.org/m (devel)\n"},
        {"mod\te.org/m\t(devel)\t\n" REVISION,
         "golang e.org/m v0.0.0-20240131235958-0123456789ab (devel)\n"},
        {"mod\te.org/m\t(devel)\t\n" REVISION "build\t-ldflags=\"-s -X main.version=v1.4.0-rc1\"\n",
         "golang e.org/m v1.4.0-rc1\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=\"-X 'e.org/m/v.gitTag=1.4.0' -w\"\n",
         "golang e.org/m v1.4.0\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=-X=main.Version=release/v2.0.1\n",
         "golang e.org/m v2.0.1\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=\"-X main.goVersion=1.20.1\"\n",
         "golang e.org/m (devel)\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=\"-X other.org/x.version=1.2.3\"\n",
         "golang e.org/m (devel)\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=\"-X e.org/mother.version=1.2.3\"\n",
         "golang e.org/m (devel)\n"},
        {"mod\te.org/m\t(devel)\t\nbuild\t-ldflags=\"-X main.version=dev\"\n",
         "golang e.org/m (devel)\n"},
        {"path\tcmd/go\n", "golang toolchain 1.22.1\n"},
        {"path\te.org/m/cmd/x\n", "golang e.org/m/cmd/x (devel)\n"},
        {"path\tcommand-line-arguments\n", ""},
        {"path\tcommand-line-arguments\ndep\te.org/m\t(devel)\t\ndep\te.org/a\tv1.0.0\n"
         "build\t-ldflags=\"-X e.org/m/version.tag=0.2.56\"\n",
         "golang e.org/m v0.2.56\ngolang e.org/a v1.0.0\n"},
};

static void the_main_modules_version_has_three_sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(main_cases) / sizeof(main_cases[0]); i++) {
        char text[600], told[300];

        (void)snprintf(text, sizeof(text), SENTINEL "%s" SENTINEL, main_cases[i].lines);
        (void)snprintf(told, sizeof(told), "golang stdlib 1.22.1\n%s", main_cases[i].told);
        expect_go("go1.22.1", text, told);
    }
}

static void modules_without_sentinels_are_not_read(void **state)
{
    (void)state;
    expect_go("go1.22.1", "mod\te.org/m\tv1.0.0\n", "golang stdlib 1.22.1\n");
}

static void a_cut_record_is_named(void **state)
{
    struct mu_buf record;

    (void)state;
    inline_record(&record, "go1.22.1", modules);
    for (size_t len = 32; len < record.len; len += 7) {
        struct exe_build exe;

        exe_build_init(&exe, true, false);
        exe_build_elf(&exe, ".go.buildinfo", record.data, len);
        expect(&exe, "bin/app", MU_E_INVALID, "");
        exe_build_done(&exe);
    }
    mu_buf_done(&record);
}

static void pointers_out_of_the_file_are_named(void **state)
{
    struct exe_build exe, record;

    (void)state;
    exe_build_init(&record, true, false);
    pointer_record(&record, "go1.22.1", modules);
    memset(record.out.data + 16, 0xff, 8);
    exe_build_init(&exe, true, false);
    exe_build_elf(&exe, ".go.buildinfo", record.out.data, record.out.len);
    expect(&exe, "bin/app", MU_E_INVALID, "");
    exe_build_done(&exe);
    exe_build_done(&record);
}

static const char crates[] =
        "{\"packages\":[{\"name\":\"serde\",\"version\":\"1.0.1\",\"source\":\"crates.io\"},"
        "{\"name\":\"cc\",\"version\":\"1.0.2\",\"source\":\"crates.io\",\"kind\":\"build\"},"
        "{\"name\":\"forked\",\"version\":\"0.3.0\",\"source\":\"git\"},"
        "{\"name\":\"mine\",\"version\":\"0.1.0\",\"source\":\"local\",\"root\":true}]}";

static void crates_are_read_in_every_format(void **state)
{
    static build_fn *const builds[] = {exe_build_elf, exe_build_pe, exe_build_macho};
    struct mu_buf packed;

    (void)state;
    zlib_pack(&packed, crates);
    for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
        struct exe_build exe;

        exe_build_init(&exe, true, false);
        builds[i](&exe, ".dep-v0", packed.data, packed.len);
        expect(&exe, "bin/app", MU_OK, "cargo serde 1.0.1\ncargo forked 0.3.0\ncargo mine 0.1.0\n");
        exe_build_done(&exe);
    }
    mu_buf_done(&packed);
}

static void a_damaged_list_of_crates_is_named(void **state)
{
    struct mu_buf packed;

    (void)state;
    zlib_pack(&packed, crates);
    for (size_t len = 0; len < packed.len; len += 5) {
        struct exe_build exe;

        exe_build_init(&exe, true, false);
        exe_build_elf(&exe, ".dep-v0", packed.data, len);
        expect(&exe, "bin/app", MU_E_INVALID, "");
        exe_build_done(&exe);
    }
    mu_buf_done(&packed);
}

struct program_case {
    const char *path, *bytes;
    size_t len;
    const char *line;
};

#define PROGRAM(path, bytes, line)                     \
    {                                                  \
        path, "\0" bytes "\0", sizeof(bytes) + 1, line \
    }

static const struct program_case program_cases[] = {
        PROGRAM("usr/local/bin/node", "x node.js/v22.9.0 y", "generic node 22.9.0\n"),
        PROGRAM("usr/local/bin/python3.12", "3.12\0003.12.4", "generic python 3.12.4\n"),
        PROGRAM("usr/lib/libpython3.11.so.1.0", "3.11.2+", "generic python 3.11.2+\n"),
        PROGRAM("usr/bin/python3", "3.11.2", ""),
        PROGRAM("usr/sbin/nginx", "nginx version: nginx/1.27.0\n", "generic nginx 1.27.0\n"),
        PROGRAM("usr/local/bin/ruby", "ruby 1.8 then ruby 3.3.0p0 (2023)",
                "generic ruby 3.3.0p0\n"),
        PROGRAM("usr/local/bin/redis-server", "7.2.4buildkitsandbox-1702", "generic redis 7.2.4\n"),
        PROGRAM("usr/bin/redis-server", "Redis version 2.8.23", "generic redis 2.8.23\n"),
        PROGRAM("bin/postgres", "for PostgreSQL 9.1 and\0PostgreSQL 15.8",
                "generic postgresql 15.8\n"),
        PROGRAM("usr/sbin/mariadbd", "10.11.6-MariaDB", "generic mariadb 10.11.6\n"),
        PROGRAM("usr/lib/libcrypto.so.3", "OpenSSL 1.1.1w  11 Sep", "generic openssl 1.1.1w\n"),
        PROGRAM("bin/busybox", "BusyBox v1.36.1 (", "generic busybox 1.36.1\n"),
        PROGRAM("bin/busybox", "BusyBox vx", ""),
        PROGRAM("bin/notnginx", "nginx version: nginx/1.27.0\n", ""),
};

static void known_programs_are_told_by_the_version_they_carry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(program_cases) / sizeof(program_cases[0]); i++) {
        struct exe_build exe;

        exe_build_init(&exe, true, false);
        exe_build_elf(&exe, ".rodata", program_cases[i].bytes, program_cases[i].len);
        expect(&exe, program_cases[i].path, MU_OK, program_cases[i].line);
        exe_build_done(&exe);
    }
}

static void a_packed_program_is_named(void **state)
{
    struct exe_build exe;

    (void)state;
    exe_build_init(&exe, true, false);
    exe_build_elf(&exe, ".x", "UPX!", 4);
    expect(&exe, "bin/app", MU_OK, ""); /* among its data: says nothing */
    memcpy(exe.out.data + 200, "UPX!", 4);
    expect(&exe, "bin/app", MU_E_INVALID, "");
    exe_build_done(&exe);
}

/* Every byte of every header set to all ones, and every length: no crash, whatever is told. */
static void damaged_headers_are_survived(void **state)
{
    struct mu_buf record;
    struct told told;

    (void)state;
    inline_record(&record, "go1.22.1", "");
    told_init(&told);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct exe_build exe;

        exe_build_init(&exe, forms[i].wide, forms[i].big_endian);
        forms[i].build(&exe, forms[i].go_section, record.data, record.len);
        for (size_t at = 0; at < exe.out.len; at++) {
            char kept = exe.out.data[at];
            char *cut = malloc(at + 1);

            exe.out.data[at] = (char)0xff;
            (void)told_read(&told, &finder_executable, "a", exe.out.data, exe.out.len);
            exe.out.data[at] = kept;
            assert_non_null(cut);
            memcpy(cut, exe.out.data, at);
            (void)told_read(&told, &finder_executable, "a", cut, at);
            free(cut);
        }
        exe_build_done(&exe);
    }
    told_done(&told);
    mu_buf_done(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(inline_build_information_is_read_in_every_format),
            cmocka_unit_test(pointed_build_information_is_read_in_every_format),
            cmocka_unit_test(each_image_of_a_fat_file_is_read),
            cmocka_unit_test(a_java_class_is_no_fat_file),
            cmocka_unit_test(toolchains_are_told_as_modules_write_versions),
            cmocka_unit_test(the_main_modules_version_has_three_sources),
            cmocka_unit_test(modules_without_sentinels_are_not_read),
            cmocka_unit_test(a_cut_record_is_named),
            cmocka_unit_test(pointers_out_of_the_file_are_named),
            cmocka_unit_test(crates_are_read_in_every_format),
            cmocka_unit_test(a_damaged_list_of_crates_is_named),
            cmocka_unit_test(known_programs_are_told_by_the_version_they_carry),
            cmocka_unit_test(a_packed_program_is_named),
            cmocka_unit_test(damaged_headers_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
