#include "verify/json_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct mu_json_limits limits = {JSON_STREAM_MAX_PIECE_BYTES + 2,
                                             JSON_STREAM_MAX_DEPTH};

struct stream {
    FILE *in;
    json_stream_wish_fn *wish;
    json_stream_fn *each;
    void *opaque;
    struct mu_error *err;
    size_t line;
    int next;           /* the byte that is not taken yet, or EOF */
    struct mu_buf text; /* of the piece being taken, in brackets */
    json_t *seen;       /* names of the outermost object */
    const char *key;    /* of the innermost list being gone through */
};

static enum mu_status broken(const struct stream *stream, const char *what)
{
    if (ferror(stream->in))
        return mu_fail(stream->err, MU_E_UNAVAILABLE, "read: %s", strerror(errno));
    return mu_fail(stream->err, MU_E_INVALID, "line %zu: %s", stream->line,
                   stream->next == EOF ? "it is torn" : what);
}

static void step(struct stream *stream)
{
    stream->line += stream->next == '\n';
    stream->next = getc_unlocked(stream->in);
}

static void skip_blanks(struct stream *stream)
{
    while (stream->next == ' ' || stream->next == '\t' || stream->next == '\r' ||
           stream->next == '\n')
        step(stream);
}

/* ---- one value's text ---- */

static void take(struct stream *stream, bool keep)
{
    char c = (char)stream->next;

    if (keep)
        mu_buf_append(&stream->text, &c, 1);
    step(stream);
}

static void take_string(struct stream *stream, bool keep)
{
    take(stream, keep);
    while (stream->next != EOF && stream->next != '"' && !stream->text.failed) {
        if (stream->next == '\\')
            take(stream, keep);
        if (stream->next != EOF)
            take(stream, keep);
    }
    if (stream->next == '"')
        take(stream, keep);
}

static void take_word(struct stream *stream, bool keep)
{
    while (stream->next != EOF && !strchr(",]} \t\r\n", stream->next) && !stream->text.failed)
        take(stream, keep);
}

/* To the end of the value that begins here; whether it is well formed is the parser's to say. */
static enum mu_status take_value(struct stream *stream, bool keep)
{
    size_t depth = 0;

    do {
        skip_blanks(stream);
        if (stream->next == '[' || stream->next == '{')
            depth++;
        if (depth > 0 && (stream->next == ']' || stream->next == '}'))
            depth--;
        if (stream->next == '"')
            take_string(stream, keep);
        else if (stream->next != EOF && strchr("[]{},:", stream->next))
            take(stream, keep);
        else
            take_word(stream, keep);
        if (stream->text.failed)
            return mu_buf_status(&stream->text, "one value", stream->err);
    } while (depth > 0 && stream->next != EOF);
    return depth > 0 ? broken(stream, "it is torn") : MU_OK;
}

static enum mu_status parse_value(struct stream *stream, json_t **ret_list)
{
    enum mu_status st;

    mu_buf_reset(&stream->text);
    mu_buf_puts(&stream->text, "[");
    st = take_value(stream, true);
    mu_buf_puts(&stream->text, "]");
    if (st == MU_OK)
        st = mu_buf_status(&stream->text, "one value", stream->err);
    if (st == MU_OK)
        st = mu_json_parse_bounded(stream->text.data, stream->text.len, &limits,
                                   JSON_STREAM_MAX_VALUES, ret_list, stream->err);
    if (st != MU_OK)
        return mu_wrap(stream->err, "value that ends in line %zu", stream->line);
    if (json_array_size(*ret_list) == 1)
        return MU_OK;
    json_decref(*ret_list);
    *ret_list = NULL;
    return broken(stream, "a value is missing");
}

/* ---- what is in a list or an object ---- */

/* The comma or the end behind a value. */
static enum mu_status go_on(struct stream *stream, int end, bool *ret_more)
{
    skip_blanks(stream);
    *ret_more = stream->next == ',';
    if (stream->next != ',' && stream->next != end)
        return broken(stream, "a comma or the end is missing");
    step(stream);
    return MU_OK;
}

static enum mu_status give(struct stream *stream, const char *member, const char *key)
{
    json_t *list = NULL;
    enum mu_status st = parse_value(stream, &list);

    if (st != MU_OK)
        return st;
    st = stream->each(stream->opaque, member, key, json_array_get(list, 0), stream->err);
    json_decref(list);
    return st;
}

/* The name in front of a colon; new reference of the list that holds it. */
static enum mu_status take_name(struct stream *stream, json_t **ret_list)
{
    enum mu_status st;

    skip_blanks(stream);
    if (stream->next != '"')
        return broken(stream, "a name is missing");
    st = parse_value(stream, ret_list);
    if (st != MU_OK)
        return st;
    skip_blanks(stream);
    if (stream->next != ':') {
        json_decref(*ret_list);
        *ret_list = NULL;
        return broken(stream, "a colon is missing");
    }
    step(stream);
    return MU_OK;
}

typedef enum mu_status entry_fn(struct stream *stream, const char *member, const char *name);

/* What stands between brackets, of which the first is the next byte. */
static enum mu_status go_through(struct stream *stream, const char *member, entry_fn *entry)
{
    const bool named = stream->next == '{';
    const int end = named ? '}' : ']';
    bool more = true;
    enum mu_status st = MU_OK;

    step(stream);
    skip_blanks(stream);
    if (stream->next == end) {
        step(stream);
        return MU_OK;
    }
    while (st == MU_OK && more) {
        json_t *name = NULL;

        st = named ? take_name(stream, &name) : MU_OK;
        if (st == MU_OK)
            st = entry(stream, member, json_string_value(json_array_get(name, 0)));
        json_decref(name);
        if (st == MU_OK)
            st = go_on(stream, end, &more);
    }
    return st;
}

/* As the caller wishes: whole, not at all, or by what is in it. */
static enum mu_status give_as_wished(struct stream *stream, const char *member, const char *key,
                                     entry_fn *each)
{
    enum json_stream_wish wish =
            stream->wish ? stream->wish(stream->opaque, member, key) : JSON_STREAM_WHOLE;

    skip_blanks(stream);
    if (wish == JSON_STREAM_EACH && (stream->next == '[' || stream->next == '{'))
        return each(stream, member, key);
    return wish == JSON_STREAM_SKIP ? take_value(stream, false) : give(stream, member, key);
}

static enum mu_status give_innermost(struct stream *stream, const char *member, const char *name)
{
    (void)name;
    return give(stream, member, stream->key);
}

static enum mu_status go_through_innermost(struct stream *stream, const char *member,
                                           const char *key)
{
    enum mu_status st;

    if (stream->next != '[')
        return give(stream, member, key);
    stream->key = key;
    st = go_through(stream, member, give_innermost);
    stream->key = NULL;
    return st;
}

static enum mu_status give_inner(struct stream *stream, const char *member, const char *name)
{
    return name ? give_as_wished(stream, member, name, go_through_innermost)
                : give(stream, member, NULL);
}

static enum mu_status go_through_inner(struct stream *stream, const char *member, const char *key)
{
    (void)key;
    return go_through(stream, member, give_inner);
}

static enum mu_status give_outer(struct stream *stream, const char *member, const char *name)
{
    (void)member;
    if (!name)
        return give(stream, NULL, NULL);
    if (json_object_get(stream->seen, name))
        return mu_fail(stream->err, MU_E_INVALID, "line %zu: '%.100s' stands there twice",
                       stream->line, name);
    if (json_object_size(stream->seen) >= JSON_STREAM_MAX_MEMBERS)
        return mu_fail(stream->err, MU_E_LIMIT, "more than %d members", JSON_STREAM_MAX_MEMBERS);
    (void)json_object_set_new(stream->seen, name, json_true());
    return give_as_wished(stream, name, NULL, go_through_inner);
}

enum mu_status json_stream_read(FILE *in, json_stream_wish_fn *wish, json_stream_fn *each,
                                void *opaque, bool *ret_is_array, struct mu_error *err)
{
    struct stream stream = {
            .in = in, .wish = wish, .each = each, .opaque = opaque, .err = err, .line = 1};
    enum mu_status st;

    mu_buf_init(&stream.text, JSON_STREAM_MAX_PIECE_BYTES);
    stream.seen = json_object();
    step(&stream);
    skip_blanks(&stream);
    if (ret_is_array)
        *ret_is_array = stream.next == '[';
    st = stream.next == '[' || stream.next == '{' ? go_through(&stream, NULL, give_outer)
                                                  : broken(&stream, "no JSON object or array");
    skip_blanks(&stream);
    if (st == MU_OK && stream.next != EOF)
        st = broken(&stream, "more stands behind the end");
    if (st == MU_OK && ferror(in))
        st = broken(&stream, "");
    json_decref(stream.seen);
    mu_buf_done(&stream.text);
    return st;
}
