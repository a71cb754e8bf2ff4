#include "base/stop.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/random.h>
#include <unistd.h>

/* One pipe for the process: its read end becomes readable once and stays so. */
static int stop_pipe[2] = {-1, -1};
static atomic_bool stop_flag;
/* And one whose bytes are the reloads asked for. */
static int reload_pipe[2] = {-1, -1};

void mu_stop_request(void)
{
    int saved = errno;

    atomic_store(&stop_flag, true);
    if (stop_pipe[1] >= 0 && write(stop_pipe[1], "", 1) < 0)
        errno = 0; /* full: already readable */
    errno = saved;
}

static void on_signal(int number)
{
    (void)number;
    mu_stop_request();
}

static void on_reload(int number)
{
    int saved = errno;

    (void)number;
    if (write(reload_pipe[1], "", 1) < 0)
        errno = 0; /* full: one is waiting anyhow */
    errno = saved;
}

void mu_reload_install(void)
{
    struct sigaction action = {.sa_handler = on_reload, .sa_flags = SA_RESTART};

    if (reload_pipe[0] < 0 && pipe2(reload_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        reload_pipe[0] = reload_pipe[1] = -1;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGHUP, &action, NULL);
}

/* True when a reload was asked for since the last call; several are one. */
static bool take_reloads(void)
{
    char bytes[64];
    bool asked = false;

    while (reload_pipe[0] >= 0 && read(reload_pipe[0], bytes, sizeof(bytes)) > 0)
        asked = true;
    return asked;
}

void mu_stop_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    if (stop_pipe[0] < 0 && pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        stop_pipe[0] = stop_pipe[1] = -1;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

bool mu_stop_requested(void)
{
    return atomic_load_explicit(&stop_flag, memory_order_relaxed);
}

/* Milliseconds until `end_ms`, in steps that poll takes; 0 when it is over. */
static int left_until(uint64_t end_ms)
{
    uint64_t now_ms = mu_monotonic_ms();

    return now_ms >= end_ms ? 0 : (int)(end_ms - now_ms > 60000 ? 60000 : end_ms - now_ms);
}

bool mu_stop_wait(int64_t timeout_ms)
{
    uint64_t end_ms = mu_monotonic_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    struct pollfd wait = {.fd = stop_pipe[0], .events = POLLIN};

    while (!mu_stop_requested()) {
        int left_ms = left_until(end_ms);

        if (left_ms == 0)
            return false;
        (void)poll(&wait, stop_pipe[0] >= 0 ? 1 : 0, left_ms);
    }
    return true;
}

enum mu_wake mu_wake_wait(int64_t timeout_ms)
{
    uint64_t end_ms = mu_monotonic_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    struct pollfd wait[] = {{.fd = stop_pipe[0], .events = POLLIN},
                            {.fd = reload_pipe[0], .events = POLLIN}};

    while (!mu_stop_requested()) {
        int left_ms = left_until(end_ms);

        if (take_reloads())
            return MU_WAKE_RELOAD;
        if (left_ms == 0)
            return MU_WAKE_TIME;
        (void)poll(wait, 2, left_ms); /* a negative fd is skipped */
    }
    return MU_WAKE_STOP;
}

int64_t mu_backoff_next_ms(struct mu_backoff *backoff)
{
    int64_t delay_ms = backoff->min_ms > 0 ? backoff->min_ms : 1;
    uint32_t random = 0;

    for (unsigned i = 0; i < backoff->attempt && delay_ms < backoff->max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > backoff->max_ms)
        delay_ms = backoff->max_ms;
    backoff->attempt++;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = 0;
    return delay_ms - (int64_t)(random % (uint64_t)(delay_ms / 2 + 1));
}

bool mu_backoff_wait(struct mu_backoff *backoff)
{
    return mu_stop_wait(mu_backoff_next_ms(backoff));
}
