/* source/synthetic/write.h -- writes one file of an entity: draws its rows, damages some, formats
 * them, notes the damage.
 *
 * A file depends on nothing but the plan, so files are written by any number of threads in any
 * order. */
#ifndef TARN_SOURCE_SYNTHETIC_WRITE_H
#define TARN_SOURCE_SYNTHETIC_WRITE_H

#include "source/synthetic/fault.h"
#include "source/synthetic/plan.h"

/* One fault that was carried out. Texts are valid UTF-8 (bad bytes become U+FFFD) and live in the
 * output's arena. */
struct tarn_synth_ledger_entry {
    uint64_t line;      /* 0: the file as a whole */
    const char *column; /* NULL: none */
    const char *kind;
    const char *fault;
    struct tarn_text original, damaged;
};

struct tarn_synth_output {
    uint64_t rows; /* records in the file, the cut one included */
    uint64_t lost; /* rows behind the cut */
    uint64_t bytes;
    size_t entry_count, entry_cap;
    struct tarn_synth_ledger_entry *entries; /* in order of line */
    struct tarn_arena *arena;
};

void tarn_synth_output_release(struct tarn_synth_output *output);

/* A column of a file: a field under the name that it has in this file. */
struct tarn_synth_column_name {
    const struct tarn_synth_field *field;
    const char *name;
};
/* The columns of a file, in order; `out` has room for all fields. Returns how many. */
size_t tarn_synth_file_columns(const struct tarn_synth_entity *entity,
                               const struct tarn_synth_file *file,
                               struct tarn_synth_column_name *out);

/* Rows of a file in the order in which they stand there, with what is different about each. */
struct tarn_synth_override {
    const struct tarn_synth_field *field;
    struct tarn_text text;
    bool null;
    bool number; /* a number in JSON although it is damaged */
};

struct tarn_synth_record {
    struct tarn_synth_batch *batch;
    size_t at; /* in the batch */
    size_t override_count;
    struct tarn_synth_override overrides[2];
    bool cut; /* the record that a truncated file ends in */
};

struct tarn_synth_cursor; /* walks the records of a file */
struct tarn_synth_cursor *tarn_synth_cursor_open(const struct tarn_synth_entity *entity,
                                                 size_t file_index,
                                                 struct tarn_synth_output *output);
void tarn_synth_cursor_close(struct tarn_synth_cursor *cursor);
/* The next records, up to a batch of them; 0 at the end. They live until the next call. Faults are
 * noted in the output. */
size_t tarn_synth_cursor_next(struct tarn_synth_cursor *cursor,
                              const struct tarn_synth_record **ret_records);
/* The cut record's bytes, for the ledger. */
void tarn_synth_cursor_note_cut(struct tarn_synth_cursor *cursor, struct tarn_text whole,
                                struct tarn_text piece);

/* Writes a csv, json or ndjson file to `path`, which must not exist. */
CHECKED enum tarn_status tarn_synth_write_text(const struct tarn_synth_entity *entity,
                                               size_t file_index, const char *path,
                                               struct tarn_synth_output *output,
                                               struct tarn_error *err);

#endif
