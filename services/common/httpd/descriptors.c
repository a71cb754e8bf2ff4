#include "httpd/descriptors.h"

#include <sys/resource.h>

enum { OTHER_DESCRIPTORS = 256, LEAST_CONNECTIONS = 16 };

unsigned descriptors_for(unsigned wanted)
{
    rlim_t needed = (rlim_t)wanted + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return wanted;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return wanted;
    return limit.rlim_cur > OTHER_DESCRIPTORS + LEAST_CONNECTIONS
                   ? (unsigned)limit.rlim_cur - OTHER_DESCRIPTORS
                   : LEAST_CONNECTIONS;
}
