/* lake/gate.c -- the writers' queue of one table, see lake_int.h.
 *
 * Threads of one process take tickets and are served in order; between processes an advisory lock
 * on a file below <root>/.lock is asked for, for a bounded time only: a stopped process must not
 * stop the others. */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/lake_int.h"

enum { WAIT_STEP_US = 300, WAIT_MAX_US = 5000000 };

struct lake_gate {
    struct lake_gate *next;
    char *path; /* of the lock file; also the key */
    uint64_t next_ticket, serving;
};

struct lake_turn {
    struct lake_gate *gate;
    int fd; /* -1 when there is no lock file */
};

static struct lake_gate *find_gate(struct tarn_lake *lake, const char *path)
{
    struct lake_gate *gate = lake->gates;
    while (gate && strcmp(gate->path, path) != 0)
        gate = gate->next;
    if (!gate) {
        gate = tarn_alloc(sizeof *gate);
        gate->path = tarn_strdup(path);
        gate->next = lake->gates;
        lake->gates = gate;
    }
    return gate;
}

static int lock_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    for (int waited = 0; fd >= 0 && waited < WAIT_MAX_US; waited += WAIT_STEP_US) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        struct timespec step = {0, WAIT_STEP_US * 1000L};
        nanosleep(&step, NULL);
    }
    return fd;
}

struct lake_turn *lake_turn_begin(struct tarn_lake *lake, const char *ns, const char *name)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *folder = lake_folder(lake, ns, name, arena) + strlen(lake->root) + 1;
    char *path = tarn_arena_format(arena, "%s/.lock/%s", lake->root, folder);
    for (char *at = path + strlen(lake->root) + 7; *at; at++)
        if (*at == '/')
            *at = '@'; /* lake_folder never leaves one in a name */
    struct lake_turn *turn = tarn_alloc(sizeof *turn);
    pthread_mutex_lock(&lake->gate_lock);
    turn->gate = find_gate(lake, path);
    uint64_t ticket = turn->gate->next_ticket++;
    while (turn->gate->serving != ticket)
        pthread_cond_wait(&lake->gate_open, &lake->gate_lock);
    pthread_mutex_unlock(&lake->gate_lock);
    turn->fd = lock_file(path);
    return turn;
}

void lake_turn_end(struct tarn_lake *lake, struct lake_turn *turn)
{
    if (!turn)
        return;
    if (turn->fd >= 0)
        close(turn->fd);
    pthread_mutex_lock(&lake->gate_lock);
    turn->gate->serving++;
    pthread_cond_broadcast(&lake->gate_open);
    pthread_mutex_unlock(&lake->gate_lock);
    free(turn);
}

void lake_gates_free(struct tarn_lake *lake)
{
    while (lake->gates) {
        struct lake_gate *gate = lake->gates;
        lake->gates = gate->next;
        free(gate->path);
        free(gate);
    }
}
