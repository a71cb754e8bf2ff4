/*
 * scope: release on every way out of a block.
 *
 *   MU_DEFINE_AUTO(buf, struct mu_buf, mu_buf_free)   in the header of a heap object
 *   MU_AUTO(buf) struct mu_buf *b = NULL;             at its use
 *
 * To hand ownership out, copy the pointer to `ret_x` and set the local to NULL.
 */
#ifndef MU_BASE_SCOPE_H
#define MU_BASE_SCOPE_H

#include <stdio.h>

#define MU_DEFINE_AUTO(name, type, release)                  \
    /* NOLINTNEXTLINE(bugprone-macro-parentheses): a type */ \
    static inline void mu_auto_release_##name(type **object) \
    {                                                        \
        release(*object);                                    \
    }

#define MU_AUTO(name) __attribute__((cleanup(mu_auto_release_##name)))
/* For storage the scope owns: MU_AUTO_DONE(mu_buf_done) struct mu_buf b = ...; */
#define MU_AUTO_DONE(done) __attribute__((cleanup(done)))

/* Hands a descriptor out of its scope. */
static inline int mu_take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

void mu_release_memory(void *pointer_to_pointer);
void mu_release_fd(const int *fd);
void mu_release_file(FILE **file);

#define MU_AUTO_FREE __attribute__((cleanup(mu_release_memory)))
#define MU_AUTO_FD   __attribute__((cleanup(mu_release_fd)))
#define MU_AUTO_FILE __attribute__((cleanup(mu_release_file)))

#endif
