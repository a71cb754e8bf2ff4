#include "ver/ver_writer.h"

#include "ver/ver_detail.h"

#include "base/clock.h"

static void describe_failure(struct ver_writer *writer, const struct failure_row *row)
{
    const char *place = row->repository ? row->repository : row->source;

    mu_buf_printf(&writer->description, "Failure of detection, %s",
                  row->code ? row->code : "without a code");
    if (place)
        mu_buf_printf(&writer->description, " at %s%s%s", place, row->digest ? "@" : "",
                      row->digest ? row->digest : "");
    if (row->message)
        mu_buf_printf(&writer->description, ": %s", row->message);
    mu_buf_printf(&writer->facts, "A failure of our detection (VDR-CSO-FAV), %lld attempts.",
                  (long long)row->attempts);
}

static enum mu_status put_failure(struct ver_writer *writer, const struct failure_row *row,
                                  struct mu_error *err)
{
    struct ver_subject subject = {
            .id = row->failure, .is_failure = true, .kev_due_at_us = MU_TIME_NONE};
    struct ver_judgement judgement;
    int64_t closed_at_us = MU_TIME_NONE;
    enum mu_status st = snapshot_time(row->opened_at, &subject.detected_at_us, err);

    if (st == MU_OK)
        st = snapshot_time(row->closed_at, &closed_at_us, err);
    if (st != MU_OK)
        return mu_wrap(err, "failure %s", row->failure);
    ver_judge(writer->render->system, &subject, writer->as_of_us, &judgement);
    if (closed_at_us != MU_TIME_NONE)
        judgement.accepted = false;
    if (judgement.accepted != writer->accepted)
        return MU_OK;
    ver_reset(writer);
    describe_failure(writer, row);
    if (closed_at_us != MU_TIME_NONE)
        mu_buf_puts(&writer->facts, " Remediated: the detection works again.");
    ver_open_entry(writer);
    ver_detail_put(writer->out, writer->render->system, writer->as_of_us,
                   &(struct ver_detail){.subject = &subject,
                                        .judgement = &judgement,
                                        .detection_source = "Muster: watch over the detection",
                                        .description = writer->description.data,
                                        .facts = writer->facts.data,
                                        .remediated_at_us = closed_at_us},
                   &writer->text);
    ver_close_entry(writer, &judgement);
    return ver_entry_status(writer, row->failure, err);
}

enum mu_status ver_put_failures(struct ver_writer *writer, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct failure_row row;
    bool found = true;
    enum mu_status st =
            snapshot_list(writer->render->snapshot, SNAPSHOT_LIST_FAILURES, NULL, &cursor, err);

    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        st = put_failure(writer, &row, err);
    }
    return st;
}
