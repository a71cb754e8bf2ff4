/* oscal/poam.json: open items and failures of detection, with the inventory they are about. */
#include "oscal/oscal_poam.h"

#include "bundle/layout.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tools ---- */

enum { TOOLS_MAX = 64 };

struct tools {
    char *names[TOOLS_MAX];
    size_t count;
};

static void tools_done(struct tools *tools)
{
    for (size_t i = 0; i < tools->count; i++)
        free(tools->names[i]);
}

static enum mu_status add_tool(struct tools *tools, const char *name, struct mu_error *err)
{
    for (size_t i = 0; i < tools->count; i++)
        if (mu_text_equal(tools->names[i], name))
            return MU_OK;
    if (tools->count == TOOLS_MAX)
        return mu_fail(err, MU_E_LIMIT, "findings are of more than %d scanners", TOOLS_MAX);
    tools->names[tools->count++] = mu_xstrdup(name);
    return MU_OK;
}

static enum mu_status find_tools(const struct snapshot *snapshot, struct tools *tools,
                                 struct mu_error *err)
{
    MU_AUTO(item_reader) struct item_reader *reader = NULL;
    struct item item;
    bool found = true;
    enum mu_status st = item_reader_open(snapshot, ITEM_ORDER_SNAPSHOT, MU_TIME_NONE, &reader, err);

    if (st == MU_OK)
        st = add_tool(tools, OSCAL_WATCH, err);
    while (st == MU_OK) {
        st = item_next(reader, &item, &found, err);
        if (st != MU_OK || !found)
            break;
        st = add_tool(tools, item.scanner_name ? item.scanner_name : "unknown scanner", err);
    }
    return st;
}

static void put_tools(struct oscal *oscal, const struct tools *tools, struct oscal_list *list)
{
    for (size_t i = 0; i < tools->count; i++) {
        oscal_element(oscal, list);
        json_open(oscal->out, NULL, '{');
        oscal_uuid(oscal, "uuid", "tool", tools->names[i]);
        json_text(oscal->out, "type", "software");
        oscal_text(oscal, "title", tools->names[i], "Tool");
        json_text(oscal->out, "description", "Tool that finds weaknesses.");
        json_open(oscal->out, "status", '{');
        json_text(oscal->out, "state", "operational");
        json_close(oscal->out, '}');
        json_close(oscal->out, '}');
    }
}

/* ---- the document ---- */

static void put_system_id(struct oscal *oscal)
{
    const struct system_file *system = oscal->render->system;

    json_open(oscal->out, "system-id", '{');
    if (*system->fedramp_id)
        json_text(oscal->out, "identifier-type", "http://fedramp.gov");
    oscal_text(oscal, "id", *system->fedramp_id ? system->fedramp_id : system->name, "system");
    json_close(oscal->out, '}');
}

static enum mu_status put_definitions(struct oscal *oscal, struct mu_error *err)
{
    MU_AUTO_DONE(tools_done) struct tools tools = {.count = 0};
    struct oscal_list components = {.name = "components"}, items = {.name = "inventory-items"};
    enum mu_status st = find_tools(oscal->render->snapshot, &tools, err);

    if (st != MU_OK)
        return st;
    json_open(oscal->out, "local-definitions", '{');
    put_tools(oscal, &tools, &components);
    st = oscal_put_components(oscal, &components, true, err);
    oscal_list_end(oscal, &components);
    if (st == MU_OK)
        st = oscal_put_inventory(oscal, &items, err);
    oscal_list_end(oscal, &items);
    json_close(oscal->out, '}');
    return st;
}

/* Lists of the document that have an element for each weakness. */
static const struct {
    const char *name;
    oscal_weakness_fn *put;
} parts[] = {{"observations", oscal_put_observation},
             {"risks", oscal_put_risk},
             {"poam-items", oscal_put_poam_item}};

static enum mu_status put_poam(struct oscal *oscal, struct mu_error *err)
{
    enum mu_status st;

    oscal_put_head(oscal, "plan-of-action-and-milestones", "Plan of Action and Milestones");
    put_system_id(oscal);
    st = put_definitions(oscal, err);
    for (size_t i = 0; st == MU_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        json_open(oscal->out, parts[i].name, '[');
        st = oscal_weaknesses(oscal, parts[i].put, err);
        json_close(oscal->out, ']');
    }
    oscal_put_back_matter(oscal);
    return st;
}

static enum mu_status has_row(const struct snapshot *snapshot, enum snapshot_list list,
                              bool *ret_found, struct mu_error *err)
{
    MU_AUTO(snapshot_cursor) struct snapshot_cursor *cursor = NULL;
    union {
        struct finding_row finding;
        struct failure_row failure;
    } row;
    enum mu_status st = snapshot_list(snapshot, list, NULL, &cursor, err);

    *ret_found = false;
    do {
        if (st == MU_OK)
            st = snapshot_next(cursor, &row, ret_found, err);
    } while (st == MU_OK && *ret_found && list == SNAPSHOT_LIST_FAILURES && row.failure.closed_at);
    return st;
}

enum mu_status oscal_poam_render(const struct render *render, struct mu_error *err)
{
    bool findings = false, failures = false;
    enum mu_status st;

    if (!oscal_is_wanted(render))
        return MU_OK;
    st = has_row(render->snapshot, SNAPSHOT_LIST_FINDINGS, &findings, err);
    if (st == MU_OK)
        st = has_row(render->snapshot, SNAPSHOT_LIST_FAILURES, &failures, err);
    if (st != MU_OK || (!findings && !failures))
        return st;
    st = oscal_write(render, BUNDLE_OSCAL_POAM, "plan-of-action-and-milestones", put_poam, err);
    return st == MU_OK ? render_list(render, BUNDLE_OSCAL_POAM,
                                     "OSCAL plan of action and milestones", err)
                       : st;
}
