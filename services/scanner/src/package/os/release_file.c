#include "package/os/release_file.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* How a family's release file begins, and which ID os-release gives it. */
static const struct {
    const char *prefix, *id;
    bool major_only; /* os-release names no minor version */
} redhat_names[] = {
        {"Red Hat Enterprise Linux", "rhel", false},
        {"AlmaLinux", "almalinux", false},
        {"Rocky Linux", "rocky", false},
        {"CentOS", "centos", true},
        {"Oracle Linux", "ol", false},
        {"Fedora", "fedora", true},
        {"Amazon Linux AMI", "amzn", false},
        {"Amazon Linux", "amzn", true},
};

/* The first line without blanks around it; `usable` when it is short and printable. */
struct line {
    const char *text;
    size_t len;
    bool usable;
};

static struct line first_line(const char *bytes, size_t len)
{
    const char *newline = len > 0 ? memchr(bytes, '\n', len) : NULL;
    struct line line = {.text = bytes, .len = newline ? (size_t)(newline - bytes) : len};

    while (line.len > 0 && isspace((unsigned char)line.text[line.len - 1]))
        line.len--;
    while (line.len > 0 && isspace((unsigned char)line.text[0])) {
        line.text++;
        line.len--;
    }
    line.usable = line.len > 0 && line.len <= OS_RELEASE_VALUE_MAX;
    for (size_t i = 0; line.usable && i < line.len; i++)
        line.usable = line.text[i] >= ' ' && line.text[i] <= '~';
    return line;
}

static size_t digits_count(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && isdigit((unsigned char)text[count]))
        count++;
    return count;
}

static enum mu_status text_keep(struct mu_arena *arena, const char *text, size_t len,
                                const char **ret_text, struct mu_error *err)
{
    *ret_text = mu_arena_strndup(arena, text, len);
    return *ret_text ? MU_OK : mu_fail(err, MU_E_NOMEM, "no memory for a release file");
}

enum mu_status release_file_alpine(const char *bytes, size_t len, struct mu_arena *arena,
                                   struct os_release *ret_release, struct mu_error *err)
{
    struct line line = first_line(bytes, len);
    struct os_release release = {0};

    if (line.usable && digits_count(line.text, line.len) > 0) {
        if (text_keep(arena, line.text, line.len, &release.version_id, err) != MU_OK)
            return err->status;
        release.id = "alpine";
    }
    *ret_release = release;
    return MU_OK;
}

enum mu_status release_file_debian(const char *bytes, size_t len, struct mu_arena *arena,
                                   struct os_release *ret_release, struct mu_error *err)
{
    struct line line = first_line(bytes, len);
    const char *slash = line.usable ? memchr(line.text, '/', line.len) : NULL;
    size_t digits = line.usable ? digits_count(line.text, line.len) : 0;
    struct os_release release = {0};
    enum mu_status st = MU_OK;

    if (digits > 0)
        st = text_keep(arena, line.text, digits, &release.version_id, err);
    else if (slash && slash > line.text)
        st = text_keep(arena, line.text, (size_t)(slash - line.text), &release.version_codename,
                       err);
    if (st != MU_OK)
        return st;
    if (release.version_id || release.version_codename)
        release.id = "debian";
    *ret_release = release;
    return MU_OK;
}

/* os-release's ID of what lsb-release calls a distribution: the same word in small letters. */
static enum mu_status lsb_id(const char *name, struct mu_arena *arena, const char **ret_id,
                             struct mu_error *err)
{
    char *id = mu_arena_strdup(arena, name);

    if (!id)
        return mu_fail(err, MU_E_NOMEM, "no memory for a release file");
    for (size_t i = 0; id[i] != '\0'; i++)
        id[i] = (char)tolower((unsigned char)id[i]);
    *ret_id = id;
    return MU_OK;
}

enum mu_status release_file_lsb(const char *bytes, size_t len, struct mu_arena *arena,
                                struct os_release *ret_release, struct mu_error *err)
{
    struct os_release release;

    if (os_release_parse_lsb(bytes, len, arena, &release, err) != MU_OK)
        return err->status;
    if (release.id && lsb_id(release.id, arena, &release.id, err) != MU_OK)
        return err->status;
    *ret_release = release;
    return MU_OK;
}

/* The version: the first word after "release" of digits and dots. */
static struct line redhat_version(struct line line, bool major_only)
{
    static const char word[] = " release ";
    const char *at = memmem(line.text, line.len, word, sizeof(word) - 1);
    struct line version = {0};

    if (!at)
        return version;
    version.text = at + sizeof(word) - 1;
    while (version.text + version.len < line.text + line.len &&
           (isdigit((unsigned char)version.text[version.len]) ||
            (!major_only && version.text[version.len] == '.')))
        version.len++;
    version.usable = version.len > 0;
    return version;
}

/* ID and VERSION_ID of `release`, whose PRETTY_NAME is `line`. */
static enum mu_status redhat_recognise(struct line line, struct mu_arena *arena,
                                       struct os_release *release, struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(redhat_names) / sizeof(redhat_names[0]); i++) {
        struct line version;

        if (!mu_text_starts(release->pretty_name, redhat_names[i].prefix))
            continue;
        version = redhat_version(line, redhat_names[i].major_only);
        release->id = redhat_names[i].id;
        return version.usable
                       ? text_keep(arena, version.text, version.len, &release->version_id, err)
                       : MU_OK;
    }
    return MU_OK;
}

enum mu_status release_file_redhat(const char *bytes, size_t len, struct mu_arena *arena,
                                   struct os_release *ret_release, struct mu_error *err)
{
    struct line line = first_line(bytes, len);
    struct os_release release = {0};

    if (line.usable && (text_keep(arena, line.text, line.len, &release.pretty_name, err) != MU_OK ||
                        redhat_recognise(line, arena, &release, err) != MU_OK))
        return err->status;
    if (!release.id)
        release.pretty_name = NULL;
    *ret_release = release;
    return MU_OK;
}
