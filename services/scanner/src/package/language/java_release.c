/*
 * Java runtimes by the file "release" in their top folder: NAME="value" lines with JAVA_VERSION.
 * Told as the generic package "openjdk", Azul's build as "zulu", Oracle's commercial one as "jdk",
 * at the most exact version the file has.
 *
 * Source: JEP 220 "Modular Run-Time Images"; JEP 223 (version strings); JDK's make/Release.
 */
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"

enum { RELEASE_MAX_BYTES = 512 * 1024 };

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'e' &&
           entry->size_bytes <= RELEASE_MAX_BYTES && lang_is(lang_path_base(path), "release");
}

static struct lang_span value_of(struct lang_span text, const char *name)
{
    struct lang_span line;

    while (lang_take_line(&text, &line)) {
        struct lang_span value = line, key = lang_take_until(&value, '=');

        if (!lang_is(lang_trim(key), name))
            continue;
        value = lang_trim(value);
        if (value.len >= 2 && value.text[0] == '"' && value.text[value.len - 1] == '"')
            value = lang_head(lang_tail(value, 1), value.len - 2);
        return value;
    }
    return (struct lang_span){0};
}

static const char *product_of(struct lang_span text)
{
    if (lang_has(value_of(text, "IMPLEMENTOR"), "Azul"))
        return "zulu";
    return lang_is(value_of(text, "BUILD_TYPE"), "commercial") ? "jdk" : "openjdk";
}

/* Not every file of that name is a Java runtime's: one that is not says nothing, and is fine. */
static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_span text = lang_bytes(input->bytes, input->len);
    struct lang_span exact = value_of(text, "JAVA_RUNTIME_VERSION");
    struct lang_report report = lang_report_on(sink);
    struct lang_package package = {.type = "generic",
                                   .name = lang_span_of(product_of(text)),
                                   .version = value_of(text, "JAVA_VERSION")};

    if (package.version.len == 0)
        return MU_OK;
    if (exact.len > 0)
        package.version = exact;
    if (lang_report_package(&report, &package, err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_java_release = {.name = "java-release",
                                           .version = 1,
                                           .max_bytes = RELEASE_MAX_BYTES,
                                           .wants = wants,
                                           .read = read};
