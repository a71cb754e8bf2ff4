#include "check/credential_files.h"

#include "check/secret_text.h"

#include "base/buf.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

struct told {
    credential_fn *on_credential;
    void *opaque;
    struct mu_error *err;
};

static enum mu_status tell(const struct told *to, uint32_t line, const char *what,
                           struct text_piece of)
{
    char text[CREDENTIAL_SHOWN_MAX_BYTES];

    (void)snprintf(text, sizeof(text), "%s %.*s", what, (int)(of.len < 120 ? of.len : 120),
                   of.len > 0 ? of.text : "");
    return to->on_credential(to->opaque, text, line, to->err);
}

/* ---- Docker's config.json: auths.HOST.{auth,identitytoken,registrytoken,password} ---- */

/* "user:password" in base64 */
static bool auth_real(const char *auth)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    struct mu_error ignored;
    const char *colon;

    mu_buf_init(&plain, 64 * 1024);
    if (!auth || mu_base64_decode(auth, strlen(auth), &plain, &ignored) != MU_OK)
        return false;
    colon = memchr(plain.data, ':', plain.len);
    return colon && !secret_is_placeholder((struct text_piece){
                            colon + 1, plain.len - (size_t)(colon + 1 - plain.data)});
}

static bool member_real(const json_t *entry, const char *name)
{
    const char *text = mu_json_text_at(entry, name);

    return text && secret_is_password((struct text_piece){text, strlen(text)});
}

static enum mu_status docker_read(struct text_piece text, const struct told *to)
{
    static const struct mu_json_limits limits = {256 * 1024, 16};
    json_auto_t *root = NULL;
    json_t *auths, *entry;
    const char *host;
    struct mu_error ignored;

    if (mu_json_parse(text.text, text.len, &limits, &root, &ignored) != MU_OK)
        return MU_OK;
    auths = json_object_get(root, "auths");
    json_object_foreach (json_is_object(auths) ? auths : root, host, entry) {
        if (!auth_real(mu_json_text_at(entry, "auth")) && !member_real(entry, "password") &&
            !member_real(entry, "identitytoken") && !member_real(entry, "registrytoken"))
            continue;
        if (tell(to, 0, "credentials of registry", (struct text_piece){host, strlen(host)}) !=
            MU_OK)
            return to->err->status;
    }
    return MU_OK;
}

/* ---- netrc: machine NAME login NAME password WORD, over any lines ---- */

static enum mu_status netrc_read(struct text_piece text, const struct told *to)
{
    struct text_lines lines = text_lines_of(text.text, text.len);
    struct text_piece line, machine = {"default", strlen("default")};

    while (text_lines_next(&lines, &line)) {
        struct text_piece word;

        while ((word = text_piece_word(&line)).len > 0 && word.text[0] != '#') {
            if (text_piece_is(word, "machine"))
                machine = text_piece_word(&line);
            if (text_piece_is(word, "password") && secret_is_password(text_piece_word(&line)) &&
                tell(to, lines.number, "password of machine", machine) != MU_OK)
                return to->err->status;
        }
    }
    return MU_OK;
}

/* ---- .pgpass: host:port:database:user:password ---- */

static enum mu_status pgpass_read(struct text_piece text, const struct told *to)
{
    enum { COLONS = 4 };
    struct text_lines lines = text_lines_of(text.text, text.len);
    struct text_piece line;

    while (text_lines_next(&lines, &line)) {
        struct text_piece host = line, rest = line;
        size_t colons = 0, host_len = 0;
        const char *colon;

        while (colons < COLONS && (colon = memchr(rest.text, ':', rest.len))) {
            if (colons++ == 0)
                host_len = (size_t)(colon - line.text);
            rest.len -= (size_t)(colon + 1 - rest.text);
            rest.text = colon + 1;
        }
        host.len = host_len;
        if (colons == COLONS && line.text[0] != '#' && !secret_is_placeholder(rest) &&
            tell(to, lines.number, "password of database host", host) != MU_OK)
            return to->err->status;
    }
    return MU_OK;
}

/* ---- URLs with user and password ---- */

static enum mu_status urls_read(struct text_piece text, const struct told *to)
{
    struct text_lines lines = text_lines_of(text.text, text.len);
    struct text_piece line, user;

    while (text_lines_next(&lines, &line)) {
        line = text_piece_trimmed(line);
        if (line.len == 0 || line.text[0] == '#' || !secret_url_password(line, &user))
            continue;
        if (tell(to, lines.number, "password in URL of", user) != MU_OK)
            return to->err->status;
    }
    return MU_OK;
}

/* ---- NAME = VALUE, NAME: VALUE ---- */

static struct text_piece unquoted(struct text_piece value)
{
    if (value.len >= 2 && (value.text[0] == '"' || value.text[0] == '\'') &&
        value.text[value.len - 1] == value.text[0])
        return (struct text_piece){value.text + 1, value.len - 2};
    return value;
}

/* The value of a line whose name ends with `name`; a list's "- " is passed over. */
static bool value_of(struct text_piece line, const char *name, struct text_piece *ret_value)
{
    struct text_piece key;
    size_t split = 0;

    line = text_piece_trimmed(line);
    if (text_piece_starts(line, "- "))
        line = text_piece_trimmed((struct text_piece){line.text + 2, line.len - 2});
    while (split < line.len && line.text[split] != '=' &&
           !(line.text[split] == ':' && (split + 1 == line.len || line.text[split + 1] == ' ')))
        split++;
    if (split == line.len || line.text[0] == '#' || line.text[0] == ';')
        return false;
    key = text_piece_trimmed((struct text_piece){line.text, split});
    if (key.len < strlen(name) ||
        memcmp(key.text + key.len - strlen(name), name, strlen(name)) != 0)
        return false;
    *ret_value = unquoted(
            text_piece_trimmed((struct text_piece){line.text + split + 1, line.len - split - 1}));
    return true;
}

static enum mu_status values_read(struct text_piece text, const char *name, const struct told *to)
{
    struct text_lines lines = text_lines_of(text.text, text.len);
    struct text_piece line, value;

    while (text_lines_next(&lines, &line)) {
        if (value_of(line, name, &value) && secret_is_password(value) &&
            tell(to, lines.number, "value of", (struct text_piece){name, strlen(name)}) != MU_OK)
            return to->err->status;
    }
    return MU_OK;
}

/* ---- which file is read how ---- */

struct kind {
    const char *ending; /* of "/" and the path */
    bool folder;        /* anywhere below it */
    enum mu_status (*read)(struct text_piece text, const struct told *to);
    const char *value; /* instead: the name of a value */
};

static const struct kind kinds[] = {
        {"/.docker/config.json", false, docker_read, NULL},
        {"/.dockercfg", false, docker_read, NULL},
        {"/.dockerconfigjson", false, docker_read, NULL},
        {"/containers/auth.json", false, docker_read, NULL},
        {"/.netrc", false, netrc_read, NULL},
        {"/_netrc", false, netrc_read, NULL},
        {"/etc/apt/auth.conf", false, netrc_read, NULL},
        {"/etc/apt/auth.conf.d/", true, netrc_read, NULL},
        {"/.pgpass", false, pgpass_read, NULL},
        {"/.git-credentials", false, urls_read, NULL},
        {"/.git/config", false, urls_read, NULL},
        {"/.gitconfig", false, urls_read, NULL},
        {"/pip.conf", false, urls_read, NULL},
        {"/.condarc", false, urls_read, NULL},
        {"/etc/apt/sources.list", false, urls_read, NULL},
        {"/etc/apt/sources.list.d/", true, urls_read, NULL},
        {"/.npmrc", false, NULL, "_authToken"},
        {"/.npmrc", false, NULL, "_password"},
        {"/.npmrc", false, NULL, "_auth"},
        {"/.yarnrc.yml", false, NULL, "npmAuthToken"},
        {"/.pypirc", false, NULL, "password"},
        {"/.my.cnf", false, NULL, "password"},
        {"/.aws/credentials", false, NULL, "aws_secret_access_key"},
        {"/.s3cfg", false, NULL, "secret_key"},
        {"/.kube/config", false, NULL, "token"},
        {"/.kube/config", false, NULL, "client-key-data"},
};

static bool kind_fits(const struct kind *kind, const char *path)
{
    size_t ending = strlen(kind->ending), len = strlen(path);

    if (kind->folder)
        return mu_text_starts(path, kind->ending + 1);
    return (len + 1 == ending && memcmp(path, kind->ending + 1, len) == 0) ||
           (len >= ending && memcmp(path + len - ending, kind->ending, ending) == 0);
}

enum mu_status credential_file_read(const char *path, struct text_piece text,
                                    credential_fn *on_credential, void *opaque,
                                    struct mu_error *err)
{
    const struct told to = {on_credential, opaque, err};
    enum mu_status st = MU_OK;

    for (size_t i = 0; st == MU_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!kind_fits(&kinds[i], path))
            continue;
        st = kinds[i].read ? kinds[i].read(text, &to) : values_read(text, kinds[i].value, &to);
    }
    return st;
}
