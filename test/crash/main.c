/* crash/main.c -- see crash.h: the rounds. */
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"

enum { LOAD_MAX_MS = 250, VAIN_EVERY = 8, VAIN_MAX_MS = 40 };

struct promises promises = {.mutex = PTHREAD_MUTEX_INITIALIZER, .newest_commit = -1};

void lock_promises(void)
{
    pthread_mutex_lock(&promises.mutex);
}

void unlock_promises(void)
{
    pthread_mutex_unlock(&promises.mutex);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

_Noreturn void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1);
}

static void let_it_run(int ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void run_rounds(const char *tarn, const char *folder, int rounds)
{
    struct checker *checker = checker_new();
    for (int round = 1; round <= rounds; round++) {
        let_it_run(rand() % LOAD_MAX_MS);
        broker_kill();
        if (round % VAIN_EVERY == 0)
            broker_start_in_vain(tarn, folder, rand() % VAIN_MAX_MS);
        broker_start(tarn, folder);
        checker_catch_up(checker);
    }
    checker_free(checker);
}

static int64_t sum(const struct acks *acks)
{
    int64_t total = 0;
    for (int i = 0; i < PARTITIONS; i++)
        total += (int64_t)acks[i].count;
    return total;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        give_up("Usage: broker_crash TARN FOLDER ROUNDS [SEED]");
    const char *tarn = argv[1], *folder = argv[2];
    int rounds = atoi(argv[3]);
    int64_t began = now_ms();
    srand(argc > 4 ? (unsigned)atoi(argv[4]) : 1);
    broker_start(tarn, folder);
    load_make_topics();
    load_start();
    run_rounds(tarn, folder, rounds);
    load_stop();
    check_everything();
    broker_stop();
    broker_start(tarn, folder);
    check_everything();
    broker_stop();
    printf("{\"rounds\":%d,\"seconds\":%lld,\"plain\":%lld,\"exact\":%lld,\"committed\":%lld,"
           "\"aborted\":%lld,\"unknown\":%lld,\"group_records\":%lld,\"group_commits\":%lld,"
           "\"recoveries_that_cut\":%d}\n",
           rounds, (long long)(now_ms() - began) / 1000, (long long)sum(promises.plain),
           (long long)sum(promises.exact), (long long)promises.committed,
           (long long)promises.aborted, (long long)promises.unknown,
           (long long)promises.group_records, (long long)promises.group_commits,
           broker_log_count(folder, "cut off"));
    return 0;
}
