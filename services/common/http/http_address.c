#include "http/http_address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct block {
    uint8_t prefix[16];
    unsigned bits;
};

static const struct block v4_blocks[] = {
        {{0}, 8},             /* this network */
        {{10}, 8},            /* private */
        {{100, 64}, 10},      /* shared: carrier-grade NAT */
        {{127}, 8},           /* loopback */
        {{169, 254}, 16},     /* link-local: metadata services */
        {{172, 16}, 12},      /* private */
        {{192, 0, 0}, 24},    /* protocol assignments */
        {{192, 0, 2}, 24},    /* documentation */
        {{192, 168}, 16},     /* private */
        {{198, 18}, 15},      /* benchmarks */
        {{198, 51, 100}, 24}, /* documentation */
        {{203, 0, 113}, 24},  /* documentation */
        {{224}, 4},           /* multicast */
        {{240}, 4},           /* reserved, broadcast */
};

static const struct block v6_blocks[] = {
        {{0}, 96},                                  /* unspecified, loopback, IPv4-compatible */
        {{0x01}, 64},                               /* discard */
        {{0x20, 0x01, 0x00, 0x00}, 23},             /* protocol assignments, Teredo */
        {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation */
        {{0xfc}, 7},                                /* unique local */
        {{0xfe, 0x80}, 10},                         /* link-local */
        {{0xfe, 0xc0}, 10},                         /* site-local */
        {{0xff}, 8},                                /* multicast */
        {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* local-use translation */
};

/* Where an IPv6 address carries an IPv4 one. */
static const struct {
    struct block block;
    size_t offset;
} carriers[] = {
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12}, /* mapped */
        {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},                   /* NAT64 */
        {{{0x20, 0x02}, 16}, 2},                                /* 6to4 */
};

static bool is_in(const uint8_t *address, const struct block *block)
{
    unsigned whole = block->bits / 8, rest = block->bits % 8;

    if (memcmp(address, block->prefix, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ block->prefix[whole]) >> (8 - rest)) == 0;
}

static bool is_in_any(const uint8_t *address, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_in(address, &blocks[i]))
            return true;
    return false;
}

static bool v4_public(const uint8_t *address)
{
    return !is_in_any(address, v4_blocks, sizeof(v4_blocks) / sizeof(v4_blocks[0]));
}

static bool v6_public(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++)
        if (is_in(address, &carriers[i].block))
            return v4_public(address + carriers[i].offset);
    return !is_in_any(address, v6_blocks, sizeof(v6_blocks) / sizeof(v6_blocks[0]));
}

bool http_address_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return v4_public((const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        return v6_public(v6.sin6_addr.s6_addr);
    }
    return false;
}
