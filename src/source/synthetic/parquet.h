/* source/synthetic/parquet.h -- Parquet files through DuckDB: the entity's own, and the ledger.
 *
 * The engine must have one thread: then rows keep their order and a file's bytes depend on nothing
 * but its rows and DuckDB's version. */
#ifndef TARN_SOURCE_SYNTHETIC_PARQUET_H
#define TARN_SOURCE_SYNTHETIC_PARQUET_H

#include "engine/session.h"
#include "source/synthetic/write.h"

/* A parquet file of the entity. `rows` null-terminated names and types follow from its fields. */
CHECKED enum tarn_status tarn_synth_write_parquet(struct tarn_session *session,
                                                  const struct tarn_synth_entity *entity,
                                                  size_t file_index, const char *path,
                                                  struct tarn_synth_output *output,
                                                  struct tarn_error *err);

/* What happened to every file, in order of entity and file. */
struct tarn_synth_written {
    const struct tarn_synth_entity *entity;
    const struct tarn_synth_file *file;
    struct tarn_synth_output output;
};
/* <folder>/faults.parquet (entity, file, line, column_name, kind, fault, original, damaged) and
 * <folder>/totals.parquet (entity, file, rows, lost_rows). What they say of other sources stays. */
CHECKED enum tarn_status tarn_synth_write_ledger(struct tarn_session *session, const char *folder,
                                                 const char *source,
                                                 const struct tarn_synth_written *written,
                                                 size_t count, struct tarn_error *err);

#endif
