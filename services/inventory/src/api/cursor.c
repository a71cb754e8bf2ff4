#include "api/cursor.h"

#include "base/clock.h"
#include "base/signature.h"
#include "base/signing.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* "1\n" mark "\n" valid at "\n" known at "\n" key */
static const char version[] = "1";
enum { FIELDS = 4 };

enum mu_status cursor_write(const struct cursor *cursor, struct mu_buf *out, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;

    mu_buf_init(&plain, CURSOR_MAX_BYTES);
    mu_buf_printf(&plain, "%s\n%s\n%s\n%s\n", version, cursor->mark, cursor->instants.valid_at,
                  cursor->instants.known_at);
    mu_buf_puts(&plain, cursor->key);
    if (mu_buf_status(&plain, "a cursor", err) != MU_OK)
        return err->status;
    mu_base64url_encode(plain.data, plain.len, out);
    return mu_buf_status(out, "a cursor", err);
}

static enum mu_status wrong(struct mu_error *err)
{
    return mu_fail(err, MU_E_INVALID, "cursor: it is none of this API");
}

/* The text up to the next line end, which becomes its end; NULL when there is none. */
static char *take_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

static bool copy_time(const char *text, char ret_text[QUERY_TIME_SIZE])
{
    struct mu_error ignored;
    int64_t at_us;

    if (mu_time_parse(text, strlen(text), &at_us, &ignored) != MU_OK)
        return false;
    mu_time_format(at_us, ret_text);
    return true;
}

enum mu_status cursor_parse(const char *text, size_t len, struct mu_arena *arena,
                            struct cursor *ret_cursor, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf plain;
    char *lines[FIELDS], *at;
    struct cursor cursor;

    mu_buf_init(&plain, CURSOR_MAX_BYTES);
    if (mu_base64url_decode(text, len, &plain, err) != MU_OK)
        return wrong(err);
    if (memchr(plain.data, '\0', plain.len) || !mu_utf8_valid(plain.data, plain.len))
        return wrong(err);
    at = plain.data;
    for (size_t i = 0; i < FIELDS; i++) {
        lines[i] = take_line(&at);
        if (!lines[i])
            return wrong(err);
    }
    if (!mu_text_equal(lines[0], version) || strlen(lines[1]) != CURSOR_MARK_SIZE - 1 ||
        !copy_time(lines[2], cursor.instants.valid_at) ||
        !copy_time(lines[3], cursor.instants.known_at))
        return wrong(err);
    memcpy(cursor.mark, lines[1], CURSOR_MARK_SIZE);
    cursor.key = mu_arena_strdup(arena, at);
    if (!cursor.key)
        return mu_fail(err, MU_E_NOMEM, "no memory for a cursor");
    *ret_cursor = cursor;
    return MU_OK;
}
