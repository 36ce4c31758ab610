/* crash/broker.c -- see crash.h: the process that is killed. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"

static struct {
    pid_t pid;
    int port;
    char address[32];
} broker;

const char *broker_address(void)
{
    return broker.address;
}

static void run_child(const char *tarn, const char *folder, int out)
{
    char listener[64], log[4096];
    snprintf(listener, sizeof listener, "PLAINTEXT://127.0.0.1:%d", broker.port);
    snprintf(log, sizeof log, "%s/broker.log", folder);
    int err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a test that fails */
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execl(tarn, "tarn", "broker", "--json", "--data", folder, "--listener", listener,
          "--registry-port", "-1", "--rest-port", "-1", "--wal-bytes", "262144", "--partitions",
          "2", (char *)NULL);
    _exit(127);
}

static int spawn(const char *tarn, const char *folder)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0)
        give_up("no pipe");
    broker.pid = fork();
    if (broker.pid == 0)
        run_child(tarn, folder, pipes[1]);
    close(pipes[1]);
    return pipes[0];
}

void broker_start(const char *tarn, const char *folder)
{
    char line[4096];
    int out = spawn(tarn, folder);
    FILE *said = fdopen(out, "r");
    if (!fgets(line, sizeof line, said))
        give_up("the broker did not start: see %s/broker.log", folder);
    const char *port = strstr(line, "\"port\":");
    if (!port)
        give_up("the broker said: %s", line);
    broker.port = atoi(port + strlen("\"port\":"));
    snprintf(broker.address, sizeof broker.address, "127.0.0.1:%d", broker.port);
    fclose(said);
}

void broker_kill(void)
{
    int status;
    kill(broker.pid, SIGKILL);
    waitpid(broker.pid, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        give_up("the broker had ended before it was killed (status %d)", status);
}

void broker_start_in_vain(const char *tarn, const char *folder, int after_ms)
{
    int out = spawn(tarn, folder);
    struct pollfd ready = {.fd = out, .events = POLLIN};
    poll(&ready, 1, after_ms);
    broker_kill();
    close(out);
}

void broker_stop(void)
{
    int status;
    kill(broker.pid, SIGINT);
    waitpid(broker.pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        give_up("the broker did not stop cleanly (status %d)", status);
}

int broker_log_count(const char *folder, const char *text)
{
    char path[4096], line[8192];
    int count = 0;
    snprintf(path, sizeof path, "%s/broker.log", folder);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log))
        count += strstr(line, text) != NULL;
    if (log)
        fclose(log);
    return count;
}
