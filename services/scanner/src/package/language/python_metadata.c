/*
 * Python's installed distributions: the METADATA of *.dist-info, the PKG-INFO of *.egg-info and of
 * EGG-INFO, and *.egg-info that is a file itself; also EGG-INFO/PKG-INFO inside a zipped *.egg.
 * The form is that of mail headers: names fold, lines may continue, an empty line ends them. The
 * first Name and Version count, as in Python's own reader. "Python" itself is left out: its
 * egg-info describes the interpreter, which is no distribution.
 *
 * Source: PyPA "Core metadata specifications", "Recording installed projects"; PEP 566.
 */
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"
#include "package/language/zip_directory.h"

enum { METADATA_MAX_BYTES = 8 * 1024 * 1024, EGG_MAX_BYTES = 256 * 1024 * 1024 };

/* CPython's own tests of importlib bring distributions along. */
static bool is_test_data(struct lang_span path)
{
    return lang_has(path, "/test/test_importlib/");
}

static bool wants_metadata(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};
    struct lang_span base, parent;
    char last = lang_last(path);

    if (entry->kind != FINDER_FILE || (last != 'o' && last != 'O' && last != 'A'))
        return false;
    base = lang_path_base(path);
    if (lang_ends_folded(base, ".egg-info"))
        return !is_test_data(path);
    if ((!lang_is(base, "METADATA") && !lang_is(base, "PKG-INFO")) || is_test_data(path))
        return false;
    parent = lang_path_base(lang_path_parent(path));
    if (lang_is(base, "METADATA"))
        return lang_ends_folded(parent, ".dist-info");
    return lang_ends_folded(parent, ".egg-info") || lang_is_folded(parent, "EGG-INFO");
}

struct metadata {
    struct lang_span name, version, license, license_expression;
};

static void field_take(struct metadata *metadata, struct lang_span line)
{
    const struct {
        const char *name;
        struct lang_span *to;
    } fields[] = {{"Name", &metadata->name},
                  {"Version", &metadata->version},
                  {"License-Expression", &metadata->license_expression},
                  {"License", &metadata->license}};
    struct lang_span value = line, name = lang_take_until(&value, ':');

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (lang_is_folded(name, fields[i].name) && fields[i].to->len == 0)
            *fields[i].to = lang_trim(value);
    }
}

/* Up to the first empty line behind a field. */
static struct metadata metadata_read(struct lang_span text)
{
    struct metadata metadata = {0};
    struct lang_span line;
    bool any = false;

    if (lang_starts(text, "\xef\xbb\xbf"))
        text = lang_tail(text, 3);
    while (lang_take_line(&text, &line)) {
        if (lang_trim(line).len == 0) {
            if (any)
                break;
            continue;
        }
        any = true;
        if (line.text[0] != ' ' && line.text[0] != '\t')
            field_take(&metadata, line);
    }
    return metadata;
}

static enum mu_status metadata_report(struct lang_report *report, struct lang_span text,
                                      struct lang_span inner_path, struct mu_error *err)
{
    struct metadata metadata = metadata_read(text);
    struct lang_package package = {.type = "pypi",
                                   .name = metadata.name,
                                   .version = metadata.version,
                                   .license = metadata.license_expression.len > 0
                                                      ? metadata.license_expression
                                                      : metadata.license,
                                   .inner_path = inner_path};

    if (lang_is(metadata.name, "Python"))
        return MU_OK;
    return lang_report_package(report, &package, err);
}

static enum mu_status read_metadata(const struct finder_input *input,
                                    const struct finder_sink *sink, struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);

    if (metadata_report(&report, lang_bytes(input->bytes, input->len), (struct lang_span){0},
                        err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_python_metadata = {.name = "python-metadata",
                                              .version = 1,
                                              .max_bytes = METADATA_MAX_BYTES,
                                              .wants = wants_metadata,
                                              .read = read_metadata};

static bool wants_egg(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'g' && lang_ends(path, ".egg") &&
           !is_test_data(path);
}

static enum mu_status egg_member(struct lang_report *report, const struct zip_directory *directory,
                                 const struct zip_member *member, struct mu_error *err)
{
    MU_AUTO_DONE(zip_content_done) struct zip_content content = {0};

    if (zip_member_unpack(directory, member, METADATA_MAX_BYTES, &content, err) != MU_OK ||
        finder_may_unpack(report->sink, content.len, err) != MU_OK)
        return err->status;
    return metadata_report(report, lang_bytes(content.bytes, content.len), member->name, err);
}

static enum mu_status read_egg(const struct finder_input *input, const struct finder_sink *sink,
                               struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    struct zip_directory directory;
    struct zip_member member;
    enum mu_status st;

    if (zip_directory_open(input->bytes, input->len, &directory, err) != MU_OK)
        return err->status == MU_E_NOT_FOUND ? mu_fail(err, MU_E_INVALID, "not a ZIP archive")
                                             : err->status;
    while ((st = zip_directory_next(&directory, &member, err)) == MU_OK) {
        if (lang_is_folded(member.name, "EGG-INFO/PKG-INFO") &&
            egg_member(&report, &directory, &member, err) != MU_OK)
            return err->status;
    }
    return st == MU_END ? lang_report_end(&report, err) : st;
}

const struct finder finder_python_egg = {.name = "python-egg",
                                         .version = 1,
                                         .max_bytes = EGG_MAX_BYTES,
                                         .wants = wants_egg,
                                         .read = read_egg};
