/* poam.xlsx and deviation-requests.xlsx: new workbooks, or the official templates filled. */
#include "bundle/layout.h"
#include "bundle/renderers.h"
#include "poam/poam_rows.h"
#include "workbook/form_write.h"
#include "workbook/template.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { ROW_ARENA_BYTES = 4 * 1024 * 1024, SHEETS = 3 };

static struct form_cell text_cell(const char *text)
{
    return text && *text ? (struct form_cell){FORM_TEXT, text, 0}
                         : (struct form_cell){FORM_BLANK, NULL, 0};
}

static struct form_cell day_of(const struct render *render)
{
    return (struct form_cell){FORM_DATE, NULL,
                              form_day_of_us(snapshot_instants(render->snapshot)->as_of_us)};
}

static const char *provider_of(const struct system_file *system)
{
    return *system->provider ? system->provider : system->name;
}

static const char *offering_of(const struct system_file *system)
{
    return *system->offering ? system->offering : system->name;
}

/* `template_path` "": a new workbook. */
static enum mu_status write_form(const struct render *render, const struct form *form,
                                 const char *template_path, const char *name, const char *title,
                                 struct mu_error *err)
{
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(render, name, path, err);

    if (st == MU_OK)
        st = *template_path ? template_fill(template_path, form, path, err)
                            : form_write(form, path, err);
    if (st == MU_OK && chmod(path, 0640) != 0)
        st = mu_fail(err, MU_E_UNAVAILABLE, "chmod '%s': %s", path, strerror(errno));
    return st == MU_OK ? render_list(render, name, title, err) : st;
}

enum mu_status render_poam(const struct render *render, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ROW_ARENA_BYTES);
    struct poam_rows rows[SHEETS];
    void *readers[SHEETS];
    struct form_field fields[POAM_FIELDS];
    struct form form;
    enum mu_status st;

    for (int sheet = 0; sheet < SHEETS; sheet++) {
        rows[sheet] = (struct poam_rows){
                poam_item_reader_new(render->snapshot, render->system, (enum poam_sheet)sheet),
                render->system, arena, sheet == ITEMS_OPEN};
        readers[sheet] = &rows[sheet];
    }
    poam_form_fields(fields);
    fields[POAM_FIELD_PROVIDER].value = text_cell(provider_of(render->system));
    fields[POAM_FIELD_OFFERING].value = text_cell(offering_of(render->system));
    fields[POAM_FIELD_IMPACT].value = text_cell(render->system->impact_level);
    fields[POAM_FIELD_DATE].value = day_of(render);
    poam_form_make(fields, poam_row_next, readers, snapshot_instants(render->snapshot)->as_of_us,
                   &form);
    st = write_form(render, &form, render->system->template_poam, BUNDLE_POAM,
                    "FedRAMP Plan of Action and Milestones v3.0", err);
    for (int sheet = 0; sheet < SHEETS; sheet++)
        poam_item_reader_free(rows[sheet].reader);
    return st;
}

enum mu_status render_deviation_requests(const struct render *render, struct mu_error *err)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ROW_ARENA_BYTES);
    MU_AUTO(poam_item_reader)
    struct poam_item_reader *reader =
            poam_item_reader_new(render->snapshot, render->system, ITEMS_OPEN);
    const struct snapshot_instants *instants = snapshot_instants(render->snapshot);
    const char *contact = render->system->point_of_contact;
    char month_begin[MU_TIME_TEXT_SIZE];
    struct dr_rows rows = {.snapshot = render->snapshot,
                           .reader = reader,
                           .arena = arena,
                           .month_begin = month_begin};
    struct dr_dictionary dictionary = {.row = 0};
    struct form_field fields[DR_FIELDS];
    struct form form;

    mu_time_format(instants->month_begin_us, month_begin);
    dr_form_fields(fields);
    fields[DR_FIELD_CSP].value = text_cell(provider_of(render->system));
    fields[DR_FIELD_SYSTEM].value = text_cell(render->system->name);
    fields[DR_FIELD_IMPACT].value = text_cell(render->system->impact_level);
    fields[DR_FIELD_DATE].value = day_of(render);
    fields[strchr(contact, '@') ? DR_FIELD_EMAIL : DR_FIELD_NAME].value = text_cell(contact);
    dr_form_make(fields, dr_row_next, &rows, &dictionary, instants->as_of_us, &form);
    return write_form(render, &form, render->system->template_dr, BUNDLE_DEVIATION_REQUESTS,
                      "FedRAMP Vulnerability Deviation Request Form v2.1", err);
}
