/*
 * What Composer installed: vendor/composer/installed.json, an array of packages (Composer 1) or an
 * object with the array "packages" (Composer 2). The application itself is not in it.
 *
 * Source: Composer, Composer\Repository\FilesystemRepository; getcomposer.org "The composer.json
 * schema".
 */
#include "package/language/lang_json.h"
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"

static bool wants(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'n' &&
           lang_ends(path, "composer/installed.json") &&
           lang_is(lang_path_base(lang_path_parent(path)), "composer");
}

static enum mu_status packages_tell(struct lang_report *report, const json_t *packages,
                                    struct mu_error *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach (packages, i, item) {
        struct lang_package package = {.type = "composer",
                                       .name = lang_json_member(item, "name"),
                                       .version = lang_json_member(item, "version"),
                                       .license = lang_json_license(item, "license")};

        if (lang_report_package(report, &package, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status read(const struct finder_input *input, const struct finder_sink *sink,
                           struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    json_auto_t *root = NULL;
    const json_t *packages;

    if (lang_json_load(lang_bytes(input->bytes, input->len), &root, err) != MU_OK)
        return err->status;
    packages = json_is_array(root) ? root : json_object_get(root, "packages");
    if (!json_is_array(packages))
        return mu_fail(err, MU_E_INVALID, "no list of packages");
    if (packages_tell(&report, packages, err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_php_installed = {.name = "php-installed",
                                            .version = 1,
                                            .max_bytes = LANG_JSON_MAX_BYTES,
                                            .wants = wants,
                                            .read = read};
