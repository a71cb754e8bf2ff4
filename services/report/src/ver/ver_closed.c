#include "ver/ver_writer.h"

#include "ver/ver_detail.h"

#include "base/clock.h"
#include "base/text.h"

enum { NAME_MAX_BYTES = 64 * 1024 };

static enum mu_status put_closed(struct ver_writer *writer, const struct closed_finding_row *row,
                                 int64_t closed_at_us, struct mu_error *err)
{
    struct ver_subject subject = {.id = row->item,
                                  .vulnerability = row->vulnerability,
                                  .severity = row->severity,
                                  .kev_due_at_us = MU_TIME_NONE};
    struct ver_judgement judgement;
    enum mu_status st = snapshot_time(row->item_detected_at, &subject.detected_at_us, err);

    if (st != MU_OK)
        return mu_wrap(err, "item %s", row->item);
    ver_judge(writer->render->system, &subject, writer->as_of_us, &judgement);
    ver_reset(writer);
    st = ver_describe(writer, row->vulnerability, NULL, err);
    if (st != MU_OK)
        return st;
    mu_buf_printf(&writer->facts, "Remediated: no longer detected (%s).",
                  mu_text_equal(row->closed_by, "gone") ? "no asset with it is in production"
                                                        : "a later scan does not find it");
    ver_detail_put(writer->out, writer->render->system, writer->as_of_us,
                   &(struct ver_detail){.subject = &subject,
                                        .judgement = &judgement,
                                        .detection_source = "scan of container images",
                                        .description = writer->description.data,
                                        .facts = writer->facts.data,
                                        .remediated_at_us = closed_at_us},
                   &writer->text);
    return ver_entry_status(writer, row->item, err);
}

/* The rows of an item stand together; those of one that another asset still has are left out. */
struct closing {
    struct mu_buf item, uai; /* the entry that is open, and its last asset */
    bool open;
};

static void end_closed(struct ver_writer *writer, struct closing *closing)
{
    if (closing->open) {
        json_close(writer->out, ']');
        json_close(writer->out, '}');
    }
    closing->open = false;
}

static enum mu_status begin_closed(struct ver_writer *writer, const struct closed_finding_row *row,
                                   int64_t closed_at_us, struct closing *closing,
                                   struct mu_error *err)
{
    enum mu_status st;

    end_closed(writer, closing);
    mu_buf_reset(&closing->item);
    mu_buf_puts(&closing->item, row->item);
    mu_buf_reset(&closing->uai);
    json_open(writer->out, NULL, '{');
    st = put_closed(writer, row, closed_at_us, err);
    json_open(writer->out, "affectedAssets", '[');
    closing->open = true;
    return st;
}

static enum mu_status take_closed(struct ver_writer *writer, const struct closed_finding_row *row,
                                  int64_t since_us, struct closing *closing, struct mu_error *err)
{
    int64_t closed_at_us = MU_TIME_NONE;
    enum mu_status st = snapshot_time(row->item_closed_at, &closed_at_us, err);

    if (st != MU_OK)
        return mu_wrap(err, "item %s", row->item);
    if (closed_at_us == MU_TIME_NONE || closed_at_us < since_us)
        return MU_OK;
    if (!closing->open || !mu_text_equal(closing->item.data, row->item))
        st = begin_closed(writer, row, closed_at_us, closing, err);
    if (st == MU_OK && !mu_text_equal(closing->uai.data, row->uai)) { /* not another episode */
        json_text(writer->out, NULL, row->uai);
        mu_buf_reset(&closing->uai);
        mu_buf_puts(&closing->uai, row->uai);
    }
    return st;
}

enum mu_status ver_put_closed_since(struct ver_writer *writer, int64_t since_us,
                                    struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct closing closing = {.open = false};
    struct closed_finding_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(writer->render->snapshot, SNAPSHOT_LIST_CLOSED, NULL, &cursor, err);

    mu_buf_init(&closing.item, NAME_MAX_BYTES);
    mu_buf_init(&closing.uai, NAME_MAX_BYTES);
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = take_closed(writer, &row, since_us, &closing, err);
    }
    end_closed(writer, &closing);
    mu_buf_done(&closing.item);
    mu_buf_done(&closing.uai);
    return st;
}
