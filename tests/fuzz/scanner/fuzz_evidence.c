/* Any bytes as the tars of an image's layers, each behind its 16-bit length: what is found lies
 * within the limits, whatever whiteouts and links say. */
#include "image/evidence_tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const paths[] = {"var/lib/dpkg/status", "etc/os-release", "usr/lib/os-release"};

static enum mu_status on_name(void *opaque, const char *name, struct mu_error *err)
{
    (void)err;
    *(size_t *)opaque += strlen(name) + 1;
    return MU_OK;
}

static void read_layer(struct evidence_tree *tree, uint32_t index, const uint8_t *bytes, size_t len)
{
    struct tar_sink sink;
    struct tar_walk *walk;
    struct mu_error err;

    evidence_tree_sink(tree, &sink);
    walk = tar_walk_new(&sink, 1000);
    evidence_tree_layer_begin(tree, index);
    if (tar_walk_write(walk, bytes, len, &err) == MU_OK && tar_walk_finish(walk, &err) == MU_OK)
        evidence_tree_layer_commit(tree);
    else
        evidence_tree_layer_rollback(tree);
    tar_walk_free(walk);
}

static void read_layers(struct evidence_tree *tree, const uint8_t *bytes, size_t len)
{
    for (uint32_t index = 0; index < 8 && len >= 2; index++) {
        size_t take = (size_t)bytes[0] << 8 | bytes[1];

        take = take < len - 2 ? take : len - 2;
        read_layer(tree, index, bytes + 2, take);
        bytes += 2 + take;
        len -= 2 + take;
    }
}

static void look(struct evidence_tree *tree)
{
    struct evidence_file file;
    struct mu_error err;
    size_t names = 0;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (evidence_tree_find(tree, paths[i], EVIDENCE_CONTENT, &file, &err) == MU_OK &&
            (file.len > EVIDENCE_FILE_MAX_BYTES || file.bytes[file.len] != '\0'))
            abort();
    (void)!evidence_tree_list(tree, "var/lib/dpkg/status.d", on_name, &names, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    MU_AUTO(evidence_tree) struct evidence_tree *tree = evidence_tree_new();
    struct mu_error err;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (evidence_tree_want(tree, paths[i], EVIDENCE_CONTENT, &err) != MU_OK)
            abort();
    if (evidence_tree_want(tree, "var/lib/dpkg/status.d", EVIDENCE_CHILDREN, &err) != MU_OK)
        abort();
    for (int pass = 0; pass < 3; pass++) {
        read_layers(tree, bytes, len);
        look(tree);
        if (!evidence_tree_again(tree))
            break;
        evidence_tree_reset(tree);
    }
    return 0;
}
