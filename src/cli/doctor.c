/* cli/doctor.c -- `tarn doctor`: is everything there that Tarn needs, and how to mend what is not.
 *
 * Each check is one line of the table `checks` and adds one or more findings. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/pool.h"
#include "cli/command.h"
#include "cli/options.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "project/project.h"
#include "schedule/process.h"
#include "store/run.h"

static const char help[] =
    "Usage: tarn doctor [--project DIR] [--json]\n"
    "\n"
    "Checks libraries, memory, disk, limits, ports, and when there is a project its state file "
    "and\n"
    "tables. Each line says ok, warn or fail, and what to do about it. Exit code 1 when something\n"
    "fails.\n"
    "\n" TARN_COMMON_HELP;

enum level { OK, WARN, FAIL };
static const char *const level_names[] = {"ok", "warn", "fail"};

enum {
    JSON_BYTES_MAX = 1 << 20,
    TABLES_NAMED_MAX = 5,
    OPEN_FILES_WANTED = 4096,
    OPEN_FILES_NEEDED = 256,
};
#define MIB (1024.0 * 1024)
#define GIB (1024.0 * MIB)

struct finding {
    const char *what;
    enum level level;
    const char *found;
    const char *mend; /* "" when nothing is to do */
};

struct doctor {
    struct tarn_arena *arena;
    bool is_outside;              /* of any project */
    struct tarn_project *project; /* NULL: outside of one, or it is broken */
    struct tarn_state *state;     /* NULL: none yet, or it cannot be opened */
    struct finding *findings;
    size_t count, cap;
};

static void add(struct doctor *doctor, const char *what, enum level level, const char *found,
                const char *mend)
{
    TARN_RESERVE(doctor->findings, doctor->cap, doctor->count + 1);
    doctor->findings[doctor->count++] = (struct finding){
        what, level, tarn_arena_strdup(doctor->arena, found), level == OK ? "" : mend};
}

#define FORMAT(doctor, ...) tarn_arena_format((doctor)->arena, __VA_ARGS__)

static void check_libraries(struct doctor *doctor)
{
    static const char mend[] = "build again with script/setup against the installed version";
    char pcre[64] = "";
    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    const char *duckdb = tarn_engine_library_version();
    bool fits = strncmp(duckdb, "v1.5.", 5) == 0;
    add(doctor, "DuckDB", fits ? OK : WARN, duckdb,
        "Tarn is tested with DuckDB 1.5; take the pinned one with script/setup");
    add(doctor, "SQLite", OK, tarn_state_library_version(), mend);
    add(doctor, "libyaml", OK, tarn_yaml_library_version(), mend);
    add(doctor, "jansson", OK, jansson_version_str(), mend);
    add(doctor, "PCRE2", OK, pcre, mend);
    add(doctor, "OpenSSL", OK, OpenSSL_version(OPENSSL_VERSION_STRING), mend);
    bool same = zlibVersion()[0] == ZLIB_VERSION[0];
    add(doctor, "zlib", same ? OK : FAIL, zlibVersion(), mend);
    add(doctor, "zstd", OK, ZSTD_versionString(), mend);
}

/* The number behind `name` in a /proc file of "name: number kB" lines, in bytes; -1: none. */
static double read_kilobytes(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    char line[256];
    double bytes = -1;
    size_t len = strlen(name);
    while (file && bytes < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, len) == 0)
            bytes = strtod(line + len, NULL) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

/* What the control group still allows; -1 when it sets no limit. */
static double control_group_room(void)
{
    TARN_BUFFER(max, 100);
    TARN_BUFFER(current, 100);
    struct tarn_error err;
    if (tarn_file_read("/sys/fs/cgroup/memory.max", &max, &err) != TARN_OK ||
        tarn_file_read("/sys/fs/cgroup/memory.current", &current, &err) != TARN_OK ||
        tarn_text_starts(tarn_buffer_text(&max), "max"))
        return -1;
    return strtod(tarn_buffer_str(&max), NULL) - strtod(tarn_buffer_str(&current), NULL);
}

static void check_machine(struct doctor *doctor)
{
    unsigned cores = tarn_cpu_count();
    add(doctor, "cores", cores > 1 ? OK : WARN, FORMAT(doctor, "%u", cores),
        "with one core tasks run one after the other; give this machine two or more");
    double room = read_kilobytes("/proc/meminfo", "MemAvailable:"), group = control_group_room();
    if (group >= 0 && group < room)
        room = group;
    enum level level = room < 512 * MIB ? FAIL : room < 2 * GIB ? WARN : OK;
    add(doctor, "memory", level, FORMAT(doctor, "%.1f GiB free", room / GIB),
        "end what else uses memory, or set defaults: {memory_limit: 512MB} in tarn.yml");
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    level = files.rlim_cur < OPEN_FILES_NEEDED   ? FAIL
            : files.rlim_cur < OPEN_FILES_WANTED ? WARN
                                                 : OK;
    add(doctor, "open files", level,
        FORMAT(doctor, "%llu at most", (long long unsigned)files.rlim_cur),
        "raise it in this shell: ulimit -n 65536");
    bool zones = tarn_file_exists("/usr/share/zoneinfo/Europe/Berlin");
    add(doctor, "time zones", zones ? OK : WARN, zones ? "installed" : "not installed",
        "dags with a time zone need it: apt-get install tzdata");
}

static const char *first_existing_parent(struct doctor *doctor, const char *path)
{
    char *parent = tarn_arena_strdup(doctor->arena, path);
    while (!tarn_directory_exists(parent)) {
        char *slash = strrchr(parent, '/');
        if (!slash || slash == parent)
            return "/";
        *slash = 0;
    }
    return parent;
}

static void check_disk(struct doctor *doctor)
{
    const char *data = doctor->project ? doctor->project->data : ".";
    const char *folder = first_existing_parent(doctor, data);
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        add(doctor, "disk", FAIL, FORMAT(doctor, "%s: %s", folder, strerror(errno)),
            "name a folder that can be read with --data");
        return;
    }
    double room = (double)disk.f_bavail * (double)disk.f_frsize;
    enum level level = room < 100 * MIB ? FAIL : room < 2 * GIB ? WARN : OK;
    add(doctor, "disk", level, FORMAT(doctor, "%.1f GiB free in %s", room / GIB, folder),
        "free some space, or name another disk with --data DIR");
    if (disk.f_favail < 10000 && disk.f_files > 0)
        add(doctor, "files on disk", WARN,
            FORMAT(doctor, "%llu more can be made", (long long unsigned)disk.f_favail),
            "remove files that are not needed, or name another disk with --data DIR");
}

/* By doing it: rights alone do not tell about read-only mounts or a full disk. */
static void check_writable(struct doctor *doctor, const char *what, const char *wanted,
                           const char *mend)
{
    const char *folder = first_existing_parent(doctor, wanted);
    char *probe = FORMAT(doctor, "%s/.tarn-doctor-%d", folder, (int)getpid());
    struct tarn_error err;
    if (tarn_file_create(probe, TARN_TEXT("probe"), &err) != TARN_OK) {
        add(doctor, what, FAIL, err.text, mend);
        return;
    }
    (void)unlink(probe);
    add(doctor, what, OK, FORMAT(doctor, "%s can be written", folder), "");
}

static void check_folders(struct doctor *doctor)
{
    if (doctor->project)
        check_writable(
            doctor, "data folder", doctor->project->data,
            "give yourself the right to write there, or name another folder with --data");
    const char *temporary = getenv("TMPDIR");
    check_writable(doctor, "temporary folder", temporary ? temporary : "/tmp",
                   "set TMPDIR to a folder that can be written");
}

/* 0 when the port can be had, otherwise errno. */
static int try_port(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* as the servers do */
    int result = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    return result;
}

static void check_ports(struct doctor *doctor)
{
    static const struct {
        uint16_t port;
        const char *use;
    } ports[] = {{8080, "console and API"}, {9092, "broker"}, {8081, "schema registry"}};
    for (size_t i = 0; i < TARN_COUNT(ports); i++) {
        int reason = try_port(ports[i].port);
        char *what = FORMAT(doctor, "port %u", ports[i].port);
        add(doctor, what, reason ? WARN : OK,
            reason ? FORMAT(doctor, "%s (%s)", strerror(reason), ports[i].use)
                   : FORMAT(doctor, "free (%s)", ports[i].use),
            FORMAT(doctor, "see who has it with `ss -ltnp sport = :%u`; batch runs do not need it",
                   ports[i].port));
    }
}

static void check_program(struct doctor *doctor, const char *name, const char *mend)
{
    TARN_AUTO_FREE char *command = tarn_format("%s --version 2>/dev/null", name);
    FILE *pipe = popen(command, "re");
    char version[100] = "";
    bool found = pipe && fgets(version, sizeof version, pipe);
    if (pipe)
        found &= pclose(pipe) == 0;
    version[strcspn(version, "\n")] = 0;
    add(doctor, name, found ? OK : WARN, found ? version : "not found", mend);
}

static void check_development(struct doctor *doctor)
{
    static const char mend[] = "only the build and its tests need it: script/setup installs it";
    check_program(doctor, "node", mend);
    check_program(doctor, "npm", mend);
}

static void check_state(struct doctor *doctor)
{
    if (doctor->is_outside)
        add(doctor, "project", OK, "none here, so its state and tables were not looked at", "");
    if (!doctor->project)
        return;
    add(doctor, "project", OK,
        FORMAT(doctor, "%s in %s", doctor->project->name, doctor->project->directory), "");
    const char *path = tarn_project_data_path(doctor->project, "state.db");
    if (!tarn_file_exists(path)) {
        add(doctor, "state.db", OK, "not there yet: the first run makes it", "");
        return;
    }
    static const char mend[] =
        "restore the data folder from a backup, or remove it and run the dag again";
    struct tarn_error err;
    enum tarn_status status = tarn_state_open(path, &doctor->state, &err);
    if (status == TARN_OK)
        status = tarn_state_check(doctor->state, &err);
    if (status == TARN_OK)
        add(doctor, "state.db", OK, "every page and index is sound", "");
    else
        add(doctor, "state.db", FAIL, err.text, mend);
}

static void check_runs(struct doctor *doctor)
{
    struct tarn_run_list running;
    struct tarn_error err;
    if (!doctor->state ||
        tarn_run_list_running(doctor->state, NULL, doctor->arena, &running, &err) != TARN_OK)
        return;
    for (size_t i = 0; i < running.count; i++) {
        const struct tarn_run_row *run = &running.rows[i];
        if (!tarn_process_alive((pid_t)run->owner_pid, run->owner_identity, run->heartbeat_us))
            add(doctor, "run", WARN, FORMAT(doctor, "%s was broken off", run->run_id),
                FORMAT(doctor, "go on with it: tarn run %s --resume", run->dag));
    }
}

/* Reads every table's metadata, manifests and file sizes. */
static void check_tables(struct doctor *doctor, struct tarn_lake *lake,
                         const struct tarn_lake_list *list)
{
    size_t good = 0, bad = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct tarn_lake_entry *entry = &list->entries[i];
        struct tarn_lake_file *files;
        size_t count = 0;
        struct tarn_error err = {0};
        enum tarn_status status = TARN_OK;
        if (!entry->is_view)
            status = tarn_lake_files(lake, entry->ns, entry->name, (struct tarn_lake_at){0},
                                     doctor->arena, &files, &count, &err);
        for (size_t f = 0; status == TARN_OK && f < count; f++) {
            uint64_t size_bytes;
            status = tarn_file_size(files[f].path, &size_bytes, &err);
        }
        good += status == TARN_OK;
        if (status != TARN_OK && bad++ < TABLES_NAMED_MAX)
            add(doctor, FORMAT(doctor, "table %s.%s", entry->ns, entry->name), FAIL, err.text,
                "build the table again with `tarn build`, or restore the data folder");
    }
    add(doctor, "tables", bad ? FAIL : OK,
        FORMAT(doctor, "%zu of %zu can be read", good, list->count), "see the tables named above");
}

static void check_lake(struct doctor *doctor)
{
    if (!doctor->state)
        return;
    struct tarn_lake *lake = NULL;
    struct tarn_lake_list list;
    struct tarn_error err;
    enum tarn_status status =
        tarn_lake_open(doctor->state, tarn_project_data_path(doctor->project, "lake"), &lake, &err);
    if (status == TARN_OK)
        status = tarn_lake_list(lake, NULL, doctor->arena, &list, &err);
    if (status == TARN_OK)
        check_tables(doctor, lake, &list);
    else
        add(doctor, "lake", FAIL, err.text, "restore the data folder from a backup");
    tarn_lake_close(lake);
}

static void (*const checks[])(struct doctor *doctor) = {
    check_libraries,   check_machine, check_disk, check_folders, check_ports,
    check_development, check_state,   check_runs, check_lake,
};

static size_t count_level(const struct doctor *doctor, enum level level)
{
    size_t count = 0;
    for (size_t i = 0; i < doctor->count; i++)
        count += doctor->findings[i].level == level;
    return count;
}

static void print_text(const struct doctor *doctor)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool colour = isatty(STDOUT_FILENO);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct finding *finding = &doctor->findings[i];
        printf("  %s%-4s%s  %-18s %s\n", colour ? colours[finding->level] : "",
               level_names[finding->level], colour ? "\033[0m" : "", finding->what, finding->found);
        if (*finding->mend)
            printf("        %-18s -> %s\n", "", finding->mend);
    }
    printf("%zu ok, %zu to look at, %zu to mend\n", count_level(doctor, OK),
           count_level(doctor, WARN), count_level(doctor, FAIL));
}

static enum tarn_status print_json(const struct doctor *doctor, struct tarn_error *err)
{
    TARN_BUFFER(text, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 2);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < doctor->count; i++) {
        const struct finding *finding = &doctor->findings[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "check", finding->what);
        tarn_json_put_str(&w, "level", level_names[finding->level]);
        tarn_json_put_str(&w, "found", finding->found);
        tarn_json_put_str(&w, "mend", finding->mend);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    TARN_TRY(tarn_buffer_check(&text, "the findings", err));
    puts(tarn_buffer_str(&text));
    return TARN_OK;
}

static enum tarn_status examine(struct doctor *doctor, bool json, struct tarn_error *err)
{
    for (size_t i = 0; i < TARN_COUNT(checks); i++)
        checks[i](doctor);
    if (json)
        TARN_TRY(print_json(doctor, err));
    else
        print_text(doctor);
    size_t failed = count_level(doctor, FAIL);
    return failed ? tarn_fail(err, TARN_CHECKS_FAILED, "%zu of %zu checks failed", failed,
                              doctor->count)
                  : TARN_OK;
}

/* Outside of a project the machine alone is looked at; a project that is broken is a finding. */
static void open_project(struct doctor *doctor, const struct tarn_common *common)
{
    struct tarn_error err;
    doctor->is_outside = !common->project && !tarn_project_here();
    if (doctor->is_outside)
        return;
    if (tarn_project_open(common->project, common->data, common->target, &doctor->project, &err) !=
        TARN_OK)
        add(doctor, "project", FAIL, err.text, "mend the file or folder that is named");
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct tarn_common common = {0};
    TARN_TRY(tarn_options_parse(argc, argv, &common, NULL, 0, NULL, err));
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct doctor doctor = {.arena = arena};
    open_project(&doctor, &common);
    enum tarn_status status = examine(&doctor, common.json, err);
    tarn_state_close(doctor.state);
    tarn_project_close(doctor.project);
    free(doctor.findings);
    return status;
}

const struct tarn_command tarn_command_doctor = {
    .name = "doctor",
    .summary = "check this machine and project, and say how to mend what is wrong",
    .help = help,
    .run = run,
};
