/*
 * pg_server: a throwaway PostgreSQL for the tests of one program. Header-only; for tests.
 *
 *     static struct pg_server server;
 *     ...  pg_server_database(&server, conninfo);          an empty database for one test
 *          pg_server_fresh(&server, conninfo);             the same, emptied again: cheaper
 *     int main(void) { ...; return pg_server_group(&server, tests); }   starts, runs, removes
 *
 * It listens on a Unix socket in a folder of its own, so there is no port to be taken. PostgreSQL
 * refuses to run as root: root starts it as the package's user `postgres`. When the test program
 * dies, however it dies, the server goes with it. Nothing is fsynced.
 *
 * Without PostgreSQL's programs every test is skipped, with the reason.
 */
#ifndef MU_TEST_PG_SERVER_H
#define MU_TEST_PG_SERVER_H

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PG_SERVER_PATH_SIZE = 64,
    PG_SERVER_CONNINFO_SIZE = 256,
    PG_SERVER_DEADLINE_S = 45,
    PG_SERVER_STARTS = 50
};

struct pg_server {
    char folder[PG_SERVER_PATH_SIZE]; /* data/, log and the socket */
    char programs[PG_SERVER_PATH_SIZE];
    const struct passwd *owner; /* who runs it, and the superuser's name */
    pid_t pid;
    unsigned database_count;
    bool has_fresh;
};

static inline _Noreturn void pg_server_die(const struct pg_server *server, const char *what)
{
    char line[512];
    FILE *log;

    (void)snprintf(line, sizeof(line), "%s/log", server->folder);
    log = fopen(line, "re");
    while (log && fgets(line, sizeof(line), log))
        (void)fprintf(stderr, "postgres: %s", line);
    (void)fprintf(stderr, "pg_server: %s\n", what);
    _exit(1);
}

/* False when there is no PostgreSQL here. */
static inline bool pg_server_find(struct pg_server *server)
{
    glob_t found = {.gl_pathc = 0};
    bool ok = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

    if (ok)
        (void)snprintf(server->programs, sizeof(server->programs), "%.*s",
                       (int)(strlen(found.gl_pathv[found.gl_pathc - 1]) - strlen("/initdb")),
                       found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    server->owner = geteuid() == 0 ? getpwnam("postgres") : getpwuid(geteuid());
    return ok && server->owner;
}

/* Starts a program of PostgreSQL's as its owner, with its output in the log; gives its pid. */
static inline pid_t pg_server_spawn(const struct pg_server *server, const char *const *arguments)
{
    char path[PG_SERVER_PATH_SIZE + 32], log[PG_SERVER_PATH_SIZE + 8];
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/%s", server->programs, arguments[0]);
    (void)snprintf(log, sizeof(log), "%s/log", server->folder);
    pid = fork();
    if (pid != 0)
        return pid;
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(server->owner->pw_gid) != 0 ||
                           setuid(server->owner->pw_uid) != 0))
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* changing the user has cleared it: so only now */
    if (chdir("/") != 0 || dup2(open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), 1) < 0 ||
        dup2(1, 2) < 0 || dup2(open("/dev/null", O_RDONLY), 0) < 0)
        _exit(126);
    (void)execv(path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* Connection string of a database; "postgres" is always there. */
static inline void pg_server_conninfo(const struct pg_server *server, const char *database,
                                      char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    (void)snprintf(ret_conninfo, PG_SERVER_CONNINFO_SIZE, "host=%s port=5432 user=%s dbname=%s",
                   server->folder, server->owner->pw_name, database);
}

/* Runs SQL outside the code under test; dies when it fails. Gives the first cell (free it) or NULL.
 */
static inline char *pg_server_sql(const struct pg_server *server, const char *database,
                                  const char *sql)
{
    char conninfo[PG_SERVER_CONNINFO_SIZE], *cell = NULL;
    PGconn *connection;
    PGresult *result;

    pg_server_conninfo(server, database, conninfo);
    connection = PQconnectdb(conninfo);
    result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        pg_server_die(server, PQerrorMessage(connection));
    if (PQntuples(result) > 0 && PQnfields(result) > 0 && !PQgetisnull(result, 0, 0))
        cell = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return cell;
}

/* Runs the server on the data that is there and waits until it answers. */
static inline void pg_server_run(struct pg_server *server)
{
    static const struct timespec pause = {0, 20 * 1000 * 1000};
    char data[PG_SERVER_PATH_SIZE + 8], sockets[PG_SERVER_PATH_SIZE + 32];
    const char *const arguments[] = {"postgres",
                                     "-D",
                                     data,
                                     "-c",
                                     "listen_addresses=",
                                     "-c",
                                     sockets,
                                     "-c",
                                     "fsync=off",
                                     "-c",
                                     "full_page_writes=off",
                                     "-c",
                                     "shared_buffers=32MB",
                                     "-c",
                                     "max_connections=30",
                                     NULL};
    char conninfo[PG_SERVER_CONNINFO_SIZE];
    time_t deadline = time(NULL) + PG_SERVER_DEADLINE_S;
    int ended = 0;

    (void)snprintf(data, sizeof(data), "%s/data", server->folder);
    (void)snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", server->folder);
    pg_server_conninfo(server, "postgres", conninfo);
    server->pid = pg_server_spawn(server, arguments);
    while (PQping(conninfo) != PQPING_OK) {
        /* After a kill, processes of the old server may hold its memory for an instant. */
        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            if (++ended > PG_SERVER_STARTS)
                pg_server_die(server, "the server ended");
            server->pid = pg_server_spawn(server, arguments);
        }
        if (time(NULL) > deadline)
            pg_server_die(server, "the server does not answer");
        (void)ppoll(NULL, 0, &pause, NULL);
    }
}

/* Ends the server at once, as a crash or a pulled plug would (SIGKILL), or in an orderly way
 * (SIGINT: sessions are told). pg_server_run starts it again on the same data. */
static inline void pg_server_end(struct pg_server *server, int signal_number)
{
    (void)kill(server->pid, signal_number);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

/* False when there is no PostgreSQL here; any other failure ends the program. */
static inline bool pg_server_start(struct pg_server *server)
{
    char data[PG_SERVER_PATH_SIZE + 8];
    const char *const arguments[] = {"initdb",    "-D",
                                     data,        "-A",
                                     "trust",     "-U",
                                     NULL,        "-E",
                                     "UTF8",      "--locale=C.UTF-8",
                                     "--no-sync", "--no-instructions",
                                     NULL};
    const char **user = (const char **)(uintptr_t)&arguments[6];
    int status = -1;
    pid_t pid;

    if (!pg_server_find(server))
        return false;
    *user = server->owner->pw_name;
    (void)snprintf(server->folder, sizeof(server->folder), "/tmp/muster-pg-XXXXXX");
    if (!mkdtemp(server->folder) ||
        chown(server->folder, server->owner->pw_uid, server->owner->pw_gid))
        pg_server_die(server, "no folder under /tmp");
    (void)snprintf(data, sizeof(data), "%s/data", server->folder);
    pid = pg_server_spawn(server, arguments);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        pg_server_die(server, "initdb failed");
    pg_server_run(server);
    return true;
}

/* An empty database of its own for one test: isolation without a new server. */
static inline void pg_server_database(struct pg_server *server,
                                      char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    char name[32], sql[96];

    (void)snprintf(name, sizeof(name), "test_%u", ++server->database_count);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    free(pg_server_sql(server, "postgres", sql));
    pg_server_conninfo(server, name, ret_conninfo);
}

/* One database for test after test, emptied each time: much cheaper than a new one. Connections to
 * it must be closed before. */
static inline void pg_server_fresh(struct pg_server *server,
                                   char ret_conninfo[PG_SERVER_CONNINFO_SIZE])
{
    if (!server->has_fresh)
        free(pg_server_sql(server, "postgres", "CREATE DATABASE fresh"));
    server->has_fresh = true;
    free(pg_server_sql(server, "fresh",
                       "SET client_min_messages = error; SET lock_timeout = '10s'; "
                       "DROP SCHEMA public CASCADE; CREATE SCHEMA public"));
    pg_server_conninfo(server, "fresh", ret_conninfo);
}

static inline int pg_server_remove(const char *path, const struct stat *status, int kind,
                                   struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static inline void pg_server_stop(struct pg_server *server)
{
    if (server->pid > 0)
        pg_server_end(server, SIGQUIT);
    if (server->folder[0])
        (void)nftw(server->folder, pg_server_remove, 16, FTW_DEPTH | FTW_PHYS);
    server->folder[0] = '\0';
}

/* For main: runs cmocka's `tests` on a running server; gives the exit code. */
#define pg_server_group(server, tests)                                                 \
    (pg_server_start(server)                                                           \
             ? pg_server_finish((server), cmocka_run_group_tests((tests), NULL, NULL)) \
             : pg_server_skipped(sizeof(tests) / sizeof((tests)[0])))

static inline int pg_server_finish(struct pg_server *server, int failed)
{
    pg_server_stop(server);
    return failed;
}

/* Counted by the test runner as so many skipped. */
static inline int pg_server_skipped(size_t count)
{
    (void)printf("SKIPPED: PostgreSQL is not installed (package: postgresql)\n"
                 "[  SKIPPED ] %zu test(s).\n",
                 count);
    return 0;
}

#endif
