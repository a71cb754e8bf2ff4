/*
 * Node packages: the package.json of what is installed, and npm's own list of it.
 *
 * A package.json counts when it lies in a "node_modules" folder, in Debian's share/nodejs, or is
 * yarn's own (yarn-v1.22.22/package.json), and has a name and a version. One that is a package's
 * root (node_modules/NAME or node_modules/@SCOPE/NAME) must be readable. One deeper is a copy that
 * a package brings along (next/dist/compiled/ws) and counts as well, unless a folder on the way
 * from the package's root is for tests, fixtures, examples or templates, or a tool's cache; there a
 * file that cannot be read says nothing. A package.json elsewhere is the application's own and no
 * package of the registry.
 *
 * node_modules/.package-lock.json (npm 7 and later) lists what npm installed beside it. The states
 * of yarn and pnpm are not read: what they list is in node_modules too, each with its package.json.
 *
 * Source: nodejs.org "Modules: CommonJS modules", "Loading from node_modules folders";
 * docs.npmjs.com "package.json", "package-lock.json", section "Hidden Lockfiles".
 */
#include "package/language/lang_json.h"
#include "package/language/lang_report.h"
#include "package/language/language_finders.h"

enum { PACKAGE_MAX_BYTES = 4 * 1024 * 1024 };

static bool wants_package(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    if (entry->kind != FINDER_FILE || lang_last(path) != 'n' ||
        !lang_is(lang_path_base(path), "package.json"))
        return false;
    return lang_has(path, "node_modules/") || lang_has(path, "share/nodejs/") ||
           lang_starts(lang_path_base(lang_path_parent(path)), "yarn-v");
}

static bool is_aside(struct lang_span folder)
{
    static const char *const names[] = {"test",      "tests",    "__tests__",    "spec",
                                        "fixture",   "fixtures", "__fixtures__", "testdata",
                                        "example",   "examples", "template",     "templates",
                                        "benchmark", "demo"};

    if (lang_starts(folder, "."))
        return !lang_is(folder, ".pnpm") && !lang_is(folder, ".store");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lang_is(folder, names[i]))
            return true;
    }
    return false;
}

enum place { PLACE_ROOT, PLACE_DEEPER, PLACE_ASIDE };

/* Where a package.json lies, by the folders behind the first node_modules. */
static enum place place_of(struct lang_span path)
{
    struct lang_span rest = lang_path_parent(path), folder = {0};
    size_t deep = 0;        /* folders below the nearest package's root */
    bool at_name = false;   /* the next folder is a package's name */
    bool installed = false; /* a node_modules was passed */
    enum place place = PLACE_ROOT;

    while (rest.len > 0) {
        bool shared = !installed && lang_is(folder, "share");

        folder = lang_take_until(&rest, '/');
        if (lang_is(folder, "node_modules") || (shared && lang_is(folder, "nodejs"))) {
            at_name = installed = true;
            deep = 0;
        } else if (at_name) {
            at_name = lang_starts(folder, "@");
            if (lang_starts(folder, ".") && is_aside(folder))
                return PLACE_ASIDE;
        } else if (installed) {
            deep++;
            if (is_aside(folder))
                place = PLACE_ASIDE;
        }
    }
    return place == PLACE_ROOT && deep > 0 ? PLACE_DEEPER : place;
}

static enum mu_status package_report(struct lang_report *report, const json_t *root,
                                     struct mu_error *err)
{
    struct lang_package package = {.type = "npm",
                                   .name = lang_trim(lang_json_member(root, "name")),
                                   .version = lang_trim(lang_json_member(root, "version")),
                                   .license = lang_json_license(root, "license")};

    if (package.name.len == 0 || package.version.len == 0)
        return MU_OK;
    if (package.license.len == 0)
        package.license = lang_json_license(root, "licenses");
    return lang_report_package(report, &package, err);
}

static enum mu_status read_package(const struct finder_input *input, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    enum place place = place_of(lang_span_of(input->path));
    json_auto_t *root = NULL;

    if (place == PLACE_ASIDE)
        return MU_OK;
    if (lang_json_load(lang_bytes(input->bytes, input->len), &root, err) != MU_OK)
        return err->status == MU_E_INVALID && place == PLACE_DEEPER ? MU_OK : err->status;
    if (package_report(&report, root, err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_node_package = {.name = "node-package",
                                           .version = 1,
                                           .max_bytes = PACKAGE_MAX_BYTES,
                                           .wants = wants_package,
                                           .read = read_package};

static bool wants_installed(const struct finder_entry *entry)
{
    struct lang_span path = {.text = entry->path, .len = entry->path_len};

    return entry->kind == FINDER_FILE && lang_last(path) == 'n' &&
           lang_ends(path, "node_modules/.package-lock.json");
}

/* "node_modules/a/node_modules/@b/c" is "@b/c"; empty: no installed package (a workspace). */
static struct lang_span name_of_place(struct lang_span place)
{
    static const char folder[] = "node_modules/";
    size_t len = sizeof(folder) - 1;

    for (size_t at = place.len; at-- > 0;) {
        struct lang_span tail = lang_tail(place, at);

        if (lang_starts(tail, folder) && (at == 0 || place.text[at - 1] == '/'))
            return lang_tail(tail, len);
    }
    return (struct lang_span){0};
}

static enum mu_status installed_tell(struct lang_report *report, json_t *packages,
                                     struct mu_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (packages, key, value) {
        struct lang_package package = {.type = "npm",
                                       .name = lang_json_member(value, "name"),
                                       .version = lang_json_member(value, "version"),
                                       .license = lang_json_license(value, "license"),
                                       .inner_path = lang_span_of(key)};

        if (package.name.len == 0)
            package.name = name_of_place(package.inner_path);
        if (package.name.len == 0 || package.version.len == 0 ||
            json_is_true(json_object_get(value, "link")))
            continue;
        if (lang_report_package(report, &package, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status read_installed(const struct finder_input *input,
                                     const struct finder_sink *sink, struct mu_error *err)
{
    struct lang_report report = lang_report_on(sink);
    json_auto_t *root = NULL;

    if (lang_json_load(lang_bytes(input->bytes, input->len), &root, err) != MU_OK ||
        installed_tell(&report, json_object_get(root, "packages"), err) != MU_OK)
        return err->status;
    return lang_report_end(&report, err);
}

const struct finder finder_node_installed = {.name = "node-installed",
                                             .version = 1,
                                             .max_bytes = LANG_JSON_MAX_BYTES,
                                             .wants = wants_installed,
                                             .read = read_installed};
