/*
 * GitHub Packages: events `package` and `registry_package`, which tell the same push twice when
 * both are subscribed.
 *
 * package_type is no help ("npm" with an image inside): an image is what has container_metadata,
 * or, of the old docker.pkg.github.com, whose `manifest` is the image manifest as a text.
 */
#include "source/kind.h"

#include "base/sha256.h"
#include "base/text.h"
#include "oci/reference.h"
#include "json/json_doc.h"

#include <ctype.h>
#include <string.h>

static const struct source_class_word events[] = {
        {"package", FACT_IMAGE_PUSH},
        {"registry_package", FACT_IMAGE_PUSH},
        {"ping", FACT_NOOP},
};

/* Only one of the two members is there. */
#define P(slot, form, rest)                  \
    {slot, form, "package." rest},           \
    {                                        \
        slot, form, "registry_package." rest \
    }
#define MANIFEST "package_version.container_metadata.manifest"

static const struct source_field fields[] = {
        {FACT_EVENT_ID, FORM_TEXT, "@X-GitHub-Delivery"},
        P(FACT_DIGEST, FORM_DIGEST, MANIFEST ".digest"),
        P(FACT_DIGEST, FORM_DIGEST, "package_version.version"),
        P(FACT_DIGEST, FORM_DIGEST, "package_version.container_metadata.tag.digest"),
        P(FACT_DIGEST, FORM_TEXT, MANIFEST ".digest"),
        P(FACT_TAG, FORM_TEXT, "package_version.container_metadata.tag.name"),
        P(FACT_MEDIA_TYPE, FORM_TEXT, MANIFEST ".media_type"),
        P(0, FORM_SIZE, MANIFEST ".size"),
        P(0, FORM_TIME, "package_version.updated_at"),
        P(0, FORM_TIME, "updated_at"),
        P(0, FORM_TIME, "package_version.created_at"),
        {FACT_ACTOR, FORM_TEXT, "sender.login"},
};

static const char *text(const struct source_reader *reader, const char *rest)
{
    const char *path = mu_arena_printf(reader->input->arena, "package.%s", rest);
    const char *found = path ? source_read_text(reader, path) : NULL;

    if (found)
        return found;
    path = mu_arena_printf(reader->input->arena, "registry_package.%s", rest);
    return path ? source_read_text(reader, path) : NULL;
}

/* Names of images are lower case, names of owners are not. */
static void set_repository(const struct source_reader *reader, const char *owner, struct fact *fact)
{
    const char *name = text(reader, "name");
    char *path;

    if (!owner || !name)
        return;
    path = mu_arena_printf(reader->input->arena, "%.200s/%.250s", owner, name);
    for (char *at = path; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    fact->text[FACT_REPOSITORY] = path;
}

static enum mu_status finish_container(const struct source_reader *reader, struct fact *fact)
{
    const char *owner = text(reader, "namespace");
    const char *action = source_read_text(reader, "action");

    fact->text[FACT_REGISTRY] = "ghcr.io";
    set_repository(reader, owner ? owner : text(reader, "owner.login"), fact);
    if (action)
        fact->text[FACT_ACTION] = action;
    if (mu_text_equal(action, "updated"))
        fact->class_ = FACT_TAG_PUSH;
    else if (mu_text_equal(action, "deleted"))
        fact->class_ = FACT_IMAGE_DELETE;
    return MU_OK;
}

/* The version is the tag, and the digest that of the manifest's text. */
static enum mu_status finish_legacy(const struct source_reader *reader, const char *manifest,
                                    struct fact *fact, struct mu_error *err)
{
    char *digest = mu_arena_alloc(reader->input->arena, MU_DIGEST_TEXT_SIZE);
    const char *project = source_read_text(reader, "repository.full_name");

    if (!digest)
        return mu_fail(err, MU_E_NOMEM, "out of memory");
    mu_sha256_text(manifest, strlen(manifest), digest);
    fact->text[FACT_DIGEST] = digest;
    fact->text[FACT_TAG] = text(reader, "package_version.version");
    fact->text[FACT_REGISTRY] = "docker.pkg.github.com";
    fact->digest_kind = MU_DIGEST_KIND_MANIFEST;
    set_repository(reader, project ? project : text(reader, "owner.login"), fact);
    return MU_OK;
}

static bool is_image_manifest(const char *manifest)
{
    static const struct mu_json_limits limits = {SOURCE_MAX_BODY_BYTES, SOURCE_MAX_DEPTH};
    json_auto_t *root = NULL;
    struct mu_error ignored;

    return manifest &&
           mu_json_parse(manifest, strlen(manifest), &limits, &root, &ignored) == MU_OK &&
           json_object_get(root, "schemaVersion") && json_object_get(root, "config");
}

static bool says_container(const char *type)
{
    return type && (strcasecmp(type, "container") == 0 || strcasecmp(type, "docker") == 0);
}

static enum mu_status finish(struct source_reader *reader, struct fact *fact, struct mu_error *err)
{
    const char *manifest = text(reader, "package_version.manifest");

    if (fact->class_ == FACT_NOOP)
        return MU_OK;
    if (source_read_is(reader, "package.package_version.container_metadata") ||
        source_read_is(reader, "registry_package.package_version.container_metadata"))
        return finish_container(reader, fact);
    if (is_image_manifest(manifest))
        return finish_legacy(reader, manifest, fact, err);
    /* Not by "ecosystem": samples of npm packages say docker there. */
    if (says_container(text(reader, "package_type")))
        return finish_container(reader, fact);
    fact->class_ = FACT_IGNORE;
    fact->why = "not a container image";
    return MU_OK;
}

static const struct source_shape shapes[] = {
        {.when = "@X-GitHub-Event",
         .class_path = "@X-GitHub-Event",
         SOURCE_CLASSES(events),
         .otherwise = FACT_IGNORE,
         SOURCE_FIELDS(fields),
         .finish = finish},
        {.when = "package", .otherwise = FACT_IMAGE_PUSH, SOURCE_FIELDS(fields), .finish = finish},
        {.when = "registry_package",
         .otherwise = FACT_IMAGE_PUSH,
         SOURCE_FIELDS(fields),
         .finish = finish},
        {.when = "zen", .otherwise = FACT_NOOP},
};

const struct source_kind github_kind = {
        .name = "github",
        .transport = "webhook",
        .sender = "GitHub Packages: package or registry_package",
        .events = "push of images",
        .auth = SOURCE_AUTH_HMAC_SHA256,
        .auth_header = "X-Hub-Signature-256",
        .auth_prefix = "sha256=",
        .id = SOURCE_ID_TOLD,
        .envelopes = ENVELOPE_PLAIN,
        SOURCE_SHAPES(shapes),
};
