#include "oscal/oscal.h"

#include "bundle/json_file.h"

#include "base/text.h"
#include "base/uuid.h"

#include <string.h>

enum {
    LINE_MAX_BYTES = 1024 * 1024,
    NAME_MAX_BYTES = 256 * 1024,
    ARENA_MAX_BYTES = 64 * 1024 * 1024
};

bool oscal_is_wanted(const struct render *render)
{
    return !mu_text_equal(render->system->oscal, "No");
}

/* ---- lists ---- */

void oscal_element(struct oscal *oscal, struct oscal_list *list)
{
    if (!list->open)
        json_open(oscal->out, list->name, '[');
    list->open = true;
}

void oscal_list_end(struct oscal *oscal, struct oscal_list *list)
{
    if (list->open)
        json_close(oscal->out, ']');
    list->open = false;
}

/* ---- identifiers ---- */

/* uuid5(URL, "urn:muster:oscal") */
static const uint8_t muster_space[MU_UUID_BYTES] = {0x2d, 0x8c, 0xf2, 0xd3, 0x71, 0x0e, 0x58, 0x03,
                                                    0xb3, 0x4a, 0x73, 0x92, 0x3f, 0x23, 0xa0, 0xcb};

void oscal_uuid_of(struct oscal *oscal, const char *kind, const char *key,
                   char ret_uuid[MU_UUID_TEXT_SIZE])
{
    const struct system_file *system = oscal->render->system;

    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "%s\n%s\n%s",
                  *system->fedramp_id ? system->fedramp_id : system->name, kind, key);
    mu_uuid5(muster_space, oscal->name.data, oscal->name.len, ret_uuid);
}

void oscal_uuid(struct oscal *oscal, const char *name, const char *kind, const char *key)
{
    char uuid[MU_UUID_TEXT_SIZE];

    oscal_uuid_of(oscal, kind, key, uuid);
    json_text(oscal->out, name, uuid);
}

/* ---- texts ---- */

/* What regular expressions take for a blank (\s of ECMA-262), beyond ASCII. */
static const char *const wide_blanks[] = {
        "\xc2\xa0",     "\xc2\x85",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
        "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
        "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};

/* Bytes of the blank or control character at `text`; 0: it is another one. */
static size_t blank_bytes(const char *text)
{
    if ((unsigned char)*text <= 0x20 || *text == 0x7f)
        return *text ? 1 : 0;
    if ((unsigned char)*text < 0x80)
        return 0;
    for (size_t i = 0; i < sizeof(wide_blanks) / sizeof(wide_blanks[0]); i++)
        if (mu_text_starts(text, wide_blanks[i]))
            return strlen(wide_blanks[i]);
    return 0;
}

const char *oscal_line(struct oscal *oscal, const char *text)
{
    bool blank = false;

    mu_buf_reset(&oscal->line);
    while (text && *text && oscal->line.len + 2 < LINE_MAX_BYTES) {
        size_t skipped = blank_bytes(text);

        if (skipped == 0) {
            if (blank && oscal->line.len > 0)
                mu_buf_append(&oscal->line, " ", 1);
            mu_buf_append(&oscal->line, text, 1);
        }
        blank = skipped > 0;
        text += blank ? skipped : 1;
    }
    return oscal->line.data;
}

void oscal_text(struct oscal *oscal, const char *name, const char *text, const char *instead)
{
    const char *line = oscal_line(oscal, text);

    json_text(oscal->out, name, *line ? line : instead);
}

void oscal_prop(struct oscal *oscal, const char *space, const char *name, const char *value)
{
    const char *line = oscal_line(oscal, value);

    if (!*line)
        return;
    json_open(oscal->out, NULL, '{');
    json_text(oscal->out, "name", name);
    if (space)
        json_text(oscal->out, "ns", space);
    json_text(oscal->out, "value", line);
    json_close(oscal->out, '}');
}

void oscal_prop_yes_no(struct oscal *oscal, const char *name, bool yes)
{
    oscal_prop(oscal, NULL, name, yes ? "yes" : "no");
}

/* ---- documents ---- */

static void put_parties(struct oscal *oscal)
{
    const struct system_file *system = oscal->render->system;

    json_open(oscal->out, "parties", '[');
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "party", "provider");
    json_text(oscal->out, "type", "organization");
    oscal_text(oscal, "name", *system->provider ? system->provider : system->name, "Provider");
    json_close(oscal->out, '}');
    if (*oscal_line(oscal, system->system_administrator)) {
        json_open(oscal->out, NULL, '{');
        oscal_uuid(oscal, "uuid", "party", "administrator");
        json_text(oscal->out, "type", "person");
        oscal_text(oscal, "name", system->system_administrator, "Administrator");
        json_close(oscal->out, '}');
    }
    json_close(oscal->out, ']');
}

static void put_roles(struct oscal *oscal)
{
    static const char *const roles[][2] = {{"asset-owner", "Asset Owner"},
                                           {"asset-administrator", "Asset Administrator"}};

    json_open(oscal->out, "roles", '[');
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        json_open(oscal->out, NULL, '{');
        json_text(oscal->out, "id", roles[i][0]);
        json_text(oscal->out, "title", roles[i][1]);
        json_close(oscal->out, '}');
    }
    json_close(oscal->out, ']');
}

void oscal_put_head(struct oscal *oscal, const char *kind, const char *title)
{
    const struct snapshot_instants *instants = snapshot_instants(oscal->render->snapshot);
    const struct system_file *system = oscal->render->system;

    oscal_uuid(oscal, "uuid", kind, oscal->render->month);
    json_open(oscal->out, "metadata", '{');
    mu_buf_reset(&oscal->name);
    mu_buf_printf(&oscal->name, "%s: %s, %s", *system->offering ? system->offering : system->name,
                  title, oscal->render->month);
    oscal_text(oscal, "title", oscal->name.data, title);
    json_time(oscal->out, "published", instants->as_of_us);
    json_time(oscal->out, "last-modified", instants->known_at_us);
    json_text(oscal->out, "version", oscal->render->month);
    json_text(oscal->out, "oscal-version", "1.1.3");
    json_open(oscal->out, "props", '[');
    oscal_prop(oscal, NULL, "marking", "Controlled Unclassified Information");
    oscal_prop(oscal, OSCAL_FEDRAMP, "fedramp-version", "fedramp-3.0.0rc1-oscal-1.1.2");
    oscal_prop(oscal, OSCAL_FEDRAMP, "fedramp-id", system->fedramp_id);
    json_close(oscal->out, ']');
    put_roles(oscal);
    put_parties(oscal);
    json_close(oscal->out, '}');
}

void oscal_put_back_matter(struct oscal *oscal)
{
    json_open(oscal->out, "back-matter", '{');
    json_open(oscal->out, "resources", '[');
    json_open(oscal->out, NULL, '{');
    oscal_uuid(oscal, "uuid", "resource", "baseline");
    oscal_text(oscal, "title", oscal->render->system->baseline_configuration_name, "Baseline");
    json_text(oscal->out, "description", "Baseline configuration of the container images.");
    json_close(oscal->out, '}');
    json_close(oscal->out, ']');
    json_close(oscal->out, '}');
}

static enum mu_status write_root(struct oscal *oscal, const char *root,
                                 enum mu_status (*put)(struct oscal *oscal, struct mu_error *err),
                                 struct mu_error *err)
{
    enum mu_status st;

    json_open(oscal->out, NULL, '{');
    json_open(oscal->out, root, '{');
    st = put(oscal, err);
    json_close(oscal->out, '}');
    json_close(oscal->out, '}');
    return st;
}

enum mu_status oscal_write(const struct render *render, const char *name, const char *root,
                           enum mu_status (*put)(struct oscal *oscal, struct mu_error *err),
                           struct mu_error *err)
{
    MU_AUTO_DONE(json_file_done) struct json_file file = {.path = NULL};
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(ARENA_MAX_BYTES);
    struct oscal oscal = {.render = render, .arena = arena};
    char path[BUNDLE_PATH_SIZE];
    enum mu_status st = render_path(render, name, path, err);

    mu_buf_init(&oscal.line, LINE_MAX_BYTES);
    mu_buf_init(&oscal.name, NAME_MAX_BYTES);
    if (st == MU_OK)
        st = json_file_open(path, &file, err);
    oscal.out = &file.out;
    if (st == MU_OK)
        st = write_root(&oscal, root, put, err);
    if (st == MU_OK)
        st = mu_buf_status(&oscal.name, "a name", err);
    mu_buf_done(&oscal.line);
    mu_buf_done(&oscal.name);
    return st == MU_OK ? json_file_finish(&file, err) : mu_wrap(err, "%s", name);
}
