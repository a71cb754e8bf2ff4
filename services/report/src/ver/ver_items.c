#include "ver/ver_writer.h"

#include "items/item_deviations.h"
#include "items/item_reader.h"
#include "ver/ver_detail.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* What decided a deviation, for the rationale and the supplementary information. */
struct decided {
    struct ver_writer *writer;
    bool accepted, false_positive;
};

static enum mu_status take_deviation(void *opaque, const struct deviation_row *row,
                                     struct mu_error *err)
{
    struct decided *decided = opaque;
    struct ver_writer *writer = decided->writer;

    (void)err;
    mu_buf_printf(&writer->facts, " Deviation %s: %s, %s.", row->deviation,
                  row->kind ? row->kind : "", row->state ? row->state : "");
    decided->false_positive |= item_deviation_is_approved(row, "false_positive");
    if (!item_deviation_is_approved(row, "accepted"))
        return MU_OK;
    decided->accepted = true;
    mu_buf_printf(&writer->rationale, "%s%s (%s, %s%s%s)", writer->rationale.len > 0 ? " " : "",
                  row->rationale && *row->rationale ? row->rationale : "Accepted by a person",
                  row->deviation, row->decided_by ? row->decided_by : "",
                  row->decided_at ? ", " : "", row->decided_at ? row->decided_at : "");
    return MU_OK;
}

static void put_facts(struct ver_writer *writer, const struct item *item)
{
    mu_buf_printf(&writer->facts, "Affects %zu %s, %zu running %s.", item->assets,
                  item->assets == 1 ? "asset" : "assets", item->instances,
                  item->instances == 1 ? "container" : "containers");
    if (item->kev_added)
        mu_buf_printf(&writer->facts, " In CISA's KEV catalog since %s, due %s.", item->kev_added,
                      item->kev_due ? item->kev_due : "not stated");
    if (item->exploitation)
        mu_buf_printf(&writer->facts, " Exploitation (CISA SSVC): %s.", item->exploitation);
    if (item->epss)
        mu_buf_printf(&writer->facts, " EPSS %s.", item->epss);
    if (item->fixed_versions)
        mu_buf_printf(&writer->facts, " Fixed in %.*s.", (int)strcspn(item->fixed_versions, "\n"),
                      item->fixed_versions);
    else
        mu_buf_puts(&writer->facts, " No fixed version is known.");
}

static enum mu_status put_assets(struct ver_writer *writer, const char *item, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    struct finding_row row;
    bool found = true;
    enum mu_status st = snapshot_list(writer->render->snapshot, SNAPSHOT_LIST_FINDINGS_OF_ITEM,
                                      item, &cursor, err);

    json_open(writer->out, "affectedAssets", '[');
    while (st == MU_OK) {
        st = snapshot_next(cursor, &row, &found, err);
        if (st != MU_OK || !found)
            break;
        json_text(writer->out, NULL, row.uai);
    }
    json_close(writer->out, ']');
    return st;
}

static struct ver_subject subject_of(const struct item *item)
{
    return (struct ver_subject){.id = item->item,
                                .vulnerability = item->vulnerability,
                                .severity = rating_names[item->rating],
                                .in_kev = item->kev_added != NULL,
                                .exploitation = item->exploitation,
                                .automatable = item->automatable,
                                .fixed_versions = item->fixed_versions,
                                .assets = item->assets,
                                .exposed = item->exposed,
                                .not_exposed = item->not_exposed,
                                .detected_at_us = item->detected_at_us,
                                .kev_due_at_us = item->kev_due_at_us};
}

static enum mu_status put_item(struct ver_writer *writer, const struct item *item,
                               struct mu_error *err)
{
    struct ver_subject subject = subject_of(item);
    struct decided decided = {.writer = writer};
    struct ver_judgement judgement;
    char source[256];
    enum mu_status st;

    ver_reset(writer);
    put_facts(writer, item);
    st = item_deviations_each(writer->render->snapshot, item->deviations, take_deviation, &decided,
                              err);
    if (st != MU_OK)
        return st;
    subject.accepted = decided.accepted;
    subject.false_positive = decided.false_positive;
    ver_judge(writer->render->system, &subject, writer->as_of_us, &judgement);
    if (judgement.accepted != writer->accepted)
        return MU_OK;
    st = ver_describe(writer, item->vulnerability, item->packages, err);
    if (st != MU_OK)
        return st;
    (void)snprintf(source, sizeof(source), "%s: scan of container images",
                   item->scanner_name ? item->scanner_name : "unknown scanner");
    ver_open_entry(writer);
    ver_detail_put(writer->out, writer->render->system, writer->as_of_us,
                   &(struct ver_detail){.subject = &subject,
                                        .judgement = &judgement,
                                        .detection_source = source,
                                        .description = writer->description.data,
                                        .facts = writer->facts.data,
                                        .remediated_at_us = MU_TIME_NONE},
                   &writer->text);
    st = put_assets(writer, item->item, err);
    ver_close_entry(writer, &judgement);
    return st == MU_OK ? ver_entry_status(writer, item->item, err) : st;
}

enum mu_status ver_put_items(struct ver_writer *writer, struct mu_error *err)
{
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    bool found = true;
    enum mu_status st = item_reader_open(writer->render->snapshot, ITEM_ORDER_SNAPSHOT,
                                         MU_TIME_NONE, &reader, err);

    while (st == MU_OK) {
        st = item_next(reader, &item, &found, err);
        if (st != MU_OK || !found)
            break;
        st = put_item(writer, &item, err);
    }
    return st;
}
