#include "package/language/exe_packages.h"
#include "package/language/go_version_text.h"

#include <string.h>

/*
 * Sources: go doc debug/buildinfo and its source (the layout below), runtime/debug.BuildInfo (the
 * lines of the module text).
 *
 * The record: magic (14), pointer size, flags. With flag INLINE, at 32: two texts, each behind its
 * length as varint. Else two pointers to (pointer, length) in memory.
 */
enum {
    RECORD_BYTES = 32,
    MAGIC_BYTES = 14,
    RECORD_ALIGN = 16,
    FLAG_BIG_ENDIAN = 1 << 0,
    FLAG_INLINE = 1 << 1,
    SENTINEL_BYTES = 16,
    SEARCH_MAX_BYTES = 64 * 1024 * 1024,
    TEXT_MAX_BYTES = 16 * 1024 * 1024
};

static const char magic[] = "\xff Go buildinf:";

/* Where the linker put the record, by format. Without a table of sections: anywhere in the data. */
static bool record_part(const struct exe_image *image, struct exe_part *ret_part)
{
    static const char *const names[] = {
            [EXE_ELF] = ".go.buildinfo", [EXE_MACHO] = "__go_buildinfo"};

    if (image->format == EXE_PE)
        return exe_data(image, ret_part);
    return exe_section(image, names[image->format], ret_part) ||
           (!exe_has_sections(image) && exe_data(image, ret_part));
}

static bool record_find(const struct exe_part *part, struct lang_span *ret_record)
{
    struct lang_span rest = lang_head(lang_bytes(part->bytes, part->len), SEARCH_MAX_BYTES);
    const char *begin = rest.text;

    while (rest.len >= RECORD_BYTES) {
        const char *found = memmem(rest.text, rest.len, magic, MAGIC_BYTES);
        size_t at;

        if (!found)
            return false;
        at = (size_t)(found - begin);
        if ((part->address + at) % RECORD_ALIGN == 0 && part->len - at >= RECORD_BYTES) {
            *ret_record = lang_tail(lang_bytes(part->bytes, part->len), at);
            return true;
        }
        rest = lang_tail(rest, (size_t)(found - rest.text) + 1);
    }
    return false;
}

/* A varint's text. False: it is not there. */
static bool take_inline(struct lang_span *rest, struct lang_span *ret_text)
{
    uint64_t len = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte;

        if (rest->len == 0)
            return false;
        byte = (uint8_t)rest->text[0];
        *rest = lang_tail(*rest, 1);
        len |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (len > rest->len || len > TEXT_MAX_BYTES)
            return false;
        *ret_text = lang_head(*rest, (size_t)len);
        *rest = lang_tail(*rest, (size_t)len);
        return true;
    }
    return false;
}

/* The text of a Go string whose address is at `pointer` of the record. */
static bool pointed_text(const struct exe_image *image, const uint8_t *pointer, unsigned word,
                         struct lang_span *ret_text)
{
    const uint8_t *header = exe_at(image, exe_number(image, pointer, word), 2ULL * word);
    const uint8_t *text;
    uint64_t len;

    if (!header)
        return false;
    len = exe_number(image, header + word, word);
    if (len > TEXT_MAX_BYTES)
        return false;
    text = exe_at(image, exe_number(image, header, word), len);
    if (!text)
        return false;
    *ret_text = lang_bytes(text, (size_t)len);
    return true;
}

struct build {
    struct lang_span toolchain, modules;
};

static bool build_read(const struct exe_image *image, struct lang_span record,
                       struct build *ret_build)
{
    struct exe_image ordered = *image;
    const uint8_t *bytes = (const uint8_t *)record.text;
    unsigned word = bytes[14];
    struct lang_span rest = lang_tail(record, RECORD_BYTES);

    if (bytes[15] & FLAG_INLINE)
        return take_inline(&rest, &ret_build->toolchain) && take_inline(&rest, &ret_build->modules);
    if (word != 4 && word != 8)
        return false;
    /* The record's order is the program's, also where the file's headers say otherwise. */
    ordered.big_endian = (bytes[15] & FLAG_BIG_ENDIAN) != 0;
    if (ordered.big_endian != image->big_endian)
        return false;
    if (!pointed_text(image, bytes + 16, word, &ret_build->toolchain))
        return false;
    if (!pointed_text(image, bytes + 16 + word, word, &ret_build->modules))
        ret_build->modules = (struct lang_span){0};
    return true;
}

/* The lines between the sentinels; nothing when they are not there. */
static struct lang_span module_lines(struct lang_span modules)
{
    if (modules.len < 2 * SENTINEL_BYTES + 1 ||
        modules.text[modules.len - SENTINEL_BYTES - 1] != '\n')
        return (struct lang_span){0};
    return lang_head(lang_tail(modules, SENTINEL_BYTES), modules.len - 2 * SENTINEL_BYTES);
}

struct module {
    struct lang_span path, version;
    bool made_up; /* the version: of the revision, since none is recorded */
};

/* What the lines say about the program itself. */
struct program {
    struct lang_span path;
    struct module main;
    struct module unversioned; /* the last dependency at "(devel)" */
    size_t unversioned_count;
    struct lang_span linker_flags, revision, time;
};

static struct module module_take(struct lang_span fields)
{
    struct module module = {.made_up = false};

    module.path = lang_take_until(&fields, '\t');
    module.version = lang_take_until(&fields, '\t');
    return module;
}

static void setting_take(struct program *program, struct lang_span setting)
{
    struct lang_span value = setting, key = lang_take_until(&value, '=');

    if (lang_is(key, "-ldflags"))
        program->linker_flags = value;
    else if (lang_is(key, "vcs.revision"))
        program->revision = value;
    else if (lang_is(key, "vcs.time"))
        program->time = value;
}

static void dependency_weigh(struct program *program, struct module module)
{
    if (!lang_is(module.version, "(devel)"))
        return;
    program->unversioned = module;
    program->unversioned_count++;
}

/* Built from files instead of a package, a program has no main module, or one of this name; the
 * module it was built in is then the one dependency without a version. */
static void main_settle(struct program *program)
{
    if (lang_is(program->main.path, "command-line-arguments"))
        program->main = (struct module){0};
    if (program->main.path.len == 0 && program->unversioned_count == 1)
        program->main = program->unversioned;
}

static struct program program_read(struct lang_span lines)
{
    struct program program = {0};
    struct lang_span line;

    while (lang_take_line(&lines, &line)) {
        struct lang_span fields = line, kind = lang_take_until(&fields, '\t');

        if (lang_is(kind, "path"))
            program.path = lang_take_until(&fields, '\t');
        else if (lang_is(kind, "mod"))
            program.main = module_take(fields);
        else if (lang_is(kind, "build"))
            setting_take(&program, fields);
        else if (lang_is(kind, "dep"))
            dependency_weigh(&program, module_take(fields));
    }
    main_settle(&program);
    return program;
}

static enum mu_status module_tell(struct lang_report *report, struct module module,
                                  struct mu_error *err)
{
    struct lang_package package = {.type = "golang",
                                   .name = module.path,
                                   .version = module.version,
                                   .recorded = module.made_up ? "(devel)" : NULL};

    if (package.version.len == 0)
        package.version = lang_span_of("(devel)");
    return lang_report_package(report, &package, err);
}

/* By what replaced it; a folder has no name, so the old one stays, at no known version. */
static struct module replaced(struct module module, struct lang_span fields)
{
    struct module other = module_take(fields);

    if (other.path.len == 0 || other.path.text[0] == '.' || other.path.text[0] == '/' ||
        lang_has(lang_head(other.path, 3), ":"))
        other.path = module.path;
    return other;
}

static enum mu_status dependencies_tell(struct lang_report *report, const struct program *program,
                                        struct lang_span lines, struct mu_error *err)
{
    struct module pending = {0};
    struct lang_span line;

    while (lang_take_line(&lines, &line)) {
        struct lang_span fields = line, kind = lang_take_until(&fields, '\t');

        if (lang_is(kind, "=>") && pending.path.len > 0)
            pending = replaced(pending, fields);
        if (!lang_is(kind, "dep"))
            continue;
        if (pending.path.len > 0 && module_tell(report, pending, err) != MU_OK)
            return err->status;
        pending = module_take(fields);
        if (lang_same(pending.path, program->main.path))
            pending.path.len = 0; /* told already */
    }
    return pending.path.len > 0 ? module_tell(report, pending, err) : MU_OK;
}

/* The main module's recorded version, else the linker's, else the revision's: that one has a place
 * in no order of releases, and says so. */
static enum mu_status main_tell(struct lang_report *report, const struct program *program,
                                struct mu_error *err)
{
    struct module module = program->main;
    char buffer[GO_VERSION_BYTES], linked[GO_VERSION_BYTES];
    struct lang_span version;

    if (module.path.len == 0)
        module.path = program->path;
    if (module.path.len == 0 || lang_is(module.path, "command-line-arguments"))
        return MU_OK;
    if (module.version.len > 0 && !lang_is(module.version, "(devel)"))
        return module_tell(report, module, err);
    version = lang_head(go_linked_version(program->linker_flags, module.path), sizeof(linked) - 1);
    if (version.len > 0) {
        linked[0] = 'v';
        memcpy(linked + 1, version.text, version.len);
        module.version = (struct lang_span){.text = linked, .len = version.len + 1};
    } else {
        module.version = go_pseudo_version(program->revision, program->time, &buffer);
        module.made_up = module.version.len > 0;
    }
    return module_tell(report, module, err);
}

static enum mu_status toolchain_tell(struct lang_report *report, const struct build *build,
                                     const struct program *program, struct mu_error *err)
{
    char buffer[GO_VERSION_BYTES];
    struct module module = {.path = lang_span_of("stdlib"),
                            .version = go_toolchain_version(build->toolchain, &buffer)};

    if (module_tell(report, module, err) != MU_OK)
        return err->status;
    if (program->main.path.len > 0 || !lang_starts(program->path, "cmd/"))
        return main_tell(report, program, err);
    /* go, vet, cgo ...: advisories name them all so. */
    module.path = lang_span_of("toolchain");
    return module_tell(report, module, err);
}

enum mu_status go_build_tell(const struct exe_image *image, struct lang_report *report,
                             struct mu_error *err)
{
    struct exe_part part;
    struct lang_span record, lines;
    struct build build = {0};
    struct program program;

    if (!record_part(image, &part) || !record_find(&part, &record))
        return MU_OK;
    if (!build_read(image, record, &build)) {
        lang_report_trouble(report, MU_E_INVALID, "Go's build information is damaged");
        return MU_OK;
    }
    lines = module_lines(build.modules);
    program = program_read(lines);
    if (toolchain_tell(report, &build, &program, err) != MU_OK)
        return err->status;
    return dependencies_tell(report, &program, lines, err);
}
