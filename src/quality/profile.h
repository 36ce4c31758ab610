/* quality/profile.h -- figures of every column of a table in one scan, and the expectations that
 * they suggest. */
#ifndef TARN_QUALITY_PROFILE_H
#define TARN_QUALITY_PROFILE_H

#include "quality/check.h"

struct tarn_column_profile {
    const char *name;
    const struct tarn_type *type;
    int64_t count;    /* values that are not NULL */
    int64_t distinct; /* approximate (HyperLogLog) unless it equals `count` */
    bool is_unique;   /* exactly: every value once, none missing */
    /* As text; NULL where it makes no sense for the type or there is no value. */
    const char *min, *max, *mean, *stdev, *quartiles; /* quartiles: "q1, median, q3" */
    int64_t min_length, max_length;                   /* of text */
    const char *reads_as; /* text: the narrowest type that all values can be read as, or NULL */
    const char **values;  /* all distinct values when there are few, most frequent first */
    size_t value_count;
};

struct tarn_profile {
    const char *ns, *table;
    int64_t rows;
    struct tarn_column_profile *columns;
    size_t column_count;
};

enum { TARN_PROFILE_VALUES = 20 };

CHECKED enum tarn_status tarn_profile_table(struct tarn_session *session, const char *ns,
                                            const char *table, struct tarn_arena *arena,
                                            struct tarn_profile *ret_profile,
                                            struct tarn_error *err);
/* A suite in short YAML that the table holds today; for a person to edit. */
void tarn_profile_suggest(const struct tarn_profile *profile, struct tarn_buffer *out);

#endif
