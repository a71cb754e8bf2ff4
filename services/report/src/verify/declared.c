/* What the bundle declares beside the workbook: gaps, and targets without a running container. */
#include "verify/schema.h"
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/text.h"

struct list_reader {
    struct verify_state *state;
    struct schema_check check;
};

static void list_containers(struct verify_state *state, const char *uai, const json_t *gap)
{
    const char *state_name = mu_json_text_at(gap, "images.0.state");
    const char *reason = mu_json_text_at(gap, "images.0.reason");
    const json_t *container;
    size_t index;

    json_array_foreach (json_object_get(gap, "containers"), index, container) {
        const char *own_state = mu_json_text_at(container, "state");

        if (mu_table_row_count(state->tables.gaps) < VERIFY_MAX_REPORTED)
            mu_table_row(state->tables.gaps,
                         (const char *const[]){uai, own_state ? own_state : state_name,
                                               mu_json_text_at(container, "pod"),
                                               mu_json_text_at(container, "container"), reason});
    }
    if (json_array_size(json_object_get(gap, "containers")) == 0)
        verify_difference(state, "gaps", uai, "is declared without naming a container");
}

static void put_images(struct verify_state *state, const char *uai, const json_t *gap)
{
    const json_t *image;
    size_t index;

    json_array_foreach (json_object_get(gap, "images"), index, image) {
        const char *digest = mu_json_text_at(image, "digest");
        bool covered = mu_text_equal(mu_json_text_at(image, "state"), "covered");

        /* "": the runtime told none, so there is nothing to stand in the row */
        (void)verify_put(state->store, VERIFY_GAP_IMAGES,
                         (const char *const[]){uai, digest ? digest : "", covered ? "1" : "0"});
    }
}

static enum mu_status on_gap(void *opaque, const char *member, const char *key, json_t *gap,
                             struct mu_error *err)
{
    struct list_reader *reader = opaque;
    struct verify_state *state = reader->state;
    const char *uai = mu_json_text_at(gap, "uai");

    (void)err;
    if (member)
        return MU_OK; /* no array: said so at the end */
    schema_piece(&reader->check, member, key, gap);
    if (!uai || !verify_key_fits(uai, "")) {
        verify_difference(state, "gaps", BUNDLE_GAPS, "holds a gap without a UAI");
    } else if (!verify_put(state->store, VERIFY_GAPS, (const char *const[]){uai})) {
        verify_difference(state, "gaps", uai, "is declared twice");
    } else {
        state->summary.gaps++;
        put_images(state, uai, gap);
        list_containers(state, uai, gap);
    }
    return MU_OK;
}

static void read_list(struct verify_state *state, const struct schema *schema, FILE *in,
                      json_stream_fn *each)
{
    struct list_reader reader = {.state = state};

    schema_begin(&reader.check, state, schema, schema->pattern);
    schema_end(&reader.check,
               verify_read_pieces(state, schema->pattern, in,
                                  &(struct verify_pieces){true, NULL, each, &reader}));
}

void verify_read_gaps(struct verify_state *state, FILE *in)
{
    read_list(state, &schema_gaps, in, on_gap);
}

static enum mu_status on_target(void *opaque, const char *member, const char *key, json_t *target,
                                struct mu_error *err)
{
    struct list_reader *reader = opaque;
    struct verify_state *state = reader->state;
    const char *uai = mu_json_text_at(target, "uai"), *digest = mu_json_text_at(target, "digest");

    (void)err;
    if (member)
        return MU_OK;
    schema_piece(&reader->check, member, key, target);
    if (uai && digest) /* without: never scanned as a whole, no raw scan can name it */
        (void)verify_put(state->store, VERIFY_NOT_RUNNING, (const char *const[]){uai, digest});
    return MU_OK;
}

static enum mu_status on_other(void *opaque, const char *member, const char *key, json_t *asset,
                               struct mu_error *err)
{
    struct list_reader *reader = opaque;
    const char *uai = mu_json_text_at(asset, "uai");

    (void)err;
    if (member)
        return MU_OK;
    schema_piece(&reader->check, member, key, asset);
    if (uai)
        (void)verify_put(reader->state->store, VERIFY_OTHERS, (const char *const[]){uai});
    return MU_OK;
}

/* The file is there when there are such assets. */
static void read_others(struct verify_state *state)
{
    MU_AUTO_FILE FILE *others = verify_lists(state, BUNDLE_OTHER_ASSETS)
                                        ? verify_open(state, BUNDLE_OTHER_ASSETS)
                                        : NULL;

    state->has_others = others != NULL;
    if (others)
        read_list(state, &schema_other_assets, others, on_other);
}

void verify_declared(struct verify_state *state)
{
    MU_AUTO_FILE FILE *gaps = verify_open(state, BUNDLE_GAPS);
    MU_AUTO_FILE FILE *targets = verify_open(state, BUNDLE_NOT_RUNNING);

    read_others(state);
    if (gaps)
        verify_read_gaps(state, gaps);
    if (targets)
        read_list(state, &schema_not_running, targets, on_target);
}
