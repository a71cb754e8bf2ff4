#include "package/finder.h"

#include "check/check_finders.h"
#include "package/language/language_finders.h"
#include "package/os/os_finders.h"
#include "package/unread_database.h"

/* At most SUMMARY_FINDERS_MAX (layer/layer_summary.h). */
const struct finder *const finders[] = {
        &finder_dpkg_status,     &finder_dpkg_status_d,   &finder_dpkg_list,
        &finder_dpkg_md5sums,    &finder_apk_installed,   &finder_rpm_sqlite,
        &finder_rpm_ndb,         &finder_rpm_bdb,         &finder_rpm_wal,
        &finder_rpm_manifest,    &finder_os_release,      &finder_unread_database,
        &finder_python_metadata, &finder_python_egg,      &finder_node_package,
        &finder_node_installed,  &finder_java_archive,    &finder_java_release,
        &finder_executable,      &finder_ruby_gemspec,    &finder_php_installed,
        &finder_dotnet_packages, &finder_dotnet_assembly, &check_entries_finder,
        &check_secrets_finder,   &check_accounts_finder,  &check_sudoers_finder,
};

const size_t finder_count = sizeof(finders) / sizeof(finders[0]);
