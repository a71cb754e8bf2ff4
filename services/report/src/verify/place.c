#include "verify/place.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 16 };

static enum mu_status make_folder(struct verify_place *place, struct mu_error *err)
{
    const char *const folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp", "."};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (!folders[i] || !*folders[i] ||
            snprintf(place->folder, sizeof(place->folder), "%s/muster-verify-XXXXXX", folders[i]) >=
                    (int)sizeof(place->folder))
            continue;
        if (mkdtemp(place->folder)) {
            place->is_temporary = true;
            return MU_OK;
        }
    }
    place->folder[0] = '\0';
    return mu_fail(err, MU_E_UNAVAILABLE, "no room to unpack under TMPDIR, /var/tmp or /tmp: %s",
                   strerror(errno));
}

enum mu_status verify_place_open(const char *path, const char *only, uint64_t max_bytes,
                                 struct verify_place *ret_place,
                                 char ret_entry[ARCHIVE_NAME_MAX + 1], struct mu_error *err)
{
    const struct archive_limits limits = {max_bytes, VERIFY_MAX_FILES};
    struct stat status;
    enum mu_status st;

    *ret_entry = '\0';
    if (stat(path, &status) != 0)
        return mu_fail(err, MU_E_NOT_FOUND, "'%s': %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode)) {
        if (snprintf(ret_place->folder, sizeof(ret_place->folder), "%s", path) >=
            (int)sizeof(ret_place->folder))
            return mu_fail(err, MU_E_NOT_FOUND, "path '%.100s...' is too long", path);
        return MU_OK;
    }
    if (!S_ISREG(status.st_mode))
        return mu_fail(err, MU_E_NOT_FOUND, "'%s' is neither a folder nor a file", path);
    st = make_folder(ret_place, err);
    return st == MU_OK ? archive_unpack(path, &limits, only, ret_place->folder, ret_entry, err)
                       : st;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    (void)remove(path);
    return 0;
}

void verify_place_close(struct verify_place *place)
{
    if (place->is_temporary)
        (void)nftw(place->folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    place->folder[0] = '\0';
    place->is_temporary = false;
}
