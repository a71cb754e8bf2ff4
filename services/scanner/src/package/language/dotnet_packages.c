/*
 * .NET: what a program was published with (*.deps.json) and what a project was restored with
 * (packages.lock.json).
 *
 * Of deps.json the libraries "NAME/VERSION" of type "package", and those of type "runtimepack",
 * the runtime within a self-contained program, by the name that advisories use: without the prefix
 * "runtimepack.". Of packages.lock.json all but projects, once for each framework that has it.
 *
 * Source: .NET SDK documentation "runtime-configuration-file.md" (deps.json); NuGet
 * "PackageReference in project files", section "Locking dependencies".
 */
#include "package/language/lang_json.h"
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"

#include <string.h>

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'n' && lang_ends(path, ".json") &&
           (lang_ends_folded(path, ".deps.json") ||
            lang_is_folded(lang_path_base(path), "packages.lock.json"));
}

static enum mu_status libraries_tell(struct lang_report *report, json_t *libraries,
                                     struct mu_error *err)
{
    static const char runtime_prefix[] = "runtimepack.";
    const char *key;
    json_t *value;

    json_object_foreach (libraries, key, value) {
        struct lang_span version = lang_span_of(key), name = lang_take_until(&version, '/');
        struct lang_span type = lang_json_member(value, "type");
        struct lang_package package = {.type = "nuget", .name = name, .version = version};

        if (lang_is(type, "runtimepack")) {
            if (lang_starts(name, runtime_prefix))
                package.name = lang_tail(name, strlen(runtime_prefix));
        } else if (!lang_is(type, "package")) {
            continue;
        }
        if (lang_report_package(report, &package, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status locked_tell(struct lang_report *report, json_t *packages,
                                  struct mu_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (packages, key, value) {
        struct lang_package package = {.type = "nuget",
                                       .name = lang_span_of(key),
                                       .version = lang_json_member(value, "resolved")};

        if (lang_is_folded(lang_json_member(value, "type"), "Project") || package.version.len == 0)
            continue;
        if (lang_report_package(report, &package, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status frameworks_tell(struct lang_report *report, json_t *frameworks,
                                      struct mu_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (frameworks, key, value) {
        if (locked_tell(report, value, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    bool lock = lang_ends_folded(lang_span_of(input->path), "packages.lock.json");
    json_auto_t *root = NULL;

    if (lang_json_load(lang_bytes(input->bytes, input->len), &root, err) != MU_OK)
        return err->status;
    if ((lock ? frameworks_tell(&report, json_object_get(root, "dependencies"), err)
              : libraries_tell(&report, json_object_get(root, "libraries"), err)) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_dotnet_packages = {.name = "dotnet-packages",
                                              .version = 1,
                                              .max_bytes = LANG_JSON_MAX_BYTES,
                                              .wants = wants,
                                              .read = read};
