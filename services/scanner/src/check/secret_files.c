#include "check/secret_files.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

enum { COMPONENT_MAX_BYTES = 255 };

/* By prefix; `but` is looked into all the same. */
static const char *const package_trees[] = {
        "usr/",
        "lib/",
        "lib32/",
        "lib64/",
        "libx32/",
        "bin/",
        "sbin/",
        "boot/",
        "proc/",
        "sys/",
        "dev/",
        "var/lib/dpkg/",
        "var/lib/apt/",
        "var/lib/rpm/",
        "var/cache/",
        "etc/ssl/certs/",
        "etc/pki/ca-trust/",
        "etc/ca-certificates/",
        "etc/alternatives/",
        "etc/selinux/",
};
/* Toolchains, whose sources have keys in their tests. */
static const char *const toolchains[] = {"usr/local/go/", "usr/local/rustup/", "usr/local/cargo/"};
static const char *const but[] = {"usr/local/", "usr/src/", "usr/app/", "usr/share/nginx/html/"};

/* Components anywhere in the path. */
static const char *const package_folders[] = {
        "node_modules", "site-packages", "dist-packages", "gems",     "vendor",   "mod",
        ".cargo",       ".rustup",       ".m2",           ".cache",   ".npm",     "test",
        "tests",        "testdata",      "__tests__",     "testing",  "fixtures", "spec",
        "example",      "examples",      "docs",          "doc",      "man",      "locale",
        "python3",      "__pycache__",   "i18n",          "licenses", "samples",
};

static const char *const endings[] = {
        "env",  "conf", "cfg",  "cnf",   "config",  "ini",        "json", "yml",    "yaml", "toml",
        "xml",  "sh",   "bash", "py",    "rb",      "php",        "js",   "ts",     "txt",  "sql",
        "pem",  "key",  "crt",  "cert",  "ppk",     "properties", "tf",   "tfvars", "go",   "java",
        "list", "asc",  "gpg",  "local", "prod",    "production", "dev",  "bak",    "old",  "log",
        "pl",   "cs",   "ps1",  "ovpn",  "tfstate", "p8",         "orig", "netrc",  "jwt",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool starts_with_any(const char *path, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (mu_text_starts(path, prefixes[i]))
            return true;
    }
    return false;
}

static bool in_package_tree(const struct finder_entry *entry)
{
    if (starts_with_any(entry->path, but, COUNT_OF(but)))
        return starts_with_any(entry->path, toolchains, COUNT_OF(toolchains));
    return starts_with_any(entry->path, package_trees, COUNT_OF(package_trees));
}

static bool is_package_folder(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(package_folders); i++) {
        if (strlen(package_folders[i]) == len && memcmp(package_folders[i], name, len) == 0)
            return true;
    }
    /* "python3.11" of a Python built into /usr/local */
    return len > 8 && memcmp(name, "python3.", 8) == 0;
}

static bool has_package_folder(const struct finder_entry *entry)
{
    const char *at = entry->path, *slash;

    while ((slash = strchr(at, '/'))) {
        if (is_package_folder(at, (size_t)(slash - at)))
            return true;
        at = slash + 1;
    }
    return false;
}

/* "server_test.go", "test_login.py", "login.spec.ts" */
static bool is_test_name(const char *name)
{
    return mu_text_starts(name, "test_") || strstr(name, "_test.") || strstr(name, "-test.") ||
           strstr(name, ".test.") || strstr(name, ".spec.");
}

/* After the last dot of the name; the whole name of a file like ".netrc"; none counts as wanted. */
static bool ending_wanted(const struct finder_entry *entry)
{
    const char *slash = strrchr(entry->path, '/'), *name = slash ? slash + 1 : entry->path;
    const char *dot = strrchr(name, '.');

    if (is_test_name(name))
        return false;
    if (!dot || dot == name || mu_text_starts(name, ".env"))
        return true;
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    }
    return false;
}

bool secret_file_wanted(const struct finder_entry *entry)
{
    return entry->kind == FINDER_FILE && entry->size_bytes >= SECRET_FILE_MIN_BYTES &&
           entry->size_bytes <= SECRET_FILE_MAX_BYTES && !in_package_tree(entry) &&
           ending_wanted(entry) && !has_package_folder(entry);
}
