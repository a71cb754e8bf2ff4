/* A page of a list as JSON or CSV, with its cursor and its ETag. */
#include "api/server.h"

#include "api/accept.h"
#include "api/question.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_MAX_BYTES = 32 * 1024 * 1024, LIMIT_SIZE = 16, ETAG_SIZE = 40, LINK_MAX = 32 * 1024 };

enum form { FORM_JSON, FORM_CSV, FORM_COUNT };
static const char *const forms[FORM_COUNT] = {"application/json", "text/csv"};

struct page {
    const struct list *list;
    const struct question *question;
    struct instants instants;
    struct mu_pg_result *rows;
};

/* ---- asking ---- */

static enum mu_status ask_page(void *opaque, struct mu_pg *pg, struct mu_error *err)
{
    struct page *page = opaque;
    const struct question *question = page->question;
    const char *values[LIST_MAX_PARAMETERS] = {page->instants.valid_at, page->instants.known_at};
    char limit[LIMIT_SIZE];
    enum mu_status st = MU_OK;

    if (question->has_cursor)
        page->instants = question->cursor.instants;
    else
        st = instants_ask(pg, question->valid_at, question->known_at, &page->instants, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(limit, sizeof(limit), "%u", question->limit + 1); /* one more: is there more? */
    values[2] = question->has_cursor ? question->cursor.key : NULL;
    values[3] = limit;
    for (size_t i = 0; i < page->list->filter_count; i++)
        values[LIST_FIRST_FILTER + i] = question->filters[i];
    return mu_pg_execute(pg, (int)page->list->query, values, &page->rows, err);
}

/* ---- writing ---- */

static size_t row_count(const struct page *page)
{
    size_t rows = mu_pg_rows(page->rows);

    return rows > page->question->limit ? page->question->limit : rows;
}

static void write_rows(const struct page *page, enum form form, struct mu_buf *out)
{
    if (form == FORM_CSV)
        list_write_csv_names(page->list, out);
    for (size_t row = 0; row < row_count(page); row++) {
        if (form == FORM_CSV) {
            list_write_csv(page->list, page->rows, row, out);
            continue;
        }
        mu_buf_puts(out, row > 0 ? ",\n" : "\n");
        list_write_json(page->list, page->rows, row, out);
    }
}

/* The cursor of the next page in `out`; nothing when this is the last. */
static enum mu_status write_cursor(const struct page *page, struct mu_buf *out,
                                   struct mu_error *err)
{
    struct cursor next = {.instants = page->instants};
    size_t rows = row_count(page);

    if (mu_pg_rows(page->rows) <= page->question->limit || rows == 0)
        return MU_OK;
    memcpy(next.mark, page->question->mark, sizeof(next.mark));
    next.key = mu_pg_text(page->rows, rows - 1, (int)page->list->column_count);
    return cursor_write(&next, out, err);
}

static void write_json(const struct page *page, const struct mu_buf *rows, const char *cursor,
                       struct mu_buf *out)
{
    mu_buf_puts(out, "{\"items\":[");
    mu_buf_append(out, rows->data, rows->len);
    mu_buf_puts(out, "],\n\"next_cursor\":");
    if (*cursor)
        mu_buf_printf(out, "\"%s\"", cursor);
    else
        mu_buf_puts(out, "null");
    if (page->list->timed)
        mu_buf_printf(out, ",\n\"valid_at\":\"%s\",\"known_at\":\"%s\"", page->instants.valid_at,
                      page->instants.known_at);
    mu_buf_puts(out, "}\n");
}

/* ---- replying ---- */

/* Weak: the rows are the same, the instants told beside them may differ (RFC 9110 section 8.8.1).
 */
static void write_etag(const struct mu_buf *rows, enum form form, char ret_etag[ETAG_SIZE])
{
    char digest[MU_DIGEST_TEXT_SIZE];

    mu_sha256_text(rows->data, rows->len, digest);
    (void)snprintf(ret_etag, ETAG_SIZE, "W/\"%.24s%c\"", digest + 7, form == FORM_CSV ? 'c' : 'j');
}

/* RFC 9110 section 13.1.2: "*" or a list of tags, compared weakly. */
static bool has_etag(const char *header, const char *etag)
{
    return header && (mu_text_equal(header, "*") || strstr(header, etag + 2));
}

static void send_page(struct mu_request *request, const struct page *page, enum form form,
                      const struct mu_buf *rows, const char *cursor)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf body;
    char etag[ETAG_SIZE];
    const char *headers[] = {"ETag",
                             etag,
                             "Cache-Control",
                             "private, no-cache",
                             "Vary",
                             "Accept, Authorization",
                             NULL,
                             NULL,
                             NULL};

    mu_buf_init(&body, PAGE_MAX_BYTES + 2 * CURSOR_MAX_BYTES);
    write_etag(rows, form, etag);
    if (has_etag(mu_request_header(request, "If-None-Match"), etag)) {
        mu_httpd_reply(request, 304, NULL, NULL, 0, headers);
        return;
    }
    if (*cursor) {
        headers[6] = "Muster-Next-Cursor";
        headers[7] = cursor;
    }
    if (form == FORM_CSV) {
        mu_httpd_reply(request, 200, "text/csv; charset=utf-8; header=present", rows->data,
                       rows->len, headers);
        return;
    }
    write_json(page, rows, cursor, &body);
    mu_httpd_reply(request, 200, NULL, body.data, body.len, headers);
}

static void reply_page(struct mu_request *request, const struct page *page, enum form form)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf rows;
    MU_AUTO_DONE(mu_buf_done) struct mu_buf cursor;
    struct mu_error err;
    enum mu_status st;

    mu_buf_init(&rows, PAGE_MAX_BYTES);
    mu_buf_init(&cursor, (size_t)CURSOR_MAX_BYTES * 2);
    write_rows(page, form, &rows);
    st = mu_buf_status(&rows, "the page; ask for fewer rows with limit", &err);
    if (st == MU_OK)
        st = write_cursor(page, &cursor, &err);
    if (st != MU_OK)
        mu_httpd_reply_failure(request, &err);
    else
        send_page(request, page, form, &rows, cursor.data);
}

void api_reply_list(struct api *api, struct mu_request *request, const struct list *list)
{
    int form = accept_choose(mu_request_header(request, "Accept"), forms, FORM_COUNT);
    struct question question;
    struct page page = {.list = list, .question = &question};
    struct mu_error err;
    enum mu_status st;

    if (form == ACCEPT_NONE) {
        mu_httpd_reply_error(request, 406, "there are application/json and text/csv");
        return;
    }
    st = question_of_list(request, list, &question, &err);
    if (st == MU_OK)
        st = api_ask(api, ask_page, &page, &err);
    if (st == MU_OK)
        reply_page(request, &page, (enum form)form);
    else
        mu_httpd_reply_failure(request, &err);
    mu_pg_result_free(page.rows);
}
