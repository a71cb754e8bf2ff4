/*
 * rpm_bytes: numbers in rpm's files. The caller has checked that the bytes are there.
 */
#ifndef SCANNER_PACKAGE_OS_RPM_BYTES_H
#define SCANNER_PACKAGE_OS_RPM_BYTES_H

#include <stdint.h>

static inline uint32_t rpm_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t rpm_le32(const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

#endif
