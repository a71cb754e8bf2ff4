#include "import/external.h"

#include "import/external_command.h"
#include "import/import.h"

#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FILES_MAX = 4096,
    SAID_MAX_BYTES = 4096, /* the end of what it says on standard error */
    SAID_SHOWN_MAX = 300,
    POLL_MS = 50,
    TREE_FILES_MAX = 16,
    EXIT_NO_PROGRAM = 127
};

struct external_scanner {
    struct external_command command;
    struct external_limits limits;
    char text[EXTERNAL_COMMAND_MAX_BYTES]; /* the command as given */
};

/* One run. */
struct run {
    const struct external_scanner *scanner;
    char folder[PATH_MAX];
    pid_t pid;
    int out, said_fd; /* ours; -1: it ended that */
    uint64_t ends_at_ms;
    char said[SAID_MAX_BYTES];
    size_t said_len;
};

enum mu_status external_scanner_new(const char *command, const struct external_limits *limits,
                                    struct external_scanner **ret_scanner, struct mu_error *err)
{
    MU_AUTO(external_scanner)
    struct external_scanner *scanner = mu_xcalloc(1, sizeof(*scanner));

    if (external_command_split(command, &scanner->command, err) != MU_OK)
        return err->status;
    scanner->limits = *limits;
    (void)snprintf(scanner->text, sizeof(scanner->text), "%s", command);
    *ret_scanner = scanner;
    scanner = NULL;
    return MU_OK;
}

void external_scanner_free(struct external_scanner *scanner)
{
    free(scanner);
}

const char *external_scanner_name(const struct external_scanner *scanner)
{
    const char *program = scanner->command.argv[0], *slash = strrchr(program, '/');

    return slash ? slash + 1 : program;
}

void external_scanner_describe(const struct external_scanner *scanner, struct mu_buf *text)
{
    mu_buf_printf(text, "external=%s memory=%llu file=%llu deadline=%lld", scanner->text,
                  (unsigned long long)scanner->limits.memory_bytes,
                  (unsigned long long)scanner->limits.file_bytes,
                  (long long)scanner->limits.deadline_ms);
}

/* ---- its folder ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    (void)remove(path);
    return 0;
}

static void folder_remove(const struct run *run)
{
    if (run->folder[0] != '\0')
        (void)nftw(run->folder, remove_one, TREE_FILES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static enum mu_status folder_make(struct run *run, struct mu_error *err)
{
    const char *temp_dir = run->scanner->limits.temp_dir;

    if (snprintf(run->folder, sizeof(run->folder), "%s/muster-external-XXXXXX", temp_dir) >=
        (int)sizeof(run->folder)) {
        run->folder[0] = '\0';
        return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%.100s' has too long a name", temp_dir);
    }
    if (mkdtemp(run->folder))
        return MU_OK;
    run->folder[0] = '\0';
    return mu_fail(err, MU_E_UNAVAILABLE, "temp-dir '%s': %s", temp_dir, strerror(errno));
}

static enum mu_status fault(struct external_fault *ret_fault, const char *code, bool retryable,
                            struct mu_error *err)
{
    *ret_fault = (struct external_fault){code, retryable};
    return err->status = MU_E_INVALID;
}

static enum mu_status no_program(const char *name, struct external_fault *ret_fault,
                                 struct mu_error *err)
{
    (void)mu_fail(err, MU_E_NOT_FOUND, "there is no program '%.200s' that may be run", name);
    return fault(ret_fault, "scanner_missing", true, err);
}

/* ---- the child ---- */

/* Our environment without our own secrets, and with its TMPDIR; the array alone is owned. */
static char **environment_for(char *tmpdir)
{
    size_t count = 0, kept = 0;
    char **list;

    while (environ[count])
        count++;
    list = mu_xcalloc(count + 2, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        if (!mu_text_starts(environ[i], "MUSTER_") && !mu_text_starts(environ[i], "TMPDIR="))
            list[kept++] = environ[i];
    }
    list[kept] = tmpdir;
    return list;
}

static void limit(int resource, rlim_t value)
{
    struct rlimit both = {value, value}, now;

    if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < value)
        both.rlim_cur = both.rlim_max = now.rlim_max;
    (void)setrlimit((__rlimit_resource_t)resource, &both);
}

/* As execvp finds it. */
static bool program_find(const char *name, char ret_path[PATH_MAX])
{
    const char *folder = getenv("PATH");

    if (strchr(name, '/'))
        return snprintf(ret_path, PATH_MAX, "%s", name) < PATH_MAX && access(ret_path, X_OK) == 0;
    while (folder && *folder != '\0') {
        size_t len = strcspn(folder, ":");
        int n = snprintf(ret_path, PATH_MAX, "%.*s/%s", (int)len, folder, name);

        if (folder[0] == '/' && n > 0 && n < PATH_MAX && access(ret_path, X_OK) == 0)
            return true;
        folder += len + (folder[len] == ':');
    }
    return false;
}

struct start {
    const char *path;
    char *const *argv, *const *environment;
    const char *folder;
    const struct external_limits *limits;
    rlim_t cpu_s;
    int null, out, said;
};

/* Between fork and exec: only what may be called there (signal-safety(7)). */
static void become(const struct start *start)
{
    sigset_t none;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, start->cpu_s);
    limit(RLIMIT_DATA, start->limits->memory_bytes);
    limit(RLIMIT_FSIZE, start->limits->file_bytes);
    limit(RLIMIT_NOFILE, FILES_MAX);
    limit(RLIMIT_CORE, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(start->null, STDIN_FILENO) >= 0 && dup2(start->out, STDOUT_FILENO) >= 0 &&
        dup2(start->said, STDERR_FILENO) >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 &&
        chdir(start->folder) == 0)
        (void)execve(start->path, start->argv, start->environment);
    _exit(EXIT_NO_PROGRAM);
}

static rlim_t cpu_seconds(const struct external_limits *limits)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return (rlim_t)(limits->deadline_ms / 1000 + 1) * (rlim_t)(processors > 0 ? processors : 1);
}

/* Both ends of a pipe whose reading end is ours and does not block. */
static enum mu_status pipe_make(int ret_ends[2], struct mu_error *err)
{
    if (pipe2(ret_ends, O_CLOEXEC) != 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "pipe: %s", strerror(errno));
    (void)fcntl(ret_ends[0], F_SETFL, O_NONBLOCK);
    return MU_OK;
}

static enum mu_status child_fork(struct run *run, struct start *start, struct mu_error *err)
{
    int out[2], said[2];

    if (pipe_make(out, err) != MU_OK)
        return err->status;
    if (pipe_make(said, err) != MU_OK) {
        (void)close(out[0]), (void)close(out[1]);
        return err->status;
    }
    start->out = out[1];
    start->said = said[1];
    run->pid = fork();
    if (run->pid == 0)
        become(start);
    (void)close(out[1]), (void)close(said[1]);
    run->out = out[0];
    run->said_fd = said[0];
    if (run->pid < 0)
        return mu_fail(err, MU_E_UNAVAILABLE, "no process for %s: %s",
                       external_scanner_name(run->scanner), strerror(errno));
    (void)setpgid(run->pid, run->pid); /* whoever of us is first */
    return MU_OK;
}

static enum mu_status child_start(struct run *run, const char *repository, const char *digest,
                                  struct external_fault *ret_fault, struct mu_error *err)
{
    MU_AUTO_FREE char **argv = external_command_fill(&run->scanner->command, repository, digest);
    char tmpdir[PATH_MAX + 8], path[PATH_MAX];
    MU_AUTO_FREE char **environment = environment_for(tmpdir);
    MU_AUTO_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct start start = {.path = path,
                          .argv = argv,
                          .environment = environment,
                          .folder = run->folder,
                          .limits = &run->scanner->limits,
                          .cpu_s = cpu_seconds(&run->scanner->limits),
                          .null = null};

    if (!argv)
        return mu_fail(err, MU_E_UNAVAILABLE, "the command line is too long");
    if (!program_find(argv[0], path))
        return no_program(argv[0], ret_fault, err);
    (void)snprintf(tmpdir, sizeof(tmpdir), "TMPDIR=%s", run->folder);
    return child_fork(run, &start, err);
}

/* ---- what it says ---- */

/* The end of it is kept. */
static void said_add(struct run *run, const char *bytes, size_t len)
{
    size_t over;

    if (len > sizeof(run->said)) {
        bytes += len - sizeof(run->said);
        len = sizeof(run->said);
    }
    over = run->said_len + len > sizeof(run->said) ? run->said_len + len - sizeof(run->said) : 0;
    memmove(run->said, run->said + over, run->said_len - over);
    memcpy(run->said + run->said_len - over, bytes, len);
    run->said_len += len - over;
}

/* Reads what is there; closes at the end. True when there was something, or it ended. */
static bool drain(struct run *run, int *fd, struct mu_buf *report)
{
    char bytes[64 * 1024];
    ssize_t n = *fd >= 0 ? read(*fd, bytes, sizeof(bytes)) : -1;

    if (n > 0 && report)
        mu_buf_append(report, bytes, (size_t)n);
    else if (n > 0)
        said_add(run, bytes, (size_t)n);
    if (n == 0 || (n < 0 && *fd >= 0 && errno != EAGAIN && errno != EINTR)) {
        (void)close(*fd);
        *fd = -1;
        return true;
    }
    return n > 0;
}

static enum mu_status child_read(struct run *run, struct mu_buf *report,
                                 struct external_fault *ret_fault, struct mu_error *err)
{
    const char *name = external_scanner_name(run->scanner);

    while (run->out >= 0 || run->said_fd >= 0) {
        struct pollfd wait[2] = {{.fd = run->out, .events = POLLIN},
                                 {.fd = run->said_fd, .events = POLLIN}};
        bool said = drain(run, &run->said_fd, NULL), more = drain(run, &run->out, report);

        if (mu_buf_status(report, "report", err) != MU_OK) {
            (void)mu_fail(err, MU_E_LIMIT, "%s prints more than %d bytes", name, IMPORT_MAX_BYTES);
            return fault(ret_fault, "limit", false, err);
        }
        if (mu_stop_requested())
            return mu_fail(err, MU_E_UNAVAILABLE, "the scanner is stopping");
        if (mu_monotonic_ms() >= run->ends_at_ms) {
            (void)mu_fail(err, MU_E_LIMIT, "%s takes longer than %lld ms", name,
                          (long long)run->scanner->limits.deadline_ms);
            return fault(ret_fault, "scanner_timeout", true, err);
        }
        if (!said && !more)
            (void)poll(wait, 2, POLL_MS);
    }
    return MU_OK;
}

/* The last line with something in it, as text. */
static const char *said_last(struct run *run)
{
    size_t len = run->said_len < sizeof(run->said) ? run->said_len : sizeof(run->said) - 1;
    char *text = run->said, *line;

    if (len < run->said_len)
        memmove(text, text + run->said_len - len, len);
    while (len > 0 && (unsigned char)text[len - 1] <= ' ')
        len--;
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        text[i] = text[i] == '\0' ? ' ' : text[i];
    line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    mu_utf8_clean(line);
    return line[0] != '\0' ? line : "it said nothing";
}

/* ---- its end ---- */

/* Its group is killed while it is still ours: before the child is taken off the table. */
static int child_end(struct run *run, bool at_once)
{
    siginfo_t info = {.si_pid = 0};
    int status = -1;

    if (run->out >= 0)
        (void)close(run->out);
    if (run->said_fd >= 0)
        (void)close(run->said_fd);
    while (!at_once && waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0 && mu_monotonic_ms() < run->ends_at_ms && !mu_stop_requested())
        (void)poll(NULL, 0, POLL_MS / 5);
    (void)kill(-run->pid, SIGKILL);
    (void)waitpid(run->pid, &status, 0);
    return status;
}

static enum mu_status judge_end(struct run *run, int status, struct external_fault *ret_fault,
                                struct mu_error *err)
{
    const char *name = external_scanner_name(run->scanner);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    if (code == 0)
        return MU_OK;
    if (code == EXIT_NO_PROGRAM && run->said_len == 0)
        return no_program(run->scanner->command.argv[0], ret_fault, err);
    if (code > 0) {
        (void)mu_fail(err, MU_E_INVALID, "%s ended with %d: %.*s", name, code, SAID_SHOWN_MAX,
                      said_last(run));
        return fault(ret_fault, "scanner_failed", true, err);
    }
    code = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (code == SIGKILL && mu_monotonic_ms() >= run->ends_at_ms) {
        (void)mu_fail(err, MU_E_LIMIT, "%s takes longer than %lld ms", name,
                      (long long)run->scanner->limits.deadline_ms);
        return fault(ret_fault, "scanner_timeout", true, err);
    }
    (void)mu_fail(err, MU_E_INVALID, "%s was ended by signal %d (%s): %.*s", name, code,
                  strsignal(code), SAID_SHOWN_MAX, said_last(run));
    return code == SIGXCPU || code == SIGXFSZ ? fault(ret_fault, "limit", false, err)
                                              : fault(ret_fault, "scanner_crashed", true, err);
}

enum mu_status external_scanner_run(const struct external_scanner *scanner, const char *repository,
                                    const char *digest, struct mu_buf *ret_report,
                                    struct external_fault *ret_fault, struct mu_error *err)
{
    MU_AUTO_DONE(folder_remove)
    struct run run = {.scanner = scanner, .out = -1, .said_fd = -1, .pid = -1};
    enum mu_status st;
    int status;

    run.ends_at_ms = mu_monotonic_ms() + (uint64_t)scanner->limits.deadline_ms;
    if (folder_make(&run, err) != MU_OK ||
        child_start(&run, repository, digest, ret_fault, err) != MU_OK) {
        if (run.out >= 0)
            (void)close(run.out), (void)close(run.said_fd);
        return err->status;
    }
    st = child_read(&run, ret_report, ret_fault, err);
    status = child_end(&run, st != MU_OK);
    return st == MU_OK ? judge_end(&run, status, ret_fault, err) : st;
}
