/* schedule/process.h -- child processes of a run: started in a group of their own, ended as a
 * group, and recognised when a runner that died has left them behind.
 *
 * A pid alone names nothing for long, so a process is recorded with an identity: boot, pid
 * namespace and start time. Every process of a run carries TARN_RUN_ID in its environment, which is
 * how strays are found. Linux only (/proc, pidfd). */
#ifndef TARN_SCHEDULE_PROCESS_H
#define TARN_SCHEDULE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/memory.h"

enum { TARN_PROCESS_IDENTITY_BYTES = 128 };

/* Identity of a live process, "" when there is none with that pid; returns `out`. */
char *tarn_process_identity(pid_t pid, char out[TARN_PROCESS_IDENTITY_BYTES]);
/* Whether the very process that was recorded still lives. One of another pid namespace cannot be
 * seen from here: it counts as alive while its last sign of life is younger than a minute. */
bool tarn_process_alive(pid_t pid, const char *identity, int64_t heartbeat_us);

struct tarn_process_spec {
    char *const *argv; /* argv[0] is the file that is run, looked up on PATH when it has no '/' */
    char *const *environment; /* the whole of it, NAME=value, ended by NULL */
    const char *directory;    /* where it runs */
    const char *log;          /* standard output and error are appended here */
};

/* Starts the program with nothing on standard input, all signals at their defaults, as the leader
 * of a new process group. It is killed when the thread that called this ends, so call it from one
 * that lives as long as the run. An error when the program cannot be started. */
CHECKED enum tarn_status tarn_process_start(const struct tarn_process_spec *spec, pid_t *ret_pid,
                                            struct tarn_error *err);

struct tarn_process_exit {
    int exit_code; /* -1 when a signal ended it */
    int signal;    /* 0: none */
};

/* True when the child has ended; what is left of its group is killed and the child reaped. */
bool tarn_process_reap(pid_t pid, struct tarn_process_exit *ret_exit);
/* Sends the signal to the child's whole group. Only for a child that has not been reaped. */
void tarn_process_signal(pid_t pid, int signal_number);

/* Kills every process that carries this run's id, except the caller, and waits until they are gone.
 * TIMEOUT when one will not go. *ret_count (may be NULL): how many there were. */
CHECKED enum tarn_status tarn_process_end_strays(const char *run_id, size_t *ret_count,
                                                 struct tarn_error *err);

#endif
