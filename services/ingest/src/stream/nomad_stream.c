/*
 * Nomad's event stream (developer.hashicorp.com/nomad/api-docs/events, allocations, jobs).
 *
 * An allocation in the stream does not carry its job, so it names no image: images are kept by
 * (namespace, job, version) as jobs tell them, else the allocation is asked for, whose answer holds
 * its job. A server keeps 100 events and goes on silently at the next it has: every round lists
 * first. Both list and event hold an allocation as a whole with its ModifyIndex, so that what was
 * told is known whatever the order.
 */
#include "stream/stream_protocol.h"

#include "source/nomad_image.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 1024, VERSIONS_KEPT = 10 };

#define STATE_POSITION "position"    /* Index to go on behind */
#define STATE_ALLOC    "allocation:" /* index, images, runs {task: {start, end}}, what names it */
#define STATE_JOB      "job:" /* "<namespace>/<job>/<version>": at, images {group/task: image} */

static const json_t *state_get(struct stream *stream, const char *name)
{
    return stream_state_get(stream_state_of(stream), name);
}

static void state_set(struct stream *stream, const char *name, json_t *value)
{
    stream_state_set(stream_state_of(stream), name, value);
}

static const char *text_at(const json_t *object, const char *path)
{
    const char *text = mu_json_text_at(object, path);

    return text ? text : "";
}

static int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* ---- images of jobs ---- */

static void job_name(char name[NAME_SIZE], const char *namespace_name, const char *job,
                     int64_t version)
{
    (void)snprintf(name, NAME_SIZE, STATE_JOB "%.200s/%.600s/%" PRId64, namespace_name, job,
                   version);
}

static json_t *images_of_job(const json_t *job)
{
    json_t *images = json_object();
    const json_t *group, *task;
    size_t g, t;

    json_array_foreach (json_object_get(job, "TaskGroups"), g, group) {
        json_array_foreach (json_object_get(group, "Tasks"), t, task) {
            const char *image = nomad_task_image(task);
            char name[NAME_SIZE];

            (void)snprintf(name, sizeof(name), "%.400s/%.400s", text_at(group, "Name"),
                           text_at(task, "Name"));
            if (image)
                (void)json_object_set_new(images, name, json_string(image));
        }
    }
    return images;
}

/* Borrowed. NULL: no job. */
static const json_t *keep_job(struct stream *stream, const json_t *job)
{
    char name[NAME_SIZE];

    if (!json_is_object(job))
        return NULL;
    job_name(name, text_at(job, "Namespace"), text_at(job, "ID"), number_at(job, "Version"));
    if (!state_get(stream, name))
        state_set(stream, name,
                  json_pack("{s:I, s:o}", "at", (json_int_t)number_at(job, "JobModifyIndex"),
                            "images", images_of_job(job)));
    return state_get(stream, name);
}

/* The newest version of its job that is older than the allocation, when nobody knows better. */
static const json_t *newest_before(struct stream *stream, const json_t *alloc)
{
    const json_t *found = NULL;
    char prefix[NAME_SIZE];
    const char *name;
    json_t *job;

    (void)snprintf(prefix, sizeof(prefix), STATE_JOB "%.200s/%.600s/", text_at(alloc, "Namespace"),
                   text_at(alloc, "JobID"));
    json_object_foreach ((json_t *)(uintptr_t)stream_state_all(stream_state_of(stream)), name,
                         job) {
        if (mu_text_starts(name, prefix) && !strchr(name + strlen(prefix), '/') &&
            number_at(job, "at") <= number_at(alloc, "CreateIndex") &&
            (!found || number_at(job, "at") > number_at(found, "at")))
            found = job;
    }
    return found;
}

/* Borrowed, of the allocation's job; NULL when its images cannot be known any more. */
static enum mu_status find_job(struct stream *stream, const json_t *alloc, const json_t **ret_job,
                               struct mu_error *err)
{
    const json_t *version = json_object_get(alloc, "JobVersion");
    json_auto_t *answer = NULL;
    char name[NAME_SIZE], path[STREAM_PATH_SIZE] = "/v1/allocation/";
    enum mu_status st;

    job_name(name, text_at(alloc, "Namespace"), text_at(alloc, "JobID"),
             json_integer_value(version));
    if (json_is_integer(version) && (*ret_job = state_get(stream, name)))
        return MU_OK;
    if ((*ret_job = keep_job(stream, json_object_get(alloc, "Job"))))
        return MU_OK;
    if (!stream_path_append(path, text_at(alloc, "ID")))
        return mu_fail(err, MU_E_LIMIT, "an allocation's id is too long");
    st = stream_get(stream, path, STREAM_ANSWER_MAX_BYTES, &answer, err);
    if (st != MU_OK && st != MU_E_NOT_FOUND)
        return st;
    *ret_job = keep_job(stream, json_object_get(answer, "Job"));
    if (!*ret_job)
        *ret_job = newest_before(stream, alloc);
    return MU_OK;
}

/* ---- allocations ---- */

static void alloc_name(char name[NAME_SIZE], const char *id)
{
    (void)snprintf(name, NAME_SIZE, STATE_ALLOC "%.200s", id);
}

/* Images of the allocation's tasks alone, {task: image}. */
static json_t *images_of_alloc(const json_t *job, const json_t *alloc)
{
    json_t *images = json_object(), *image;
    char prefix[NAME_SIZE];
    const char *name;

    (void)snprintf(prefix, sizeof(prefix), "%.400s/", text_at(alloc, "TaskGroup"));
    json_object_foreach (json_object_get(job, "images"), name, image) {
        if (mu_text_starts(name, prefix))
            (void)json_object_set(images, name + strlen(prefix), image);
    }
    return images;
}

static bool is_over(const json_t *alloc)
{
    const char *status = text_at(alloc, "ClientStatus");

    return mu_text_equal(status, "complete") || mu_text_equal(status, "failed") ||
           mu_text_equal(status, "lost");
}

/* When a task that started again at `next_ns` had ended: its events tell, the last ten of them. */
static int64_t end_before(const json_t *state, int64_t begin_ns, int64_t next_ns)
{
    int64_t found_ns = next_ns;
    const json_t *event;
    size_t i;

    json_array_foreach (json_object_get(state, "Events"), i, event) {
        int64_t at_ns = number_at(event, "Time");

        if (mu_text_equal(mu_json_text_at(event, "Type"), "Terminated") && at_ns > begin_ns &&
            at_ns <= next_ns)
            found_ns = at_ns;
    }
    return found_ns;
}

static void add_told(json_t *tasks, const char *task, json_t *image, int64_t start_ns,
                     int64_t end_ns)
{
    (void)json_array_append_new(tasks, json_pack("{s:s, s:O, s:I, s:I}", "Name", task, "Image",
                                                 image, "Start", (json_int_t)start_ns, "Finish",
                                                 (json_int_t)end_ns));
}

/* Compares one task with what was told of it; true when there is something new. */
static bool compare_task(const json_t *alloc, const char *task, const json_t *state, json_t *image,
                         json_t *runs, json_t *told)
{
    json_t *run = json_object_get(runs, task);
    int64_t start_ns = stream_time_ns(mu_json_text_at(state, "StartedAt")),
            was_ns = number_at(run, "start"), was_end_ns = number_at(run, "end"), end_ns = 0;
    bool running = mu_text_equal(mu_json_text_at(state, "State"), "running") && !is_over(alloc);

    if (start_ns == 0)
        return false;
    if (run && start_ns != was_ns && was_end_ns == 0)
        add_told(told, task, image, was_ns, end_before(state, was_ns, start_ns));
    if (!running && (mu_text_equal(mu_json_text_at(state, "State"), "dead") || is_over(alloc))) {
        end_ns = stream_time_ns(mu_json_text_at(state, "FinishedAt"));
        if (end_ns < start_ns)
            end_ns = number_at(alloc, "ModifyTime");
    }
    if (!running && end_ns == 0)
        end_ns = end_before(state, start_ns, number_at(alloc, "ModifyTime")); /* between two runs */
    add_told(told, task, image, start_ns, end_ns);
    (void)json_object_set_new(
            runs, task,
            json_pack("{s:I, s:I}", "start", (json_int_t)start_ns, "end", (json_int_t)end_ns));
    return start_ns != was_ns || (end_ns != 0) != (was_end_ns != 0);
}

static enum mu_status tell_alloc(struct stream *stream, const char *id, const json_t *known,
                                 json_t *tasks, const char *state, int64_t at_ns, bool found,
                                 struct mu_error *err)
{
    return stream_send(stream,
                       json_pack("{s:{s:s, s:O, s:O, s:O, s:O, s:O, s:s, s:I, s:b, s:O}}", "Alloc",
                                 "Id", id, "Name", json_object_get(known, "name"), "Namespace",
                                 json_object_get(known, "namespace"), "Job",
                                 json_object_get(known, "job"), "Node",
                                 json_object_get(known, "node"), "Index",
                                 json_object_get(known, "index"), "State", state, "At",
                                 (json_int_t)at_ns, "Reconcile", found, "Tasks", tasks),
                       err);
}

/* A first sight of an allocation: what names it, and its images. */
static enum mu_status know_alloc(struct stream *stream, const json_t *alloc, json_t **ret_known,
                                 struct mu_error *err)
{
    const json_t *job = NULL;
    enum mu_status st = find_job(stream, alloc, &job, err);

    if (st != MU_OK)
        return st;
    if (!job)
        MU_LOG(MU_LOG_WARN, "the images of an allocation are not known: its job is gone",
               MU_KV("source", stream_source(stream)->name), MU_KV("job", text_at(alloc, "JobID")),
               MU_KV("allocation", text_at(alloc, "ID")));
    *ret_known = json_pack(
            "{s:s, s:s, s:s, s:s, s:o, s:{}}", "name", text_at(alloc, "Name"), "namespace",
            text_at(alloc, "Namespace"), "job", text_at(alloc, "JobID"), "node",
            *text_at(alloc, "NodeName") ? text_at(alloc, "NodeName") : text_at(alloc, "NodeID"),
            "images", images_of_alloc(job, alloc), "runs");
    return *ret_known ? MU_OK : mu_fail(err, MU_E_INVALID, "an allocation's names are no text");
}

static enum mu_status on_alloc(struct stream *stream, const json_t *alloc, bool found,
                               struct mu_error *err)
{
    const char *id = text_at(alloc, "ID"), *task;
    int64_t index = number_at(alloc, "ModifyIndex");
    json_auto_t *known = NULL, *told = json_array();
    char name[NAME_SIZE];
    json_t *image;
    bool changed = false;
    enum mu_status st = MU_OK;

    if (!*id)
        return MU_OK;
    alloc_name(name, id);
    known = json_deep_copy(state_get(stream, name));
    if (known && index <= number_at(known, "index"))
        return MU_OK;
    if (!known)
        st = know_alloc(stream, alloc, &known, err);
    if (st != MU_OK)
        return st;
    (void)json_object_set_new(known, "index", json_integer(index));
    json_object_foreach (json_object_get(known, "images"), task, image) {
        const json_t *state = json_object_get(json_object_get(alloc, "TaskStates"), task);

        changed |= compare_task(alloc, task, state, image, json_object_get(known, "runs"), told);
    }
    if (changed)
        st = tell_alloc(stream, id, known, told, "seen", number_at(alloc, "ModifyTime"), found,
                        err);
    if (st == MU_OK)
        state_set(stream, name, json_incref(known));
    return st;
}

/* ---- jobs ---- */

/* As the stream would have told it. */
static enum mu_status tell_job(struct stream *stream, json_t *job, struct mu_error *err)
{
    return stream_send(stream,
                       json_pack("{s:O?, s:[{s:s, s:s, s:O?, s:O?, s:O?, s:b, s:{s:O}}]}", "Index",
                                 json_object_get(job, "ModifyIndex"), "Events", "Topic", "Job",
                                 "Type", "JobRegistered", "Key", json_object_get(job, "ID"),
                                 "Namespace", json_object_get(job, "Namespace"), "Index",
                                 json_object_get(job, "ModifyIndex"), "Reconcile", 1, "Payload",
                                 "Job", job),
                       err);
}

static enum mu_status fetch_job(struct stream *stream, const char *namespace_name, const char *id,
                                struct mu_error *err)
{
    json_auto_t *job = NULL;
    char path[STREAM_PATH_SIZE] = "/v1/job/";
    size_t len;
    enum mu_status st;

    if (!stream_path_append(path, id) ||
        (len = strlen(path)) + sizeof("?namespace=") > sizeof(path))
        return MU_OK;
    memcpy(path + len, "?namespace=", sizeof("?namespace="));
    if (!stream_path_append(path, namespace_name))
        return MU_OK;
    st = stream_get(stream, path, STREAM_ANSWER_MAX_BYTES, &job, err);
    if (st == MU_E_NOT_FOUND)
        return MU_OK;
    if (st != MU_OK)
        return st;
    (void)keep_job(stream, job);
    return tell_job(stream, job, err);
}

static enum mu_status list_jobs(struct stream *stream, json_t *listed, int64_t *newest,
                                struct mu_error *err)
{
    json_auto_t *jobs = NULL;
    const json_t *job;
    size_t i;
    enum mu_status st =
            stream_get(stream, "/v1/jobs?namespace=*", STREAM_LIST_MAX_BYTES, &jobs, err);

    json_array_foreach (jobs, i, job) {
        char name[NAME_SIZE];
        const json_t *known;

        if (st != MU_OK)
            return st;
        if (number_at(job, "ModifyIndex") > *newest)
            *newest = number_at(job, "ModifyIndex");
        job_name(name, text_at(job, "Namespace"), text_at(job, "ID"), number_at(job, "Version"));
        (void)json_object_set_new(listed, name, json_integer(number_at(job, "Version")));
        known = state_get(stream, name);
        if (known && number_at(known, "at") == number_at(job, "JobModifyIndex"))
            continue;
        if (!mu_text_equal(mu_json_text_at(job, "Status"), "dead"))
            st = fetch_job(stream, text_at(job, "Namespace"), text_at(job, "ID"), err);
    }
    return st;
}

static enum mu_status list_allocs(struct stream *stream, json_t *listed, int64_t *newest,
                                  struct mu_error *err)
{
    json_auto_t *allocs = NULL;
    const json_t *alloc;
    size_t i;
    enum mu_status st = stream_get(stream, "/v1/allocations?namespace=*&task_states=true",
                                   STREAM_LIST_MAX_BYTES, &allocs, err);

    if (st == MU_OK && !json_is_array(allocs))
        st = mu_fail(err, MU_E_INVALID, "the list of allocations is no array");
    if (st != MU_OK)
        return st;
    json_array_foreach (allocs, i, alloc) {
        char name[NAME_SIZE];

        if (number_at(alloc, "ModifyIndex") > *newest)
            *newest = number_at(alloc, "ModifyIndex");
        alloc_name(name, text_at(alloc, "ID"));
        (void)json_object_set_new(listed, name, json_true());
        st = on_alloc(stream, alloc, true, err);
        if (st != MU_OK)
            return st;
    }
    return MU_OK;
}

/* Tasks of a known allocation that nobody said to have ended. */
static json_t *open_tasks(const json_t *known, int64_t at_ns)
{
    json_t *tasks = json_array(), *run;
    const char *task;

    json_object_foreach (json_object_get(known, "runs"), task, run) {
        json_t *image = json_object_get(json_object_get(known, "images"), task);

        if (image && number_at(run, "end") == 0)
            add_told(tasks, task, image, number_at(run, "start"), at_ns);
    }
    return tasks;
}

/* Allocations and jobs that the cluster has no more. */
static enum mu_status forget_missing(struct stream *stream, const json_t *listed,
                                     struct mu_error *err)
{
    json_auto_t *all = json_copy((json_t *)(uintptr_t)stream_state_all(stream_state_of(stream)));
    int64_t now_ns = mu_now_us() * 1000;
    const char *name;
    json_t *known;

    json_object_foreach (all, name, known) {
        json_auto_t *tasks = NULL;
        enum mu_status st = MU_OK;

        if (!mu_text_starts(name, STATE_ALLOC) || json_object_get(listed, name))
            continue;
        tasks = open_tasks(known, now_ns);
        if (json_array_size(tasks) > 0) {
            stream_count_vanished();
            st = tell_alloc(stream, name + strlen(STATE_ALLOC), known, tasks, "gone", now_ns, true,
                            err);
        }
        if (st != MU_OK)
            return st;
        state_set(stream, name, NULL);
    }
    return MU_OK;
}

/* Versions of jobs long past: what still runs of them has been told. */
static void forget_versions(struct stream *stream, const json_t *listed)
{
    json_auto_t *all = json_copy((json_t *)(uintptr_t)stream_state_all(stream_state_of(stream)));
    json_auto_t *newest = json_object();
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)listed, name, value) {
        if (mu_text_starts(name, STATE_JOB))
            (void)json_object_setn(newest, name, (size_t)(strrchr(name, '/') - name), value);
    }
    json_object_foreach (all, name, value) {
        const char *slash = strrchr(name, '/');
        const json_t *last;
        char version[32];

        if (!mu_text_starts(name, STATE_JOB) || !slash)
            continue;
        (void)snprintf(version, sizeof(version), "%s", slash + 1);
        last = json_object_getn(newest, name, (size_t)(slash - name));
        if (!last || strtoll(version, NULL, 10) + VERSIONS_KEPT < json_integer_value(last))
            state_set(stream, name, NULL);
    }
}

/* ---- the protocol ---- */

static void move_position(struct stream *stream, int64_t index)
{
    if (index > stream_state_number(stream_state_of(stream), STATE_POSITION))
        state_set(stream, STATE_POSITION, json_integer(index));
}

static enum mu_status sync(struct stream *stream, struct mu_error *err)
{
    json_auto_t *listed = json_object();
    int64_t newest = 0;
    enum mu_status st = list_jobs(stream, listed, &newest, err);

    if (st == MU_OK)
        st = list_allocs(stream, listed, &newest, err);
    if (st == MU_OK)
        st = forget_missing(stream, listed, err);
    if (st != MU_OK)
        return st;
    forget_versions(stream, listed);
    move_position(stream, newest);
    return MU_OK;
}

static enum mu_status follow(struct stream *stream, char ret_path[STREAM_PATH_SIZE],
                             struct mu_error *err)
{
    int64_t index = stream_state_number(stream_state_of(stream), STATE_POSITION);

    (void)err;
    (void)snprintf(ret_path, STREAM_PATH_SIZE,
                   "/v1/event/stream?topic=Job&topic=Allocation&namespace=*&index=%" PRId64,
                   index > 0 ? index + 1 : 0);
    return MU_OK;
}

static enum mu_status on_event(struct stream *stream, json_t *event, struct mu_error *err)
{
    const char *topic = mu_json_text_at(event, "Topic");

    if (mu_text_equal(topic, "Allocation"))
        return on_alloc(stream, mu_json_at(event, "Payload.Allocation"), false, err);
    if (mu_text_equal(topic, "Job"))
        (void)keep_job(stream, mu_json_at(event, "Payload.Job"));
    return stream_send(stream, json_pack("{s:[O]}", "Events", event), err);
}

static enum mu_status take(struct stream *stream, const json_t *frame, struct mu_error *err)
{
    const json_t *events = json_object_get(frame, "Events");
    json_t *event;
    size_t i;

    if (json_object_size(frame) == 0)
        return MU_OK; /* a heartbeat */
    if (json_object_get(frame, "Error"))
        return mu_fail(err, MU_E_UNAVAILABLE, "the stream says: %.200s",
                       text_at(frame, "Error.Message"));
    if (!json_is_array(events))
        return stream_send(stream, json_incref((json_t *)(uintptr_t)frame), err);
    json_array_foreach (events, i, event) {
        enum mu_status st = on_event(stream, event, err);

        if (st != MU_OK)
            return st;
    }
    move_position(stream, number_at(frame, "Index"));
    return MU_OK;
}

const struct stream_protocol nomad_protocol = {.kind = "nomad",
                                               .stall_ms = 60 * 1000, /* it beats every 10 s */
                                               .sync = sync,
                                               .follow = follow,
                                               .take = take};
