/* schedule/process.c -- see process.h. */
#include "schedule/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

enum {
    STAT_BYTES = 4096,
    ENVIRONMENT_BYTES_MAX = 4 << 20,
    FOREIGN_ALIVE_US = 60 * 1000 * 1000,
    STRAY_WAIT_MS = 10 * 1000,
    STRAY_ROUNDS = 20,
};

/* Small files of /proc; the length, or -1. */
static ssize_t read_small(const char *path, char *out, size_t size_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t len = read(fd, out, size_bytes - 1);
    close(fd);
    if (len >= 0)
        out[len] = 0;
    return len;
}

/* Start time in clock ticks since boot: field 22 of /proc/PID/stat, counted behind the name, which
 * may hold spaces and brackets. A zombie has ended. */
static bool start_ticks(pid_t pid, unsigned long long *ret_ticks)
{
    char path[64], stat[STAT_BYTES];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_small(path, stat, sizeof stat) <= 0)
        return false;
    char *at = strrchr(stat, ')');
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return false;
    at += 2; /* field 3 */
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (!at)
            return false;
        at++;
    }
    return sscanf(at, "%llu", ret_ticks) == 1;
}

/* The boot and the pid namespace that pids seen from here belong to. */
static void format_world(char *out, size_t size_bytes)
{
    char boot[64] = "", space[64] = "";
    if (read_small("/proc/sys/kernel/random/boot_id", boot, sizeof boot) > 0)
        boot[strcspn(boot, "\n")] = 0;
    ssize_t len = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[len > 0 ? len : 0] = 0;
    snprintf(out, size_bytes, "%s %s ", boot, space);
}

char *tarn_process_identity(pid_t pid, char out[TARN_PROCESS_IDENTITY_BYTES])
{
    unsigned long long ticks;
    out[0] = 0;
    if (!start_ticks(pid, &ticks))
        return out;
    char world[TARN_PROCESS_IDENTITY_BYTES];
    format_world(world, sizeof world);
    snprintf(out, TARN_PROCESS_IDENTITY_BYTES, "%.100s%llu", world, ticks);
    return out;
}

bool tarn_process_alive(pid_t pid, const char *identity, int64_t heartbeat_us)
{
    char world[TARN_PROCESS_IDENTITY_BYTES], current[TARN_PROCESS_IDENTITY_BYTES];
    format_world(world, sizeof world);
    size_t boot_len = strcspn(world, " ");
    if (strncmp(world, identity, boot_len + 1) != 0)
        return false; /* another boot of this machine, or another machine */
    if (strncmp(world, identity, strlen(world)) != 0)
        return tarn_now_us() - heartbeat_us < FOREIGN_ALIVE_US;
    return strcmp(tarn_process_identity(pid, current), identity) == 0;
}

/* Between fork and exec: only system calls (execvpe also reads PATH). */
static void become(const struct tarn_process_spec *spec, int log, int input, pid_t parent,
                   int report)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* those that cannot be set stay */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0 && chdir(spec->directory) == 0 &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execvpe(spec->argv[0], spec->argv, spec->environment);
    int reason = errno;
    (void)!write(report, &reason, sizeof reason); /* a broken pipe has no reader to tell */
    _exit(127);
}

/* The child's errno when it could not become the program; 0 when it did. */
static int start_failure(int report)
{
    int reason = 0;
    ssize_t len;
    do
        len = read(report, &reason, sizeof reason);
    while (len < 0 && errno == EINTR);
    return len == sizeof reason ? reason : 0;
}

static enum tarn_status fork_child(const struct tarn_process_spec *spec, int log, int input,
                                   pid_t *ret_pid, struct tarn_error *err)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return tarn_fail_errno(err, "starting %s", spec->argv[0]);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(spec, log, input, parent, report[1]);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return tarn_fail_errno(err, "starting %s", spec->argv[0]);
    }
    int reason = start_failure(report[0]);
    close(report[0]);
    if (reason) {
        (void)waitpid(pid, NULL, 0);
        errno = reason;
        return tarn_fail_errno(err, "starting %s in %s", spec->argv[0], spec->directory);
    }
    *ret_pid = pid;
    return TARN_OK;
}

enum tarn_status tarn_process_start(const struct tarn_process_spec *spec, pid_t *ret_pid,
                                    struct tarn_error *err)
{
    int log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0)
        return tarn_fail_errno(err, "opening the task's log %s", spec->log);
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum tarn_status status = input < 0 ? tarn_fail_errno(err, "opening /dev/null")
                                        : fork_child(spec, log, input, ret_pid, err);
    if (input >= 0)
        close(input);
    close(log);
    return status;
}

bool tarn_process_reap(pid_t pid, struct tarn_process_exit *ret_exit)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != pid)
        return false;
    kill(-pid, SIGKILL); /* before reaping: the zombie keeps the number from being used again */
    int status;
    if (waitpid(pid, &status, 0) != pid)
        return false;
    *ret_exit = (struct tarn_process_exit){
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
    };
    return true;
}

void tarn_process_signal(pid_t pid, int signal_number)
{
    kill(-pid, signal_number);
}

/* Whether the process has NAME=value in the environment it was started with. */
static bool has_variable(pid_t pid, const char *variable)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false; /* gone, or another user's */
    char *entry = NULL;
    size_t cap = 0, seen = 0;
    ssize_t len;
    bool found = false;
    while (!found && seen < ENVIRONMENT_BYTES_MAX && (len = getdelim(&entry, &cap, 0, file)) > 0) {
        seen += (size_t)len;
        found = strcmp(entry, variable) == 0;
    }
    free(entry);
    fclose(file);
    return found;
}

/* Kills one stray and waits for its end. The pidfd is opened before the environment is looked at,
 * so what is killed is what was looked at. */
static enum tarn_status end_if_stray(pid_t pid, const char *variable, size_t *count,
                                     struct tarn_error *err)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return TARN_OK;
    enum tarn_status status = TARN_OK;
    if (has_variable(pid, variable)) {
        (*count)++;
        (void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0); /* may have gone already */
        struct pollfd ended = {.fd = fd, .events = POLLIN};
        if (poll(&ended, 1, STRAY_WAIT_MS) == 0)
            status = tarn_fail(err, TARN_TIMEOUT,
                               "process %d of a broken run does not end (%s); end it and try again",
                               (int)pid, variable);
    }
    close(fd);
    return status;
}

static enum tarn_status end_round(const char *variable, size_t *count, struct tarn_error *err)
{
    DIR *directory = opendir("/proc");
    if (!directory)
        return tarn_fail_errno(err, "looking for processes of a broken run in /proc");
    enum tarn_status status = TARN_OK;
    for (struct dirent *entry; status == TARN_OK && (entry = readdir(directory));) {
        int64_t pid;
        if (tarn_text_to_int64(tarn_text_of(entry->d_name), &pid) && pid != getpid())
            status = end_if_stray((pid_t)pid, variable, count, err);
    }
    closedir(directory);
    return status;
}

enum tarn_status tarn_process_end_strays(const char *run_id, size_t *ret_count,
                                         struct tarn_error *err)
{
    TARN_AUTO_FREE char *variable = tarn_format("TARN_RUN_ID=%s", run_id);
    size_t total = 0;
    for (int round = 0; round < STRAY_ROUNDS; round++) { /* one may have started another */
        size_t count = 0;
        TARN_TRY(end_round(variable, &count, err));
        total += count;
        if (count == 0) {
            if (ret_count)
                *ret_count = total;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_TIMEOUT, "processes of the broken run %s keep coming back; end them",
                     run_id);
}
