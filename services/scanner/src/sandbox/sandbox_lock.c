#include "sandbox/sandbox_lock.h"

#include "base/scope.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define MEMORY_IS_OURS 0
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define MEMORY_IS_OURS 0
#    endif
#endif
#ifndef MEMORY_IS_OURS
#    define MEMORY_IS_OURS 1 /* no sanitizer, whose own memory would be counted */
#endif

static const int allowed[] = {
        SCMP_SYS(read),
        SCMP_SYS(readv),
        SCMP_SYS(write),
        SCMP_SYS(writev),
        SCMP_SYS(pread64),
        SCMP_SYS(pwrite64),
        SCMP_SYS(recvfrom),
        SCMP_SYS(sendto),
        SCMP_SYS(recvmsg),
        SCMP_SYS(sendmsg),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(lseek),
        SCMP_SYS(fstat),
        SCMP_SYS(ftruncate),
        SCMP_SYS(fallocate),
        SCMP_SYS(close),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(brk),
        SCMP_SYS(futex),
        SCMP_SYS(sched_yield),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(tgkill),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(rseq),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(getrusage),
        SCMP_SYS(sched_getaffinity),
};

static const int deadly[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(bpf),
        SCMP_SYS(keyctl),
        SCMP_SYS(mount),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
};

static enum mu_status failed(struct mu_error *err, const char *what, int error)
{
    return mu_fail(err, MU_E_UNAVAILABLE, "sandbox: %s: %s", what, strerror(error));
}

static int rules_add(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0);
    int failure = 0;

    for (size_t i = 0; failure == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
        failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; failure == 0 && i < sizeof(deadly) / sizeof(deadly[0]); i++)
        failure = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    if (failure == 0)
        failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable);
    if (failure == 0)
        failure = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
    return failure;
}

/* TSYNC: also for the thread that is there already. */
static enum mu_status filter_load(struct mu_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failure = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM;

    if (failure == 0)
        failure = rules_add(filter);
    if (failure == 0)
        failure = seccomp_load(filter);
    seccomp_release(filter);
    return failure == 0 ? MU_OK : failed(err, "seccomp", -failure);
}

static enum mu_status limits_set(uint64_t cpu_seconds, struct mu_error *err)
{
    const struct {
        __rlimit_resource_t resource;
        rlim_t most;
    } rows[] = {{RLIMIT_CPU, cpu_seconds},
                {RLIMIT_FSIZE, SANDBOX_FILE_BYTES},
                {RLIMIT_CORE, 0},
                {RLIMIT_NOFILE, 0},
                {RLIMIT_NPROC, 0},
                {RLIMIT_MEMLOCK, 0},
                {RLIMIT_DATA, MEMORY_IS_OURS ? SANDBOX_DATA_BYTES : RLIM_INFINITY}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* A second more until the kernel kills: SIGXCPU says what it was. */
        const rlim_t grace = rows[i].resource == RLIMIT_CPU ? 1 : 0;
        const struct rlimit limit = {.rlim_cur = rows[i].most, .rlim_max = rows[i].most + grace};

        if (rows[i].most != RLIM_INFINITY && setrlimit(rows[i].resource, &limit) != 0)
            return failed(err, "setrlimit", errno);
    }
    return MU_OK;
}

static enum mu_status capabilities_drop(struct mu_error *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* may not be ours to drop */
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) != 0)
        return failed(err, "capset", errno);
    return MU_OK;
}

enum mu_status sandbox_lock(uint64_t cpu_seconds, struct mu_error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(err, "no_new_privs", errno);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (capabilities_drop(err) != MU_OK || limits_set(cpu_seconds, err) != MU_OK)
        return err->status;
    return filter_load(err);
}
