#include "config/listing_config.h"

#include "base/text.h"
#include "oci/reference.h"

enum { TAGS_PER_PAGE_DEFAULT = 100 };

static const int64_t interval_default_ms = INT64_C(6) * 3600 * 1000;
static const int64_t interval_max_ms = INT64_C(30) * 24 * 3600 * 1000;

/* -1 when it is none, or too long. */
static int64_t duration_ms(const char *text)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    int64_t number = 0;

    if (*text < '0' || *text > '9')
        return -1;
    for (; *text >= '0' && *text <= '9'; text++)
        if (number < interval_max_ms)
            number = 10 * number + (*text - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (*text == units[i].unit && text[1] == '\0' && number <= interval_max_ms / units[i].ms)
            return number * units[i].ms;
    return -1;
}

enum mu_status listing_config_interval(struct yaml_reader *reader, const struct yaml_key *key,
                                       const yaml_node_t *node, void *target, struct mu_error *err)
{
    struct source_config *source = target;
    const char *text = NULL;
    enum mu_status st = yaml_reader_text(reader, key->name, node, &text, err);

    if (st != MU_OK)
        return st;
    source->interval_ms = duration_ms(text);
    if (source->interval_ms < 1000)
        return yaml_reader_wrong(reader, node, key->name,
                                 "must be a duration from 1s to 30d such as 6h", err);
    return MU_OK;
}

enum mu_status listing_config_repositories(struct yaml_reader *reader, const struct yaml_key *key,
                                           const yaml_node_t *node, void *target,
                                           struct mu_error *err)
{
    struct source_config *source = target;
    const yaml_node_item_t *item, *end;
    enum mu_status st = MU_OK;

    if (node->type != YAML_SEQUENCE_NODE ||
        node->data.sequence.items.start == node->data.sequence.items.top)
        return yaml_reader_wrong(reader, node, key->name, "must be a list of names", err);
    item = node->data.sequence.items.start;
    end = node->data.sequence.items.top;
    if (end - item > SOURCE_MAX_REPOSITORIES)
        return yaml_reader_wrong(reader, node, key->name,
                                 "holds too many names: list the catalog instead", err);
    source->repositories = mu_arena_alloc(reader->arena, (size_t)(end - item) * sizeof(char *));
    if (!source->repositories)
        return yaml_reader_nomem(reader, err);
    for (; st == MU_OK && item < end; item++)
        st = yaml_reader_text(reader, key->name, yaml_document_get_node(reader->document, *item),
                              &source->repositories[source->repository_count++], err);
    return st;
}

/* Names as the registry's own API has them: "nginx" of docker.io is "library/nginx". */
static enum mu_status finish_repositories(struct yaml_reader *reader, const yaml_node_t *node,
                                          struct source_config *source, struct mu_error *err)
{
    for (size_t i = 0; i < source->repository_count; i++) {
        char repository[MU_OCI_REPOSITORY_SIZE];
        const char *path = NULL;
        size_t host_len = 0;

        if (mu_text_ends(source->repositories[i], "*"))
            continue;
        if (mu_oci_repository_join(source->registry, source->repositories[i], repository, err) !=
            MU_OK)
            return mu_wrap(err, "%s:%zu: 'repositories'", reader->path, yaml_reader_line(node));
        mu_oci_repository_split(repository, &host_len, &path);
        source->repositories[i] = mu_arena_strdup(reader->arena, path);
        if (!source->repositories[i])
            return yaml_reader_nomem(reader, err);
    }
    return MU_OK;
}

enum mu_status listing_config_finish(struct yaml_reader *reader, const yaml_node_t *node,
                                     struct source_config *source, struct mu_error *err)
{
    if (!source->url || !source->registry)
        return yaml_reader_wrong(reader, node, source->registry ? "url" : "registry", "is missing",
                                 err);
    if (!mu_text_starts(source->url, "http"))
        return yaml_reader_wrong(reader, node, "url", "must begin with https:// or http://", err);
    if (!source->username != !source->password_file)
        return yaml_reader_wrong(reader, node, source->username ? "password_file" : "username",
                                 "is missing", err);
    if (source->username && source->token_file)
        return yaml_reader_wrong(reader, node, "token_file",
                                 "is given beside 'username': one must do", err);
    if (source->page_limit == 0)
        source->page_limit = TAGS_PER_PAGE_DEFAULT;
    if (source->interval_ms == 0)
        source->interval_ms = interval_default_ms;
    return finish_repositories(reader, node, source, err);
}
