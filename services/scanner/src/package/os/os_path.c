#include "package/os/os_path.h"

#include "base/text.h"

#include <string.h>

/* rpm's own, the one for images of sealed systems, and Fedora CoreOS's. */
static const char *const rpm_folders[] = {"var/lib/rpm/", "usr/lib/sysimage/rpm/",
                                          "usr/share/rpm/"};

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

bool os_path_is_in_rpm(const char *path, const char *file)
{
    for (size_t i = 0; i < sizeof(rpm_folders) / sizeof(rpm_folders[0]); i++) {
        const char *name = os_path_child(path, rpm_folders[i]);

        if (name && strcmp(name, file) == 0)
            return true;
    }
    return false;
}
