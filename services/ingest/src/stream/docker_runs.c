#include "stream/docker_runs.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 64, CONTAINERS_MAX = 100000 };

/*
 * State of a container, by "container:<id>":
 *   run    what its last run was told as: Id, Name, Image, ..., Start, Finish (ns; absent: unknown)
 *   seen   time of the `start` event that was found to mean the run that a listing had told
 *   early  a run before `run` whose start was heard only after a listing had told `run`
 * or
 *   gone   a listing had it no more; kept until the next, since its last events may follow
 */
#define STATE_PREFIX "container:"

static json_t *known_of(struct stream *stream, const char *id)
{
    char name[256];

    (void)snprintf(name, sizeof(name), STATE_PREFIX "%.200s", id);
    return json_deep_copy(stream_state_get(stream_state_of(stream), name)); /* NULL: not known */
}

static void keep(struct stream *stream, const char *id, json_t *known)
{
    char name[256];

    (void)snprintf(name, sizeof(name), STATE_PREFIX "%.200s", id);
    stream_state_set(stream_state_of(stream), name, known);
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool has_ended(const json_t *run)
{
    return json_is_integer(json_object_get(run, "Finish"));
}

/* ---- what a run is told as ---- */

/* Only what names the workload: the others are none of our business and may be large. */
static json_t *labels_of(const json_t *all)
{
    json_t *kept = json_object(), *value;
    const char *name;

    json_object_foreach ((json_t *)(uintptr_t)all, name, value) {
        if (mu_text_starts(name, "com.docker.swarm.") ||
            mu_text_starts(name, "com.docker.compose."))
            (void)json_object_set(kept, name, value);
    }
    return kept;
}

static json_t *texts_of(const json_t *list)
{
    json_t *kept = json_array();

    for (size_t i = 0; i < json_array_size(list) && i < NAMES_MAX; i++)
        (void)json_array_append(kept, json_array_get(list, i));
    return kept;
}

static enum mu_status get_object(struct stream *stream, const char *what, const char *id,
                                 json_t **ret_object, struct mu_error *err)
{
    const char *prefix = mu_json_text_at(stream_session(stream), DOCKER_SESSION_PREFIX);
    char path[STREAM_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s/", prefix ? prefix : "", what);
    if (!stream_path_append(path, id) || strlen(path) + 6 > sizeof(path))
        return mu_fail(err, MU_E_LIMIT, "an id is too long");
    memcpy(path + strlen(path), "/json", 6);
    return stream_get(stream, path, STREAM_ANSWER_MAX_BYTES, ret_object, err);
}

static void set_text(json_t *run, const char *name, const char *text)
{
    if (text && *text)
        (void)json_object_set_new(run, name, json_string(text));
}

/* The names an image has in registries; an image removed under its container has none. */
static enum mu_status add_image(struct stream *stream, json_t *run, json_t *cache,
                                struct mu_error *err)
{
    const char *id = mu_json_text_at(run, "ImageId"), *os, *architecture, *variant;
    json_t *cached = id ? json_object_get(cache, id) : NULL;
    json_auto_t *image = json_incref(cached);
    char platform[128];
    enum mu_status st = MU_OK;

    if (!id)
        return MU_OK;
    if (!image)
        st = get_object(stream, "images", id, &image, err);
    if (st != MU_OK)
        return st == MU_E_NOT_FOUND ? MU_OK : st;
    if (cache && !cached)
        (void)json_object_set(cache, id, image);
    (void)json_object_set_new(run, "Digests", texts_of(json_object_get(image, "RepoDigests")));
    (void)json_object_set_new(run, "Tags", texts_of(json_object_get(image, "RepoTags")));
    os = mu_json_text_at(image, "Os");
    architecture = mu_json_text_at(image, "Architecture");
    variant = mu_json_text_at(image, "Variant");
    if (os && architecture) {
        (void)snprintf(platform, sizeof(platform), "%.30s/%.30s%s%.30s", os, architecture,
                       variant && *variant ? "/" : "", variant ? variant : "");
        set_text(run, "Platform", platform);
    }
    return MU_OK;
}

/* Everything but Start and Finish. `cache` of images may be NULL. */
static enum mu_status describe(struct stream *stream, const json_t *container, json_t *cache,
                               json_t **ret_run, struct mu_error *err)
{
    const char *name = mu_json_text_at(container, "Name");
    json_auto_t *run = json_object();
    enum mu_status st;

    set_text(run, "Id", mu_json_text_at(container, "Id"));
    set_text(run, "Name", name && *name == '/' ? name + 1 : name);
    set_text(run, "Image", mu_json_text_at(container, "Config.Image"));
    set_text(run, "ImageId", mu_json_text_at(container, "Image"));
    set_text(run, "Node", mu_json_text_at(stream_session(stream), DOCKER_SESSION_NODE));
    (void)json_object_set_new(run, "Labels", labels_of(mu_json_at(container, "Config.Labels")));
    st = add_image(stream, run, cache, err);
    if (st == MU_OK)
        *ret_run = json_incref(run);
    return st;
}

/* Of a container that is no more there to be asked. */
static json_t *describe_event(struct stream *stream, const json_t *event)
{
    const json_t *attributes = mu_json_at(event, "Actor.Attributes");
    json_t *run = json_object();

    set_text(run, "Id", mu_json_text_at(event, "Actor.ID"));
    set_text(run, "Name", mu_json_text_at(attributes, "name"));
    set_text(run, "Image", mu_json_text_at(attributes, "image"));
    set_text(run, "Node", mu_json_text_at(stream_session(stream), DOCKER_SESSION_NODE));
    (void)json_object_set_new(run, "Labels", labels_of(attributes));
    return run;
}

/* The same container started at another time; its image never changes. */
static json_t *run_from(const json_t *other, int64_t start_ns)
{
    json_t *run = json_copy((json_t *)(uintptr_t)other);

    (void)json_object_del(run, "Finish");
    (void)json_object_del(run, "Start");
    if (start_ns > 0)
        (void)json_object_set_new(run, "Start", json_integer(start_ns));
    return run;
}

enum how { HEARD, FOUND };

static enum mu_status tell(struct stream *stream, const json_t *run, const char *state,
                           int64_t at_ns, enum how how, struct mu_error *err)
{
    json_t *told = json_copy((json_t *)(uintptr_t)run);

    (void)json_object_set_new(told, "State", json_string(state));
    (void)json_object_set_new(told, "At", json_integer(at_ns));
    (void)json_object_set_new(told, "Reconcile", json_boolean(how == FOUND));
    return stream_send(stream, json_pack("{s:o}", "Run", told), err);
}

/* Sends what a run is and keeps it as the container's last. */
static enum mu_status tell_run(struct stream *stream, json_t *known, const json_t *run,
                               enum how how, struct mu_error *err)
{
    bool ended = has_ended(run);

    (void)json_object_set(known, "run", (json_t *)(uintptr_t)run);
    (void)json_object_del(known, "seen");
    return tell(stream, run, ended ? "ended" : "running",
                number_of(run, ended ? "Finish" : "Start"), how, err);
}

static enum mu_status tell_end(struct stream *stream, json_t *run, int64_t finish_ns, enum how how,
                               struct mu_error *err)
{
    (void)json_object_set_new(run, "Finish", json_integer(finish_ns));
    if (how == FOUND)
        stream_count_vanished();
    return tell(stream, run, "ended", finish_ns, how, err);
}

/* ---- events ---- */

static int64_t started_ns(const json_t *container)
{
    return stream_time_ns(mu_json_text_at(container, "State.StartedAt"));
}

static int64_t finished_ns(const json_t *container)
{
    return stream_time_ns(mu_json_text_at(container, "State.FinishedAt"));
}

/* While it waits to be restarted, an engine says both. */
static bool is_running(const json_t *container)
{
    return json_is_true(mu_json_at(container, "State.Running")) &&
           !json_is_true(mu_json_at(container, "State.Restarting"));
}

static enum mu_status ask(struct stream *stream, const json_t *event, json_t **ret_container,
                          json_t **ret_run, struct mu_error *err)
{
    enum mu_status st = get_object(stream, "containers", mu_json_text_at(event, "Actor.ID"),
                                   ret_container, err);

    if (st == MU_OK)
        return describe(stream, *ret_container, NULL, ret_run, err);
    if (st != MU_E_NOT_FOUND)
        return st;
    *ret_run = describe_event(stream, event);
    return MU_OK;
}

static enum mu_status start_anew(struct stream *stream, json_t *known, const json_t *run,
                                 int64_t at_ns, struct mu_error *err)
{
    json_auto_t *next = run_from(run, at_ns);

    return tell_run(stream, known, next, HEARD, err);
}

/* A start heard after a listing had told a later one. */
static enum mu_status start_early(struct stream *stream, json_t *known, const json_t *run,
                                  int64_t at_ns, struct mu_error *err)
{
    json_t *early = run_from(run, at_ns);

    (void)json_object_set_new(known, "early", early);
    return tell(stream, early, "running", at_ns, HEARD, err);
}

static enum mu_status on_known_start(struct stream *stream, json_t *known, int64_t at_ns,
                                     struct mu_error *err)
{
    json_t *run = json_object_get(known, "run");
    int64_t start_ns = number_of(run, "Start"), seen_ns = number_of(known, "seen");
    enum mu_status st = MU_OK;

    if (at_ns == start_ns || at_ns == seen_ns)
        return MU_OK; /* replayed */
    if (at_ns < start_ns)
        return start_early(stream, known, run, at_ns, err);
    if (has_ended(run) && at_ns <= number_of(run, "Finish"))
        return MU_OK; /* the start of what a listing found ended */
    if (!has_ended(run) && json_is_true(json_object_get(known, "found")) && seen_ns == 0) {
        (void)json_object_set_new(known, "seen", json_integer(at_ns));
        return MU_OK; /* the start of what a listing found running */
    }
    if (!has_ended(run)) /* its end went by unheard */
        st = tell_end(stream, run, at_ns, FOUND, err);
    (void)json_object_del(known, "found");
    return st == MU_OK ? start_anew(stream, known, run, at_ns, err) : st;
}

static enum mu_status on_start(struct stream *stream, json_t *known, const json_t *event,
                               int64_t at_ns, struct mu_error *err)
{
    json_auto_t *container = NULL, *run = NULL;
    enum mu_status st;

    if (json_object_size(known) > 0)
        return on_known_start(stream, known, at_ns, err);
    st = ask(stream, event, &container, &run, err);
    return st == MU_OK ? start_anew(stream, known, run, at_ns, err) : st;
}

/* The end of a run whose start nobody told: the engine may still know it. */
static enum mu_status on_unknown_die(struct stream *stream, json_t *known, const json_t *event,
                                     int64_t at_ns, struct mu_error *err)
{
    json_auto_t *container = NULL, *described = NULL, *run = NULL;
    enum mu_status st = ask(stream, event, &container, &described, err);
    int64_t start_ns = started_ns(container);

    if (st != MU_OK)
        return st;
    run = run_from(described, start_ns > 0 && start_ns <= at_ns ? start_ns : 0);
    (void)json_object_set_new(run, "Finish", json_integer(at_ns));
    return tell_run(stream, known, run, HEARD, err);
}

static enum mu_status on_die(struct stream *stream, json_t *known, const json_t *event,
                             int64_t at_ns, struct mu_error *err)
{
    json_t *run = json_object_get(known, "run"), *early = json_object_get(known, "early");
    enum mu_status st;

    if (!run)
        return on_unknown_die(stream, known, event, at_ns, err);
    if (early && at_ns < number_of(run, "Start")) {
        st = tell_end(stream, early, at_ns, HEARD, err);
        (void)json_object_del(known, "early");
        return st;
    }
    if (has_ended(run) || at_ns < number_of(run, "Start"))
        return MU_OK; /* told already */
    return tell_end(stream, run, at_ns, HEARD, err);
}

static enum mu_status on_destroy(struct stream *stream, json_t *known, int64_t at_ns,
                                 struct mu_error *err)
{
    const json_t *run = json_object_get(known, "run");

    if (!run || (has_ended(run) && !json_object_get(known, "early")))
        return MU_OK;
    return tell(stream, run, "gone", at_ns, HEARD, err);
}

enum mu_status docker_runs_event(struct stream *stream, const json_t *event, struct mu_error *err)
{
    const char *action = mu_json_text_at(event, "Action"), *id = mu_json_text_at(event, "Actor.ID");
    int64_t at_ns = number_of(event, "timeNano");
    json_auto_t *known = NULL;
    enum mu_status st = MU_OK;

    if (!id || !*id || at_ns <= 0)
        return MU_OK;
    known = known_of(stream, id);
    if (!known)
        known = json_object();
    if (json_object_get(known, "gone"))
        return MU_OK; /* what is left to hear has been told */
    if (mu_text_equal(action, "start"))
        st = on_start(stream, known, event, at_ns, err);
    else if (mu_text_equal(action, "die"))
        st = on_die(stream, known, event, at_ns, err);
    else if (mu_text_equal(action, "destroy"))
        st = on_destroy(stream, known, at_ns, err);
    else
        return MU_OK;
    if (st == MU_OK)
        keep(stream, id, mu_text_equal(action, "destroy") ? NULL : json_incref(known));
    return st;
}

/* ---- the list ---- */

/* When a run ended that a later one of the same container followed unseen. */
static int64_t end_before(const json_t *container, int64_t begin_ns, int64_t next_ns)
{
    int64_t finish_ns = finished_ns(container);

    return finish_ns >= begin_ns && finish_ns <= next_ns ? finish_ns : next_ns;
}

static enum mu_status tell_found(struct stream *stream, json_t *known, const json_t *container,
                                 const json_t *described, struct mu_error *err)
{
    int64_t start_ns = started_ns(container), finish_ns = finished_ns(container);
    json_auto_t *run = run_from(described, start_ns);

    if (!is_running(container))
        (void)json_object_set_new(run, "Finish",
                                  json_integer(finish_ns >= start_ns ? finish_ns : start_ns));
    (void)json_object_set_new(known, "found", json_true());
    return tell_run(stream, known, run, FOUND, err);
}

static enum mu_status compare(struct stream *stream, json_t *known, const json_t *container,
                              int64_t at_ns, struct mu_error *err)
{
    json_t *run = json_object_get(known, "run"), *early = json_object_get(known, "early");
    int64_t start_ns = started_ns(container), told_ns = number_of(run, "Start"), finish_ns;
    enum mu_status st = MU_OK;

    if (early) { /* its end went by unheard */
        st = tell_end(stream, early, told_ns, FOUND, err);
        (void)json_object_del(known, "early");
    }
    if (st == MU_OK && start_ns <= told_ns && !has_ended(run) && !is_running(container)) {
        finish_ns = finished_ns(container);
        return tell_end(stream, run, finish_ns >= told_ns ? finish_ns : at_ns, FOUND, err);
    }
    if (st != MU_OK || start_ns <= told_ns ||
        (has_ended(run) && start_ns <= number_of(run, "Finish")))
        return st;
    if (!has_ended(run))
        st = tell_end(stream, run, end_before(container, told_ns, start_ns), FOUND, err);
    return st == MU_OK ? tell_found(stream, known, container, run, err) : st;
}

static enum mu_status list_one(struct stream *stream, const char *id, json_t *images, int64_t at_ns,
                               struct mu_error *err)
{
    json_auto_t *container = NULL, *described = NULL;
    json_auto_t *known = known_of(stream, id);
    enum mu_status st = get_object(stream, "containers", id, &container, err);

    if (st == MU_E_NOT_FOUND)
        return MU_OK; /* gone since the list: its events tell */
    if (st != MU_OK || started_ns(container) == 0)
        return st; /* made and never started */
    if (json_object_get(known, "run")) {
        st = compare(stream, known, container, at_ns, err);
    } else {
        json_decref(known);
        known = json_object();
        st = describe(stream, container, images, &described, err);
        if (st == MU_OK)
            st = tell_found(stream, known, container, described, err);
    }
    if (st == MU_OK)
        keep(stream, id, json_incref(known));
    return st;
}

/* What was told to run and the engine has no more. */
static enum mu_status close_missing(struct stream *stream, const json_t *listed, int64_t at_ns,
                                    struct mu_error *err)
{
    json_auto_t *all = json_copy((json_t *)(uintptr_t)stream_state_all(stream_state_of(stream)));
    const char *name;
    json_t *known;

    json_object_foreach (all, name, known) {
        const json_t *run = json_object_get(known, "run");
        bool was_gone = json_object_get(known, "gone") != NULL;
        enum mu_status st = MU_OK;

        if (!mu_text_starts(name, STATE_PREFIX) ||
            json_object_get(listed, name + strlen(STATE_PREFIX)))
            continue;
        if (!was_gone && (!has_ended(run) || json_object_get(known, "early"))) {
            stream_count_vanished();
            st = tell(stream, run, "gone", at_ns, FOUND, err);
        }
        if (st != MU_OK)
            return st;
        stream_state_set(stream_state_of(stream), name,
                         was_gone ? NULL : json_pack("{s:b}", "gone", 1));
    }
    return MU_OK;
}

enum mu_status docker_runs_list(struct stream *stream, int64_t at_ns, struct mu_error *err)
{
    const char *prefix = mu_json_text_at(stream_session(stream), DOCKER_SESSION_PREFIX);
    json_auto_t *list = NULL, *listed = json_object(), *images = json_object();
    char path[STREAM_PATH_SIZE];
    const json_t *entry;
    size_t i;
    enum mu_status st;

    (void)snprintf(path, sizeof(path), "%s/containers/json?all=true", prefix ? prefix : "");
    st = stream_get(stream, path, STREAM_LIST_MAX_BYTES, &list, err);
    if (st == MU_OK && !json_is_array(list))
        st = mu_fail(err, MU_E_INVALID, "the list of containers is no array");
    if (st == MU_OK && json_array_size(list) > CONTAINERS_MAX)
        st = mu_fail(err, MU_E_LIMIT, "more than %d containers", CONTAINERS_MAX);
    if (st != MU_OK)
        return st;
    json_array_foreach (list, i, entry) {
        const char *id = mu_json_text_at(entry, "Id");

        if (!id || !*id)
            continue;
        (void)json_object_set_new(listed, id, json_true());
        st = list_one(stream, id, images, at_ns, err);
        if (st != MU_OK)
            return st;
    }
    return close_missing(stream, listed, at_ns, err);
}
