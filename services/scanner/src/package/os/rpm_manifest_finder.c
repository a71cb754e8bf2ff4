/*
 * Azure Linux's distroless images have no rpm database but a table of packages that rpm wrote:
 * one line each, fields with tabs between. Source: the list of fields is the query format in
 * Azure Linux's toolkit, imageconfigs' postinstall script of the distroless images.
 */
#include "package/os/os_finders.h"

#include "base/memory.h"
#include "package/os/os_text.h"
#include "package/os/rpm_header.h"

#include <string.h>

enum { MANIFEST_MAX_BYTES = 16 << 20, LINE_MAX_BYTES = 8 << 10, FIELDS = 10 };

enum field {
    FIELD_NAME,
    FIELD_VERSION_RELEASE,
    FIELD_VENDOR = 4,
    FIELD_EPOCH = 5,
    FIELD_ARCHITECTURE = 7,
    FIELD_SOURCE_RPM = 9
};

static const char manifest_path[] = "var/lib/rpmmanifest/container-manifest-2";

/* Splits a line in place. False: too few fields. */
static bool line_split(char *line, char *fields[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        char *tab = strchr(line, '\t');

        fields[i] = line;
        if (!tab)
            return i == FIELDS - 1;
        *tab = '\0';
        line = tab + 1;
    }
    return true;
}

/* What rpm writes for a tag that a header has not is "(none)". */
static const char *word_or_null(const char *text)
{
    return strcmp(text, "(none)") != 0 && os_word_usable(text, strlen(text)) ? text : NULL;
}

static enum mu_status line_tell(char *fields[FIELDS], struct mu_arena *arena,
                                const struct finder_sink *sink, struct mu_error *err)
{
    char source[OS_WORD_MAX_BYTES + 1];
    const char *epoch = word_or_null(fields[FIELD_EPOCH]), *vendor = fields[FIELD_VENDOR];
    struct found_package package = {.type = "rpm",
                                    .name = fields[FIELD_NAME],
                                    .version = fields[FIELD_VERSION_RELEASE],
                                    .architecture = word_or_null(fields[FIELD_ARCHITECTURE])};

    if (strcmp(package.name, "gpg-pubkey") == 0)
        return MU_OK;
    if (epoch && strcmp(epoch, "0") != 0)
        package.version = mu_arena_printf(arena, "%s:%s", epoch, package.version);
    if (!package.version)
        return mu_fail(err, MU_E_NOMEM, "no memory for a package");
    if (strcmp(vendor, "(none)") != 0 && os_line_usable(vendor, strlen(vendor)))
        package.vendor = vendor;
    rpm_source_split(word_or_null(fields[FIELD_SOURCE_RPM]), source, &package.source_name,
                     &package.source_version);
    return sink->package(sink->opaque, &package, err);
}

static enum mu_status line_read(const char *text, size_t len, struct mu_arena *arena,
                                const struct finder_sink *sink, size_t *unreadable,
                                struct mu_error *err)
{
    char line[LINE_MAX_BYTES + 1], *fields[FIELDS];

    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (len == 0)
        return MU_OK;
    if (len > LINE_MAX_BYTES || memchr(text, '\0', len)) {
        ++*unreadable;
        return MU_OK;
    }
    memcpy(line, text, len);
    line[len] = '\0';
    if (!line_split(line, fields) || !word_or_null(fields[FIELD_NAME]) ||
        !word_or_null(fields[FIELD_VERSION_RELEASE])) {
        ++*unreadable;
        return MU_OK;
    }
    mu_arena_reset(arena);
    return line_tell(fields, arena, sink, err);
}

static bool manifest_wants(const struct finder_entry *entry)
{
    return strcmp(entry->path, manifest_path) == 0;
}

static enum mu_status manifest_read(const struct finder_input *input,
                                    const struct finder_sink *sink, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(LINE_MAX_BYTES);
    const char *text = (const char *)input->bytes;
    size_t at = 0, unreadable = 0;

    while (at < input->len) {
        const char *newline = memchr(text + at, '\n', input->len - at);
        size_t end = newline ? (size_t)(newline - text) : input->len;

        if (line_read(text + at, end - at, arena, sink, &unreadable, err) != MU_OK)
            return err->status;
        at = end + 1;
    }
    if (unreadable > 0)
        return mu_fail(err, MU_E_INVALID, "%zu lines are no packages", unreadable);
    return MU_OK;
}

const struct finder finder_rpm_manifest = {.name = "rpm-manifest",
                                           .version = 1,
                                           .max_bytes = MANIFEST_MAX_BYTES,
                                           .required = true,
                                           .wants = manifest_wants,
                                           .read = manifest_read};
