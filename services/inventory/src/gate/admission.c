#include "gate/admission.h"

#include "base/text.h"

#include <string.h>

enum { WARNING_MAX_BYTES = 256, WARNINGS_MAX_BYTES = 4096, MESSAGE_MAX_BYTES = 8192 };

/* ---- where the images of a kind are ---- */

struct kind_row {
    const char *group, *kind, *pod_spec;
};

static const struct kind_row kinds[] = {
        {"", "Pod", "spec"},
        {"apps", "Deployment", "spec.template.spec"},
        {"apps", "ReplicaSet", "spec.template.spec"},
        {"apps", "StatefulSet", "spec.template.spec"},
        {"apps", "DaemonSet", "spec.template.spec"},
        {"", "ReplicationController", "spec.template.spec"},
        {"batch", "Job", "spec.template.spec"},
        {"batch", "CronJob", "spec.jobTemplate.spec.template.spec"},
        {"", "PodTemplate", "template.spec"},
};

static const char *const container_lists[] = {"initContainers", "containers",
                                              "ephemeralContainers"};

static const struct kind_row *kind_row_of(const char *group, const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (mu_text_equal(kinds[i].kind, kind) && mu_text_equal(kinds[i].group, group))
            return &kinds[i];
    return NULL;
}

/* ---- images ---- */

struct image_list {
    struct mu_arena *arena;
    struct admission_image *images;
    size_t count, capacity;
};

static enum mu_status add_image(struct image_list *list, const char *container, const char *image,
                                struct mu_error *err)
{
    struct admission_image *grown;

    if (list->count == ADMISSION_MAX_IMAGES)
        return mu_fail(err, MU_E_LIMIT, "more than %d containers", ADMISSION_MAX_IMAGES);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;

        grown = mu_arena_alloc(list->arena, capacity * sizeof(*grown));
        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "admission: out of memory");
        if (list->count > 0)
            memcpy(grown, list->images, list->count * sizeof(*grown));
        list->images = grown;
        list->capacity = capacity;
    }
    list->images[list->count++] = (struct admission_image){container ? container : "", image};
    return MU_OK;
}

static enum mu_status collect_list(struct image_list *list, const json_t *holders,
                                   const char *image_path, struct mu_error *err)
{
    enum mu_status st = MU_OK;
    const json_t *holder;
    size_t i;

    json_array_foreach (holders, i, holder) {
        const char *image = mu_json_text_at(holder, image_path);

        /* The API server refuses an empty image itself; of a template it may fill it in later. */
        if (st == MU_OK && image && *image)
            st = add_image(list, mu_json_text_at(holder, "name"), image, err);
    }
    return st;
}

static enum mu_status collect(const struct kind_row *row, const json_t *object,
                              struct mu_arena *arena, struct image_list *ret_list,
                              struct mu_error *err)
{
    const json_t *spec = mu_json_at(object, row->pod_spec);
    enum mu_status st = MU_OK;

    *ret_list = (struct image_list){.arena = arena};
    for (size_t i = 0; st == MU_OK && i < sizeof(container_lists) / sizeof(container_lists[0]); i++)
        st = collect_list(ret_list, json_object_get(spec, container_lists[i]), "image", err);
    return st == MU_OK ? collect_list(ret_list, json_object_get(spec, "volumes"), "image.reference",
                                      err)
                       : st;
}

/* Takes out of `list` what `before` has too; gives how many. Lists are short, or from one image. */
static enum mu_status subtract(struct image_list *list, const struct image_list *before,
                               size_t *ret_unchanged, struct mu_error *err)
{
    json_auto_t *known = json_object();
    size_t kept = 0;

    for (size_t i = 0; i < before->count; i++)
        if (json_object_set_new(known, before->images[i].image, json_true()) != 0)
            return mu_fail(err, MU_E_NOMEM, "admission: out of memory");
    for (size_t i = 0; i < list->count; i++)
        if (!json_object_get(known, list->images[i].image))
            list->images[kept++] = list->images[i];
    *ret_unchanged = list->count - kept;
    list->count = kept;
    return MU_OK;
}

static enum mu_status find_images(struct admission_request *request, struct mu_arena *arena,
                                  struct mu_error *err)
{
    const char *group = mu_json_text_at(request->root, "request.kind.group");
    const struct kind_row *row = kind_row_of(group ? group : "", request->kind);
    const json_t *object = mu_json_at(request->root, "request.object");
    const json_t *old = mu_json_at(request->root, "request.oldObject");
    struct image_list list, before;
    enum mu_status st;

    request->known_kind = row != NULL;
    if (!row || !json_is_object(object))
        return MU_OK;
    st = collect(row, object, arena, &list, err);
    if (st == MU_OK && mu_text_equal(request->operation, "UPDATE") && json_is_object(old)) {
        st = collect(row, old, arena, &before, err);
        if (st == MU_OK)
            st = subtract(&list, &before, &request->unchanged, err);
    }
    if (st == MU_OK) {
        request->images = list.images;
        request->image_count = list.count;
    }
    return st;
}

/* ---- the request ---- */

static const char *text_at(const json_t *root, const char *path)
{
    const char *text = mu_json_text_at(root, path);

    return text ? text : "";
}

static enum mu_status understand(struct admission_request *request, struct mu_arena *arena,
                                 struct mu_error *err)
{
    const json_t *root = request->root;

    if (!mu_text_equal(mu_json_text_at(root, "apiVersion"), "admission.k8s.io/v1") ||
        !mu_text_equal(mu_json_text_at(root, "kind"), "AdmissionReview"))
        return mu_fail(err, MU_E_INVALID,
                       "apiVersion and kind must be admission.k8s.io/v1 AdmissionReview");
    request->uid = text_at(root, "request.uid");
    request->kind = text_at(root, "request.kind.kind");
    request->operation = text_at(root, "request.operation");
    if (!request->uid[0] || !request->kind[0] || !request->operation[0])
        return mu_fail(err, MU_E_INVALID,
                       "request.uid, request.kind.kind and request.operation must be there");
    request->namespace_name = text_at(root, "request.namespace");
    request->name = text_at(root, "request.name");
    if (!request->name[0])
        request->name = text_at(root, "request.object.metadata.name");
    if (!request->name[0])
        request->name = text_at(root, "request.object.metadata.generateName");
    request->user = text_at(root, "request.userInfo.username");
    request->dry_run = json_is_true(mu_json_at(root, "request.dryRun"));
    return find_images(request, arena, err);
}

enum mu_status admission_parse(const char *bytes, size_t len, struct mu_arena *arena,
                               struct admission_request *ret_request, struct mu_error *err)
{
    static const struct mu_json_limits limits = {ADMISSION_MAX_BYTES, ADMISSION_MAX_DEPTH};
    struct admission_request request = {0};
    enum mu_status st =
            mu_json_parse_bounded(bytes, len, &limits, ADMISSION_MAX_VALUES, &request.root, err);

    if (st == MU_OK)
        st = understand(&request, arena, err);
    if (st == MU_OK)
        *ret_request = request;
    else
        admission_request_done(&request);
    return st == MU_OK ? MU_OK : mu_wrap(err, "admission review");
}

void admission_request_done(struct admission_request *request)
{
    json_decref(request->root);
    request->root = NULL;
}

/* ---- the answer ---- */

/* As many whole characters as fit. */
static size_t cut(const char *text, size_t most)
{
    size_t len = strnlen(text, most + 1);

    if (len <= most)
        return len;
    for (len = most; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

static void write_warnings(const struct admission_answer *answer, struct mu_buf *out)
{
    size_t left = WARNINGS_MAX_BYTES;

    for (size_t i = 0; i < answer->warning_count; i++) {
        size_t len = cut(answer->warnings[i], WARNING_MAX_BYTES);

        if (len > left)
            break;
        left -= len;
        mu_buf_puts(out, i == 0 ? ",\"warnings\":[" : ",");
        mu_text_to_json(answer->warnings[i], len, out);
    }
    if (answer->warning_count > 0)
        mu_buf_puts(out, "]");
}

enum mu_status admission_write(const struct admission_answer *answer, struct mu_buf *out,
                               struct mu_error *err)
{
    mu_buf_puts(out, "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\","
                     "\"response\":{\"uid\":");
    mu_text_to_json(answer->uid, strlen(answer->uid), out);
    mu_buf_printf(out, ",\"allowed\":%s", answer->allowed ? "true" : "false");
    if (!answer->allowed) {
        mu_buf_puts(out, ",\"status\":{\"code\":403,\"reason\":\"Forbidden\",\"message\":");
        mu_text_to_json(answer->message, cut(answer->message, MESSAGE_MAX_BYTES), out);
        mu_buf_puts(out, "}");
    }
    write_warnings(answer, out);
    if (answer->decisions[0]) {
        mu_buf_puts(out, ",\"auditAnnotations\":{\"decisions\":");
        mu_text_to_json(answer->decisions, strlen(answer->decisions), out);
        mu_buf_puts(out, "}");
    }
    mu_buf_puts(out, "}}\n");
    return mu_buf_status(out, "admission answer", err);
}
