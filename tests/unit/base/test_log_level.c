#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <string.h>

/* Leaves bytes where the next call keeps its locals. */
__attribute__((noinline)) static void dirty_stack(void)
{
    volatile char bytes[4096];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)0xaa;
}

static void a_line_below_the_level_leaves_nothing_behind(void **state)
{
    (void)state;
    mu_log_init("test", MU_LOG_ERROR);
    dirty_stack();
    MU_LOG(MU_LOG_DEBUG, "not shown", MU_KV("key", "value"));
    dirty_stack();
    MU_LOG(MU_LOG_WARN, "not shown either", MU_KV_INT("number", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_line_below_the_level_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
