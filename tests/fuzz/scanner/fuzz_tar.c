/* Any bytes as a tar, in pieces: every path handed out is clean, every content as long as said. */
#include "layer/tar_walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HOLES_MAX_BYTES = 1 << 20 };

struct seen {
    uint64_t left; /* of the content that is coming */
    bool in_content, wants_holes;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_path(const char *path, size_t len)
{
    must(strlen(path) == len && len <= TAR_PATH_MAX_BYTES);
    must(path[0] != '/' && (len == 0 || path[len - 1] != '/'));
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        must(strcmp(part, "..") != 0 && strncmp(part, "../", 3) != 0);
        must(strncmp(part, "./", 2) != 0 && (len == 0 || strcmp(part, ".") != 0));
    }
}

static enum mu_status on_entry(void *opaque, const struct tar_entry *entry, enum tar_want *ret_want,
                               struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    must(!seen->in_content);
    check_path(entry->path, entry->path_len);
    must(strlen(entry->link) == entry->link_len);
    if (entry->kind == TAR_HARDLINK)
        check_path(entry->link, entry->link_len);
    if (entry->kind == TAR_FILE && entry->size_bytes % 2 == 0) {
        *ret_want = TAR_KEEP;
        seen->in_content = true;
        seen->left = entry->size_bytes;
        seen->wants_holes = entry->size_bytes <= HOLES_MAX_BYTES;
    }
    return MU_OK;
}

static enum mu_status on_content(void *opaque, const void *bytes, size_t len, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)bytes;
    (void)err;
    must(seen->in_content && len > 0 && len <= seen->left);
    seen->left -= len;
    return MU_OK;
}

static bool wants_hole(void *opaque)
{
    const struct seen *seen = opaque;

    return seen->wants_holes;
}

static enum mu_status on_end(void *opaque, struct mu_error *err)
{
    struct seen *seen = opaque;

    (void)err;
    must(seen->in_content && (seen->left == 0 || !seen->wants_holes));
    seen->in_content = false;
    return MU_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct seen seen = {0};
    const struct tar_sink sink = {.opaque = &seen,
                                  .on_entry = on_entry,
                                  .on_content = on_content,
                                  .wants_hole = wants_hole,
                                  .on_end = on_end};
    MU_AUTO(tar_walk) struct tar_walk *walk = tar_walk_new(&sink, 1000);
    size_t piece = len > 0 ? 1 + bytes[len - 1] * 7u : 1;
    struct mu_error err;

    for (size_t at = 0; at < len; at += piece)
        if (tar_walk_write(walk, bytes + at, len - at < piece ? len - at : piece, &err) != MU_OK)
            return 0;
    if (tar_walk_finish(walk, &err) == MU_OK)
        must(!seen.in_content);
    return 0;
}
