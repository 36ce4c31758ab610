/* engine/source.c -- the table function tarn_source(id): rows from C. See source.h. */
#include "engine/source.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/engine_int.h"

struct scan {
    const struct tarn_source *source;
};

struct thread_scan {
    const struct tarn_source *source;
    void *state;
    struct tarn_vector *vectors; /* one per column, filled anew for each chunk */
};

static const struct tarn_source *find_source(struct tarn_engine *engine, uint64_t id)
{
    const struct tarn_source *source = NULL;
    pthread_mutex_lock(&engine->source_lock);
    for (size_t i = 0; i < engine->source_count; i++)
        if (engine->sources[i].id == id)
            source = engine->sources[i].source;
    pthread_mutex_unlock(&engine->source_lock);
    return source;
}

static void bind(duckdb_bind_info info)
{
    duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
    uint64_t id = (uint64_t)duckdb_get_int64(parameter);
    duckdb_destroy_value(&parameter);
    const struct tarn_source *source = find_source(duckdb_bind_get_extra_info(info), id);
    if (!source) {
        duckdb_bind_set_error(info, "tarn_source: there is no such source");
        return;
    }
    for (size_t i = 0; i < source->column_count; i++) {
        duckdb_logical_type type = tarn_type_to_duckdb(source->columns[i].type);
        duckdb_bind_add_result_column(info, source->columns[i].name, type);
        duckdb_destroy_logical_type(&type);
    }
    if (source->row_estimate)
        duckdb_bind_set_cardinality(info, source->row_estimate, false);
    struct scan *scan = tarn_alloc(sizeof *scan);
    scan->source = source;
    duckdb_bind_set_bind_data(info, scan, free);
}

static void init(duckdb_init_info info)
{
    struct scan *scan = duckdb_init_get_bind_data(info);
    duckdb_init_set_max_threads(info, scan->source->max_threads ? scan->source->max_threads : 1);
}

static void close_thread(void *pointer)
{
    struct thread_scan *thread = pointer;
    if (thread->source->close)
        thread->source->close(thread->state);
    free(thread->vectors);
    free(thread);
}

static void init_thread(duckdb_init_info info)
{
    struct scan *scan = duckdb_init_get_bind_data(info);
    struct thread_scan *thread = tarn_alloc(sizeof *thread);
    thread->source = scan->source;
    thread->vectors = tarn_alloc_array(scan->source->column_count, sizeof *thread->vectors);
    if (scan->source->open)
        thread->state = scan->source->open(scan->source->context);
    duckdb_init_set_init_data(info, thread, close_thread);
}

static void fill(duckdb_function_info info, duckdb_data_chunk output)
{
    struct thread_scan *thread = duckdb_function_get_local_init_data(info);
    const struct tarn_source *source = thread->source;
    for (size_t i = 0; i < source->column_count; i++)
        thread->vectors[i] =
            tarn_vector_of(duckdb_data_chunk_get_vector(output, i), source->columns[i].type);
    struct tarn_source_chunk chunk = {.column_count = source->column_count,
                                      .vectors = thread->vectors};
    struct tarn_error err = {0};
    if (source->fill(source->context, thread->state, &chunk, &err) != TARN_OK) {
        duckdb_function_set_error(info, err.text);
        return;
    }
    duckdb_data_chunk_set_size(output, chunk.rows);
}

enum tarn_status tarn_engine_register_source_function(struct tarn_engine *engine,
                                                      struct tarn_error *err)
{
    duckdb_connection connection;
    if (duckdb_connect(engine->database, &connection) == DuckDBError)
        return tarn_fail(err, TARN_INTERNAL, "opening a DuckDB session failed");
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type id_type = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, "tarn_source");
    duckdb_table_function_add_parameter(function, id_type);
    duckdb_table_function_set_extra_info(function, engine, NULL);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init);
    duckdb_table_function_set_local_init(function, init_thread);
    duckdb_table_function_set_function(function, fill);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_logical_type(&id_type);
    duckdb_destroy_table_function(&function);
    duckdb_disconnect(&connection);
    if (state == DuckDBError)
        return tarn_fail(err, TARN_INTERNAL, "registering tarn_source with DuckDB failed");
    return TARN_OK;
}

void tarn_source_add(struct tarn_engine *engine, const struct tarn_source *source, uint64_t *ret_id,
                     char out_sql[TARN_SOURCE_SQL_BYTES])
{
    pthread_mutex_lock(&engine->source_lock);
    uint64_t id = ++engine->next_source_id;
    TARN_RESERVE(engine->sources, engine->source_cap, engine->source_count + 1);
    engine->sources[engine->source_count++] = (struct source_slot){id, source};
    pthread_mutex_unlock(&engine->source_lock);
    snprintf(out_sql, TARN_SOURCE_SQL_BYTES, "tarn_source(%" PRIu64 ")", id);
    *ret_id = id;
}

void tarn_source_remove(struct tarn_engine *engine, uint64_t id)
{
    pthread_mutex_lock(&engine->source_lock);
    for (size_t i = 0; i < engine->source_count; i++) {
        if (engine->sources[i].id == id) {
            engine->sources[i] = engine->sources[--engine->source_count];
            break;
        }
    }
    pthread_mutex_unlock(&engine->source_lock);
}
