#include "registry/credential_helper.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/scope.h"
#include "base/text.h"
#include "json/json_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NAME_MAX_BYTES = 100,
    TIME_MAX_MS = 10000,
    CPU_MAX_S = 10,
    FILE_MAX_BYTES = 16 * 1024 * 1024,
    FILES_MAX = 256,
    SHOWN_MAX = 200, /* of what a failed helper says */
    POLL_MS = 20
};

/* ---- answer ---- */

enum mu_status credential_helper_parse(const char *json, size_t len,
                                       struct registry_credential *credential, struct mu_error *err)
{
    const struct mu_json_limits limits = {.max_bytes = REGISTRY_ANSWER_MAX_BYTES, .max_depth = 8};
    json_auto_t *root = NULL;
    const char *user, *secret;

    if (mu_json_parse(json, len, &limits, &root, err) != MU_OK)
        return mu_fail(err, err->status, "its answer is no JSON"); /* which may hold the secret */
    user = json_string_value(json_object_get(root, "Username"));
    secret = json_string_value(json_object_get(root, "Secret"));
    if (!user || !secret || secret[0] == '\0')
        return mu_fail(err, MU_E_INVALID, "its answer lacks Username or Secret");
    credential->kind = mu_text_equal(user, "<token>") ? CREDENTIAL_IDENTITY : CREDENTIAL_BASIC;
    mu_buf_reset(&credential->user);
    mu_buf_reset(&credential->secret);
    mu_buf_puts(&credential->user, user);
    mu_buf_puts(&credential->secret, secret);
    if (mu_buf_status(&credential->user, "Username", err) != MU_OK)
        return err->status;
    return mu_buf_status(&credential->secret, "Secret", err);
}

/* ---- program ---- */

static bool name_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static enum mu_status program_find(const char *name, char ret_path[PATH_MAX], struct mu_error *err)
{
    const char *path = getenv("PATH");

    if (!name_valid(name))
        return mu_fail(err, MU_E_INVALID, "'%.100s' is no name of a credential helper", name);
    for (const char *folder = path; folder && *folder != '\0';) {
        size_t len = strcspn(folder, ":");
        int n = snprintf(ret_path, PATH_MAX, "%.*s/docker-credential-%s", (int)len, folder, name);

        if (folder[0] == '/' && n > 0 && n < PATH_MAX && access(ret_path, X_OK) == 0)
            return MU_OK;
        folder += len + (folder[len] == ':');
    }
    return mu_fail(err, MU_E_DENIED, "there is no program docker-credential-%s in PATH", name);
}

/* Our environment without our own secrets; the array alone is owned. */
static char **environment_for_child(void)
{
    size_t count = 0, kept = 0;
    char **list;

    while (environ[count])
        count++;
    list = mu_xcalloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        if (!mu_text_starts(environ[i], "MUSTER_"))
            list[kept++] = environ[i];
    }
    return list;
}

struct child {
    pid_t pid;
    int in, out; /* ours */
};

static void limit(int resource, rlim_t value)
{
    const struct rlimit both = {value, value};

    (void)setrlimit((__rlimit_resource_t)resource, &both);
}

/* Between fork and exec: only what may be called there (signal-safety(7)). */
static void become(const char *path, char *const *environment, int in, int out)
{
    char *const argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t) "get", NULL};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)setpgid(0, 0);
    limit(RLIMIT_CPU, CPU_MAX_S);
    limit(RLIMIT_FSIZE, FILE_MAX_BYTES);
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_CORE, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        (void)execve(path, argv, environment);
    _exit(127);
}

static enum mu_status child_start(const char *path, struct child *ret_child, struct mu_error *err)
{
    MU_AUTO_FREE char **environment = environment_for_child();
    int in[2], out[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "%s: %s", path, strerror(errno));
    if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0) {
        (void)close(in[0]), (void)close(in[1]);
        return mu_fail(err, MU_E_UNAVAILABLE, "%s: %s", path, strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        (void)fcntl(out[1], F_SETFL, 0); /* blocking, for the child */
        become(path, environment, in[1], out[1]);
    }
    (void)close(in[1]), (void)close(out[1]);
    if (pid < 0) {
        (void)close(in[0]), (void)close(out[0]);
        return mu_fail(err, MU_E_UNAVAILABLE, "%s: %s", path, strerror(errno));
    }
    *ret_child = (struct child){.pid = pid, .in = in[0], .out = out[0]};
    return MU_OK;
}

/* All the child says, until it ends its output. */
static enum mu_status child_read(const struct child *child, uint64_t ends_at_ms, struct mu_buf *out,
                                 struct mu_error *err)
{
    struct pollfd wait = {.fd = child->out, .events = POLLIN};
    char bytes[4096];

    for (;;) {
        ssize_t n = read(child->out, bytes, sizeof(bytes));

        if (n == 0)
            break;
        if (n > 0)
            mu_buf_append(out, bytes, (size_t)n);
        else if (errno != EAGAIN && errno != EINTR)
            return mu_fail(err, MU_E_UNAVAILABLE, "reading: %s", strerror(errno));
        if (mu_buf_status(out, "its answer", err) != MU_OK)
            return err->status;
        if (mu_monotonic_ms() >= ends_at_ms)
            return mu_fail(err, MU_E_UNAVAILABLE, "no answer within %d s", TIME_MAX_MS / 1000);
        if (n < 0)
            (void)poll(&wait, 1, POLL_MS);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return MU_OK;
}

/* The exit status; a child that does not end in time, or shall not, is killed with all of its. Its
 * group is killed while it is still ours: before it is taken off the table of processes. */
static int child_end(struct child *child, uint64_t ends_at_ms)
{
    siginfo_t info = {.si_pid = 0};
    int status = -1;

    (void)close(child->in), (void)close(child->out);
    while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0 && mu_monotonic_ms() < ends_at_ms)
        (void)poll(NULL, 0, POLL_MS);
    (void)kill(-child->pid, SIGKILL);
    (void)waitpid(child->pid, &status, 0);
    return status;
}

static enum mu_status program_run(const char *path, const char *server, struct mu_buf *out,
                                  int *ret_exit, struct mu_error *err)
{
    uint64_t ends_at_ms = mu_monotonic_ms() + TIME_MAX_MS;
    struct child child = {.pid = 0};
    enum mu_status st;
    int status;

    if (child_start(path, &child, err) != MU_OK)
        return err->status;
    (void)send(child.in, server, strlen(server), MSG_NOSIGNAL);
    (void)shutdown(child.in, SHUT_WR);
    st = child_read(&child, ends_at_ms, out, err);
    status = child_end(&child, st == MU_OK ? ends_at_ms : 0);
    if (st != MU_OK)
        return st;
    if (!WIFEXITED(status))
        return mu_fail(err, MU_E_DENIED, "it was ended by signal %d",
                       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    *ret_exit = WEXITSTATUS(status);
    return MU_OK;
}

static enum mu_status failed(const struct mu_buf *said, int code, struct mu_error *err)
{
    int len = (int)strcspn(said->data, "\r\n");

    return mu_fail(err, MU_E_DENIED, "it failed with %d: %.*s", code,
                   len < SHOWN_MAX ? len : SHOWN_MAX, said->data);
}

enum mu_status credential_helper_get(const char *name, const char *server,
                                     struct registry_credential *credential, struct mu_error *err)
{
    MU_AUTO_DONE(registry_secret_done) struct mu_buf out;
    char path[PATH_MAX];
    int code = 0;

    mu_buf_init(&out, REGISTRY_ANSWER_MAX_BYTES);
    if (program_find(name, path, err) != MU_OK)
        return err->status;
    if (program_run(path, server, &out, &code, err) != MU_OK)
        return mu_wrap(err, "credential helper %s", name);
    if (code != 0 && strstr(out.data, "credentials not found")) {
        credential->kind = CREDENTIAL_NONE;
        return MU_OK;
    }
    if ((code != 0 ? failed(&out, code, err)
                   : credential_helper_parse(out.data, out.len, credential, err)) != MU_OK)
        return mu_wrap(err, "credential helper %s", name);
    return MU_OK;
}
