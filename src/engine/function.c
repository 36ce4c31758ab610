/* engine/function.c -- the functions that Tarn adds to DuckDB's SQL.
 *
 * tarn_murmur3(x): the hash that Iceberg's bucket partitions are made with (spec, Appendix B), as
 * an INTEGER: of a BIGINT its eight bytes, of a HUGEINT (an unscaled decimal) the fewest big-endian
 * bytes that hold it, of a BLOB its bytes. */
#include "base/hash.h"
#include "engine/engine_int.h"

static struct tarn_text string_bytes(duckdb_string_t *string)
{
    return (struct tarn_text){duckdb_string_t_data(string), duckdb_string_t_length(*string)};
}

static int32_t hash_of_row(duckdb_type type, void *data, idx_t row)
{
    switch ((int)type) {
    case DUCKDB_TYPE_BIGINT:
        return (int32_t)tarn_murmur3(
            (struct tarn_text){(const char *)((int64_t *)data + row), sizeof(int64_t)});
    case DUCKDB_TYPE_HUGEINT: {
        const duckdb_hugeint *value = (duckdb_hugeint *)data + row;
        return (int32_t)tarn_murmur3_int128(
            (__int128)((unsigned __int128)(uint64_t)value->upper << 64 | value->lower));
    }
    default:
        return (int32_t)tarn_murmur3(string_bytes((duckdb_string_t *)data + row));
    }
}

static void murmur3(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    duckdb_type type = duckdb_get_type_id(logical);
    duckdb_destroy_logical_type(&logical);
    void *data = duckdb_vector_get_data(vector);
    uint64_t *valid = duckdb_vector_get_validity(vector);
    int32_t *out = duckdb_vector_get_data(output);
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t i = 0; i < rows; i++) /* the bytes of a NULL are not there to be read */
        out[i] = !valid || duckdb_validity_row_is_valid(valid, i) ? hash_of_row(type, data, i) : 0;
}

static void add_overload(duckdb_scalar_function_set set, duckdb_type parameter)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type in = duckdb_create_logical_type(parameter);
    duckdb_logical_type out = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_scalar_function_set_name(function, "tarn_murmur3");
    duckdb_scalar_function_add_parameter(function, in);
    duckdb_scalar_function_set_return_type(function, out);
    duckdb_scalar_function_set_function(function, murmur3);
    duckdb_add_scalar_function_to_set(set, function);
    duckdb_destroy_logical_type(&in);
    duckdb_destroy_logical_type(&out);
    duckdb_destroy_scalar_function(&function);
}

enum tarn_status tarn_engine_register_functions(struct tarn_engine *engine, struct tarn_error *err)
{
    duckdb_connection connection;
    if (duckdb_connect(engine->database, &connection) == DuckDBError)
        return tarn_fail(err, TARN_INTERNAL, "opening a DuckDB session failed");
    duckdb_scalar_function_set set = duckdb_create_scalar_function_set("tarn_murmur3");
    add_overload(set, DUCKDB_TYPE_BIGINT);
    add_overload(set, DUCKDB_TYPE_HUGEINT);
    add_overload(set, DUCKDB_TYPE_BLOB);
    duckdb_state state = duckdb_register_scalar_function_set(connection, set);
    duckdb_destroy_scalar_function_set(&set);
    duckdb_disconnect(&connection);
    if (state == DuckDBError)
        return tarn_fail(err, TARN_INTERNAL, "registering tarn_murmur3 with DuckDB failed");
    return TARN_OK;
}
