#include "api/question.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PARAMETER_NAME_MAX = 32, PARAMETERS_MAX = LIST_MAX_FILTERS + 4, KEY_MAX_BYTES = 128 };

/* Where each parameter that the endpoint knows is put. */
struct parameter {
    const char *name;
    const char **slot;
};

struct reader {
    struct mu_arena *arena;
    struct parameter parameters[PARAMETERS_MAX];
    size_t count;
    struct mu_error *err;
};

static void add(struct reader *reader, const char *name, const char **slot)
{
    reader->parameters[reader->count++] = (struct parameter){name, slot};
}

static const char **find_slot(struct reader *reader, const char *name, size_t len)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strlen(reader->parameters[i].name) == len &&
            memcmp(reader->parameters[i].name, name, len) == 0)
            return reader->parameters[i].slot;
    return NULL;
}

static bool take(void *opaque, const char *name, size_t name_len, const char *value,
                 size_t value_len)
{
    struct reader *reader = opaque;
    const char **slot = find_slot(reader, name, name_len);
    char shown[PARAMETER_NAME_MAX + 1];

    (void)snprintf(shown, sizeof(shown), "%.*s",
                   (int)(name_len < PARAMETER_NAME_MAX ? name_len : PARAMETER_NAME_MAX), name);
    if (!slot)
        (void)mu_fail(reader->err, MU_E_INVALID, "there is no parameter '%s' here", shown);
    else if (*slot)
        (void)mu_fail(reader->err, MU_E_INVALID, "%s is given twice", shown);
    else if (!value || memchr(value, '\0', value_len))
        (void)mu_fail(reader->err, MU_E_INVALID, "%s has no value, or one with a NUL", shown);
    else if (value_len > CURSOR_MAX_BYTES * 2)
        (void)mu_fail(reader->err, MU_E_INVALID, "%s is too long", shown);
    else
        *slot = mu_arena_strndup(reader->arena, value, value_len);
    return slot && *slot && reader->err->status == MU_OK;
}

static enum mu_status read_all(struct mu_request *request, struct reader *reader)
{
    reader->arena = mu_request_arena(request);
    reader->err->status = MU_OK;
    if (mu_request_each_query(request, take, reader))
        return MU_OK;
    if (reader->err->status == MU_OK)
        return mu_fail(reader->err, MU_E_NOMEM, "no memory for the parameters");
    return reader->err->status;
}

static enum mu_status check_filters(const struct list *list, struct mu_arena *arena,
                                    struct question *question, struct mu_error *err)
{
    for (size_t i = 0; i < list->filter_count; i++) {
        const struct list_filter *filter = &list->filters[i];
        char text[LIST_TEXT_MAX_BYTES + 1];

        if (!question->filters[i]) {
            if (filter->flags & FILTER_REQUIRED)
                return mu_fail(err, MU_E_INVALID, "%s is missing", filter->name);
            continue;
        }
        if (list_filter_value(filter, filter->name, question->filters[i], text, err) != MU_OK)
            return err->status;
        question->filters[i] = mu_arena_strdup(arena, text);
        if (!question->filters[i])
            return mu_fail(err, MU_E_NOMEM, "no memory for the parameters");
    }
    return MU_OK;
}

static enum mu_status check_instants(const struct question *question, struct mu_error *err)
{
    char ignored[QUERY_TIME_SIZE];

    if (question->valid_at && list_instant("valid_at", question->valid_at, ignored, err) != MU_OK)
        return err->status;
    return question->known_at ? list_instant("known_at", question->known_at, ignored, err) : MU_OK;
}

static enum mu_status read_limit(const char *text, unsigned *ret_limit, struct mu_error *err)
{
    uint64_t number = LIST_DEFAULT_ROWS;

    if (text && mu_text_to_u64(text, "limit", &number, err) != MU_OK)
        return err->status;
    if (number < 1 || number > LIST_MAX_ROWS)
        return mu_fail(err, MU_E_INVALID, "limit must be between 1 and %d", LIST_MAX_ROWS);
    *ret_limit = (unsigned)number;
    return MU_OK;
}

/* Of list and filters: a cursor goes on with the question that it comes from. */
static void write_mark(const struct list *list, struct question *question)
{
    const char *parts[LIST_MAX_FILTERS + 1] = {list->name};
    char id[MU_UUID_TEXT_SIZE];

    for (size_t i = 0; i < list->filter_count; i++)
        parts[i + 1] = question->filters[i];
    mu_stable_id("cursor", parts, list->filter_count + 1, id);
    (void)snprintf(question->mark, sizeof(question->mark), "%.8s%.4s%.4s", id, id + 9, id + 14);
}

/* Left out, or the same. */
static bool same_instant(const char *given, const char *expected)
{
    char text[QUERY_TIME_SIZE];
    struct mu_error ignored;

    return !given ||
           (list_instant("", given, text, &ignored) == MU_OK && mu_text_equal(text, expected));
}

static enum mu_status read_cursor(const char *text, struct mu_arena *arena,
                                  struct question *question, struct mu_error *err)
{
    if (!text)
        return MU_OK;
    if (cursor_parse(text, strlen(text), arena, &question->cursor, err) != MU_OK)
        return err->status;
    if (!mu_text_equal(question->cursor.mark, question->mark))
        return mu_fail(err, MU_E_INVALID,
                       "cursor: it comes from another question: give the "
                       "parameters of the first page again");
    if (!same_instant(question->valid_at, question->cursor.instants.valid_at) ||
        !same_instant(question->known_at, question->cursor.instants.known_at))
        return mu_fail(err, MU_E_INVALID, "cursor: it is of another instant");
    question->has_cursor = true;
    return MU_OK;
}

enum mu_status question_of_list(struct mu_request *request, const struct list *list,
                                struct question *ret_question, struct mu_error *err)
{
    struct reader reader = {.err = err};
    struct question question = {0};
    const char *limit = NULL, *cursor = NULL;
    enum mu_status st;

    for (size_t i = 0; i < list->filter_count; i++)
        add(&reader, list->filters[i].name, &question.filters[i]);
    add(&reader, "limit", &limit);
    add(&reader, "cursor", &cursor);
    if (list->timed) {
        add(&reader, list->valid_name, &question.valid_at);
        add(&reader, "known_at", &question.known_at);
    }
    st = read_all(request, &reader);
    if (st == MU_OK)
        st = check_filters(list, reader.arena, &question, err);
    if (st == MU_OK)
        st = read_limit(limit, &question.limit, err);
    if (st == MU_OK)
        st = check_instants(&question, err);
    if (st != MU_OK)
        return st;
    write_mark(list, &question);
    if (read_cursor(cursor, reader.arena, &question, err) != MU_OK)
        return err->status;
    *ret_question = question;
    return MU_OK;
}

enum mu_status question_of_thing(struct mu_request *request, struct question *ret_question,
                                 struct mu_error *err)
{
    struct reader reader = {.err = err};
    struct question question = {0};
    enum mu_status st;

    add(&reader, "valid_at", &question.valid_at);
    add(&reader, "known_at", &question.known_at);
    st = read_all(request, &reader);
    if (st == MU_OK)
        st = check_instants(&question, err);
    if (st == MU_OK)
        *ret_question = question;
    return st;
}

enum mu_status question_of_verdict(struct mu_request *request,
                                   struct verdict_question *ret_question, struct mu_error *err)
{
    static const struct list_filter by_filter = {.name = "by"};
    static const struct list_filter wait_filter = {.name = "wait", .type = FILTER_BOOL};
    struct reader reader = {.err = err};
    struct verdict_question question = {0};
    char text[LIST_TEXT_MAX_BYTES + 1];
    const char *wait = NULL;
    enum mu_status st;

    add(&reader, by_filter.name, &question.by);
    add(&reader, wait_filter.name, &wait);
    st = read_all(request, &reader);
    if (st == MU_OK && question.by)
        st = list_filter_value(&by_filter, by_filter.name, question.by, text, err);
    if (st == MU_OK && wait)
        st = list_filter_value(&wait_filter, wait_filter.name, wait, text, err);
    question.waits = mu_text_equal(wait, "true");
    if (st == MU_OK)
        *ret_question = question;
    return st;
}

enum mu_status question_key(const struct mu_request *request, const char **ret_key,
                            struct mu_error *err)
{
    const char *key = mu_request_header(request, "Idempotency-Key");
    size_t len = key ? strlen(key) : 0;

    for (size_t i = 0; i < len; i++)
        if (key[i] < ' ' || key[i] > '~')
            return mu_fail(err, MU_E_INVALID, "Idempotency-Key has another byte than ASCII's");
    if (key && (len == 0 || len > KEY_MAX_BYTES))
        return mu_fail(err, MU_E_INVALID, "Idempotency-Key must have 1 to %d characters",
                       KEY_MAX_BYTES);
    *ret_key = key;
    return MU_OK;
}

enum mu_status question_of_none(struct mu_request *request, struct mu_error *err)
{
    struct reader reader = {.err = err};

    return read_all(request, &reader);
}
