/* json_memory: values of parsed documents may outlive the thread that read them, and go anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json/json_doc.h"

#include <pthread.h>
#include <string.h>

enum { DOCUMENTS = 2000, THREADS = 40 };

static const char text[] = "{\"a\":[\"one\",\"two\",{\"b\":\"three\"}],\"c\":\"four\"}";

static json_t *parse(void)
{
    json_t *root = NULL;
    struct mu_error err;

    assert_int_equal(mu_json_parse(text, strlen(text), &mu_json_message_limits, &root, &err),
                     MU_OK);
    return root;
}

static void assert_whole(const json_t *root)
{
    assert_string_equal(mu_json_text_at(root, "a.0"), "one");
    assert_string_equal(mu_json_text_at(root, "a.2.b"), "three");
    assert_string_equal(mu_json_text_at(root, "c"), "four");
}

static void more_documents_than_a_pool_holds_stay_whole(void **state)
{
    static json_t *roots[DOCUMENTS];

    (void)state;
    for (int i = 0; i < DOCUMENTS; i++)
        roots[i] = parse();
    for (int i = 0; i < DOCUMENTS; i++) {
        assert_whole(roots[i]);
        json_decref(roots[i]);
    }
}

static void a_document_that_stays_is_not_written_over(void **state)
{
    json_auto_t *stays = parse();

    (void)state;
    for (int i = 0; i < DOCUMENTS; i++)
        json_decref(parse());
    assert_whole(stays);
}

static void a_document_that_grows_after_it_was_read_is_sound(void **state)
{
    json_auto_t *root = parse();

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(json_array_append_new(json_object_get(root, "a"), json_string("x")), 0);
    assert_int_equal(json_object_del(root, "c"), 0);
    assert_string_equal(mu_json_text_at(root, "a.2.b"), "three");
    assert_string_equal(mu_json_text_at(root, "a.102"), "x");
}

static void *parse_there(void *opaque)
{
    json_t **ret_root = opaque;

    *ret_root = parse();
    json_decref(parse());
    return NULL;
}

static void documents_of_threads_that_have_ended_are_whole(void **state)
{
    json_t *roots[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_there, &roots[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_whole(roots[i]);
        json_decref(roots[i]);
    }
}

static void a_document_that_is_dropped_leaves_those_before_it_whole(void **state)
{
    json_auto_t *first = parse(), *second = NULL;

    (void)state;
    for (int i = 0; i < DOCUMENTS; i++)
        mu_json_drop(parse());
    second = parse();
    mu_json_drop(parse());
    assert_whole(first);
    assert_whole(second);
}

static void documents_can_be_dropped_in_any_order(void **state)
{
    static json_t *roots[DOCUMENTS];

    (void)state;
    mu_json_drop(NULL);
    for (int i = 0; i < DOCUMENTS; i++)
        roots[i] = parse();
    for (int i = 0; i < DOCUMENTS; i++) {
        assert_whole(roots[DOCUMENTS - 1 - i]);
        mu_json_drop(roots[DOCUMENTS - 1 - i]);
    }
}

static void a_document_larger_than_a_pool_is_dropped_whole(void **state)
{
    MU_AUTO_DONE(mu_buf_done) struct mu_buf large;
    struct mu_error err;
    json_t *root = NULL;

    (void)state;
    mu_buf_init(&large, 1024 * 1024);
    mu_buf_puts(&large, "[0");
    for (int i = 0; i < 20000; i++)
        mu_buf_puts(&large, ",\"some text\"");
    mu_buf_puts(&large, "]");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mu_json_parse(large.data, large.len, &mu_json_message_limits, &root, &err),
                         MU_OK);
        assert_string_equal(mu_json_text_at(root, "20000"), "some text");
        mu_json_drop(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(more_documents_than_a_pool_holds_stay_whole),
            cmocka_unit_test(a_document_that_stays_is_not_written_over),
            cmocka_unit_test(a_document_that_grows_after_it_was_read_is_sound),
            cmocka_unit_test(a_document_that_is_dropped_leaves_those_before_it_whole),
            cmocka_unit_test(documents_can_be_dropped_in_any_order),
            cmocka_unit_test(a_document_larger_than_a_pool_is_dropped_whole),
            cmocka_unit_test(documents_of_threads_that_have_ended_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
