#include "oci/reference.h"

#include "base/sha256.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { HOST_MAX = 255, REFERENCE_MAX = 1024 };

static const char default_host[] = "docker.io";
static const char *const default_host_aliases[] = {"index.docker.io", "registry-1.docker.io"};
static const char *const runtime_prefixes[] = {"docker-pullable://", "docker://", "https://",
                                               "http://"};
static const char *const floating_tags[] = {"",       "latest", "edge",    "main", "master",
                                            "stable", "dev",    "nightly", "head"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- parts ---- */

bool mu_oci_digest_valid(const char *text, size_t len)
{
    return mu_digest_valid(text, len);
}

bool mu_oci_tag_valid(const char *text, size_t len)
{
    if (len == 0 || len >= MU_OCI_TAG_SIZE || text[0] == '.' || text[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("_.-", text[i]))
            return false;
    return memchr(text, '\0', len) == NULL;
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One path component: alphanumerics joined by one '.', one or two '_', or any number of '-'. */
static bool component_valid(const char *text, size_t len)
{
    if (len == 0 || !is_lower_or_digit(text[0]) || !is_lower_or_digit(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        size_t run = 0;

        if (is_lower_or_digit(text[i]))
            continue;
        while (!is_lower_or_digit(text[i + run]) && text[i + run] == text[i])
            run++;
        if (!is_lower_or_digit(text[i + run]))
            return false;
        if (!(text[i] == '.' && run == 1) && !(text[i] == '_' && run <= 2) && text[i] != '-')
            return false;
        i += run;
    }
    return true;
}

static bool path_valid(const char *text, size_t len)
{
    while (len > 0) {
        const char *slash = memchr(text, '/', len);
        size_t part = slash ? (size_t)(slash - text) : len;

        if (!component_valid(text, part))
            return false;
        if (!slash)
            return true;
        text += part + 1;
        len -= part + 1;
    }
    return false;
}

static bool port_valid(const char *text, size_t len)
{
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return true;
}

/* host, host:port, [v6], [v6]:port */
static bool host_valid(const char *text, size_t len)
{
    const char *colon;
    size_t name;

    if (len == 0 || len > HOST_MAX)
        return false;
    if (text[0] == '[') {
        const char *close = memchr(text, ']', len);

        if (!close)
            return false;
        for (const char *at = text + 1; at < close; at++)
            if (!isxdigit((unsigned char)*at) && *at != ':' && *at != '.')
                return false;
        name = (size_t)(close - text) + 1;
        return name == len || (text[name] == ':' && port_valid(text + name + 1, len - name - 1));
    }
    colon = memchr(text, ':', len);
    name = colon ? (size_t)(colon - text) : len;
    for (size_t i = 0; i < name; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '.' && text[i] != '-')
            return false;
    return name > 0 && (!colon || port_valid(colon + 1, len - name - 1));
}

/* A first component is a host only when nothing else could look like it. */
static bool looks_like_host(const char *text, size_t len)
{
    return memchr(text, '.', len) || memchr(text, ':', len) || text[0] == '[' ||
           (len == 9 && strncmp(text, "localhost", 9) == 0);
}

/* ---- joining and splitting ---- */

static enum mu_status invalid(struct mu_error *err, const char *what, const char *text, size_t len)
{
    return mu_fail(err, MU_E_INVALID, "%s: '%.*s'", what, (int)(len < 200 ? len : 200), text);
}

/* Writes "host/path" in canonical form: lower-case host, docker.io's names made one. */
static enum mu_status join(const char *host, size_t host_len, const char *path, size_t path_len,
                           char ret_repository[MU_OCI_REPOSITORY_SIZE], struct mu_error *err)
{
    char lower[HOST_MAX + 1], *at;
    const char *official = "";

    if (!host_valid(host, host_len))
        return invalid(err, "no registry host", host, host_len);
    if (!path_valid(path, path_len))
        return invalid(err, "no repository path", path, path_len);
    for (size_t i = 0; i < host_len; i++)
        lower[i] = (char)tolower((unsigned char)host[i]);
    lower[host_len] = '\0';
    for (size_t i = 0; i < COUNT_OF(default_host_aliases); i++)
        if (mu_text_equal(lower, default_host_aliases[i]))
            (void)snprintf(lower, sizeof(lower), "%s", default_host);
    if (mu_text_equal(lower, default_host) && !memchr(path, '/', path_len))
        official = "library/";
    if (strlen(lower) + 1 + strlen(official) + path_len >= MU_OCI_REPOSITORY_SIZE)
        return mu_fail(err, MU_E_LIMIT, "repository name of more than %d bytes",
                       MU_OCI_REPOSITORY_SIZE - 1);
    at = stpcpy(stpcpy(stpcpy(ret_repository, lower), "/"), official);
    memcpy(at, path, path_len);
    at[path_len] = '\0';
    return MU_OK;
}

enum mu_status mu_oci_repository_join(const char *host, const char *path,
                                      char ret_repository[MU_OCI_REPOSITORY_SIZE],
                                      struct mu_error *err)
{
    return join(host, strlen(host), path, strlen(path), ret_repository, err);
}

void mu_oci_repository_split(const char *repository, size_t *ret_host_len, const char **ret_path)
{
    size_t host_len = strcspn(repository, "/");

    *ret_host_len = host_len;
    *ret_path = repository[host_len] ? repository + host_len + 1 : repository + host_len;
}

/* ---- parsing ---- */

static void strip_prefix(const char **text, size_t *len)
{
    for (size_t i = 0; i < COUNT_OF(runtime_prefixes); i++) {
        size_t prefix = strlen(runtime_prefixes[i]);

        if (*len > prefix && strncmp(*text, runtime_prefixes[i], prefix) == 0) {
            *text += prefix;
            *len -= prefix;
            return;
        }
    }
}

/* Takes "@digest" off the end. */
static enum mu_status take_digest(const char *text, size_t *len, struct mu_oci_reference *reference,
                                  struct mu_error *err)
{
    const char *at = memchr(text, '@', *len);
    size_t digest_len;

    if (!at)
        return MU_OK;
    digest_len = *len - (size_t)(at - text) - 1;
    if (!mu_oci_digest_valid(at + 1, digest_len))
        return invalid(err, "no digest", at + 1, digest_len);
    memcpy(reference->digest, at + 1, digest_len);
    *len = (size_t)(at - text);
    return MU_OK;
}

/* Takes ":tag" off the end: the last colon, when no slash follows it. */
static enum mu_status take_tag(const char *text, size_t *len, struct mu_oci_reference *reference,
                               struct mu_error *err)
{
    const char *colon = memrchr(text, ':', *len), *slash = memrchr(text, '/', *len);
    size_t tag_len;

    if (!colon || (slash && slash > colon))
        return MU_OK;
    tag_len = *len - (size_t)(colon - text) - 1;
    if (!mu_oci_tag_valid(colon + 1, tag_len))
        return invalid(err, "no tag", colon + 1, tag_len);
    memcpy(reference->tag, colon + 1, tag_len);
    *len = (size_t)(colon - text);
    return MU_OK;
}

static enum mu_status take_name(const char *text, size_t len, struct mu_oci_reference *reference,
                                struct mu_error *err)
{
    const char *slash = memchr(text, '/', len);
    size_t first = slash ? (size_t)(slash - text) : len;

    if (slash && looks_like_host(text, first))
        return join(text, first, slash + 1, len - first - 1, reference->repository, err);
    return join(default_host, sizeof(default_host) - 1, text, len, reference->repository, err);
}

enum mu_status mu_oci_reference_parse(const char *text, size_t len,
                                      struct mu_oci_reference *ret_reference, struct mu_error *err)
{
    struct mu_oci_reference reference = {0};
    enum mu_status st;

    if (len > REFERENCE_MAX)
        return mu_fail(err, MU_E_LIMIT, "image reference of %zu bytes: more than %d", len,
                       REFERENCE_MAX);
    if (memchr(text, '\0', len))
        return mu_fail(err, MU_E_INVALID, "image reference holds a NUL");
    strip_prefix(&text, &len);
    if (mu_oci_digest_valid(text, len)) {
        memcpy(reference.digest, text, len);
        *ret_reference = reference;
        return MU_OK;
    }
    st = take_digest(text, &len, &reference, err);
    if (st == MU_OK)
        st = take_tag(text, &len, &reference, err);
    if (st == MU_OK)
        st = take_name(text, len, &reference, err);
    if (st == MU_OK)
        *ret_reference = reference;
    return st == MU_OK ? MU_OK : mu_wrap(err, "image reference");
}

/* ---- names built from parts ---- */

void mu_oci_uai_format(const char *repository, const char *tag, const char *digest,
                       char ret_uai[MU_OCI_UAI_SIZE])
{
    bool tagged = tag && *tag;

    (void)snprintf(ret_uai, MU_OCI_UAI_SIZE, "%s%s%s", repository, tagged ? ":" : "@",
                   tagged ? tag : digest);
}

bool mu_oci_tag_floating(const char *tag)
{
    for (size_t i = 0; i < COUNT_OF(floating_tags); i++)
        if (mu_text_equal(tag, floating_tags[i]))
            return true;
    return false;
}
