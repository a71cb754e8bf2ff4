#include "package/language/exe_packages.h"
#include "package/language/lang_json.h"

#include <isa-l.h>
#include <stdlib.h>

/*
 * Source: cargo-auditable, PARSING.md and cargo-auditable.schema.json.
 *
 * Left out: crates of kind "build", which are not in the program. Those of source "local" count:
 * the program's own crate is always one, also where it is published.
 */
enum {
    PACKED_MAX_BYTES = 8 * 1024 * 1024,
    UNPACKED_MAX_BYTES = 8 * 1024 * 1024,
    LIKELY_RATIO = 16
};

static enum mu_status unpack(const struct exe_part *part, const struct finder_sink *sink,
                             uint8_t **ret_bytes, size_t *ret_len, struct mu_error *err)
{
    MU_AUTO_FREE uint8_t *bytes = NULL;
    struct inflate_state state;
    size_t made;
    int status;

    if (part->len > PACKED_MAX_BYTES)
        return mu_fail(err, MU_E_LIMIT, "a list of crates of more than %d bytes", PACKED_MAX_BYTES);
    if (finder_may_unpack(sink, part->len * LIKELY_RATIO, err) != MU_OK)
        return err->status;
    bytes = malloc(UNPACKED_MAX_BYTES);
    if (!bytes)
        return mu_fail(err, MU_E_NOMEM, "no memory for a list of crates");
    isal_inflate_init(&state);
    state.next_in = (uint8_t *)(uintptr_t)part->bytes; /* not written to */
    state.avail_in = (uint32_t)part->len;
    state.next_out = bytes;
    state.avail_out = UNPACKED_MAX_BYTES;
    state.crc_flag = ISAL_ZLIB;
    status = isal_inflate_stateless(&state);
    made = UNPACKED_MAX_BYTES - state.avail_out;
    if (finder_may_unpack(sink, made, err) != MU_OK)
        return err->status;
    if (status == ISAL_OUT_OVERFLOW)
        return mu_fail(err, MU_E_LIMIT, "a list of crates that unpacks to more than %d bytes",
                       UNPACKED_MAX_BYTES);
    if (status != ISAL_DECOMP_OK)
        return mu_fail(err, MU_E_INVALID, "the list of crates is damaged");
    *ret_len = made;
    *ret_bytes = bytes;
    bytes = NULL;
    return MU_OK;
}

static enum mu_status crates_tell(struct lang_report *report, const json_t *crates,
                                  struct mu_error *err)
{
    const json_t *crate;
    size_t i;

    json_array_foreach (crates, i, crate) {
        struct lang_package package = {.type = "cargo",
                                       .name = lang_json_member(crate, "name"),
                                       .version = lang_json_member(crate, "version")};

        if (lang_is(lang_json_member(crate, "kind"), "build"))
            continue;
        if (lang_report_package(report, &package, err) != MU_OK)
            return err->status;
    }
    return MU_OK;
}

static enum mu_status list_tell(const struct exe_part *part, struct lang_report *report,
                                struct mu_error *err)
{
    MU_AUTO_FREE uint8_t *bytes = NULL;
    json_auto_t *root = NULL;
    size_t len = 0;

    if (unpack(part, report->sink, &bytes, &len, err) != MU_OK ||
        lang_json_load(lang_bytes(bytes, len), &root, err) != MU_OK)
        return err->status;
    return crates_tell(report, json_object_get(root, "packages"), err);
}

enum mu_status rust_audit_tell(const struct exe_image *image, struct lang_report *report,
                               struct mu_error *err)
{
    struct exe_part part;

    if (!exe_section(image, ".dep-v0", &part) || list_tell(&part, report, err) == MU_OK)
        return MU_OK;
    (void)mu_wrap(err, "cargo-auditable");
    return lang_report_absorb(report, err);
}
