/* engine/duckdb_api.h -- private to src/engine: DuckDB's header and the translation of its types.
 */
#ifndef TARN_ENGINE_DUCKDB_API_H
#define TARN_ENGINE_DUCKDB_API_H

#include <duckdb.h>

#include "engine/type.h"

/* A deep copy of DuckDB's type in `arena`. */
const struct tarn_type *tarn_type_from_duckdb(duckdb_logical_type type, struct tarn_arena *arena);
/* The caller destroys it. Scalar types only. */
duckdb_logical_type tarn_type_to_duckdb(const struct tarn_type *type);
struct tarn_vector tarn_vector_of(duckdb_vector vector, const struct tarn_type *type);

#endif
