/*
 * rpm_build: headers of rpm made entry by entry, sound or not. Header-only; for tests.
 */
#ifndef TESTS_SUPPORT_RPM_BUILD_H
#define TESTS_SUPPORT_RPM_BUILD_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RPM_T_CHAR = 1, RPM_T_INT32 = 4, RPM_T_STRING = 6, RPM_T_ARRAY = 8, RPM_T_I18N = 9 };

enum {
    RPM_NAME = 1000,
    RPM_VERSION = 1001,
    RPM_RELEASE = 1002,
    RPM_EPOCH = 1003,
    RPM_VENDOR = 1011,
    RPM_LICENSE = 1014,
    RPM_ARCH = 1022,
    RPM_FILESTATES = 1029,
    RPM_FILEFLAGS = 1037,
    RPM_SOURCERPM = 1044,
    RPM_DIRINDEXES = 1116,
    RPM_BASENAMES = 1117,
    RPM_DIRNAMES = 1118,
    RPM_MODULE = 5096
};

struct rpm_build {
    struct mu_buf index, store, whole;
    uint32_t count;
};

static inline void rpm_build_u32(struct mu_buf *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};

    mu_buf_append(out, bytes, sizeof(bytes));
}

static inline void rpm_build_init(struct rpm_build *build)
{
    mu_buf_init(&build->index, 1 << 20);
    mu_buf_init(&build->store, 1 << 20);
    mu_buf_init(&build->whole, 1 << 21);
    build->count = 0;
}

static inline void rpm_build_done(struct rpm_build *build)
{
    mu_buf_done(&build->index);
    mu_buf_done(&build->store);
    mu_buf_done(&build->whole);
}

/* An entry whose value lies at `offset` of the store, wherever that is. */
static inline void rpm_build_entry(struct rpm_build *build, uint32_t tag, uint32_t type,
                                   uint32_t offset, uint32_t count)
{
    rpm_build_u32(&build->index, tag);
    rpm_build_u32(&build->index, type);
    rpm_build_u32(&build->index, offset);
    rpm_build_u32(&build->index, count);
    build->count++;
}

static inline void rpm_build_text(struct rpm_build *build, uint32_t tag, const char *text)
{
    rpm_build_entry(build, tag, RPM_T_STRING, (uint32_t)build->store.len, 1);
    mu_buf_append(&build->store, text, strlen(text) + 1);
}

static inline void rpm_build_texts(struct rpm_build *build, uint32_t tag, uint32_t count,
                                   const char *const *texts)
{
    rpm_build_entry(build, tag, RPM_T_ARRAY, (uint32_t)build->store.len, count);
    for (uint32_t i = 0; i < count; i++)
        mu_buf_append(&build->store, texts[i], strlen(texts[i]) + 1);
}

static inline void rpm_build_numbers(struct rpm_build *build, uint32_t tag, uint32_t count,
                                     const uint32_t *numbers)
{
    rpm_build_entry(build, tag, RPM_T_INT32, (uint32_t)build->store.len, count);
    for (uint32_t i = 0; i < count; i++)
        rpm_build_u32(&build->store, numbers[i]);
}

/* "name" 1.0-1: what every header needs. */
static inline void rpm_build_package(struct rpm_build *build, const char *name)
{
    rpm_build_text(build, RPM_NAME, name);
    rpm_build_text(build, RPM_VERSION, "1.0");
    rpm_build_text(build, RPM_RELEASE, "1");
}

/* The header's bytes: `whole.data` and `whole.len`. */
static inline void rpm_build_end(struct rpm_build *build)
{
    mu_buf_reset(&build->whole);
    rpm_build_u32(&build->whole, build->count);
    rpm_build_u32(&build->whole, (uint32_t)build->store.len);
    mu_buf_append(&build->whole, build->index.data, build->index.len);
    mu_buf_append(&build->whole, build->store.data, build->store.len);
}

#endif
