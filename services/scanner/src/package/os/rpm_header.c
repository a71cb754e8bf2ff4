#include "package/os/rpm_header.h"

#include "base/memory.h"
#include "base/text.h"
#include "package/os/os_text.h"
#include "package/os/rpm_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rpm_type { RPM_CHAR = 1, RPM_INT32 = 4, RPM_STRING = 6, RPM_STRING_ARRAY = 8, RPM_I18N = 9 };

enum { INTRO_BYTES = 8, ENTRY_BYTES = 16, FLAG_GHOST = 1 << 6, STATE_NORMAL = 0 };

enum { VERSION_BYTES = 2 * OS_WORD_MAX_BYTES + 16, PATH_BYTES = OS_FILE_MAX_BYTES + 2 };

/* What is kept of a header: where in struct rpm_header a tag's value goes. */
static const struct {
    uint32_t tag;
    enum rpm_type type; /* a text may also be RPM_I18N, whose first item is the untranslated one */
    size_t offset;
} kept[] = {
        {1000, RPM_STRING, offsetof(struct rpm_header, name)},
        {1001, RPM_STRING, offsetof(struct rpm_header, version)},
        {1002, RPM_STRING, offsetof(struct rpm_header, release)},
        {1003, RPM_INT32, offsetof(struct rpm_header, epoch)},
        {1011, RPM_STRING, offsetof(struct rpm_header, vendor)},
        {1014, RPM_STRING, offsetof(struct rpm_header, license)},
        {1022, RPM_STRING, offsetof(struct rpm_header, architecture)},
        {1029, RPM_CHAR, offsetof(struct rpm_header, states)},
        {1037, RPM_INT32, offsetof(struct rpm_header, flags)},
        {1044, RPM_STRING, offsetof(struct rpm_header, source_rpm)},
        {1116, RPM_INT32, offsetof(struct rpm_header, dir_indexes)},
        {1117, RPM_STRING_ARRAY, offsetof(struct rpm_header, base_names)},
        {1118, RPM_STRING_ARRAY, offsetof(struct rpm_header, dir_names)},
        {5096, RPM_STRING, offsetof(struct rpm_header, module)},
};

enum { TAG_EPOCH = 1003 };

/* ---- parsing ---- */

static enum mu_status value_take(size_t row, struct rpm_items items, struct rpm_header *header,
                                 struct mu_error *err)
{
    void *to = (char *)header + kept[row].offset;
    size_t left = (size_t)(items.end - items.at);
    bool numbers = kept[row].type == RPM_INT32;

    if (items.count == 0 || items.count > left / (numbers ? 4 : 1))
        return mu_fail(err, MU_E_INVALID, "tag %u has more items than there is room",
                       kept[row].tag);
    if (kept[row].type == RPM_STRING) {
        if (!memchr(items.at, '\0', left))
            return mu_fail(err, MU_E_INVALID, "tag %u has no end", kept[row].tag);
        *(const char **)to = (const char *)items.at;
    } else if (kept[row].tag == TAG_EPOCH) {
        *(uint32_t *)to = rpm_be32(items.at);
    } else {
        *(struct rpm_items *)to = items;
    }
    return MU_OK;
}

static bool type_fits(enum rpm_type wanted, uint32_t type)
{
    return type == (uint32_t)wanted || (wanted == RPM_STRING && type == RPM_I18N);
}

static enum mu_status entry_take(const uint8_t *entry, const uint8_t *store, size_t store_len,
                                 struct rpm_header *header, struct mu_error *err)
{
    uint32_t tag = rpm_be32(entry), type = rpm_be32(entry + 4), offset = rpm_be32(entry + 8);

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i].tag != tag)
            continue;
        if (!type_fits(kept[i].type, type) || offset >= store_len)
            return mu_fail(err, MU_E_INVALID, "tag %u is of type %u at %u", tag, type, offset);
        return value_take(i,
                          (struct rpm_items){.at = store + offset,
                                             .end = store + store_len,
                                             .count = rpm_be32(entry + 12)},
                          header, err);
    }
    return MU_OK;
}

static bool text_is_word(const char *text)
{
    return text && os_word_usable(text, strlen(text));
}

static enum mu_status header_check(const struct rpm_header *header, struct mu_error *err)
{
    uint32_t files = header->base_names.count;

    if (!text_is_word(header->name) || !text_is_word(header->version) ||
        !text_is_word(header->release))
        return mu_fail(err, MU_E_INVALID, "a header without usable name, version and release");
    if (files > RPM_HEADER_MAX_FILES || header->dir_names.count > RPM_HEADER_MAX_FOLDERS)
        return mu_fail(err, MU_E_LIMIT, "%u files in %u folders", files, header->dir_names.count);
    if (files > 0 && (header->dir_indexes.count != files || header->dir_names.count == 0 ||
                      (header->flags.at && header->flags.count != files) ||
                      (header->states.at && header->states.count != files)))
        return mu_fail(err, MU_E_INVALID, "lists of files that do not fit together");
    return MU_OK;
}

enum mu_status rpm_header_parse(const uint8_t *bytes, size_t len, struct rpm_header *ret_header,
                                struct mu_error *err)
{
    struct rpm_header header = {0};
    uint32_t entries, store_len;
    const uint8_t *store;

    if (len > RPM_HEADER_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a header of %zu bytes", len);
    if (len < INTRO_BYTES)
        return mu_fail(err, MU_E_INVALID, "a header of %zu bytes", len);
    entries = rpm_be32(bytes);
    store_len = rpm_be32(bytes + 4);
    if (entries == 0 || entries > RPM_HEADER_MAX_ENTRIES || store_len > RPM_HEADER_MAX_BYTES ||
        INTRO_BYTES + (size_t)entries * ENTRY_BYTES + store_len > len)
        return mu_fail(err, MU_E_INVALID, "a header of %u entries and %u bytes in %zu", entries,
                       store_len, len);
    store = bytes + INTRO_BYTES + (size_t)entries * ENTRY_BYTES;
    for (uint32_t i = 0; i < entries; i++) {
        if (entry_take(bytes + INTRO_BYTES + (size_t)i * ENTRY_BYTES, store, store_len, &header,
                       err) != MU_OK)
            return err->status;
    }
    if (header_check(&header, err) != MU_OK)
        return err->status;
    *ret_header = header;
    return MU_OK;
}

/* ---- telling: package ---- */

void rpm_source_split(const char *source_rpm, char *ret_text, const char **ret_name,
                      const char **ret_version)
{
    size_t len = source_rpm ? strlen(source_rpm) : 0;
    char *dash, *version;

    *ret_name = *ret_version = NULL;
    if (!source_rpm || !os_word_usable(source_rpm, len))
        return;
    if (mu_text_ends(source_rpm, ".nosrc.rpm"))
        len -= strlen(".nosrc.rpm");
    else if (mu_text_ends(source_rpm, ".src.rpm"))
        len -= strlen(".src.rpm");
    memcpy(ret_text, source_rpm, len);
    ret_text[len] = '\0';
    dash = strrchr(ret_text, '-');
    if (!dash || dash == ret_text)
        return;
    version = memrchr(ret_text, '-', (size_t)(dash - ret_text));
    if (!version || version == ret_text || version[1] == '-' || dash[1] == '\0')
        return;
    *version = '\0';
    *ret_name = ret_text;
    *ret_version = version + 1;
}

static const char *usable_line(const char *text)
{
    return text && os_line_usable(text, strlen(text)) ? text : NULL;
}

static enum mu_status package_tell(const struct rpm_header *header, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    char version[VERSION_BYTES], source[OS_WORD_MAX_BYTES + 1], epoch[16] = "";
    struct found_package package = {
            .type = "rpm",
            .name = header->name,
            .version = version,
            .architecture = text_is_word(header->architecture) ? header->architecture : NULL,
            .vendor = usable_line(header->vendor),
            .module = text_is_word(header->module) ? header->module : NULL,
            .license = usable_line(header->license)};

    if (header->epoch > 0)
        (void)snprintf(epoch, sizeof(epoch), "%u:", header->epoch);
    (void)snprintf(version, sizeof(version), "%s%s-%s", epoch, header->version, header->release);
    rpm_source_split(header->source_rpm, source, &package.source_name, &package.source_version);
    return sink->package(sink->opaque, &package, err);
}

/* ---- telling: files ---- */

static const uint8_t *text_next(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

    return nul ? nul + 1 : NULL;
}

/* Where each folder's name begins. Errors: MU_E_NOMEM. `ret_count` is lower when the store ends. */
static enum mu_status folders_index(const struct rpm_items *names, const uint8_t ***ret_folders,
                                    uint32_t *ret_count, struct mu_error *err)
{
    const uint8_t **folders = malloc(names->count * sizeof(*folders)); /* checked while parsing */
    const uint8_t *at = names->at;
    uint32_t count = 0;

    if (!folders)
        return mu_fail(err, MU_E_NOMEM, "no memory for %u folders", names->count);
    while (count < names->count) {
        const uint8_t *next = text_next(at, names->end);

        if (!next)
            break;
        folders[count++] = at;
        at = next;
    }
    *ret_folders = folders;
    *ret_count = count;
    return MU_OK;
}

static bool file_is_there(const struct rpm_header *header, uint32_t index)
{
    if (header->flags.at && (rpm_be32(header->flags.at + (size_t)index * 4) & FLAG_GHOST))
        return false;
    return !header->states.at || header->states.at[index] == STATE_NORMAL;
}

static enum mu_status file_tell(const char *package, const char *folder, const char *base,
                                const struct finder_sink *sink, struct mu_error *err)
{
    size_t folder_len = strnlen(folder, PATH_BYTES), base_len = strnlen(base, PATH_BYTES), len;
    char joined[PATH_BYTES + 1];
    const char *path;

    if (folder_len + base_len >= PATH_BYTES)
        return MU_OK;
    memcpy(joined, folder, folder_len);
    memcpy(joined + folder_len, base, base_len);
    joined[folder_len + base_len] = '\0';
    path = os_file_usable(joined, folder_len + base_len, &len);
    return path ? sink->owns(sink->opaque, "rpm", package, path, err) : MU_OK;
}

static enum mu_status files_tell(const struct rpm_header *header, const uint8_t *const *folders,
                                 uint32_t folder_count, const struct finder_sink *sink,
                                 struct mu_error *err)
{
    const uint8_t *base = header->base_names.at;

    for (uint32_t i = 0; i < header->base_names.count; i++) {
        const uint8_t *next = text_next(base, header->base_names.end);
        uint32_t folder = rpm_be32(header->dir_indexes.at + (size_t)i * 4);

        if (!next)
            break;
        if (folder < folder_count && file_is_there(header, i) &&
            file_tell(header->name, (const char *)folders[folder], (const char *)base, sink, err) !=
                    MU_OK)
            return err->status;
        base = next;
    }
    return MU_OK;
}

enum mu_status rpm_header_tell(const struct rpm_header *header, const struct finder_sink *sink,
                               struct mu_error *err)
{
    const uint8_t **folders = NULL;
    uint32_t folder_count = 0;
    enum mu_status st;

    if (strcmp(header->name, "gpg-pubkey") == 0)
        return MU_OK;
    st = package_tell(header, sink, err);
    if (st != MU_OK || header->base_names.count == 0)
        return st;
    if (folders_index(&header->dir_names, &folders, &folder_count, err) != MU_OK)
        return err->status;
    st = files_tell(header, folders, folder_count, sink, err);
    free(folders);
    return st;
}
