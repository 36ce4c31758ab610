/* lake/form.h -- private to src/lake: the form in which data files hold a table's columns, and how
 * it is read into the table's schema.
 *
 * DuckDB takes top-level columns by field id, but the members of structs by name. As long as every
 * name meant one field id, that is the same; a table whose members were renamed, or dropped and
 * added again, is read by what its files' footers say: files of one form are one scan, and a
 * projection rebuilds their nested values by field id. */
#ifndef TARN_LAKE_FORM_H
#define TARN_LAKE_FORM_H

#include "lake/lake_int.h"

/* The table's name of a file in a scan that was asked for it. */
#define LAKE_FILE_COLUMN "__tarn_file"

struct lake_form {
    struct tarn_iceberg_schema
        stored;         /* the columns under the table's names, members as the files have them */
    const char **names; /* files without field ids: their names of the columns, NULL where a column
                           is not there. NULL: by id */
};
struct lake_forms {
    const struct tarn_iceberg_schema *schema; /* what is read */
    struct lake_form *forms;                  /* at least one */
    size_t count;
    size_t *of; /* per path: its form */
};

/* The forms of these files. Reads footers only when the table's history asks for it; `session` may
 * be NULL when it does not, otherwise INVALID. UNSUPPORTED for files that cannot be mapped. */
CHECKED enum tarn_status
lake_forms_of(struct tarn_session *session, const struct tarn_metadata *metadata,
              const struct tarn_iceberg_schema *schema, const char *const *paths, size_t count,
              struct tarn_arena *arena, struct lake_forms *ret_forms, struct tarn_error *err);
/* Whether another engine wrote to this table, as far as its snapshots are remembered. */
bool lake_has_foreign_snapshots(const struct tarn_metadata *metadata);

/* Appends the schema's columns as expressions over lake_form_source_write. */
void lake_form_columns_write(const struct lake_forms *forms, size_t form, const char *prefix,
                             struct tarn_buffer *sql);
/* Appends what to select from for these files of one form. */
void lake_form_source_write(const struct lake_form *form, const char *const *paths, size_t count,
                            bool with_file, struct tarn_buffer *sql);
/* The same for files whose columns have the schema's names and types. */
void lake_read_as_named(const char *const *paths, size_t count, struct tarn_buffer *sql);
/* Appends "(SELECT <columns>, LAKE_FILE_COLUMN FROM ...)" over these files, of any form; at least
 * one. */
CHECKED enum tarn_status
lake_scan_write(struct tarn_session *session, const struct tarn_metadata *metadata,
                const struct tarn_iceberg_schema *schema, const char *const *paths, size_t count,
                struct tarn_arena *arena, struct tarn_buffer *sql, struct tarn_error *err);

#endif
