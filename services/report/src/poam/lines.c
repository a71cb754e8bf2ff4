#include "poam/lines.h"

#include "workbook/told.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

enum { LINE_MAX_BYTES = 8000, JOINED_MAX_BYTES = 30000 };

static bool has(const struct lines *lines, const char *line)
{
    for (size_t i = 0; i < lines->count; i++)
        if (mu_text_equal(lines->line[i], line))
            return true;
    return false;
}

static void add_line(struct lines *lines, const char *text, size_t len, struct mu_arena *arena)
{
    const char *whole = mu_arena_strndup(arena, text, len);
    const char *line = told_line(whole, LINE_MAX_BYTES, arena);

    if (!line || !*line || has(lines, line))
        return;
    if (lines->count < LINES_MAX)
        lines->line[lines->count++] = line;
    else
        lines->more = true;
}

void lines_add(struct lines *lines, const char *text, struct mu_arena *arena)
{
    while (text && *text) {
        size_t len = strcspn(text, "\n");

        add_line(lines, text, len, arena);
        text += len + (text[len] == '\n');
    }
}

const char *lines_join(const struct lines *lines, const char *between, struct mu_arena *arena)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf text;

    mu_buf_init(&text, JOINED_MAX_BYTES);
    if (lines->count == 0)
        return NULL;
    for (size_t i = 0; i < lines->count; i++)
        mu_buf_printf(&text, "%s%s", i > 0 ? between : "", lines->line[i]);
    if (lines->more)
        mu_buf_printf(&text, "%sand more", between);
    return mu_arena_strndup(arena, text.data, text.len);
}
