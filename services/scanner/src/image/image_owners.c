#include "image/image_owners.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { ROOT_LINKS_MAX = 16 };

/* A symbolic link right in the root: "lib" to "usr/lib". What a distribution's database calls by
 * the one name, a layer may call by the other. */
struct root_link {
    const struct merge_node *node;
    size_t len;
    char target[TAR_PATH_MAX_BYTES + 1];
};

/* A path whose owner is asked for. */
struct asked {
    uint64_t hash;
    size_t package;
};

struct owners {
    const struct merge *merge;
    struct mu_arena *arena;
    struct image_package *packages;
    struct asked *asked;
    size_t count, capacity;
    struct root_link *links;
    size_t link_count;
    const char *type, *name; /* in the arena; of the paths that follow */
};

static bool is_distribution(const char *type)
{
    return mu_text_equal(type, "deb") || mu_text_equal(type, "apk") || mu_text_equal(type, "rpm");
}

static void links_find(struct owners *owners)
{
    const struct merge_node *root = merge_tree_root(owners->merge->tree);
    struct merge_place place;

    for (const struct merge_node *node = root->first_child;
         node && owners->link_count < ROOT_LINKS_MAX; node = node->next_sibling) {
        struct root_link *link = &owners->links[owners->link_count];

        if (node->kind != MERGE_SYMLINK)
            continue;
        merge_resolve(owners->merge->tree, node->name, MERGE_ALL, &place);
        if (!place.node || !place.node->parent)
            continue;
        link->node = node;
        link->len = merge_node_path(place.node, link->target, sizeof(link->target));
        if (link->len != SIZE_MAX)
            owners->link_count++;
    }
}

static enum mu_status ask(struct owners *owners, const char *path, size_t package,
                          struct mu_error *err)
{
    if (owners->count == owners->capacity) {
        size_t capacity = owners->capacity ? 2 * owners->capacity : 256;
        struct asked *grown = realloc(owners->asked, capacity * sizeof(*grown));

        if (!grown)
            return mu_fail(err, MU_E_NOMEM, "no memory for %zu owners", capacity);
        owners->asked = grown;
        owners->capacity = capacity;
    }
    owners->asked[owners->count++] = (struct asked){
            path_hash(merge_tree_key(owners->merge->tree), path, strlen(path)), package};
    return MU_OK;
}

/* Asks for the path by its name and by those it has through links in the root. */
static enum mu_status package_ask(struct owners *owners, size_t index, struct mu_error *err)
{
    const char *path = owners->packages[index].path;
    char other[2 * TAR_PATH_MAX_BYTES];
    size_t len = strlen(path);

    if (ask(owners, path, index, err) != MU_OK)
        return err->status;
    for (size_t i = 0; i < owners->link_count; i++) {
        const struct root_link *link = &owners->links[i];

        if (len <= link->len || memcmp(path, link->target, link->len) != 0 ||
            path[link->len] != '/' || link->node->name_len + len - link->len >= sizeof(other))
            continue;
        memcpy(other, link->node->name, link->node->name_len);
        memcpy(other + link->node->name_len, path + link->len, len - link->len + 1);
        if (ask(owners, other, index, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static int asked_order(const void *left, const void *right)
{
    const struct asked *a = left, *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->package < b->package ? -1 : a->package > b->package;
}

static size_t asked_find(const struct owners *owners, uint64_t hash)
{
    size_t low = 0, high = owners->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (owners->asked[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum mu_status owner_keep(struct owners *owners, const struct evidence_item *item,
                                 struct mu_error *err)
{
    owners->type = mu_arena_strdup(owners->arena, item->name);
    owners->name = mu_arena_strdup(owners->arena, item->value);
    if (!owners->type || !owners->name)
        return mu_fail(err, MU_E_NOMEM, "no memory for an owner");
    return MU_OK;
}

static bool goes_before(const struct owners *owners, const struct image_package *package)
{
    int order = package->owner ? strcmp(owners->type, package->owner_type) : -1;

    return order < 0 || (order == 0 && strcmp(owners->name, package->owner) < 0);
}

/* The texts of an owner are kept only once one of its paths is asked for. */
static enum mu_status owned_take(struct owners *owners, const struct evidence_item *owner,
                                 uint64_t hash, struct mu_error *err)
{
    for (size_t i = asked_find(owners, hash); i < owners->count && owners->asked[i].hash == hash;
         i++) {
        struct image_package *package = &owners->packages[owners->asked[i].package];

        if (!owners->type && owner_keep(owners, owner, err) != MU_OK)
            return err->status;
        if (goes_before(owners, package)) {
            package->owner_type = owners->type;
            package->owner = owners->name;
        }
    }
    return MU_OK;
}

static enum mu_status seen_take(void *opaque, const struct merge_seen *seen, struct mu_error *err)
{
    struct owners *owners = opaque;
    struct evidence_cursor cursor = seen->cursor;
    struct evidence_item item, owner = {.name = "", .value = ""};
    enum mu_status st = MU_OK;

    if (seen->shared)
        return MU_OK; /* its paths are owned by whom the file itself says */
    while (st == MU_OK && summary_evidence_next(&cursor, &item)) {
        if (item.kind == EVIDENCE_OWNER) {
            owner = item;
            owners->type = owners->name = NULL;
        } else if (item.kind == EVIDENCE_OWNED) {
            st = owned_take(owners, &owner, item.path, err);
        }
    }
    owners->type = owners->name = NULL;
    return st;
}

enum mu_status image_owners_find(const struct merge *merge, struct mu_arena *arena,
                                 struct image_package *packages, size_t count, struct mu_error *err)
{
    struct owners owners = {.merge = merge, .arena = arena, .packages = packages};
    enum mu_status st = MU_OK;

    owners.links = calloc(ROOT_LINKS_MAX, sizeof(*owners.links));
    if (!owners.links)
        return mu_fail(err, MU_E_NOMEM, "no memory for links");
    links_find(&owners);
    for (size_t i = 0; st == MU_OK && i < count; i++) {
        if (!is_distribution(packages[i].type))
            st = package_ask(&owners, i, err);
    }
    if (owners.count > 0)
        qsort(owners.asked, owners.count, sizeof(*owners.asked), asked_order);
    if (st == MU_OK && owners.count > 0)
        st = merge_see(merge, seen_take, &owners, err);
    free(owners.asked);
    free(owners.links);
    return st;
}
