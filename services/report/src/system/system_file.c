#include "system/system_file.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "yaml/yaml_reader.h"

#include <string.h>

/* FedRAMP wants cells blank that say nothing. */
static enum mu_status read_text(struct yaml_reader *reader, const char *name,
                                const yaml_node_t *node, const char **ret_text,
                                struct mu_error *err)
{
    enum mu_status st = yaml_reader_text_or_empty(reader, name, node, ret_text, err);

    if (st == MU_OK && (strcasecmp(*ret_text, "n/a") == 0 || strcasecmp(*ret_text, "na") == 0))
        return mu_fail(err, MU_E_INVALID,
                       "%s:%zu: '%s' says '%s': FedRAMP wants such cells blank, leave the key out",
                       reader->path, yaml_reader_line(node), name, *ret_text);
    return st;
}

static const char **text_at(void *target, const struct yaml_key *key)
{
    return (const char **)(void *)((char *)target + key->offset);
}

static enum mu_status read_text_member(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *value, void *target, struct mu_error *err)
{
    return read_text(reader, key->name, value, text_at(target, key), err);
}

/* One of `words`, a list that NULL ends. */
static enum mu_status read_word(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *value, void *target, const char *const *words,
                                struct mu_error *err)
{
    enum mu_status st = read_text_member(reader, key, value, target, err);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf must_be;

    mu_buf_init(&must_be, SYSTEM_FILE_MAX_BYTES);
    if (st != MU_OK)
        return st;
    mu_buf_puts(&must_be, "must be");
    for (; *words; words++) {
        if (mu_text_equal(*text_at(target, key), *words))
            return MU_OK;
        mu_buf_printf(&must_be, " '%s'%s", *words, words[1] ? " or" : "");
    }
    mu_buf_printf(&must_be, ", not '%s'", *text_at(target, key));
    st = mu_buf_status(&must_be, key->name, err);
    return st == MU_OK ? yaml_reader_wrong(reader, value, key->name, must_be.data, err) : st;
}

static enum mu_status read_yes_no(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *value, void *target, struct mu_error *err)
{
    return read_word(reader, key, value, target, (const char *const[]){"Yes", "No", NULL}, err);
}

static enum mu_status read_impact(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *value, void *target, struct mu_error *err)
{
    return read_word(reader, key, value, target,
                     (const char *const[]){"Low", "Moderate", "High", NULL}, err);
}

static enum mu_status read_deliverables(struct yaml_reader *reader, const struct yaml_key *key,
                                        const yaml_node_t *value, void *target,
                                        struct mu_error *err)
{
    return read_word(reader, key, value, target,
                     (const char *const[]){"legacy", "cr26", "both", NULL}, err);
}

static enum mu_status read_class(struct yaml_reader *reader, const struct yaml_key *key,
                                 const yaml_node_t *value, void *target, struct mu_error *err)
{
    return read_word(reader, key, value, target, (const char *const[]){"A", "B", "C", "D", NULL},
                     err);
}

static enum mu_status read_poam_items(struct yaml_reader *reader, const struct yaml_key *key,
                                      const yaml_node_t *value, void *target, struct mu_error *err)
{
    return read_word(reader, key, value, target, (const char *const[]){"all", "late", NULL}, err);
}

static enum mu_status read_repositories(struct yaml_reader *reader, const struct yaml_key *key,
                                        const yaml_node_t *value, void *target,
                                        struct mu_error *err)
{
    struct system_file *system = target;
    enum mu_status st = MU_OK;

    if (value->type != YAML_SEQUENCE_NODE)
        return yaml_reader_wrong(reader, value, key->name, "must be a list of repositories", err);
    for (const yaml_node_item_t *item = value->data.sequence.items.start;
         st == MU_OK && item < value->data.sequence.items.top; item++) {
        if (system->public_asset_count == SYSTEM_MAX_PUBLIC_ASSETS)
            return mu_fail(err, MU_E_LIMIT, "%s: more than %d public_assets", reader->path,
                           SYSTEM_MAX_PUBLIC_ASSETS);
        st = read_text(reader, key->name, yaml_document_get_node(reader->document, *item),
                       &system->public_assets[system->public_asset_count++], err);
    }
    return st;
}

/* A whole number, which stays a text. */
static enum mu_status read_number(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *value, void *target, struct mu_error *err)
{
    enum mu_status st = read_text_member(reader, key, value, target, err);
    uint64_t number;
    struct mu_error ignored;

    if (st != MU_OK || !**text_at(target, key) ||
        mu_text_to_u64(*text_at(target, key), key->name, &number, &ignored) == MU_OK)
        return st;
    return yaml_reader_wrong(reader, value, key->name, "must be a whole number", err);
}

static enum mu_status read_checksum(struct yaml_reader *reader, const struct yaml_key *key,
                                    const yaml_node_t *value, void *target, struct mu_error *err)
{
    enum mu_status st = read_text_member(reader, key, value, target, err);
    const char *text = st == MU_OK ? *text_at(target, key) : "";

    if (!*text || (mu_text_starts(text, "sha256:") && mu_digest_valid(text, strlen(text))))
        return st;
    return yaml_reader_wrong(reader, value, key->name,
                             "must be sha256: and 64 lower-case hex digits, as raw scans say it in "
                             "scanner.configuration_checksum",
                             err);
}

static enum mu_status read_uri(struct yaml_reader *reader, const struct yaml_key *key,
                               const yaml_node_t *value, void *target, struct mu_error *err)
{
    enum mu_status st = read_text_member(reader, key, value, target, err);
    const char *text = st == MU_OK ? *text_at(target, key) : "";

    if (!*text || (mu_text_starts(text, "https://") && !strpbrk(text, " \t\r\n<>\"")))
        return st;
    return yaml_reader_wrong(reader, value, key->name, "must be a URI that begins with https://",
                             err);
}

#define KEY(member, read, help)                                   \
    {                                                             \
#        member, read, offsetof(struct system_file, member), help \
    }

/* `group` is what the key is for. */
static const struct yaml_key keys[] = {
        KEY(name, read_text_member, "what the system is called"),
        KEY(fedramp_id, read_text_member, "its FedRAMP identifier"),
        KEY(impact_level, read_impact, "Low, Moderate or High"),
        KEY(baseline_configuration_name, read_text_member, "the hardening benchmark of its images"),
        KEY(diagram_label, read_text_member, "where it stands in the boundary diagram"),
        KEY(function, read_text_member, "what it is for, in a few words"),
        KEY(asset_type, read_text_member, "what an inventory row is of"),
        KEY(default_vendor, read_text_member, "of images without a vendor label"),
        KEY(system_administrator, read_text_member, "who runs it; a High system must say"),
        KEY(unknown_os, read_text_member, "of images in which no operating system was found"),
        KEY(authenticated_scan, read_yes_no, "Yes or No: are scans planned with credentials"),
        KEY(deliverables, read_deliverables, "legacy, cr26 or both"),
        KEY(provider, read_text_member, "cloud service provider"),
        KEY(offering, read_text_member, "cloud service offering"),
        KEY(point_of_contact, read_text_member, "of POA&M items"),
        KEY(certification_class, read_class, "A, B, C or D"),
        KEY(package_overview_uri, read_uri, "of the certification package overview"),
        KEY(configuration_checksum, read_checksum, "of the scanner, as the assessor validated it"),
        KEY(unique_vulnerability_baseline, read_number, "unique vulnerabilities at authorization"),
        KEY(sboms, read_yes_no, "Yes or No: a bill of materials of each image"),
        KEY(oscal, read_yes_no, "Yes or No: OSCAL components and POA&M"),
        KEY(ver_statements, read_text_member, "file of judgements"),
        KEY(automatic_evaluation, read_yes_no,
            "Yes or No: a detection is evaluated when it is made"),
        KEY(poam_items, read_poam_items, "all, or late: only what is past due"),
        KEY(template_poam, read_text_member, "official POA&M form to be filled"),
        KEY(template_dr, read_text_member, "official deviation request form to be filled"),
        KEY(other_assets, read_text_member, "CSV or YAML of assets that are no images"),
        KEY(public_assets, read_repositories, "repositories that face the public"),
};

/* What holds where the file says nothing; a text that stays NULL is mandatory. */
static const struct system_file defaults = {
        .fedramp_id = "",
        .impact_level = "Moderate",
        .asset_type = "Container",
        .default_vendor = "Open Source",
        .system_administrator = "",
        .unknown_os = "No operating system in image",
        .authenticated_scan = "Yes",
        .deliverables = "legacy",
        .provider = "",
        .offering = "",
        .point_of_contact = "",
        .certification_class = "",
        .package_overview_uri = "",
        .configuration_checksum = "",
        .unique_vulnerability_baseline = "",
        .sboms = "Yes",
        .oscal = "Yes",
        .ver_statements = "",
        .automatic_evaluation = "No",
        .poam_items = "all",
        .template_poam = "",
        .template_dr = "",
        .other_assets = "",
};

/* The texts that must be there and must say something. */
static const char *const mandatory[] = {"name", "baseline_configuration_name", "diagram_label",
                                        "function"};

static bool is_mandatory(const char *name)
{
    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (mu_text_equal(mandatory[i], name))
            return true;
    return false;
}

static enum mu_status check_complete(const char *path, struct system_file *system,
                                     struct mu_error *err)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = is_mandatory(keys[i].name) ? *text_at(system, &keys[i]) : "there";

        if (!text || !*text)
            return mu_fail(err, MU_E_INVALID, "%s: '%s' is mandatory: add the line '%s: ...', %s",
                           path, keys[i].name, keys[i].name, keys[i].group);
    }
    if (mu_text_equal(system->impact_level, "High") && !*system->system_administrator)
        return mu_fail(err, MU_E_INVALID,
                       "%s: 'system_administrator' is mandatory for a High system: add the line "
                       "'system_administrator: ...'",
                       path);
    if (!mu_text_equal(system->deliverables, "legacy") &&
        !strstr(system->package_overview_uri, "://"))
        return mu_fail(
                err, MU_E_INVALID,
                "%s: 'package_overview_uri' must be the address of the Certification Package "
                "Overview where deliverables are '%s'",
                path, system->deliverables);
    return MU_OK;
}

static enum mu_status read_document(struct yaml_reader *reader, struct system_file *system,
                                    struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);

    if (!root)
        return mu_fail(err, MU_E_INVALID, "%s: must be a mapping of keys to texts", reader->path);
    return yaml_reader_mapping(reader, "the file", root, keys, sizeof(keys) / sizeof(keys[0]),
                               system, err);
}

enum mu_status system_file_parse(const char *path, const char *bytes, size_t len,
                                 struct mu_arena *arena, struct system_file *ret_system,
                                 struct mu_error *err)
{
    struct system_file *system = mu_arena_alloc(arena, sizeof(*system));
    yaml_document_t document;
    struct yaml_reader reader = {.path = path, .arena = arena, .document = &document};
    enum mu_status st;

    if (!system)
        return yaml_reader_nomem(&reader, err);
    *system = defaults;
    st = yaml_reader_load(path, bytes, len, &document, err);
    if (st != MU_OK)
        return st;
    st = read_document(&reader, system, err);
    yaml_document_delete(&document);
    if (st == MU_OK)
        st = check_complete(path, system, err);
    if (st == MU_OK)
        *ret_system = *system;
    return st;
}

/* ---- the files that it names ---- */

static const size_t companion_offsets[SYSTEM_COMPANIONS] = {
        [COMPANION_VER_STATEMENTS] = offsetof(struct system_file, ver_statements),
        [COMPANION_TEMPLATE_POAM] = offsetof(struct system_file, template_poam),
        [COMPANION_TEMPLATE_DR] = offsetof(struct system_file, template_dr),
        [COMPANION_OTHER_ASSETS] = offsetof(struct system_file, other_assets),
};

const char *system_file_companion(const struct system_file *system, enum system_companion companion)
{
    return *(const char *const *)(const void *)((const char *)system +
                                                companion_offsets[companion]);
}

void system_file_set_companion(struct system_file *system, enum system_companion companion,
                               const char *path)
{
    *(const char **)(void *)((char *)system + companion_offsets[companion]) = path;
}

enum mu_status system_file_resolve(const char *path, struct mu_arena *arena,
                                   struct system_file *system, struct mu_error *err)
{
    const char *slash = strrchr(path, '/');

    for (int i = 0; slash && i < SYSTEM_COMPANIONS; i++) {
        const char *name = system_file_companion(system, (enum system_companion)i);

        if (!*name || *name == '/')
            continue;
        name = mu_arena_printf(arena, "%.*s/%s", (int)(slash - path), path, name);
        if (!name)
            return mu_fail(err, MU_E_NOMEM, "%s: out of memory", path);
        system_file_set_companion(system, (enum system_companion)i, name);
    }
    return MU_OK;
}

enum mu_status system_file_read_statements(struct mu_arena *arena, struct system_file *system,
                                           struct mu_error *err)
{
    if (!*system->ver_statements)
        return MU_OK;
    return statements_read(system->ver_statements, arena, &system->statements, err) == MU_OK
                   ? MU_OK
                   : mu_wrap(err, "'ver_statements'");
}

enum mu_status system_file_read(const char *path, struct mu_arena *arena,
                                struct system_file *ret_system, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, SYSTEM_FILE_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    if (st != MU_OK)
        return st;
    st = system_file_parse(path, bytes.data, bytes.len, arena, ret_system, err);
    if (st == MU_OK)
        st = system_file_resolve(path, arena, ret_system, err);
    if (st == MU_OK && system_file_read_statements(arena, ret_system, err) != MU_OK)
        st = mu_wrap(err, "%s", path);
    return st;
}

void system_file_list(const struct system_file *system, struct mu_table *table)
{
    char repositories[MU_NUMBER_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const bool is_list = keys[i].read == read_repositories;
        const char *value = is_list ? repositories
                                    : *(const char *const *)(const void *)((const char *)system +
                                                                           keys[i].offset);

        if (is_list)
            (void)mu_text_of_number((int64_t)system->public_asset_count, repositories);
        mu_table_row(table,
                     (const char *const[]){keys[i].name, *value ? value : NULL, keys[i].group});
    }
}

bool system_file_is_public(const struct system_file *system, const char *repository)
{
    for (size_t i = 0; i < system->public_asset_count; i++)
        if (mu_text_equal(system->public_assets[i], repository))
            return true;
    return false;
}
