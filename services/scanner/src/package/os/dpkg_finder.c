#include "package/os/os_finders.h"

#include "base/memory.h"
#include "base/text.h"
#include "package/os/dpkg_status.h"
#include "package/os/os_path.h"

#include <string.h>

enum {
    STATUS_MAX_BYTES = 64 << 20,
    STATUS_D_MAX_BYTES = 1 << 20,
    PACKAGE_MAX_BYTES = 16 << 10 /* all texts of one package: each has its limit in the parser */
};

static const char *const status_paths[] = {"var/lib/dpkg/status", "var/lib/opkg/status",
                                           "usr/lib/opkg/status"};

/* One file on its way into a sink. */
struct reading {
    const struct finder_sink *sink;
    struct mu_arena *arena; /* of one package */
};

static const char *text_keep(struct mu_arena *arena, struct dpkg_text text)
{
    return text.text ? mu_arena_strndup(arena, text.text, text.len) : NULL;
}

static enum mu_status package_tell(void *opaque, const struct dpkg_package *package,
                                   struct mu_error *err)
{
    const struct reading *reading = opaque;
    struct mu_arena *arena = reading->arena;
    struct found_package found = {.type = "deb",
                                  .name = text_keep(arena, package->name),
                                  .version = text_keep(arena, package->version),
                                  .source_name = text_keep(arena, package->source_name),
                                  .source_version = text_keep(arena, package->source_version),
                                  .architecture = text_keep(arena, package->architecture),
                                  .vendor = text_keep(arena, package->maintainer)};

    if (!found.name || !found.version || !found.source_name || !found.source_version)
        return mu_fail(err, MU_E_NOMEM, "no memory for a package");
    if (reading->sink->package(reading->sink->opaque, &found, err) != MU_OK)
        return err->status;
    mu_arena_reset(arena);
    return MU_OK;
}

static enum mu_status status_parse(const struct finder_input *input, enum dpkg_form form,
                                   const struct finder_sink *sink, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(PACKAGE_MAX_BYTES);
    struct reading reading = {.sink = sink, .arena = arena};
    size_t unreadable = 0;

    if (dpkg_status_parse((const char *)input->bytes, input->len, form, package_tell, &reading,
                          &unreadable, err) != MU_OK)
        return err->status;
    if (unreadable > 0)
        return mu_fail(err, MU_E_INVALID, "%zu packages have no usable name or version",
                       unreadable);
    return MU_OK;
}

/* usr/lib/dpkg/status and what images made without dpkg call alike; not dpkg's own copies. */
static bool is_status_like(const char *path)
{
    const char *name = os_path_child(path, "usr/lib/dpkg/");

    return name && mu_text_starts(name, "status") && !mu_text_ends(name, "-old") &&
           !mu_text_ends(name, "-new");
}

static bool status_wants(const struct finder_entry *entry)
{
    return os_path_is_one_of(entry->path, status_paths,
                             sizeof(status_paths) / sizeof(status_paths[0])) ||
           is_status_like(entry->path);
}

static enum mu_status status_read(const struct finder_input *input, const struct finder_sink *sink,
                                  struct mu_error *err)
{
    return status_parse(input, DPKG_STATUS, sink, err);
}

static const char *status_d_name(const char *path)
{
    const char *name = os_path_child(path, "var/lib/dpkg/status.d/");

    return name ? name : os_path_child(path, "usr/lib/dpkg/status.d/");
}

static bool status_d_wants(const struct finder_entry *entry)
{
    const char *name = status_d_name(entry->path);

    return name && name[0] != '.' && !mu_text_ends(name, ".md5sums") &&
           !mu_text_ends(name, ".conffiles") && !mu_text_ends(name, ".list");
}

static enum mu_status status_d_read(const struct finder_input *input,
                                    const struct finder_sink *sink, struct mu_error *err)
{
    return status_parse(input, DPKG_STATUS_D, sink, err);
}

const struct finder finder_dpkg_status = {.name = "dpkg-status",
                                          .version = 1,
                                          .max_bytes = STATUS_MAX_BYTES,
                                          .required = true,
                                          .wants = status_wants,
                                          .read = status_read};

const struct finder finder_dpkg_status_d = {.name = "dpkg-status-d",
                                            .version = 1,
                                            .max_bytes = STATUS_D_MAX_BYTES,
                                            .required = true,
                                            .wants = status_d_wants,
                                            .read = status_d_read};
