/* What the bundle declares beside the workbook: gaps, and targets without a running container. */
#include "verify/state.h"

#include "bundle/layout.h"

#include "base/text.h"

static void list_gap(struct verify_state *state, const char *uai, const json_t *gap)
{
    const char *state_name = mu_json_text_at(gap, "images.0.state");
    const char *reason = mu_json_text_at(gap, "images.0.reason");
    const json_t *container;
    size_t index;

    json_array_foreach (json_object_get(gap, "containers"), index, container) {
        const char *own_state = mu_json_text_at(container, "state");

        mu_table_row(state->gap_table,
                     (const char *const[]){uai, own_state ? own_state : state_name,
                                           mu_json_text_at(container, "pod"),
                                           mu_json_text_at(container, "container"), reason});
    }
    if (json_array_size(json_object_get(gap, "containers")) == 0)
        verify_difference(state, "gaps", uai, "is declared without naming a container");
}

void verify_add_gaps(struct verify_state *state, const json_t *gaps)
{
    json_t *gap;
    size_t index;

    json_array_foreach (gaps, index, gap) {
        const char *uai = mu_json_text_at(gap, "uai");

        if (!uai || json_object_get(state->gaps, uai)) {
            verify_difference(state, "gaps", uai ? uai : BUNDLE_GAPS,
                              uai ? "is declared twice" : "holds a gap without a UAI");
            continue;
        }
        (void)json_object_set(state->gaps, uai, gap);
        state->summary.gaps++;
        list_gap(state, uai, gap);
    }
}

static void read_not_running(struct verify_state *state)
{
    json_auto_t *targets = verify_read_array(state, BUNDLE_NOT_RUNNING);
    MU_AUTO_DONE(mu_buf_done) struct mu_buf key;
    json_t *target;
    size_t index;

    mu_buf_init(&key, VERIFY_KEY_BYTES);
    json_array_foreach (targets, index, target) {
        const char *uai = mu_json_text_at(target, "uai");
        const char *digest = mu_json_text_at(target, "digest");

        if (!uai || !digest)
            continue; /* never scanned as a whole: no raw scan can name it */
        if (verify_key(uai, digest, &key))
            (void)json_object_set_new(state->not_running, key.data, json_true());
    }
}

/* The file is there when there are such assets. */
static void read_others(struct verify_state *state)
{
    json_auto_t *others = NULL;
    json_t *asset;
    size_t index;

    if (!json_object_get(json_object_get(state->manifest, "files"), BUNDLE_OTHER_ASSETS))
        return;
    others = verify_read_array(state, BUNDLE_OTHER_ASSETS);
    json_array_foreach (others, index, asset) {
        const char *uai = mu_json_text_at(asset, "uai");

        if (uai)
            (void)json_object_set_new(state->others, uai, json_true());
    }
}

void verify_declared(struct verify_state *state)
{
    json_auto_t *gaps = verify_read_array(state, BUNDLE_GAPS);

    read_others(state);
    verify_add_gaps(state, gaps);
    read_not_running(state);
}
