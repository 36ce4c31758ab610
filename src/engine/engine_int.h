/* engine/engine_int.h -- private to src/engine: what session.c and source.c share of an engine. */
#ifndef TARN_ENGINE_ENGINE_INT_H
#define TARN_ENGINE_ENGINE_INT_H

#include <pthread.h>
#include <stdio.h>

#include "engine/duckdb_api.h"
#include "engine/session.h"
#include "engine/source.h"

struct source_slot {
    uint64_t id;
    const struct tarn_source *source;
};

/* Threads that help statements which take long, see helper.c. */
struct tarn_helpers {
    unsigned threads; /* as many statements' tasks at once as this */
    pthread_t *ids;   /* NULL: not started */
    unsigned count;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    unsigned busy; /* sessions with a running statement */
    unsigned helping, sleeping;
    int64_t busy_since_us; /* of the first of them */
    bool stop;
};

struct tarn_engine {
    duckdb_database database;
    struct tarn_helpers helpers;
    char *catalog;
    uint64_t identity;
    char *spill_directory;
    unsigned threads;
    bool bare;   /* while opening: sessions do not enter the catalog, which is not there yet */
    FILE *trace; /* TARN_TRACE_SQL: every statement with its time; NULL when off */
    pthread_mutex_t source_lock;
    struct source_slot *sources;
    size_t source_count, source_cap;
    uint64_t next_source_id;
};

CHECKED enum tarn_status tarn_engine_register_source_function(struct tarn_engine *engine,
                                                              struct tarn_error *err);
CHECKED enum tarn_status tarn_engine_register_functions(struct tarn_engine *engine,
                                                        struct tarn_error *err);

void tarn_helpers_start(struct tarn_engine *engine);
void tarn_helpers_stop(struct tarn_engine *engine); /* before the database is closed */
/* Around every statement, on the session's thread. */
void tarn_helpers_enter(struct tarn_engine *engine);
void tarn_helpers_leave(struct tarn_engine *engine);

#endif
