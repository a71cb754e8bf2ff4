#include "registry/registry_book.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "registry/registry_tokens.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOOK_MAX_BYTES = 1024 * 1024,
    BOOK_MAX_ENTRIES = 1024,
    BOOK_ARENA_BYTES = 16 * 1024 * 1024,
    WORD_MAX = 255,
    REGION_MAX = 60,
    URL_MAX = 500, /* as struct mu_registry_access has room for */
    PATH_MAX_CHARACTERS = 4096
};

struct entry_login {
    int from; /* enum mu_login_way */
    const char *file, *helper, *region, *endpoint, *sts_endpoint, *tenant, *client_id;
};

struct entry {
    const char *host, *url, *username, *password_file, *token_file, *ca_file, *client_cert_file,
            *client_key_file;
    struct mu_json_texts mirrors;
    struct entry_login login;
    bool private_redirects;
};

struct book_file {
    const char *docker_config;
    struct mu_json_array entries; /* of struct entry */
};

struct registry_book {
    struct mu_arena *arena;
    struct mu_registry_tokens *tokens;
    struct book_file file;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(owner, member, json, most)                                                    \
    {                                                                                      \
        .name = (json), .type = MU_JSON_TEXT, .offset = offsetof(owner, member), .min = 1, \
        .max = (most)                                                                      \
    }
#define TABLE(owner, what, rows)                                         \
    {                                                                    \
        .name = (what), .fields = (rows), .field_count = COUNT_OF(rows), \
        .struct_size = sizeof(owner)                                     \
    }

static const char *const ways[] = {"", "docker-config", "helper", "ecr", "google", "azure", NULL};

static const struct mu_json_field login_fields[] = {
        {.name = "from",
         .type = MU_JSON_ENUM,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct entry_login, from),
         .words = ways},
        TEXT(struct entry_login, file, "file", PATH_MAX_CHARACTERS),
        TEXT(struct entry_login, helper, "helper", WORD_MAX),
        TEXT(struct entry_login, region, "region", REGION_MAX),
        TEXT(struct entry_login, endpoint, "endpoint", URL_MAX),
        TEXT(struct entry_login, sts_endpoint, "sts_endpoint", URL_MAX),
        TEXT(struct entry_login, tenant, "tenant", REGION_MAX),
        TEXT(struct entry_login, client_id, "client_id", WORD_MAX),
};
static const struct mu_json_object login_object =
        TABLE(struct entry_login, "credentials", login_fields);

static const struct mu_json_field entry_fields[] = {
        {.name = "host",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct entry, host),
         .min = 1,
         .max = 255},
        {.name = "url",
         .type = MU_JSON_TEXT,
         .offset = offsetof(struct entry, url),
         .max = URL_MAX},
        {.name = "mirrors",
         .type = MU_JSON_TEXTS,
         .offset = offsetof(struct entry, mirrors),
         .max = REGISTRY_MIRRORS_MAX},
        TEXT(struct entry, username, "username", WORD_MAX),
        TEXT(struct entry, password_file, "password_file", PATH_MAX_CHARACTERS),
        TEXT(struct entry, token_file, "token_file", PATH_MAX_CHARACTERS),
        {.name = "credentials",
         .type = MU_JSON_OBJECT,
         .offset = offsetof(struct entry, login),
         .object = &login_object},
        TEXT(struct entry, ca_file, "ca_file", PATH_MAX_CHARACTERS),
        TEXT(struct entry, client_cert_file, "client_cert_file", PATH_MAX_CHARACTERS),
        TEXT(struct entry, client_key_file, "client_key_file", PATH_MAX_CHARACTERS),
        {.name = "private_redirects",
         .type = MU_JSON_BOOL,
         .offset = offsetof(struct entry, private_redirects)},
};
static const struct mu_json_object entry_object = TABLE(struct entry, "registry", entry_fields);

static const struct mu_json_field book_fields[] = {
        TEXT(struct book_file, docker_config, "docker_config", PATH_MAX_CHARACTERS),
        {.name = "registries",
         .type = MU_JSON_ARRAY,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct book_file, entries),
         .max = BOOK_MAX_ENTRIES,
         .object = &entry_object},
};
static const struct mu_json_object book_object =
        TABLE(struct book_file, "registries file", book_fields);

static const struct entry *entry_at(const struct registry_book *book, size_t index)
{
    return (const struct entry *)book->file.entries.items + index;
}

static const struct entry *entry_find(const struct registry_book *book, const char *host,
                                      size_t host_len)
{
    for (size_t i = 0; i < book->file.entries.count; i++) {
        const struct entry *entry = entry_at(book, i);

        if (strlen(entry->host) == host_len && memcmp(entry->host, host, host_len) == 0)
            return entry;
    }
    return NULL;
}

static bool is_url(const char *text)
{
    return mu_text_starts(text, "https://") || mu_text_starts(text, "http://");
}

/* Everything in the entry that must be a URL. */
static enum mu_status urls_check(const struct entry *entry, struct mu_error *err)
{
    const struct {
        const char *member, *url;
    } urls[] = {{"url", entry->url},
                {"credentials.endpoint", entry->login.endpoint},
                {"credentials.sts_endpoint", entry->login.sts_endpoint}};

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        if (urls[i].url && !is_url(urls[i].url))
            return mu_fail(err, MU_E_INVALID, "registry '%s': %s '%s' is no http or https URL",
                           entry->host, urls[i].member, urls[i].url);
    }
    for (size_t i = 0; i < entry->mirrors.count; i++) {
        if (!is_url(entry->mirrors.items[i]) || strlen(entry->mirrors.items[i]) > URL_MAX)
            return mu_fail(err, MU_E_INVALID,
                           "registry '%s': mirrors[%zu] '%.200s' is no http or https URL",
                           entry->host, i, entry->mirrors.items[i]);
    }
    return MU_OK;
}

/* What each way needs beside "from". */
static enum mu_status login_check(const struct entry *entry, struct mu_error *err)
{
    const struct entry_login *login = &entry->login;
    const char *missing = NULL;

    if ((login->from == MU_LOGIN_DOCKER_CONFIG || login->from == MU_LOGIN_AZURE) && !login->file)
        missing = "file";
    if (login->from == MU_LOGIN_HELPER && !login->helper)
        missing = "helper";
    if (login->from == MU_LOGIN_AZURE && login->client_id && !login->tenant)
        missing = "tenant";
    if (missing)
        return mu_fail(err, MU_E_INVALID, "registry '%s': credentials from %s need '%s'",
                       entry->host, ways[login->from], missing);
    return MU_OK;
}

static enum mu_status credentials_check(const struct entry *entry, struct mu_error *err)
{
    int kinds = (entry->username != NULL) + (entry->token_file != NULL) +
                (entry->login.from != MU_LOGIN_NONE);

    if (!entry->username != !entry->password_file)
        return mu_fail(err, MU_E_INVALID,
                       "registry '%s': username and password_file are given together or not at all",
                       entry->host);
    if (!entry->client_cert_file != !entry->client_key_file)
        return mu_fail(err, MU_E_INVALID,
                       "registry '%s': client_cert_file and client_key_file are given together or "
                       "not at all",
                       entry->host);
    if (kinds > 1)
        return mu_fail(err, MU_E_INVALID,
                       "registry '%s': give one of username, token_file and credentials",
                       entry->host);
    return login_check(entry, err);
}

static enum mu_status entry_check(const struct registry_book *book, const struct entry *entry,
                                  struct mu_error *err)
{
    if (urls_check(entry, err) != MU_OK || credentials_check(entry, err) != MU_OK)
        return err->status;
    if (entry_find(book, entry->host, strlen(entry->host)) != entry)
        return mu_fail(err, MU_E_INVALID, "registry '%s' is there twice", entry->host);
    return MU_OK;
}

/* A member that is misspelt would be credentials that are not used. */
static enum mu_status members_check(const json_t *object, const struct mu_json_object *table,
                                    struct mu_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        bool known = false;

        for (size_t i = 0; i < table->field_count; i++)
            known = known || mu_text_equal(table->fields[i].name, key);
        if (!known)
            return mu_fail(err, MU_E_INVALID, "%s: there is no member '%.100s'", table->name, key);
    }
    return MU_OK;
}

/* The ways there are, for who wrote another. */
static enum mu_status way_check(const json_t *credentials, struct mu_error *err)
{
    const char *from = json_string_value(json_object_get(credentials, "from"));

    for (size_t i = 1; from && ways[i]; i++) {
        if (mu_text_equal(ways[i], from))
            return MU_OK;
    }
    if (!from)
        return MU_OK; /* absent or no text: the field table says so */
    return mu_fail(err, MU_E_INVALID,
                   "credentials: from '%.40s' is none of docker-config, helper, ecr, google, azure",
                   from);
}

static enum mu_status all_members_check(const json_t *root, struct mu_error *err)
{
    const json_t *registry;
    size_t index;

    if (members_check(root, &book_object, err) != MU_OK)
        return err->status;
    json_array_foreach (json_object_get(root, "registries"), index, registry) {
        if (members_check(registry, &entry_object, err) != MU_OK ||
            members_check(json_object_get(registry, "credentials"), &login_object, err) != MU_OK ||
            way_check(json_object_get(registry, "credentials"), err) != MU_OK)
            return mu_wrap(err, "registries[%zu]", index);
    }
    return MU_OK;
}

static enum mu_status book_fill(struct registry_book *book, const char *json, size_t len,
                                struct mu_error *err)
{
    const struct mu_json_limits limits = {.max_bytes = BOOK_MAX_BYTES, .max_depth = 8};
    json_auto_t *root = NULL;

    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return mu_wrap(err, "registries file");
    if (all_members_check(root, err) != MU_OK ||
        mu_json_decode(&book_object, root, book->arena, &book->file, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < book->file.entries.count; i++) {
        if (entry_check(book, entry_at(book, i), err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static struct registry_book *book_new(void)
{
    struct registry_book *book = mu_xcalloc(1, sizeof(*book));

    book->arena = mu_arena_new(BOOK_ARENA_BYTES);
    book->tokens = mu_registry_tokens_new();
    return book;
}

enum mu_status registry_book_parse(const char *json, size_t len, struct registry_book **ret_book,
                                   struct mu_error *err)
{
    MU_AUTO(registry_book) struct registry_book *book = book_new();

    if (book_fill(book, json, len, err) != MU_OK)
        return err->status;
    *ret_book = book;
    book = NULL;
    return MU_OK;
}

enum mu_status registry_book_load(const char *path, struct registry_book **ret_book,
                                  struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, BOOK_MAX_BYTES);
    if (!path || path[0] == '\0') {
        *ret_book = book_new();
        return MU_OK;
    }
    if (mu_file_read(path, &text, err) != MU_OK)
        return mu_wrap(err, "registries file");
    return registry_book_parse(text.data, text.len, ret_book, err);
}

void registry_book_free(struct registry_book *book)
{
    if (!book)
        return;
    mu_arena_free(book->arena);
    mu_registry_tokens_free(book->tokens);
    free(book);
}

static enum mu_status url_default(const char *host, size_t host_len, char *ret_url, size_t size,
                                  struct mu_error *err)
{
    static const char docker[] = "docker.io";
    int len;

    if (host_len == sizeof(docker) - 1 && memcmp(host, docker, host_len) == 0)
        len = snprintf(ret_url, size, "https://registry-1.docker.io");
    else
        len = snprintf(ret_url, size, "https://%.*s", (int)host_len, host);
    if (len < 0 || (size_t)len >= size)
        return mu_fail(err, MU_E_LIMIT, "host name of %zu bytes", host_len);
    return MU_OK;
}

void registry_book_docker_config(struct registry_book *book, const char *path)
{
    if (!book->file.docker_config)
        book->file.docker_config = mu_arena_strdup(book->arena, path);
}

static void login_fill(const struct registry_book *book, const struct entry *entry,
                       struct mu_registry_login *login)
{
    const struct entry_login *from = entry ? &entry->login : NULL;

    if (from && from->from != MU_LOGIN_NONE)
        *login = (struct mu_registry_login){.way = (enum mu_login_way)from->from,
                                            .file = from->file,
                                            .helper = from->helper,
                                            .region = from->region,
                                            .endpoint = from->endpoint,
                                            .sts_endpoint = from->sts_endpoint,
                                            .tenant = from->tenant,
                                            .client_id = from->client_id};
    else if (book->file.docker_config && !(entry && (entry->username || entry->token_file)))
        *login = (struct mu_registry_login){.way = MU_LOGIN_DOCKER_CONFIG,
                                            .file = book->file.docker_config};
}

/* All but the URL; `host` fits, which the caller has seen to. */
static void access_fill(const struct registry_book *book, const struct entry *entry,
                        const char *host, size_t host_len, struct mu_registry_access *access)
{
    memcpy(access->host, host, host_len);
    access->host[host_len] = '\0';
    access->user_agent = "muster-scanner/" MU_VERSION;
    access->tokens = book->tokens;
    login_fill(book, entry, &access->login);
    if (!entry)
        return;
    access->username = entry->username;
    access->password_file = entry->password_file;
    access->token_file = entry->token_file;
    access->ca_file = entry->ca_file;
    access->client_cert_file = entry->client_cert_file;
    access->client_key_file = entry->client_key_file;
    access->private_redirects = entry->private_redirects;
}

/* A URL without the slashes at its end; it fits by the field table. */
static void url_fill(const char *url, size_t len, struct mu_registry_access *access)
{
    while (len > 0 && url[len - 1] == '/')
        len--;
    memcpy(access->url, url, len);
    access->url[len] = '\0';
}

enum mu_status registry_book_find(const struct registry_book *book, const char *host,
                                  size_t host_len, struct mu_registry_access *ret_access,
                                  struct mu_error *err)
{
    const struct entry *entry = entry_find(book, host, host_len);
    struct mu_registry_access access = {.url = ""};

    if (host_len >= sizeof(access.host))
        return mu_fail(err, MU_E_LIMIT, "host name of %zu bytes", host_len);
    access_fill(book, entry, host, host_len, &access);
    if (entry && entry->url)
        url_fill(entry->url, strlen(entry->url), &access);
    else if (url_default(host, host_len, access.url, sizeof(access.url), err) != MU_OK)
        return err->status;
    *ret_access = access;
    return MU_OK;
}

/* "https://HOST/prefix" to its parts. */
static enum mu_status mirror_fill(const struct registry_book *book, const char *url,
                                  struct registry_mirror *mirror, struct mu_error *err)
{
    const char *host = strstr(url, "://") + 3, *path = host + strcspn(host, "/");
    size_t host_len = (size_t)(path - host), path_len = strlen(path);

    while (path_len > 0 && path[path_len - 1] == '/')
        path_len--;
    if (host_len >= sizeof(mirror->access.host) || path_len + 1 >= sizeof(mirror->prefix))
        return mu_fail(err, MU_E_LIMIT, "mirror '%.200s' is too long", url);
    *mirror = (struct registry_mirror){.prefix = ""};
    access_fill(book, entry_find(book, host, host_len), host, host_len, &mirror->access);
    url_fill(url, (size_t)(path - url), &mirror->access);
    if (path_len > 0)
        (void)snprintf(mirror->prefix, sizeof(mirror->prefix), "%.*s/", (int)path_len - 1,
                       path + 1);
    return MU_OK;
}

enum mu_status registry_book_mirrors(const struct registry_book *book, const char *host,
                                     size_t host_len,
                                     struct registry_mirror ret_mirrors[REGISTRY_MIRRORS_MAX],
                                     size_t *ret_count, struct mu_error *err)
{
    const struct entry *entry = entry_find(book, host, host_len);
    size_t count = entry ? entry->mirrors.count : 0;

    for (size_t i = 0; i < count; i++) {
        if (mirror_fill(book, entry->mirrors.items[i], &ret_mirrors[i], err) != MU_OK)
            return err->status;
    }
    *ret_count = count;
    return MU_OK;
}
