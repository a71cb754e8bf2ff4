/* `muster-scanner db`: which of its parts is meant. */
#include "app/db.h"

#include "database/document.h"

#include "base/text.h"

#include <stdio.h>

#define OPTION(member) offsetof(struct db_config, member)

const struct mu_option db_options[DB_OPTION_COUNT] = {
        {"out", MU_OPTION_TEXT, OPTION(out), "vulnerabilities.db", 0, 0, 0,
         "build, update: file to write; it appears whole or not at all"},
        {"built-at", MU_OPTION_TEXT, OPTION(built_at), NULL, 0, 0, 0,
         "build: when the sources were fetched, RFC 3339 or now (default: the newest record's "
         "time)"},
        {"database", MU_OPTION_TEXT, OPTION(database), "vulnerabilities.db", 0, 0, 0,
         "query: database to ask"},
        {"format", MU_OPTION_TEXT, OPTION(format), "text", 0, 0, 0, "info, query: text or json"},
        {"sources", MU_OPTION_TEXT, OPTION(sources), "sources.json", 0, 0, 0,
         "update: JSON file of the sources and where they are kept"},
};

int db_fail(const struct mu_error *err, int code)
{
    (void)fprintf(stderr, "muster-scanner: %s\n", err->message);
    return code;
}

static int usage(void)
{
    const char *kind;

    (void)fprintf(stderr, "muster-scanner: db build INPUT..., db update, db info FILE, "
                          "db verify FILE or db query PURL\n"
                          "An INPUT is a path, or KIND:PATH with one of:");
    for (size_t i = 0; (kind = document_kind_name_at(i)); i++)
        (void)fprintf(stderr, " %s", kind);
    (void)fputc('\n', stderr);
    return MU_EXIT_USAGE;
}

int db_command(void *config_struct, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct db_config *, int, char **);
        int min, max; /* words behind the name */
    } parts[] = {{"build", db_build, 1, 1 << 20},
                 {"update", db_update, 0, 0},
                 {"info", db_info, 1, 1},
                 {"verify", db_verify, 1, 1},
                 {"query", db_query, 1, 1}};

    for (size_t i = 0; argc > 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (mu_text_equal(argv[0], parts[i].name) && argc - 1 >= parts[i].min &&
            argc - 1 <= parts[i].max)
            return parts[i].run(config_struct, argc - 1, argv + 1);
    return usage();
}
