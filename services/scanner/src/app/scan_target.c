#include "app/scan_target.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { PLATFORMS_SHOWN_BYTES = 400 };

/* ---- where from ---- */

static bool looks_like_path(const char *name)
{
    return name[0] == '/' || name[0] == '.' || mu_text_ends(name, ".tar");
}

static enum mu_status registry_open(const char *name, const struct registry_book *book,
                                    int64_t deadline_ms, struct scan_target *target,
                                    struct mu_error *err)
{
    struct mu_oci_reference *reference = &target->reference;

    if (mu_oci_reference_parse(name, strlen(name), reference, err) != MU_OK)
        return err->status;
    if (!reference->repository[0] || (!reference->digest[0] && !reference->tag[0]))
        return mu_fail(err, MU_E_INVALID,
                       "'%.200s' names neither tag nor digest of a repository: write '%.200s:TAG'",
                       name, name);
    if (image_source_open_registry(book, reference->repository, deadline_ms, &target->source,
                                   err) != MU_OK)
        return err->status;
    if (reference->digest[0] != '\0')
        return MU_OK;
    if (image_source_resolve(target->source, reference->tag, reference->digest, err) != MU_OK) {
        image_source_free(target->source);
        return mu_wrap(err, "%s", name);
    }
    return MU_OK;
}

enum mu_status scan_target_open(const char *name, const char *image,
                                const struct registry_book *book, int64_t deadline_ms,
                                struct scan_target *ret_target, struct mu_error *err)
{
    struct scan_target target = {.source = NULL};
    struct local_target found;
    struct stat facts;

    if (image && image[0] == '\0')
        image = NULL;
    if (stat(name, &facts) == 0 || looks_like_path(name)) {
        if (local_source_open(name, image, &target.source, &found, err) != MU_OK)
            return err->status;
        target.reference = found.reference;
    } else if (image) {
        return mu_fail(err, MU_E_INVALID,
                       "--image chooses from an archive or folder, and there is no file '%.200s'",
                       name);
    } else if (registry_open(name, book, deadline_ms, &target, err) != MU_OK) {
        return err->status;
    }
    *ret_target = target;
    return MU_OK;
}

/* ---- which platform ---- */

static const struct {
    const char *machine, *platform;
} machines[] = {
        {"x86_64", "linux/amd64"},  {"aarch64", "linux/arm64"},   {"armv7l", "linux/arm/v7"},
        {"armv6l", "linux/arm/v6"}, {"i686", "linux/386"},        {"ppc64le", "linux/ppc64le"},
        {"s390x", "linux/s390x"},   {"riscv64", "linux/riscv64"},
};

static const char *platform_here(void)
{
    struct utsname system;

    if (uname(&system) == 0) {
        for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
            if (mu_text_equal(machines[i].machine, system.machine))
                return machines[i].platform;
        }
    }
    return machines[0].platform;
}

/* "linux/arm64" asks for "linux/arm64/v8" too: a variant that is not asked for may be any. */
static bool platform_is(const char *platform, const char *wanted)
{
    size_t len = strlen(wanted);

    return platform && strncmp(platform, wanted, len) == 0 &&
           (platform[len] == '\0' || platform[len] == '/');
}

struct choice {
    const struct mu_scan_child *match, *only, *index;
    size_t images;
};

static void choice_look(struct choice *choice, const struct mu_scan_child *child,
                        const char *wanted, struct mu_buf *names)
{
    if (child->kind == MU_DIGEST_KIND_INDEX && !choice->index)
        choice->index = child;
    if (child->kind != MU_DIGEST_KIND_MANIFEST)
        return;
    choice->images++;
    choice->only = child;
    if (!choice->match && platform_is(child->platform, wanted))
        choice->match = child;
    mu_buf_puts(names, names->len > 0 ? ", " : "");
    mu_buf_puts(names, child->platform ? child->platform : child->digest);
}

enum mu_status scan_platform_choose(const struct mu_scan_result *index, const char *platform,
                                    const struct mu_scan_child **ret_child, struct mu_error *err)
{
    const struct mu_scan_child *children = index->children.items;
    const char *wanted = platform ? platform : platform_here();
    MU_AUTO_DONE(mu_buf_done) struct mu_buf names;
    struct choice choice = {NULL, NULL, NULL, 0};

    mu_buf_init(&names, PLATFORMS_SHOWN_BYTES);
    for (size_t i = 0; i < index->children.count; i++)
        choice_look(&choice, &children[i], wanted, &names);
    if (!choice.match && !platform && choice.images == 1)
        choice.match = choice.only;
    if (!choice.match)
        choice.match = choice.index;
    if (!choice.match)
        return mu_fail(err, MU_E_NOT_FOUND,
                       "no image for %.60s in the index; choose with --platform what there is: %s",
                       wanted, names.len > 0 ? names.data : "nothing");
    *ret_child = choice.match;
    return MU_OK;
}
