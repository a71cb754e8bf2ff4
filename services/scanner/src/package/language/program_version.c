#include "package/language/exe_packages.h"

#include <string.h>

/*
 * Programs that are widely installed without a package manager. A version is a text of digits and
 * dots, with the letters that the program's own versions have, next to a text that is always there.
 */
enum sign_form {
    VERSION_BEHIND, /* the sign, then the version */
    VERSION_BEGUN,  /* the same, and the sign begins a text: NUL is before it */
    VERSION_BEFORE, /* the version, then the sign */
    VERSION_ALONE   /* NUL, a version that begins as the file name ends, NUL */
};

struct program_row {
    const char *file; /* '*' ends a prefix */
    const char *name;
    enum sign_form form;
    const char *sign;
    const char *letters; /* besides digits and dots */
    unsigned dots;       /* the version has at least so many */
};

static const struct program_row rows[] = {
        {"node", "node", VERSION_BEHIND, "node.js/v", "", 2},
        {"python*", "python", VERSION_ALONE, "python", "abcr+", 2},
        {"libpython*", "python", VERSION_ALONE, "libpython", "abcr+", 2},
        {"pypy*", "pypy", VERSION_BEHIND, "[PyPy ", "", 2},
        {"libpypy*", "pypy", VERSION_BEHIND, "[PyPy ", "", 2},
        {"ruby", "ruby", VERSION_BEHIND, "ruby ", "p", 2},
        {"libruby*", "ruby", VERSION_BEHIND, "ruby ", "p", 2},
        {"php*", "php-cli", VERSION_BEHIND, "X-Powered-By: PHP/", "", 2},
        {"libphp*", "libphp", VERSION_BEHIND, "X-Powered-By: PHP/", "", 2},
        {"perl", "perl", VERSION_BEHIND, "/usr/local/lib/perl5/", "", 2},
        {"nginx", "nginx", VERSION_BEHIND, "nginx version: nginx/", "", 2},
        {"openresty", "openresty", VERSION_BEHIND, "nginx version: openresty/", "", 2},
        {"httpd", "httpd", VERSION_BEHIND, "Apache/", "", 2},
        {"haproxy", "haproxy", VERSION_BEHIND, "HAProxy version ", "", 2},
        {"redis-server", "redis", VERSION_BEFORE, "buildkitsandbox-", "", 2},
        {"redis-server", "redis", VERSION_BEHIND, "Redis version ", "", 2},
        {"valkey-server", "valkey", VERSION_BEFORE, "buildkitsandbox-", "", 2},
        {"memcached", "memcached", VERSION_BEHIND, "memcached ", "", 2},
        {"postgres", "postgresql", VERSION_BEGUN, "PostgreSQL ", "abetrc", 1},
        {"mysqld", "mysql-server", VERSION_BEHIND, "/mysql-", "", 2},
        {"mariadb", "mariadb", VERSION_BEFORE, "-MariaDB", "", 2},
        {"mariadbd", "mariadb", VERSION_BEFORE, "-MariaDB", "", 2},
        {"busybox", "busybox", VERSION_BEHIND, "BusyBox v", "", 2},
        {"bash", "bash", VERSION_BEHIND, "@(#)Bash version ", "", 1},
        {"openssl", "openssl", VERSION_BEHIND, "OpenSSL ", "abcdefghijklmnopqrstuvwxyz", 2},
        {"libcrypto.so*", "openssl", VERSION_BEHIND, "OpenSSL ", "abcdefghijklmnopqrstuvwxyz", 2},
        {"curl", "curl", VERSION_BEHIND, "curl/", "", 2},
};

static bool file_fits(struct lang_span base, const char *file)
{
    size_t len = strlen(file);

    if (file[len - 1] == '*')
        return base.len >= len - 1 && memcmp(base.text, file, len - 1) == 0;
    return lang_is(base, file);
}

static bool version_char(char c, const char *letters)
{
    return lang_digit(c) || c == '.' || (c != '\0' && strchr(letters, c));
}

/* A version begins with a digit, has `least` dots, each before a digit, and a usual length. Else
 * empty. */
static struct lang_span version_checked(struct lang_span version, unsigned least)
{
    unsigned dots = 0;

    while (version.len > 0 && version.text[version.len - 1] == '.')
        version.len--;
    if (version.len < 3 || version.len > 40 || !lang_digit(version.text[0]))
        return (struct lang_span){0};
    for (size_t i = 1; i + 1 < version.len; i++) {
        if (version.text[i] == '.' && !lang_digit(version.text[i + 1]))
            return (struct lang_span){0};
        dots += version.text[i] == '.';
    }
    return dots >= least ? version : (struct lang_span){0};
}

static struct lang_span version_behind(struct lang_span text, const char *letters, unsigned dots)
{
    size_t len = 0;

    while (len < text.len && version_char(text.text[len], letters))
        len++;
    return version_checked(lang_head(text, len), dots);
}

static struct lang_span version_before(struct lang_span text, const char *letters, unsigned dots)
{
    size_t len = 0;

    while (len < text.len && version_char(text.text[text.len - 1 - len], letters))
        len++;
    return version_checked(lang_tail(text, text.len - len), dots);
}

static struct lang_span by_sign(struct lang_span text, const struct program_row *row)
{
    size_t len = strlen(row->sign), at = 0;
    struct lang_span version = {0};

    while (version.len == 0 && at < text.len) {
        const char *found = memmem(text.text + at, text.len - at, row->sign, len);

        if (!found)
            break;
        at = (size_t)(found - text.text);
        if (row->form == VERSION_BEFORE)
            version = version_before(lang_head(text, at), row->letters, row->dots);
        else if (row->form == VERSION_BEHIND || (at > 0 && found[-1] == '\0'))
            version = version_behind(lang_tail(text, at + len), row->letters, row->dots);
        at += len;
    }
    return version;
}

/* "python3.11" has "\0" "3.11.2" "\0"; so has "libpython3.11.so.1.0". */
static struct lang_span by_file_name(struct lang_span text, struct lang_span base,
                                     const struct program_row *row)
{
    struct lang_span begin = version_behind(lang_tail(base, strlen(row->sign)), "", 1);
    size_t at = 0;

    while (begin.len > 0 && at < text.len) {
        const char *found = memmem(text.text + at, text.len - at, begin.text, begin.len);
        struct lang_span version;

        if (!found)
            break;
        at = (size_t)(found - text.text);
        version = version_behind(lang_tail(text, at), row->letters, row->dots);
        if (at > 0 && text.text[at - 1] == '\0' && version.len > begin.len &&
            at + version.len < text.len && text.text[at + version.len] == '\0')
            return version;
        at++;
    }
    return (struct lang_span){0};
}

enum mu_status program_version_tell(struct lang_span path, const struct exe_image *image,
                                    struct lang_report *report, struct mu_error *err)
{
    struct lang_span base = lang_path_base(path), text = lang_bytes(image->bytes, image->len);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lang_package package = {.type = "generic", .name = lang_span_of(rows[i].name)};

        if (!file_fits(base, rows[i].file))
            continue;
        package.version = rows[i].form == VERSION_ALONE ? by_file_name(text, base, &rows[i])
                                                        : by_sign(text, &rows[i]);
        if (package.version.len > 0)
            return lang_report_package(report, &package, err);
    }
    return MU_OK;
}
