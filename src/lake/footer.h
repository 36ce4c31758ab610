/* lake/footer.h -- private to src/lake: the columns that Parquet files say they have.
 *
 * A footer lists the columns depth first, with their names and Iceberg field ids; lists and maps
 * stand there as groups in groups, which are taken apart here (Parquet's "LogicalTypes", legacy
 * forms included). */
#ifndef TARN_LAKE_FOOTER_H
#define TARN_LAKE_FOOTER_H

#include "engine/session.h"
#include "lake/schema.h"

enum lake_footer_kind { LAKE_FOOTER_LEAF, LAKE_FOOTER_STRUCT, LAKE_FOOTER_LIST, LAKE_FOOTER_MAP };
struct lake_footer_field {
    const char *name;
    int id; /* -1 when the file gives none */
    enum lake_footer_kind kind;
    struct lake_footer_field *fields; /* members; the element; key and value */
    size_t field_count;
};
struct lake_footer {
    struct lake_footer_field *fields;
    size_t field_count;
};

/* The footers of these files, in their order. CORRUPT names the file. */
CHECKED enum tarn_status lake_footers_read(struct tarn_session *session, const char *const *paths,
                                           size_t count, struct tarn_arena *arena,
                                           struct lake_footer **ret_footers,
                                           struct tarn_error *err);

#endif
