/* Accounts of the image: passwd(5), shadow(5). A line that is none is passed over. */
#include "check/check_finders.h"

#include "check/checks.h"
#include "check/text_lines.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ACCOUNTS_MAX_BYTES = 1024 * 1024, FIELDS_MAX = 9, NAME_MAX_BYTES = 64 };

/* Fields between colons. */
struct account {
    struct text_piece fields[FIELDS_MAX];
    size_t count;
};

static void account_split(struct text_piece line, struct account *ret_account)
{
    ret_account->count = 0;
    while (ret_account->count < FIELDS_MAX) {
        const char *colon = memchr(line.text, ':', line.len);
        size_t len = colon ? (size_t)(colon - line.text) : line.len;

        ret_account->fields[ret_account->count++] = (struct text_piece){line.text, len};
        if (!colon)
            break;
        line = (struct text_piece){colon + 1, line.len - len - 1};
    }
}

static bool name_usable(struct text_piece name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.text[0] == '#')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.text[i] <= ' ' || name.text[i] > '~')
            return false;
    }
    return true;
}

struct reading {
    bool shadow;
    const struct finder_sink *sink;
    struct mu_buf *names;
};

static enum mu_status tell_account(enum check_kind kind, struct text_piece name, uint32_t line,
                                   const struct reading *reading, struct mu_error *err)
{
    char text[NAME_MAX_BYTES + 16];

    (void)snprintf(text, sizeof(text), "account %.*s", (int)name.len, name.text);
    return check_tell(kind, text, line, reading->sink, err);
}

static enum mu_status line_take(struct reading *reading, struct text_piece line, uint32_t number,
                                struct mu_error *err)
{
    struct account account;
    struct text_piece name;
    enum mu_status st = MU_OK;

    account_split(line, &account);
    name = account.fields[0];
    if (account.count < (reading->shadow ? 3U : 4U) || !name_usable(name))
        return MU_OK;
    if (account.fields[1].len == 0)
        st = tell_account(CHECK_EMPTY_PASSWORD, name, number, reading, err);
    if (st != MU_OK || reading->shadow)
        return st;
    mu_buf_append(reading->names, name.text, name.len);
    mu_buf_puts(reading->names, "\n");
    if (text_piece_is(account.fields[2], "0") && !text_piece_is(name, "root"))
        st = tell_account(CHECK_SECOND_ROOT, name, number, reading, err);
    return st;
}

static enum mu_status accounts_read(const struct finder_input *input,
                                    const struct finder_sink *sink, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf names;
    struct reading reading = {
            .shadow = mu_text_equal(input->path, "etc/shadow"), .sink = sink, .names = &names};
    struct text_lines lines = text_lines_of(input->bytes, input->len);
    struct text_piece line;
    enum mu_status st = MU_OK;

    mu_buf_init(&names, FINDER_TEXT_MAX_BYTES);
    while (st == MU_OK && text_lines_next(&lines, &line))
        st = line_take(&reading, line, lines.number, err);
    if (st == MU_OK && !reading.shadow && !names.failed)
        st = sink->fact(sink->opaque, CHECK_USERS_FACT, names.data, err);
    return st;
}

static bool accounts_wants(const struct finder_entry *entry)
{
    return mu_text_equal(entry->path, "etc/passwd") || mu_text_equal(entry->path, "etc/shadow");
}

const struct finder check_accounts_finder = {
        .name = "check-accounts",
        .version = 1,
        .max_bytes = ACCOUNTS_MAX_BYTES,
        .wants = accounts_wants,
        .read = accounts_read,
};
