#include "sandbox/sandbox_child.h"

#include "base/memory.h"
#include "base/scratch.h"
#include "sandbox/sandbox_lock.h"
#include "sandbox/sandbox_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_NOT_ASKED = 2, EXIT_NO_WORKER = 3 };

enum {
    SANDBOX_SCRATCH_BLOCKS = SANDBOX_FILE_BYTES / MU_SCRATCH_BLOCK_MAX,
    SANDBOX_RESIDENT_BYTES = 24 * 1024 * 1024
};

struct child {
    struct summary_make make;
    struct sandbox_request request;
    char *want_texts;
    struct layer_want wants[LAYER_WANTS_MAX];
    struct layer_run *run;
    uint8_t *frame;
};

bool sandbox_child_is_asked(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], SANDBOX_COMMAND) == 0;
}

/* The worker is gone or broken: nobody is there to be told. */
static void receive(void *bytes, size_t len)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ssize_t got = read(SANDBOX_SOCKET_FD, at, len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(EXIT_NO_WORKER);
        at += got;
        len -= (size_t)got;
    }
}

static void tell(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t sent = send(SANDBOX_SOCKET_FD, at, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            _exit(EXIT_NO_WORKER);
        at += sent;
        len -= (size_t)sent;
    }
}

static enum mu_status tell_summary(void *opaque, const void *bytes, size_t len,
                                   struct mu_error *err)
{
    (void)opaque, (void)err;
    tell(bytes, len);
    return MU_OK;
}

static _Noreturn void give_up(const struct mu_error *why)
{
    struct sandbox_reply reply = {.status = why->status};

    (void)snprintf(reply.message, sizeof(reply.message), "%s", why->message);
    tell(&reply, sizeof(reply));
    _exit(0);
}

static enum mu_status wants_take(struct child *child, struct mu_error *err)
{
    const struct sandbox_request *request = &child->request;
    const char *at, *end;

    if (request->want_count > LAYER_WANTS_MAX || request->want_bytes > SANDBOX_WANT_BYTES_MAX)
        return mu_fail(err, MU_E_INTERNAL, "a request of too many wants");
    child->want_texts = mu_xcalloc(1, (size_t)request->want_bytes + 1);
    receive(child->want_texts, (size_t)request->want_bytes);
    at = child->want_texts;
    end = at + request->want_bytes;
    for (size_t i = 0; i < request->want_count; i++) {
        child->wants[i].path = at;
        at += at < end ? strlen(at) + 1 : 0;
        child->wants[i].as = at;
        at += at < end ? strlen(at) + 1 : 0;
    }
    return at == end ? MU_OK : mu_fail(err, MU_E_INTERNAL, "a request whose wants are cut off");
}

/* All that needs more than the sandbox allows: threads, libraries that read their settings. */
static enum mu_status prepare(struct child *child, struct mu_error *err)
{
    const struct mu_scratch_config scratch = {.fd = SANDBOX_SCRATCH_FD,
                                              .blocks_max = SANDBOX_SCRATCH_BLOCKS,
                                              .resident_bytes = SANDBOX_RESIDENT_BYTES};
    struct layer_task task = {.make = &child->make,
                              .limits = child->request.limits,
                              .wants = {child->wants, (size_t)child->request.want_count},
                              .temp_fd = SANDBOX_TEMP_FD};

    child->make.key = child->request.key;
    summary_make_id(&child->make);
    if (memcmp(child->make.id, child->request.make_id, sizeof(child->make.id)) != 0)
        return mu_fail(err, MU_E_INTERNAL, "the sandbox is another program than the worker");
    child->frame = malloc(SANDBOX_FRAME_MAX);
    if (!child->frame)
        return mu_fail(err, MU_E_NOMEM, "no memory for a frame");
    if (mu_scratch_start(&scratch, err) != MU_OK || layer_run_new(&task, &child->run, err) != MU_OK)
        return err->status;
    return sandbox_lock(child->request.cpu_seconds, err);
}

static enum mu_status layer_take(struct child *child, struct mu_error *err)
{
    for (;;) {
        uint32_t len;

        receive(&len, sizeof(len));
        if (len == 0)
            return MU_OK;
        if (len > SANDBOX_FRAME_MAX)
            return mu_fail(err, MU_E_INTERNAL, "a frame of %u bytes", len);
        receive(child->frame, len);
        if (layer_run_write(child->run, child->frame, len, err) != MU_OK)
            return err->status;
    }
}

int sandbox_child_main(const struct finder *const *used, size_t used_count)
{
    struct child *child = mu_xcalloc(1, sizeof(*child));
    struct sandbox_reply reply = {.status = MU_OK};
    struct mu_error err;
    int type;
    socklen_t size = sizeof(type);

    if (getsockopt(SANDBOX_SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        free(child);
        return EXIT_NOT_ASKED;
    }
    child->make.finders = used;
    child->make.finder_count = used_count;
    receive(&child->request, sizeof(child->request));
    if (wants_take(child, &err) != MU_OK || prepare(child, &err) != MU_OK ||
        layer_take(child, &err) != MU_OK ||
        layer_run_finish(child->run, &reply.summary_bytes, &err) != MU_OK)
        give_up(&err);
    tell(&reply, sizeof(reply));
    (void)!layer_run_output(child->run, tell_summary, NULL, &err); /* cut off: the worker sees it */
    _exit(0);
}
