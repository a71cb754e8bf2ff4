/* What a registry no longer has: told, and told anew when it comes back as something else. */
#include "one_world.h"

static void a_version_tag_deleted_and_pushed_again_with_another_image_raises_a_warning(void **state)
{
    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    world_apply(&w);
    add_delete(&w, "e2", "1.0", NULL, T(1));
    world_apply(&w);
    add_push(&w, "e3", "1.0", digest_of('b'), T(2));
    add_push(&w, "e4", "1.0", digest_of('b'), T(3));
    world_apply(&w);
    assert_sql(&w,
               "SELECT string_agg(kind || ' ' || severity || ' ' || left(message, 42), ', ') FROM "
               "notifications",
               "tag_moved warning a version tag was deleted and pushed again");
}

static void an_asset_says_since_when_it_is_gone(void **state)
{
    static const char gone[] = "SELECT string_agg(concat(a.tag, ' ', substr(a.digest, 8, 1), "
                               "to_char(a.gone_since, ' MI')), ', ' ORDER BY a.uai) "
                               "FROM list_assets('2026-11-01T01:00:00Z', 'infinity') a";

    (void)state;
    add_push(&w, "e1", "1.0", digest_of('a'), T(0));
    add_push(&w, "e2", "1.1", digest_of('b'), T(0));
    add_push(&w, "e3", NULL, digest_of('c'), T(0));
    add_delete(&w, "e4", "1.0", NULL, T(10));
    add_delete(&w, "e5", NULL, digest_of('b'), T(20));
    add_delete(&w, "e6", NULL, digest_of('c'), T(30));
    world_apply(&w);
    assert_sql(&w, gone, "1.0  10, 1.1  20,  c 30");
    add_push(&w, "e7", "1.0", digest_of('d'), T(40));
    add_push(&w, "e8", NULL, digest_of('c'), T(40));
    world_apply(&w);
    assert_sql(&w, gone, "1.0 d, 1.1  20,  c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            WORLD_TEST(a_version_tag_deleted_and_pushed_again_with_another_image_raises_a_warning),
            WORLD_TEST(an_asset_says_since_when_it_is_gone),
    };

    return pg_server_group(&world_server, tests);
}
