/*
 * .NET assemblies by their own version resource, for programs that come without a *.deps.json:
 * image/ leaves out what lies at or below a folder with one.
 *
 * Name: that of the original file, else the internal one, without ".dll" or ".exe": NuGet packages
 * are named after their assembly nearly always. Version: the product's, without the "+" and what
 * follows, when it begins with two numbers; else the file's. An assembly of resources alone (a
 * translation), one without either text, and one that was built without a version (0.0.0.0) are
 * not told.
 *
 * Source: .NET "AssemblyInformationalVersionAttribute", "AssemblyFileVersionAttribute"; what the
 * compiler writes as ProductVersion and FileVersion.
 */
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"
#include "package/language/pe_version.h"

#define ASSEMBLY_MAX_BYTES (256ULL << 20)

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};
    char last = lang_last(path);

    return entry->kind == FINDER_FILE &&
           (last == 'l' || last == 'L' || last == 'e' || last == 'E') &&
           (lang_ends_folded(path, ".dll") || lang_ends_folded(path, ".exe")) &&
           !lang_ends_folded(path, ".resources.dll");
}

/* Digits and a dot, digits: so begins every version of NuGet's. */
static bool is_version(struct lang_span text)
{
    size_t at = 0;

    while (at < text.len && lang_digit(text.text[at]))
        at++;
    return at > 0 && at + 1 < text.len && text.text[at] == '.' && lang_digit(text.text[at + 1]) &&
           !lang_has(text, " ") && !lang_has(text, "?") && !lang_is(text, "0.0.0.0");
}

static struct lang_span version_of(const struct pe_version *version)
{
    struct lang_span product = lang_trim(lang_span_of(version->product_version));
    struct lang_span file = lang_trim(lang_span_of(version->file_version));

    product = lang_head(product, lang_find(product, '+'));
    file = lang_head(file, lang_find(file, '+'));
    return is_version(product) ? product : is_version(file) ? file : lang_head(file, 0);
}

static struct lang_span name_of(const struct pe_version *version)
{
    struct lang_span name = lang_trim(lang_span_of(version->original_filename));

    if (name.len == 0)
        name = lang_trim(lang_span_of(version->internal_name));
    if (lang_ends_folded(name, ".dll") || lang_ends_folded(name, ".exe"))
        name.len -= 4;
    return name;
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    struct lang_package package = {.type = "nuget"};
    struct pe_version version;
    struct exe_image image;

    if (exe_images(input->bytes, input->len, &image, 1) == 0 ||
        !pe_version_read(&image, &version) || !version.is_assembly)
        return MU_OK;
    package.name = name_of(&version);
    package.version = version_of(&version);
    if (package.name.len == 0 || package.version.len == 0 ||
        lang_ends_folded(package.name, ".resources"))
        return MU_OK;
    if (lang_report_package(&report, &package, err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_dotnet_assembly = {.name = "dotnet-assembly",
                                              .version = 1,
                                              .max_bytes = ASSEMBLY_MAX_BYTES,
                                              .unless = ".deps.json",
                                              .wants = wants,
                                              .read = read};
