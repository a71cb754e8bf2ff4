#include "package/os/os_finders.h"

#include "base/memory.h"
#include "package/os/os_release.h"
#include "package/os/release_file.h"

#include <string.h>

enum { RELEASE_MAX_BYTES = 64 << 10, ARENA_MAX_BYTES = 1 << 20 };

/* Best first. lsb-release before debian_version, which Ubuntu has too; each Red Hat relative's own
 * file before redhat-release, which may name what it is compatible with. */
static const struct {
    const char *path;
    release_file_fn *read;
} release_files[] = {
        {"etc/os-release", os_release_parse},
        {"usr/lib/os-release", os_release_parse},
        {"etc/lsb-release", release_file_lsb},
        {"etc/alpine-release", release_file_alpine},
        {"etc/almalinux-release", release_file_redhat},
        {"etc/rocky-release", release_file_redhat},
        {"etc/oracle-release", release_file_redhat},
        {"etc/centos-release", release_file_redhat},
        {"etc/fedora-release", release_file_redhat},
        {"etc/system-release", release_file_redhat},
        {"usr/lib/system-release", release_file_redhat},
        {"etc/redhat-release", release_file_redhat},
        {"etc/debian_version", release_file_debian},
};

size_t os_release_rank(const char *path)
{
    for (size_t i = 0; i < sizeof(release_files) / sizeof(release_files[0]); i++) {
        if (strcmp(path, release_files[i].path) == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool release_wants(const struct finder_entry *entry)
{
    return os_release_rank(entry->path) != SIZE_MAX;
}

static enum mu_status release_tell(const struct os_release *release, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    const struct {
        const char *name, *value;
    } facts[] = {{"ID", release->id},
                 {"VERSION_ID", release->version_id},
                 {"VERSION_CODENAME", release->version_codename},
                 {"PRETTY_NAME", release->pretty_name},
                 {"ID_LIKE", release->id_like},
                 {"CPE_NAME", release->cpe_name}};

    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (facts[i].value && sink->fact(sink->opaque, facts[i].name, facts[i].value, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status release_read(const struct finder_input *input, const struct finder_sink *sink,
                                   struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    size_t rank = os_release_rank(input->path);
    release_file_fn *read = rank == SIZE_MAX ? os_release_parse : release_files[rank].read;
    struct os_release release;

    if (read((const char *)input->bytes, input->len, arena, &release, err) != MU_OK)
        return err->status;
    return release_tell(&release, sink, err);
}

const struct finder finder_os_release = {.name = "os-release",
                                         .version = 1,
                                         .max_bytes = RELEASE_MAX_BYTES,
                                         .required = true,
                                         .wants = release_wants,
                                         .read = release_read};
