#include "poam/asset_list.h"

#include "workbook/cell_text.h"
#include "workbook/form.h"

#include "base/text.h"

enum { UAI_MAX_BYTES = 64 * 1024, TEXT_MAX_BYTES = 256 * 1024 };

enum mu_status asset_list_open(const struct snapshot *snapshot, enum snapshot_list list,
                               const char *key, struct asset_list *ret_list, struct mu_error *err)
{
    *ret_list = (struct asset_list){.list = list};
    mu_buf_init(&ret_list->text, TEXT_MAX_BYTES);
    mu_buf_init(&ret_list->last, UAI_MAX_BYTES);
    return snapshot_list(snapshot, list, key, &ret_list->cursor, err);
}

void asset_list_close(struct asset_list *list)
{
    if (!list->cursor)
        return;
    snapshot_cursor_free(list->cursor);
    list->cursor = NULL;
    mu_buf_done(&list->text);
    mu_buf_done(&list->last);
}

/* The next row's asset, NULL behind the last. */
static enum mu_status next_uai(struct asset_list *list, const char **ret_uai, struct mu_error *err)
{
    union {
        struct finding_row finding;
        struct closed_finding_row closed;
        struct inventory_row inventory;
    } row;
    bool found = false;
    enum mu_status st = snapshot_next(list->cursor, &row, &found, err);

    if (st != MU_OK || !found)
        *ret_uai = NULL;
    else if (list->list == SNAPSHOT_LIST_FINDINGS_OF_ITEM)
        *ret_uai = row.finding.uai;
    else if (list->list == SNAPSHOT_LIST_CLOSED_OF_ITEM)
        *ret_uai = row.closed.uai;
    else
        *ret_uai = row.inventory.uai;
    return st;
}

static void take(struct asset_list *list)
{
    mu_buf_printf(&list->text, "%s%s", list->text.len > 0 ? "\n" : "", list->ahead);
    mu_buf_reset(&list->last);
    mu_buf_puts(&list->last, list->ahead);
    list->ahead = NULL;
}

enum mu_status asset_list_fill(struct asset_list *list, bool *ret_more, struct mu_error *err)
{
    size_t length = 0;
    enum mu_status st = MU_OK;

    mu_buf_reset(&list->text);
    for (;;) {
        if (!list->ahead)
            st = next_uai(list, &list->ahead, err);
        if (st != MU_OK || !list->ahead)
            break;
        if (mu_text_equal(list->ahead, list->last.data)) {
            list->ahead = NULL;
            continue;
        }
        if (length > 0 && length + 1 + cell_text_length(list->ahead) > FORM_CELL_MAX)
            break;
        length += 1 + cell_text_length(list->ahead);
        take(list);
    }
    *ret_more = list->ahead != NULL;
    return st == MU_OK ? mu_buf_status(&list->text, "assets of an item", err) : st;
}
