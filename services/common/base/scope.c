#include "base/scope.h"

#include <stdlib.h>
#include <unistd.h>

void mu_release_memory(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

void mu_release_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

void mu_release_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}
