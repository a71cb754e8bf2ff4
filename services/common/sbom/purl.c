#include "sbom/purl.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* How a type writes what the ecosystem calls a package. */
struct purl_type {
    const char *type;
    bool lower;          /* names are not case-sensitive */
    bool dash;           /* "_" is "-" */
    bool of_os;          /* the distribution is the namespace, and a qualifier */
    bool epoch;          /* before ":" in the version: a qualifier of its own */
    char separator;      /* between namespace and name in the name; 0: none */
    bool last_separator; /* the last of them, else the first */
};

static const struct purl_type types[] = {
        {.type = "deb", .lower = true, .of_os = true},
        {.type = "apk", .lower = true, .of_os = true},
        {.type = "rpm", .of_os = true, .epoch = true},
        {.type = "pypi", .lower = true, .dash = true},
        {.type = "npm", .lower = true, .separator = '/'},
        {.type = "maven", .separator = ':'},
        {.type = "golang", .lower = true, .separator = '/', .last_separator = true},
        {.type = "composer", .lower = true, .separator = '/'},
        {.type = "cargo"},
        {.type = "gem"},
        {.type = "nuget"},
};

static const struct purl_type *type_of(const char *name)
{
    static const struct purl_type other = {.type = "generic"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (mu_text_equal(types[i].type, name))
            return &types[i];
    }
    return &other;
}

static size_t namespace_len(const struct purl_type *type, const char *name)
{
    const char *separator = NULL;

    if (type->separator)
        separator = type->last_separator ? strrchr(name, type->separator)
                                         : strchr(name, type->separator);
    return separator && separator[1] != '\0' ? (size_t)(separator - name) : 0;
}

size_t mu_purl_namespace_len(const char *type, const char *name)
{
    return namespace_len(type_of(type), name);
}

enum { KEEP = 0, LOWER = 1 << 0, DASH = 1 << 1, SEGMENTS = 1 << 2 };

/* ASCII only: what a type folds is ASCII. */
static char folded(char c, unsigned how)
{
    if ((how & LOWER) && c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return (how & DASH) && c == '_' ? '-' : c;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(".-_~:", c));
}

/* SEGMENTS: "/" parts and is kept. */
static void put_encoded(const char *text, size_t len, unsigned how, struct mu_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        char c = folded(text[i], how);

        if (is_plain(c) || ((how & SEGMENTS) && c == '/'))
            mu_buf_append(out, &c, 1);
        else
            mu_buf_printf(out, "%%%02X", (unsigned char)c);
    }
}

/* Qualifiers come in the order of their keys. */
struct qualifiers {
    struct mu_buf *out;
    bool any;
};

static void start_qualifier(struct qualifiers *all, const char *key)
{
    mu_buf_printf(all->out, "%s%s=", all->any ? "&" : "?", key);
    all->any = true;
}

static void put_qualifier(struct qualifiers *all, const char *key, const char *value, size_t len)
{
    if (len == 0)
        return;
    start_qualifier(all, key);
    put_encoded(value, len, KEEP, all->out);
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

/* "1" of "1:2.3-4"; 0: no epoch. */
static size_t epoch_len(const struct purl_type *type, const char *version)
{
    size_t digits = version ? strspn(version, "0123456789") : 0;

    return type->epoch && digits > 0 && version[digits] == ':' ? digits : 0;
}

/* "debian-12", "debian" when there is no version ("sid"). */
static void put_distro(struct qualifiers *all, const struct mu_purl *purl)
{
    char text[256];

    if (length(purl->os_id) == 0)
        return;
    (void)snprintf(text, sizeof(text), "%s%s%s", purl->os_id,
                   length(purl->os_version_id) > 0 ? "-" : "",
                   purl->os_version_id ? purl->os_version_id : "");
    put_qualifier(all, "distro", text, strlen(text));
}

/* The source package, which vendors' advisories name: "openssl" at the package's own version, else
 * "openssl@3.0.11-1"; of an rpm as SOURCERPM has it. */
static void put_upstream(struct qualifiers *all, const struct purl_type *type,
                         const struct mu_purl *purl, size_t skipped)
{
    const char *name = purl->source_name, *version = purl->source_version;
    bool same_version =
            !version || (purl->version && mu_text_equal(version, purl->version + skipped));

    if (!name || (same_version && mu_text_equal(name, purl->name)))
        return;
    if (type->epoch && version && !strchr(version, ':')) { /* no SOURCERPM has an epoch */
        start_qualifier(all, "upstream");
        put_encoded(name, strlen(name), KEEP, all->out);
        mu_buf_puts(all->out, "-");
        put_encoded(version, strlen(version), KEEP, all->out);
        mu_buf_puts(all->out, ".src.rpm");
    } else if (!type->epoch) {
        start_qualifier(all, "upstream");
        put_encoded(name, strlen(name), KEEP, all->out);
        if (!same_version) {
            mu_buf_puts(all->out, "%40");
            put_encoded(version, strlen(version), KEEP, all->out);
        }
    }
}

static void put_name(const struct purl_type *type, const struct mu_purl *purl, struct mu_buf *out)
{
    unsigned how = (type->lower ? LOWER : 0U) | (type->dash ? DASH : 0U);
    size_t space = namespace_len(type, purl->name);

    if (type->of_os && length(purl->os_id) > 0) {
        put_encoded(purl->os_id, strlen(purl->os_id), LOWER, out);
        mu_buf_puts(out, "/");
    } else if (space > 0) {
        put_encoded(purl->name, space, how | SEGMENTS, out);
        mu_buf_puts(out, "/");
        space++;
    }
    put_encoded(purl->name + space, strlen(purl->name + space), how, out);
}

void mu_purl_put(const struct mu_purl *purl, struct mu_buf *out)
{
    const struct purl_type *type = type_of(purl->type);
    size_t epoch = epoch_len(type, purl->version), skipped = epoch > 0 ? epoch + 1 : 0;
    struct qualifiers all = {.out = out};

    mu_buf_printf(out, "pkg:%s/", type->type);
    put_name(type, purl, out);
    if (length(purl->version) > skipped) {
        mu_buf_puts(out, "@");
        put_encoded(purl->version + skipped, strlen(purl->version) - skipped, KEEP, out);
    }
    if (type->of_os) {
        put_qualifier(&all, "arch", purl->architecture, length(purl->architecture));
        put_distro(&all, purl);
        put_qualifier(&all, "epoch", purl->version, epoch);
        put_qualifier(&all, "rpmmod", purl->module, length(purl->module));
        put_upstream(&all, type, purl, skipped);
    }
}

void mu_purl_put_image(const char *repository, const char *digest, const char *platform,
                       struct mu_buf *out)
{
    const char *slash = strrchr(repository, '/'), *name = slash ? slash + 1 : repository;
    const char *architecture = platform ? strchr(platform, '/') : NULL;
    struct qualifiers all = {.out = out};

    mu_buf_puts(out, "pkg:oci/");
    put_encoded(name, strlen(name), LOWER, out);
    mu_buf_puts(out, "@");
    put_encoded(digest, strlen(digest), KEEP, out);
    if (architecture)
        put_qualifier(&all, "arch", architecture + 1, strcspn(architecture + 1, "/"));
    put_qualifier(&all, "repository_url", repository, strlen(repository));
}
