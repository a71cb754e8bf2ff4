#include "gate/admission.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MU_AUTO(arena) struct mu_arena *arena = mu_arena_new(8 << 20);
    MU_AUTO_DONE(admission_request_done) struct admission_request request = {0};
    MU_AUTO_DONE(mu_buf_done) struct mu_buf out;
    struct mu_error err;

    mu_buf_init(&out, 1 << 20);
    if (admission_parse((const char *)data, size, arena, &request, &err) == MU_OK) {
        const struct admission_answer answer = {
                .uid = request.uid, .message = request.name, .decisions = request.user};

        (void)!admission_write(&answer, &out, &err);
    }
    return 0;
}
