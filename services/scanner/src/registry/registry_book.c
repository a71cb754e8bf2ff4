#include "registry/registry_book.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "json/json_doc.h"
#include "json/json_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOK_MAX_BYTES = 1024 * 1024, BOOK_MAX_ENTRIES = 1024, BOOK_ARENA_BYTES = 16 * 1024 * 1024 };

struct entry {
    const char *host, *url, *username, *password_file;
};

struct registry_book {
    struct mu_arena *arena;
    struct mu_json_array entries; /* of struct entry */
};

static const struct mu_json_field entry_fields[] = {
        {.name = "host",
         .type = MU_JSON_TEXT,
         .flags = MU_JSON_REQUIRED,
         .offset = offsetof(struct entry, host),
         .min = 1,
         .max = 255},
        {.name = "url", .type = MU_JSON_TEXT, .offset = offsetof(struct entry, url), .max = 500},
        {.name = "username",
         .type = MU_JSON_TEXT,
         .offset = offsetof(struct entry, username),
         .min = 1,
         .max = 255},
        {.name = "password_file",
         .type = MU_JSON_TEXT,
         .offset = offsetof(struct entry, password_file),
         .min = 1,
         .max = 4096},
};

static const struct mu_json_object entry_object = {.name = "registry",
                                                   .fields = entry_fields,
                                                   .field_count = sizeof(entry_fields) /
                                                                  sizeof(entry_fields[0]),
                                                   .struct_size = sizeof(struct entry)};

static const struct mu_json_field book_fields[] = {{.name = "registries",
                                                    .type = MU_JSON_ARRAY,
                                                    .flags = MU_JSON_REQUIRED,
                                                    .offset = 0,
                                                    .max = BOOK_MAX_ENTRIES,
                                                    .object = &entry_object}};

static const struct mu_json_object book_object = {.name = "registries file",
                                                  .fields = book_fields,
                                                  .field_count = 1,
                                                  .struct_size = sizeof(struct mu_json_array)};

static const struct entry *entry_at(const struct registry_book *book, size_t index)
{
    return (const struct entry *)book->entries.items + index;
}

static const struct entry *entry_find(const struct registry_book *book, const char *host,
                                      size_t host_len)
{
    for (size_t i = 0; i < book->entries.count; i++) {
        const struct entry *entry = entry_at(book, i);

        if (strlen(entry->host) == host_len && memcmp(entry->host, host, host_len) == 0)
            return entry;
    }
    return NULL;
}

static enum mu_status entry_check(const struct registry_book *book, const struct entry *entry,
                                  struct mu_error *err)
{
    if (entry->url && !mu_text_starts(entry->url, "https://") &&
        !mu_text_starts(entry->url, "http://"))
        return mu_fail(err, MU_E_INVALID, "registry '%s': url '%s' is no http or https URL",
                       entry->host, entry->url);
    if (!entry->username != !entry->password_file)
        return mu_fail(err, MU_E_INVALID,
                       "registry '%s': username and password_file are given together or not at all",
                       entry->host);
    if (entry_find(book, entry->host, strlen(entry->host)) != entry)
        return mu_fail(err, MU_E_INVALID, "registry '%s' is there twice", entry->host);
    return MU_OK;
}

static enum mu_status book_fill(struct registry_book *book, const char *json, size_t len,
                                struct mu_error *err)
{
    const struct mu_json_limits limits = {.max_bytes = BOOK_MAX_BYTES, .max_depth = 8};
    json_auto_t *root = NULL;

    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return mu_wrap(err, "registries file");
    if (mu_json_decode(&book_object, root, book->arena, &book->entries, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < book->entries.count; i++) {
        if (entry_check(book, entry_at(book, i), err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static struct registry_book *book_new(void)
{
    struct registry_book *book = mu_xcalloc(1, sizeof(*book));

    book->arena = mu_arena_new(BOOK_ARENA_BYTES);
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

enum mu_status registry_book_find(const struct registry_book *book, const char *host,
                                  size_t host_len, struct mu_registry_access *ret_access,
                                  struct mu_error *err)
{
    const struct entry *entry = entry_find(book, host, host_len);
    struct mu_registry_access access = {.url = ""};

    if (host_len >= sizeof(access.url))
        return mu_fail(err, MU_E_LIMIT, "host name of %zu bytes", host_len);
    if (entry && entry->url) {
        size_t len = strlen(entry->url);

        while (len > 0 && entry->url[len - 1] == '/')
            len--;
        memcpy(access.url, entry->url, len); /* at most 500 bytes by the field table */
    } else if (url_default(host, host_len, access.url, sizeof(access.url), err) != MU_OK) {
        return err->status;
    }
    access.username = entry ? entry->username : NULL;
    access.password_file = entry ? entry->password_file : NULL;
    access.user_agent = "muster-scanner/" MU_VERSION;
    *ret_access = access;
    return MU_OK;
}
