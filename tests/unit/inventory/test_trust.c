/* Which tables a batch takes to have none of its rows. */
#include "store/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_needs_more_than_a_look_is_never_trusted(void **state)
{
    const struct trust trust = {.tables = {{.batches = 0}}};

    (void)state;
    assert_true(trust_in(&trust, WRITE_RUN_FACTS));
    assert_true(trust_in(&trust, WRITE_LEDGER_IDS));
    assert_false(trust_in(&trust, WRITE_JOBS_WANTED)); /* a job that is there may change */
    assert_false(trust_in(NULL, WRITE_RUN_FACTS));
}

static void a_mistake_costs_only_its_own_table(void **state)
{
    struct trust trust = {.tables = {{.batches = 0}}};

    (void)state;
    assert_true(trust_broken(&trust, "ledger_ids_3")); /* a partition */
    assert_false(trust_in(&trust, WRITE_LEDGER_IDS));
    assert_true(trust_in(&trust, WRITE_INSTANCES));
    assert_true(trust_broken(&trust, "assets"));
    assert_false(trust_in(&trust, WRITE_ASSETS));
    assert_true(trust_in(&trust, WRITE_ASSET_DIGESTS));
}

/* Who was asked first has not lied, and what is not trusted is somebody else's. */
static void others_are_not_blamed(void **state)
{
    struct trust trust = {.tables = {{.batches = 0}}};

    (void)state;
    assert_false(trust_broken(&trust, "scan_jobs"));
    assert_false(trust_broken(&trust, ""));
    assert_true(trust_broken(&trust, "run_facts"));
    assert_false(trust_broken(&trust, "run_facts"));
    assert_true(trust_broken(&trust, "run_image_facts")); /* not one of its partitions */
}

static unsigned batches_until_trusted(struct trust *trust)
{
    unsigned batches = 0;

    while (!trust_in(trust, WRITE_RUN_FACTS)) {
        trust_kept(trust);
        batches++;
    }
    return batches;
}

static void each_mistake_costs_twice_as_long_up_to_an_end(void **state)
{
    struct trust trust = {.tables = {{.batches = 0}}};

    (void)state;
    for (unsigned wanted = TRUST_PATIENCE_MIN; wanted <= TRUST_PATIENCE_MAX; wanted *= 2) {
        assert_true(trust_broken(&trust, "run_facts"));
        assert_int_equal(batches_until_trusted(&trust), wanted);
    }
    assert_true(trust_broken(&trust, "run_facts"));
    assert_int_equal(batches_until_trusted(&trust), TRUST_PATIENCE_MAX);
}

static void a_long_time_without_one_makes_it_cheap_again(void **state)
{
    struct trust trust = {.tables = {{.batches = 0}}};

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(trust_broken(&trust, "run_facts"));
        (void)batches_until_trusted(&trust);
    }
    for (int i = 0; i < TRUST_PATIENCE_MAX; i++)
        trust_kept(&trust);
    assert_true(trust_broken(&trust, "run_facts"));
    assert_int_equal(batches_until_trusted(&trust), TRUST_PATIENCE_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_needs_more_than_a_look_is_never_trusted),
            cmocka_unit_test(a_mistake_costs_only_its_own_table),
            cmocka_unit_test(others_are_not_blamed),
            cmocka_unit_test(each_mistake_costs_twice_as_long_up_to_an_end),
            cmocka_unit_test(a_long_time_without_one_makes_it_cheap_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
