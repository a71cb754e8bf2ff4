#include "sandbox/sandbox.h"

#include "base/file.h"
#include "base/memory.h"
#include "sandbox/sandbox_child.h"
#include "sandbox/sandbox_lock.h"
#include "sandbox/sandbox_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 200, SOCKET_BYTES = 1024 * 1024 };

struct sandbox {
    struct sandbox_config config;
    int fd;    /* -1: closed */
    pid_t pid; /* 0: ended and waited for */
};

/* ---- the process ---- */

/* What the process has as SANDBOX_SOCKET_FD, SANDBOX_TEMP_FD and SANDBOX_SCRATCH_FD. All are above
 * those numbers, so that none can overwrite another. */
struct given {
    int socket, temp, scratch;
};

static int actions_fill(posix_spawn_file_actions_t *actions, const struct given *given)
{
    int failed = 0;

    for (int fd = 0; failed == 0 && fd < SANDBOX_SOCKET_FD; fd++)
        failed = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, given->socket, SANDBOX_SOCKET_FD);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, given->temp, SANDBOX_TEMP_FD);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, given->scratch, SANDBOX_SCRATCH_FD);
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, SANDBOX_SCRATCH_FD + 1);
    return failed;
}

/* Signals as a new process has them, whatever this thread holds back. */
static int attributes_fill(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                        POSIX_SPAWN_SETPGROUP);
}

/* A descriptor above those that the sandbox is given. */
static enum mu_status fd_lift(int *fd, struct mu_error *err)
{
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, SANDBOX_SCRATCH_FD + 1);

    if (lifted < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "sandbox: %s", strerror(errno));
    (void)close(*fd);
    *fd = lifted;
    return MU_OK;
}

/* The environment stays here: it holds secrets. */
static enum mu_status process_start(const struct given *given, pid_t *ret_pid, struct mu_error *err)
{
    char name[] = "muster-scanner", command[] = SANDBOX_COMMAND;
    char *const argv[] = {name, command, NULL}, *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);

    if (failed != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "sandbox: %s", strerror(failed));
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = actions_fill(&actions, given);
        if (failed == 0)
            failed = attributes_fill(&attributes);
        if (failed == 0)
            failed = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, argv,
                                 environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? MU_OK
                       : mu_fail(err, MU_E_UNAVAILABLE, "sandbox: start a process: %s",
                                 strerror(failed));
}

static void process_end(struct sandbox *sandbox, int *ret_status)
{
    int status = 0;

    if (sandbox->pid != 0) {
        while (waitpid(sandbox->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    sandbox->pid = 0;
    *ret_status = status;
}

void sandbox_free(struct sandbox *sandbox)
{
    int status;

    if (!sandbox)
        return;
    if (sandbox->fd >= 0)
        (void)close(sandbox->fd);
    if (sandbox->pid != 0)
        (void)kill(sandbox->pid, SIGKILL);
    process_end(sandbox, &status);
    free(sandbox);
}

/* The socket is closed at the other end without a word: why. */
static enum mu_status ended_early(struct sandbox *sandbox, struct mu_error *err)
{
    int status, signal_number;

    if (sandbox->pid == 0)
        return mu_fail(err, MU_E_INTERNAL, "the sandbox has ended");
    process_end(sandbox, &status);
    if (!WIFSIGNALED(status))
        return mu_fail(err, MU_E_INTERNAL, "the sandbox ended with exit code %d",
                       WEXITSTATUS(status));
    signal_number = WTERMSIG(status);
    if (signal_number == SIGXCPU)
        return mu_fail(err, MU_E_LIMIT, "reading it takes more than %llu s of processor time",
                       (unsigned long long)sandbox->config.cpu_seconds);
    if (signal_number == SIGXFSZ)
        return mu_fail(err, MU_E_LIMIT, "a file in it is larger than %llu bytes",
                       (unsigned long long)SANDBOX_FILE_BYTES);
    if (signal_number == SIGSYS)
        return mu_fail(err, MU_E_INTERNAL, "reading it did what no reader may do (signal %d)",
                       signal_number);
    return mu_fail(err, MU_E_INTERNAL, "reading it crashed (signal %d, %s)", signal_number,
                   strsignal(signal_number));
}

/* ---- bytes ---- */

/* Waits until one of `events` is there; `ret_events` may also tell of the end. */
static enum mu_status await(struct sandbox *sandbox, short events, short *ret_events,
                            struct mu_error *err)
{
    struct pollfd waited = {.fd = sandbox->fd, .events = events};

    for (;;) {
        int ready = poll(&waited, 1, POLL_MS);

        if (ready > 0) {
            *ret_events = waited.revents;
            return MU_OK;
        }
        if (ready < 0 && errno != EINTR)
            return mu_fail(err, MU_E_INTERNAL, "sandbox: poll: %s", strerror(errno));
        if (sandbox->config.tick.tick(sandbox->config.tick.opaque, err) != MU_OK)
            return err->status;
    }
}

static enum mu_status receive(struct sandbox *sandbox, void *bytes, size_t len,
                              struct mu_error *err)
{
    uint8_t *at = bytes;
    short events = 0;

    while (len > 0) {
        ssize_t got = recv(sandbox->fd, at, len, MSG_DONTWAIT);

        if (got > 0) {
            at += got;
            len -= (size_t)got;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (await(sandbox, POLLIN, &events, err) != MU_OK)
                return err->status;
        } else {
            return ended_early(sandbox, err);
        }
    }
    return MU_OK;
}

/* What the sandbox says in the end, or before it. */
static enum mu_status reply_take(struct sandbox *sandbox, struct sandbox_reply *ret_reply,
                                 struct mu_error *err)
{
    struct sandbox_reply reply = {.status = MU_OK};

    if (receive(sandbox, &reply, sizeof(reply), err) != MU_OK)
        return err->status;
    if (reply.status > 0 || reply.status < MU_E_INTERNAL ||
        !memchr(reply.message, '\0', sizeof(reply.message)))
        return mu_fail(err, MU_E_INTERNAL, "the sandbox gives an answer that is none");
    if (reply.status == MU_E_NOMEM)
        return mu_fail(err, MU_E_LIMIT, "reading it takes more than %llu bytes of memory: %.200s",
                       (unsigned long long)SANDBOX_DATA_BYTES, reply.message);
    if (reply.status != MU_OK)
        return mu_fail(err, (enum mu_status)reply.status, "%s", reply.message);
    *ret_reply = reply;
    return MU_OK;
}

/* The sandbox has something to say while it is still being written to: no good news. */
static enum mu_status interrupted(struct sandbox *sandbox, struct mu_error *err)
{
    struct sandbox_reply reply = {.status = MU_OK};

    if (reply_take(sandbox, &reply, err) != MU_OK)
        return err->status;
    return mu_fail(err, MU_E_INTERNAL, "the sandbox answers before the layer's end");
}

static enum mu_status parts_send(struct sandbox *sandbox, struct iovec *parts, size_t count,
                                 struct mu_error *err)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    short events = 0;

    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(sandbox->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        size_t left = sent > 0 ? (size_t)sent : 0;

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return interrupted(sandbox, err);
        while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
            left -= message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen == 0)
            break;
        message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + left;
        message.msg_iov->iov_len -= left;
        if (await(sandbox, POLLIN | POLLOUT, &events, err) != MU_OK)
            return err->status;
        if (events & POLLIN)
            return interrupted(sandbox, err);
    }
    return MU_OK;
}

static struct iovec part_of(const void *bytes, size_t len)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len}; /* only read */
}

/* ---- one layer ---- */

static enum mu_status request_send(struct sandbox *sandbox, const struct layer_task *task,
                                   struct mu_error *err)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf wants;
    struct sandbox_request request = {.key = task->make->key,
                                      .limits = task->limits,
                                      .cpu_seconds = sandbox->config.cpu_seconds,
                                      .want_count = task->wants.count};
    struct iovec parts[2];

    mu_buf_init(&wants, SANDBOX_WANT_BYTES_MAX);
    memcpy(request.make_id, task->make->id, sizeof(request.make_id));
    for (size_t i = 0; i < task->wants.count; i++) {
        const struct layer_want *want = &task->wants.items[i];

        mu_buf_append(&wants, want->path, strlen(want->path) + 1);
        mu_buf_append(&wants, want->as, strlen(want->as) + 1);
    }
    if (mu_buf_status(&wants, "wants", err) != MU_OK)
        return err->status;
    request.want_bytes = wants.len;
    parts[0] = part_of(&request, sizeof(request));
    parts[1] = part_of(wants.data, wants.len);
    return parts_send(sandbox, parts, 2, err);
}

static enum mu_status sockets_make(int fds[2], struct mu_error *err)
{
    const int bytes = SOCKET_BYTES;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "sandbox: a socket: %s", strerror(errno));
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* or what is allowed */
    return MU_OK;
}

enum mu_status sandbox_start(const struct layer_task *task, const struct sandbox_config *config,
                             struct sandbox **ret_sandbox, struct mu_error *err)
{
    MU_AUTO(sandbox) struct sandbox *sandbox = mu_xcalloc(1, sizeof(*sandbox));
    MU_AUTO_FD int theirs = -1, temp = -1, scratch = -1;
    int fds[2] = {-1, -1};

    sandbox->config = *config;
    sandbox->fd = -1;
    if (sockets_make(fds, err) != MU_OK)
        return err->status;
    sandbox->fd = fds[0];
    theirs = fds[1];
    if (mu_file_open_nameless(config->temp_dir, &temp, err) != MU_OK ||
        mu_file_open_nameless(config->temp_dir, &scratch, err) != MU_OK ||
        fd_lift(&theirs, err) != MU_OK || fd_lift(&temp, err) != MU_OK ||
        fd_lift(&scratch, err) != MU_OK ||
        process_start(&(struct given){theirs, temp, scratch}, &sandbox->pid, err) != MU_OK ||
        request_send(sandbox, task, err) != MU_OK)
        return err->status;
    *ret_sandbox = sandbox;
    sandbox = NULL;
    return MU_OK;
}

enum mu_status sandbox_write(struct sandbox *sandbox, const void *bytes, size_t len,
                             struct mu_error *err)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        size_t take = len < SANDBOX_FRAME_MAX ? len : SANDBOX_FRAME_MAX;
        uint32_t head = (uint32_t)take;
        struct iovec parts[2] = {part_of(&head, sizeof(head)), part_of(at, take)};

        if (parts_send(sandbox, parts, 2, err) != MU_OK)
            return err->status;
        at += take;
        len -= take;
    }
    return MU_OK;
}

enum mu_status sandbox_finish(struct sandbox *sandbox, struct summary_box *ret_box,
                              struct mu_error *err)
{
    const uint32_t end = 0;
    struct iovec part = part_of(&end, sizeof(end));
    struct summary_box box = {.bytes = NULL};
    struct sandbox_reply reply = {.status = MU_OK};
    enum mu_status st;

    if (parts_send(sandbox, &part, 1, err) != MU_OK || reply_take(sandbox, &reply, err) != MU_OK ||
        summary_box_begin(&box, reply.summary_bytes, sandbox->config.temp_dir, err) != MU_OK)
        return err->status;
    st = receive(sandbox, box.bytes, box.len, err);
    if (st != MU_OK) {
        summary_box_done(&box);
        return st;
    }
    box.have = box.len;
    *ret_box = box;
    return MU_OK;
}
