#include "package/os/os_path.h"

#include "base/text.h"

#include <string.h>

bool os_path_is_one_of(const char *path, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(path, paths[i]) == 0)
            return true;
    }
    return false;
}

const char *os_path_child(const char *path, const char *folder)
{
    const char *name;

    if (!mu_text_starts(path, folder))
        return NULL;
    name = path + strlen(folder);
    return name[0] != '\0' && !strchr(name, '/') ? name : NULL;
}
