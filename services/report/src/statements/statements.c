#include "statements/statements.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "yaml/yaml_reader.h"

#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

static void *member(void *target, const struct yaml_key *key)
{
    return (char *)target + key->offset;
}

static enum mu_status read_answer(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *value, void *target, struct mu_error *err)
{
    const char *text = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, value, &text, err);

    if (st != MU_OK)
        return st;
    if (strcasecmp(text, "yes") != 0 && strcasecmp(text, "no") != 0)
        return yaml_reader_wrong(reader, value, key->name, "must be 'Yes' or 'No'", err);
    *(enum statement_answer *)member(target, key) =
            strcasecmp(text, "yes") == 0 ? ANSWER_YES : ANSWER_NO;
    return MU_OK;
}

static enum mu_status read_rating(struct yaml_reader *reader, const struct yaml_key *key,
                                  const yaml_node_t *value, void *target, struct mu_error *err)
{
    const char *text = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, value, &text, err);

    if (st != MU_OK)
        return st;
    if (text[0] < '1' || text[0] > '0' + STATEMENT_RATING_MAX || text[1] != '\0')
        return yaml_reader_wrong(reader, value, key->name, "must be a number from 1 to 5", err);
    *(int *)member(target, key) = text[0] - '0';
    return MU_OK;
}

static enum mu_status read_time(struct yaml_reader *reader, const struct yaml_key *key,
                                const yaml_node_t *value, void *target, struct mu_error *err)
{
    const char *text = NULL;
    int64_t at_us = MU_TIME_NONE;
    struct mu_error ignored;
    enum mu_status st = yaml_reader_text(reader, key->name, value, &text, err);

    if (st != MU_OK)
        return st;
    if (mu_time_parse(text, strlen(text), &at_us, &ignored) != MU_OK)
        return yaml_reader_wrong(reader, value, key->name,
                                 "must be a time like 2026-11-04T00:00:00Z", err);
    *(int64_t *)member(target, key) = at_us;
    return MU_OK;
}

static enum mu_status read_disposition(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *value, void *target, struct mu_error *err)
{
    const struct statement *row = target;
    enum mu_status st = yaml_reader_text_member(reader, key, value, target, err);

    if (st == MU_OK && !mu_text_equal(row->disposition, "Fully Mitigated") &&
        !mu_text_equal(row->disposition, "Partially Mitigated"))
        st = yaml_reader_wrong(reader, value, key->name,
                               "must be 'Fully Mitigated' or 'Partially Mitigated'; a false "
                               "positive is a deviation",
                               err);
    return st;
}

#define KEY(name, read)                                   \
    {                                                     \
#        name, read, offsetof(struct statement, name), "" \
    }
/* Names of keys are those of members, times without their unit. */
#define TIME(name)                                                  \
    {                                                               \
#        name, read_time, offsetof(struct statement, name##_us), "" \
    }

static const struct yaml_key keys[] = {
        KEY(item, yaml_reader_text_member),
        KEY(vulnerability, yaml_reader_text_member),
        KEY(rating, read_rating),
        KEY(likely_exploitable, read_answer),
        KEY(internet_reachable, read_answer),
        KEY(potential_agency_impact, yaml_reader_text_member),
        KEY(target_rating, read_rating),
        TIME(target_at),
        KEY(overdue_explanation, yaml_reader_text_member),
        KEY(acceptance_rationale, yaml_reader_text_member),
        KEY(supplementary_information, yaml_reader_text_member),
        KEY(disposition, read_disposition),
        KEY(by, yaml_reader_text_member),
        TIME(at),
};

/* ---- a statement ---- */

static bool says_something(const struct statement *row)
{
    return row->rating || row->likely_exploitable || row->internet_reachable ||
           row->potential_agency_impact || row->target_rating || row->overdue_explanation ||
           row->acceptance_rationale || row->supplementary_information || row->disposition;
}

static enum mu_status check(const struct yaml_reader *reader, const yaml_node_t *node,
                            const struct statement *row, struct mu_error *err)
{
    if (!row->item == !row->vulnerability)
        return yaml_reader_wrong(reader, node, "item",
                                 "or 'vulnerability' must be given, one of them", err);
    if (!row->by)
        return yaml_reader_wrong(reader, node, "by", "is mandatory: who judged", err);
    if (row->at_us == MU_TIME_NONE)
        return yaml_reader_wrong(reader, node, "at", "is mandatory: when it was judged", err);
    if (!row->target_rating != (row->target_at_us == MU_TIME_NONE))
        return yaml_reader_wrong(reader, node, "target_rating", "and 'target_at' go together", err);
    if (!says_something(row))
        return yaml_reader_wrong(reader, node, row->item ? "item" : "vulnerability",
                                 "is named, but nothing is judged of it", err);
    return MU_OK;
}

static enum mu_status read_statement(struct yaml_reader *reader, const yaml_node_t *node,
                                     struct statement *ret_row, struct mu_error *err)
{
    enum mu_status st;

    *ret_row = (struct statement){.target_at_us = MU_TIME_NONE, .at_us = MU_TIME_NONE};
    st = yaml_reader_mapping(reader, "a statement", node, keys, sizeof(keys) / sizeof(keys[0]),
                             ret_row, err);
    return st == MU_OK ? check(reader, node, ret_row, err) : st;
}

/* ---- the list ---- */

static const char *name_of(const struct statement *row)
{
    const char *name = row->item ? row->item : row->vulnerability;

    return name ? name : "";
}

static int compare_subjects(const struct statement *a, const struct statement *b)
{
    if (!a->item != !b->item)
        return a->item ? -1 : 1;
    return strcmp(name_of(a), name_of(b));
}

static int compare(const void *left, const void *right)
{
    const struct statement *a = left, *b = right;
    int order = compare_subjects(a, b);

    if (order == 0 && a->at_us != b->at_us)
        order = a->at_us < b->at_us ? -1 : 1;
    return order != 0 ? order : (a->place < b->place ? -1 : a->place > b->place);
}

static enum mu_status read_list(struct yaml_reader *reader, struct statements *ret_statements,
                                struct mu_error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    struct statement *rows;
    size_t count = 0, room;
    enum mu_status st = MU_OK;

    if (!root) { /* an empty file */
        *ret_statements = (struct statements){0};
        return MU_OK;
    }
    if (root->type != YAML_SEQUENCE_NODE)
        return mu_fail(err, MU_E_INVALID, "%s: must be a list of statements", reader->path);
    room = (size_t)(root->data.sequence.items.top - root->data.sequence.items.start);
    if (room > STATEMENTS_MAX)
        return mu_fail(err, MU_E_LIMIT, "%s: more than %d statements", reader->path,
                       STATEMENTS_MAX);
    rows = mu_arena_alloc(reader->arena, (room + 1) * sizeof(*rows));
    if (!rows)
        return yaml_reader_nomem(reader, err);
    for (; st == MU_OK && count < room; count++) {
        const yaml_node_t *node =
                yaml_document_get_node(reader->document, root->data.sequence.items.start[count]);

        st = read_statement(reader, node, &rows[count], err);
        rows[count].place = count;
    }
    if (st != MU_OK)
        return st;
    if (count > 1)
        qsort(rows, count, sizeof(*rows), compare);
    *ret_statements = (struct statements){rows, count};
    return MU_OK;
}

enum mu_status statements_parse(const char *path, const char *bytes, size_t len,
                                struct mu_arena *arena, struct statements *ret_statements,
                                struct mu_error *err)
{
    yaml_document_t document;
    struct yaml_reader reader = {.path = path, .arena = arena, .document = &document};
    enum mu_status st = yaml_reader_load(path, bytes, len, &document, err);

    if (st != MU_OK)
        return st;
    st = read_list(&reader, ret_statements, err);
    yaml_document_delete(&document);
    return st;
}

enum mu_status statements_read(const char *path, struct mu_arena *arena,
                               struct statements *ret_statements, struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf bytes;
    enum mu_status st;

    mu_buf_init(&bytes, STATEMENTS_MAX_BYTES);
    st = mu_file_read(path, &bytes, err);
    return st == MU_OK ? statements_parse(path, bytes.data, bytes.len, arena, ret_statements, err)
                       : st;
}

/* ---- asking ---- */

/* The first row that is not before the subject. */
static size_t lower_bound(const struct statements *statements, const struct statement *subject)
{
    size_t low = 0, high = statements->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_subjects(&statements->rows[middle], subject) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct statement *find(const struct statements *statements,
                                    const struct statement *subject, int64_t until_us,
                                    size_t *ret_count)
{
    size_t first = lower_bound(statements, subject), end = first;

    while (end < statements->count && compare_subjects(&statements->rows[end], subject) == 0 &&
           statements->rows[end].at_us <= until_us)
        end++;
    *ret_count = end - first;
    return end > first ? &statements->rows[first] : NULL;
}

struct statements_of statements_about(const struct statements *statements, const char *item,
                                      const char *vulnerability, int64_t until_us)
{
    struct statements_of of = {0};

    if (!statements || statements->count == 0)
        return of;
    if (item)
        of.of_item = find(statements, &(struct statement){.item = item}, until_us, &of.item_count);
    if (vulnerability)
        of.of_vulnerability = find(statements, &(struct statement){.vulnerability = vulnerability},
                                   until_us, &of.vulnerability_count);
    return of;
}

const struct statement *statements_next(struct statements_of *of)
{
    bool item = of->item_count > 0;

    if (item && of->vulnerability_count > 0)
        item = of->of_item->at_us < of->of_vulnerability->at_us;
    if (item) {
        of->item_count--;
        return of->of_item++;
    }
    if (of->vulnerability_count == 0)
        return NULL;
    of->vulnerability_count--;
    return of->of_vulnerability++;
}
