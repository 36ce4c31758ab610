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

struct tarn_engine {
    duckdb_database database;
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

#endif
