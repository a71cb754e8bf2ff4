#include "ver/ver_writer.h"

#include "base/clock.h"
#include "base/stop.h"

#include <string.h>

static void put_acceptance(struct ver_writer *writer, const struct ver_judgement *judgement)
{
    char accepted_at[MU_TIME_TEXT_SIZE];

    if (judgement->acceptance_rationale)
        mu_buf_printf(&writer->rationale, "%s%s", writer->rationale.len > 0 ? " " : "",
                      judgement->acceptance_rationale);
    if (writer->rationale.len == 0) {
        mu_time_format(judgement->accepted_after_us, accepted_at);
        mu_buf_printf(
                &writer->rationale,
                "Neither remediated nor fully mitigated within 192 days of its evaluation, or "
                "of its detection where none was completed: accepted by VER-TFR-MAV since "
                "%.10s. No person has stated a rationale.",
                accepted_at);
    }
    json_text(writer->out, "acceptanceRationale", writer->rationale.data);
}

void ver_open_entry(struct ver_writer *writer)
{
    json_open(writer->out, NULL, '{');
    if (writer->accepted)
        json_open(writer->out, "vulnerabilityDetail", '{');
}

void ver_close_entry(struct ver_writer *writer, const struct ver_judgement *judgement)
{
    json_close(writer->out, '}');
    if (!writer->accepted)
        return;
    put_acceptance(writer, judgement);
    json_close(writer->out, '}');
}

enum mu_status ver_entry_status(const struct ver_writer *writer, const char *id,
                                struct mu_error *err)
{
    const struct mu_buf *const bufs[] = {&writer->description, &writer->facts, &writer->rationale,
                                         &writer->text};

    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        if (mu_buf_status(bufs[i], id, err) != MU_OK)
            return err->status;
    if (mu_stop_requested())
        return mu_fail(err, MU_E_UNAVAILABLE, "stopping");
    return writer->out->failed ? mu_fail(err, MU_E_UNAVAILABLE, "cannot write") : MU_OK;
}

void ver_reset(struct ver_writer *writer)
{
    mu_buf_reset(&writer->description);
    mu_buf_reset(&writer->facts);
    mu_buf_reset(&writer->rationale);
}

/* A public summary of a public vulnerability: nothing that VER-RPT-NID keeps back. */
enum mu_status ver_describe(struct ver_writer *writer, const char *vulnerability,
                            const char *packages, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct description_row row;
    bool found = false;
    enum mu_status st = snapshot_list(writer->render->snapshot, SNAPSHOT_LIST_DESCRIPTION_OF,
                                      vulnerability, &cursor, err);

    if (st == MU_OK)
        st = snapshot_next(cursor, &row, &found, err);
    if (st != MU_OK)
        return st;
    mu_buf_puts(&writer->description, vulnerability);
    if (packages)
        mu_buf_printf(&writer->description, " in %.*s%s", (int)strcspn(packages, "\n"), packages,
                      strchr(packages, '\n') ? " and other packages" : "");
    if (found && row.summary && *row.summary)
        mu_buf_printf(&writer->description, ": %s", row.summary);
    return MU_OK;
}
