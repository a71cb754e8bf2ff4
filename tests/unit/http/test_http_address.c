#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_address.h"
#include "http/http_client.h"
#include "http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return http_address_public((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return http_address_public((const struct sockaddr *)&v6);
}

/* tests/data/base/addresses.txt: a word and an address. */
static void addresses_are_told_apart_by_the_registries(void **state)
{
    FILE *file = fopen(MU_TEST_DATA "/base/addresses.txt", "r");
    char line[256], word[16], address[64];
    size_t rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %63s", word, address), 2);
        if (is_public(address) != (strcmp(word, "public") == 0))
            fail_msg("%s is not %s", address, word);
        rows++;
    }
    (void)fclose(file);
    assert_true(rows > 40);
}

static void what_is_no_ip_is_not_public(void **state)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    assert_false(http_address_public(&local));
}

/* "localhost" stands for any name that leads into one's own network. */
static void a_client_for_the_internet_opens_no_connection_to_this_machine(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost",  "[::ffff:127.0.0.1]",
                                        "0.0.0.0",   "2130706433", "0x7f.1"};
    const struct mu_http_client_config config = {.user_agent = "test", .public_only = true};
    struct http_peer peer = {
            .replies = {{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", PEER_CLOSE}}};

    (void)state;
    http_peer_start(&peer);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        MU_AUTO(http_client) struct mu_http_client *client = NULL;
        char url[128];
        const struct mu_http_request request = {.method = "GET", .url = url};
        struct mu_http_response response = {.status = 42};
        struct mu_error err;

        (void)snprintf(url, sizeof(url), "http://%s:%d/", hosts[i], peer.port);
        assert_int_equal(mu_http_client_new(&config, &client, &err), MU_OK);
        assert_int_equal(mu_http_request(client, &request, &response, &err), MU_E_INVALID);
        assert_non_null(strstr(err.message, "not one of the Internet"));
        assert_int_equal(response.status, 42);
    }
    http_peer_stop(&peer);
    assert_int_equal(peer.connections, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(addresses_are_told_apart_by_the_registries),
            cmocka_unit_test(what_is_no_ip_is_not_public),
            cmocka_unit_test(a_client_for_the_internet_opens_no_connection_to_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
