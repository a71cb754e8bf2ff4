/*
 * Docker Engine and Swarm over the Engine API (docs.docker.com/reference/api/engine).
 *
 * The engine keeps only its last 256 events, forgets them when it restarts, and does not say when
 * some are missing: every round catches up, lists, and follows. A round ends after some minutes
 * (`until`), so that a peer that is gone without a word is found out.
 */
#include "stream/docker_runs.h"

#include "source/source.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_SIZE = 16, IMAGES_MAX = 64, SERVICES_MAX = 10000 };

#define STATE_POSITION  "position" /* timeNano of the last event */
#define STATE_SERVICE   "service:" /* what a service was told to want */
#define SESSION_MANAGER "manager"  /* of a swarm */

static const int64_t ns_per_s = 1000000000;

/* ---- versions ---- */

struct version {
    unsigned major, minor;
};

/* What is spoken here: 1.24 to 1.41; a newer engine that has dropped 1.41 gets its own oldest,
 * where all that is used here is still the same. */
static const struct version oldest = {1, 24}, spoken = {1, 41};

static bool read_version(const char *text, struct version *ret_version)
{
    char *end;

    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    ret_version->major = (unsigned)strtoul(text, &end, 10);
    if (*end != '.' || end[1] < '0' || end[1] > '9')
        return false;
    ret_version->minor = (unsigned)strtoul(end + 1, &end, 10);
    return *end == '\0' && ret_version->major < 1000 && ret_version->minor < 100000;
}

static bool is_before(struct version a, struct version b)
{
    return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

static enum mu_status negotiate(struct stream *stream, struct mu_error *err)
{
    json_auto_t *answer = NULL;
    struct version theirs, minimum, chosen = spoken;
    char prefix[VERSION_SIZE + 2];
    enum mu_status st = stream_get(stream, "/version", STREAM_ANSWER_MAX_BYTES, &answer, err);

    if (st != MU_OK)
        return st;
    if (!read_version(mu_json_text_at(answer, "ApiVersion"), &theirs))
        return mu_fail(err, MU_E_INVALID, "/version: no Docker engine: it names no ApiVersion");
    if (is_before(theirs, oldest))
        return mu_fail(err, MU_E_INVALID, "the engine's API %u.%u is older than %u.%u",
                       theirs.major, theirs.minor, oldest.major, oldest.minor);
    if (is_before(theirs, chosen))
        chosen = theirs;
    if (read_version(mu_json_text_at(answer, "MinAPIVersion"), &minimum) &&
        is_before(chosen, minimum))
        chosen = minimum;
    (void)snprintf(prefix, sizeof(prefix), "/v%u.%u", chosen.major % 1000, chosen.minor % 100000);
    (void)json_object_set_new(stream_session(stream), DOCKER_SESSION_PREFIX, json_string(prefix));
    return MU_OK;
}

static enum mu_status get(struct stream *stream, const char *path, size_t max_bytes,
                          json_t **ret_answer, struct mu_error *err)
{
    char whole[STREAM_PATH_SIZE];

    (void)snprintf(whole, sizeof(whole), "%s%s",
                   mu_json_text_at(stream_session(stream), DOCKER_SESSION_PREFIX), path);
    return stream_get(stream, whole, max_bytes, ret_answer, err);
}

/* Name, clock, and whether it manages a swarm. */
static enum mu_status learn_node(struct stream *stream, int64_t *ret_now_ns, struct mu_error *err)
{
    json_auto_t *info = NULL;
    json_t *session = stream_session(stream);
    enum mu_status st = get(stream, "/info", STREAM_ANSWER_MAX_BYTES, &info, err);
    const char *name = st == MU_OK ? mu_json_text_at(info, "Name") : NULL;
    int64_t now_ns;

    if (st != MU_OK)
        return st;
    if (name)
        (void)json_object_set_new(session, DOCKER_SESSION_NODE, json_string(name));
    (void)json_object_set_new(
            session, SESSION_MANAGER,
            json_boolean(json_is_true(mu_json_at(info, "Swarm.ControlAvailable"))));
    now_ns = stream_time_ns(mu_json_text_at(info, "SystemTime"));
    *ret_now_ns = now_ns > 0 ? now_ns : mu_now_us() * 1000;
    return MU_OK;
}

/* ---- services of a swarm ---- */

static bool follows_services(struct stream *stream)
{
    return mu_text_equal(stream_source(stream)->kind->name, "swarm");
}

static void add_image(json_t *images, const char *image)
{
    if (!image || !*image || json_array_size(images) >= IMAGES_MAX)
        return;
    for (size_t i = 0; i < json_array_size(images); i++)
        if (mu_text_equal(json_string_value(json_array_get(images, i)), image))
            return;
    (void)json_array_append_new(images, json_string(image));
}

/* What it asks for, and what tasks of an earlier version still run while it rolls. */
static json_t *images_of(const json_t *service, const json_t *tasks)
{
    const char *id = mu_json_text_at(service, "ID");
    json_t *images = json_array();
    const json_t *task;
    size_t i;

    add_image(images, mu_json_text_at(service, "Spec.TaskTemplate.ContainerSpec.Image"));
    json_array_foreach (tasks, i, task) {
        if (mu_text_equal(mu_json_text_at(task, "ServiceID"), id))
            add_image(images, mu_json_text_at(task, "Spec.ContainerSpec.Image"));
    }
    return images;
}

static enum mu_status get_tasks(struct stream *stream, json_t **ret_tasks, struct mu_error *err)
{
    char path[STREAM_PATH_SIZE] = "/tasks?filters=";

    (void)stream_path_append(path, "{\"desired-state\":{\"running\":true}}");
    return get(stream, path, STREAM_LIST_MAX_BYTES, ret_tasks, err);
}

/* Tells a service that wants other images than it was told to want. */
static enum mu_status tell_service(struct stream *stream, const json_t *service,
                                   const json_t *tasks, bool found, struct mu_error *err)
{
    const char *id = mu_json_text_at(service, "ID"),
               *service_name = mu_json_text_at(service, "Spec.Name");
    const char *updated = mu_json_text_at(service, "UpdatedAt");
    json_auto_t *images = images_of(service, tasks);
    char name[256];

    if (!id || json_array_size(images) == 0)
        return MU_OK;
    (void)snprintf(name, sizeof(name), STATE_SERVICE "%.200s", id);
    if (json_equal(stream_state_get(stream_state_of(stream), name), images))
        return MU_OK;
    stream_state_set(stream_state_of(stream), name, json_incref(images));
    return stream_send(stream,
                       json_pack("{s:{s:s, s:s, s:I, s:O, s:I, s:b}}", "Service", "Id", id, "Name",
                                 service_name ? service_name : id, "Version",
                                 json_integer_value(mu_json_at(service, "Version.Index")), "Images",
                                 images, "At", (json_int_t)stream_time_ns(updated), "Reconcile",
                                 found),
                       err);
}

static void forget_services(struct stream *stream, const json_t *listed)
{
    json_auto_t *all = json_copy((json_t *)(uintptr_t)stream_state_all(stream_state_of(stream)));
    const char *name;
    json_t *value;

    json_object_foreach (all, name, value) {
        if (mu_text_starts(name, STATE_SERVICE) &&
            !json_object_get(listed, name + strlen(STATE_SERVICE)))
            stream_state_set(stream_state_of(stream), name, NULL);
    }
}

static enum mu_status list_services(struct stream *stream, struct mu_error *err)
{
    json_auto_t *services = NULL, *tasks = NULL, *listed = json_object();
    const json_t *service;
    size_t i;
    enum mu_status st = get(stream, "/services", STREAM_LIST_MAX_BYTES, &services, err);

    if (st == MU_OK)
        st = get_tasks(stream, &tasks, err);
    if (st == MU_OK && json_array_size(services) > SERVICES_MAX)
        st = mu_fail(err, MU_E_LIMIT, "more than %d services", SERVICES_MAX);
    if (st != MU_OK)
        return st;
    json_array_foreach (services, i, service) {
        const char *id = mu_json_text_at(service, "ID");

        if (id)
            (void)json_object_set_new(listed, id, json_true());
        st = tell_service(stream, service, tasks, true, err);
        if (st != MU_OK)
            return st;
    }
    forget_services(stream, listed);
    return MU_OK;
}

static enum mu_status on_service(struct stream *stream, const json_t *event, struct mu_error *err)
{
    const char *action = mu_json_text_at(event, "Action"), *id = mu_json_text_at(event, "Actor.ID");
    json_auto_t *service = NULL, *tasks = NULL;
    char path[STREAM_PATH_SIZE] = "/services/";
    enum mu_status st;

    if (!id || !stream_path_append(path, id))
        return MU_OK;
    if (mu_text_equal(action, "remove")) {
        char name[256];

        (void)snprintf(name, sizeof(name), STATE_SERVICE "%.200s", id);
        stream_state_set(stream_state_of(stream), name, NULL);
        return stream_send(stream, json_incref((json_t *)(uintptr_t)event), err);
    }
    st = get(stream, path, STREAM_ANSWER_MAX_BYTES, &service, err);
    if (st == MU_OK)
        st = get_tasks(stream, &tasks, err);
    if (st == MU_E_NOT_FOUND)
        return MU_OK; /* removed since */
    return st == MU_OK ? tell_service(stream, service, tasks, false, err) : st;
}

/* ---- the protocol ---- */

static enum mu_status events_path(struct stream *stream, int64_t since_ns, int64_t until_ns,
                                  char ret_path[STREAM_PATH_SIZE], struct mu_error *err)
{
    static const char containers[] =
            "{\"type\":[\"container\"],\"event\":[\"start\",\"die\",\"destroy\"]}";
    static const char and_services[] = "{\"type\":[\"container\",\"service\"],\"event\":[\"start\","
                                       "\"die\",\"destroy\",\"create\",\"update\",\"remove\"]}";

    (void)snprintf(
            ret_path, STREAM_PATH_SIZE,
            "%s/events?since=%" PRId64 ".%09" PRId64 "&until=%" PRId64 ".%09" PRId64 "&filters=",
            mu_json_text_at(stream_session(stream), DOCKER_SESSION_PREFIX), since_ns / ns_per_s,
            since_ns % ns_per_s, until_ns / ns_per_s, until_ns % ns_per_s);
    return stream_path_append(ret_path, follows_services(stream) ? and_services : containers)
                   ? MU_OK
                   : mu_fail(err, MU_E_INTERNAL, "path of events too long");
}

static int64_t position_of(struct stream *stream)
{
    return stream_state_number(stream_state_of(stream), STATE_POSITION);
}

static void move_position(struct stream *stream, int64_t at_ns)
{
    if (at_ns > position_of(stream))
        stream_state_set(stream_state_of(stream), STATE_POSITION, json_integer(at_ns));
}

/* What the engine still remembers since the position, up to now. */
static enum mu_status catch_up(struct stream *stream, int64_t now_ns, struct mu_error *err)
{
    char path[STREAM_PATH_SIZE];
    enum mu_status st;

    if (position_of(stream) > now_ns) /* the engine's clock was set back */
        stream_state_set(stream_state_of(stream), STATE_POSITION, json_integer(now_ns));
    if (position_of(stream) == 0)
        return MU_OK;
    st = events_path(stream, position_of(stream), now_ns, path, err);
    return st == MU_OK ? stream_replay(stream, path, err) : st;
}

static enum mu_status sync(struct stream *stream, struct mu_error *err)
{
    int64_t now_ns = 0;
    enum mu_status st = negotiate(stream, err);

    if (st == MU_OK)
        st = learn_node(stream, &now_ns, err);
    if (st == MU_OK)
        st = catch_up(stream, now_ns, err);
    if (st == MU_OK)
        st = docker_runs_list(stream, now_ns, err);
    if (st == MU_OK && follows_services(stream)) {
        if (json_is_true(json_object_get(stream_session(stream), SESSION_MANAGER)))
            st = list_services(stream, err);
        else
            MU_LOG(MU_LOG_WARN, "no manager of a swarm: it cannot tell services",
                   MU_KV("source", stream_source(stream)->name));
    }
    if (st == MU_OK)
        move_position(stream, now_ns);
    return st;
}

static enum mu_status follow(struct stream *stream, char ret_path[STREAM_PATH_SIZE],
                             struct mu_error *err)
{
    int64_t from_ns = position_of(stream);

    return events_path(stream, from_ns, from_ns + INT64_C(1000000) * STREAM_ROUND_MS, ret_path,
                       err);
}

/* Events come in order but for some that are a little late; the position never goes back. */
static enum mu_status take(struct stream *stream, const json_t *event, struct mu_error *err)
{
    const char *type = mu_json_text_at(event, "Type");
    enum mu_status st;

    if (mu_text_equal(type, "container"))
        st = docker_runs_event(stream, event, err);
    else if (mu_text_equal(type, "service"))
        st = on_service(stream, event, err);
    else /* what it is, and that it is of no interest, is for the kind to say */
        st = stream_send(stream, json_incref((json_t *)(uintptr_t)event), err);
    if (st == MU_OK)
        move_position(stream, json_integer_value(json_object_get(event, "timeNano")));
    return st;
}

const struct stream_protocol docker_protocol = {.kind = "docker",
                                                .stall_ms = STREAM_ROUND_MS + 60 * 1000,
                                                .sync = sync,
                                                .follow = follow,
                                                .take = take};
const struct stream_protocol swarm_protocol = {.kind = "swarm",
                                               .stall_ms = STREAM_ROUND_MS + 60 * 1000,
                                               .sync = sync,
                                               .follow = follow,
                                               .take = take};
