/* ingest/columns.h -- the columns of a bronze table while files are read into it: found by the name
 * that the files use, whatever its case. */
#ifndef TARN_INGEST_COLUMNS_H
#define TARN_INGEST_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/type.h"
#include "ingest/infer.h"

struct tarn_scan_column {
    struct tarn_text key;         /* as the files have it */
    const char *name;             /* as the table has it: differs only for names that Tarn uses */
    const struct tarn_type *type; /* what its values are stored as */
    struct tarn_guess guess;
    uint64_t first_seen; /* where in the file, for a stable order */
};

struct tarn_columns {
    struct tarn_arena *arena;
    struct tarn_scan_column *items;
    size_t count, cap;
    uint32_t *table; /* index + 1 by hash; 0: free */
    size_t table_size;
};

void tarn_columns_init(struct tarn_columns *columns, struct tarn_arena *arena);
void tarn_columns_release(struct tarn_columns *columns); /* usable with TARN_AUTO */
/* Its index, or -1. */
int tarn_columns_find(const struct tarn_columns *columns, struct tarn_text key);
/* Its index, added at the end when it is new; the key is copied into the arena. */
int tarn_columns_add(struct tarn_columns *columns, struct tarn_text key);
/* Whether bronze adds a column of this name itself (_file, _line, ...). */
bool tarn_column_is_own(struct tarn_text name);

#endif
