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

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(more_documents_than_a_pool_holds_stay_whole),
            cmocka_unit_test(a_document_that_stays_is_not_written_over),
            cmocka_unit_test(a_document_that_grows_after_it_was_read_is_sound),
            cmocka_unit_test(documents_of_threads_that_have_ended_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
