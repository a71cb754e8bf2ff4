#include "sample/raw_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 4096, TEXTS_MAX = 8, PIECE_BYTES = 64 * 1024 };

/* A piece of the file with the end of the one before, so that no text is cut. */
struct window {
    char bytes[TEXT_MAX_BYTES + PIECE_BYTES];
    size_t len;
    int64_t offset, line; /* of its first byte */
};

static int64_t lines_in(const char *bytes, size_t len)
{
    int64_t lines = 0;

    for (const char *at = bytes; (at = memchr(at, '\n', len - (size_t)(at - bytes))); at++)
        lines++;
    return lines;
}

static void look(const struct window *window, const char *text, struct sample_place *place)
{
    const char *at = memmem(window->bytes, window->len, text, strlen(text));

    if (place->offset_bytes >= 0 || !at)
        return;
    place->offset_bytes = window->offset + (at - window->bytes);
    place->line = window->line + lines_in(window->bytes, (size_t)(at - window->bytes));
}

/* Keeps the end of the window as the beginning of the next. */
static void move_on(struct window *window)
{
    size_t keep = window->len < TEXT_MAX_BYTES ? window->len : TEXT_MAX_BYTES;
    size_t gone = window->len - keep;

    window->line += lines_in(window->bytes, gone);
    window->offset += (int64_t)gone;
    memmove(window->bytes, window->bytes + gone, keep);
    window->len = keep;
}

enum mu_status raw_places_find(const char *path, const char *const *texts, size_t count,
                               struct sample_place *ret_places, struct mu_error *err)
{
    MU_AUTO_FILE FILE *file = fopen(path, "re");
    struct window window = {.line = 1};
    size_t len;

    if (!file)
        return mu_fail(err, errno == ENOENT ? MU_E_NOT_FOUND : MU_E_UNAVAILABLE, "'%s': %s", path,
                       strerror(errno));
    for (size_t i = 0; i < count; i++) {
        ret_places[i] = (struct sample_place){-1, -1};
        if (count > TEXTS_MAX || !*texts[i] || strlen(texts[i]) > TEXT_MAX_BYTES)
            return mu_fail(err, MU_E_LIMIT, "'%s': a text of 1 to %d bytes is looked for", path,
                           TEXT_MAX_BYTES);
    }
    while ((len = fread(window.bytes + window.len, 1, PIECE_BYTES, file)) > 0) {
        window.len += len;
        for (size_t i = 0; i < count; i++)
            look(&window, texts[i], &ret_places[i]);
        move_on(&window);
    }
    return ferror(file) ? mu_fail(err, MU_E_UNAVAILABLE, "'%s': %s", path, strerror(errno)) : MU_OK;
}
