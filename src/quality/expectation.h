/* quality/expectation.h -- what can be expected of a table: one row per kind of expectation, and an
 * expectation as a suite states it.
 *
 * The table in expectation.c is the one place that knows names, parameters and defaults; parsing,
 * SQL, results and error messages come from it. Adding an expectation is one row there and one
 * build function. */
#ifndef TARN_QUALITY_EXPECTATION_H
#define TARN_QUALITY_EXPECTATION_H

#include "base/error.h"
#include "base/memory.h"
#include "project/yaml.h"

struct tarn_check; /* quality/check.h */

/* X(name, text): what a failing row is called in quarantine. */
#define TARN_QUALITY_KIND_MAP(X)                                                                   \
    X(NULL, "null")                                                                                \
    X(TYPE, "type")                                                                                \
    X(FORMAT, "format")                                                                            \
    X(RANGE, "range")                                                                              \
    X(DUPLICATE, "duplicate")                                                                      \
    X(ORPHAN, "orphan")                                                                            \
    X(SET, "set")                                                                                  \
    X(OTHER, "other")

enum tarn_quality_kind {
#define X(name, text) TARN_KIND_##name,
    TARN_QUALITY_KIND_MAP(X)
#undef X
        TARN_KIND_COUNT
};
/* The kinds' texts, ended by NULL. */
extern const char *const tarn_quality_kinds[];

/* What part of a table's score an expectation feeds. */
#define TARN_DIMENSION_MAP(X)                                                                      \
    X(COMPLETENESS, "completeness", 3)                                                             \
    X(UNIQUENESS, "uniqueness", 2)                                                                 \
    X(VALIDITY, "validity", 3)                                                                     \
    X(INTEGRITY, "integrity", 2)                                                                   \
    X(FRESHNESS, "freshness", 1)

enum tarn_dimension {
#define X(name, text, weight) TARN_DIMENSION_##name,
    TARN_DIMENSION_MAP(X)
#undef X
        TARN_DIMENSION_COUNT,
    TARN_DIMENSION_NONE = TARN_DIMENSION_COUNT,
};

enum tarn_parameter_type {
    TARN_PARAMETER_COLUMN = 1,
    TARN_PARAMETER_COLUMNS, /* a list of column names, or one */
    TARN_PARAMETER_BOUND,   /* a number, or text that is one or a date */
    TARN_PARAMETER_VALUES,  /* a list of plain values */
    TARN_PARAMETER_PAIRS,   /* a list of lists of two plain values */
    TARN_PARAMETER_NUMBER,
    TARN_PARAMETER_INTEGER,
    TARN_PARAMETER_BOOLEAN,
    TARN_PARAMETER_TEXT,
    TARN_PARAMETER_TEXTS, /* a list of texts, or one */
    TARN_PARAMETER_MAP,
};

enum { TARN_PARAMETER_MAX = 7 };

struct tarn_parameter {
    const char *name;  /* as Great Expectations spells it */
    const char *alias; /* the short spelling, or NULL */
    enum tarn_parameter_type type;
    bool required;
};

/* How an expectation is measured. */
enum tarn_check_shape {
    TARN_SHAPE_ROW,       /* a condition that is true for an unexpected row */
    TARN_SHAPE_UNIQUE,    /* a key that must not repeat */
    TARN_SHAPE_REFERENCE, /* a key that must be in another table */
    TARN_SHAPE_AGGREGATE, /* one observed value and a condition on it */
    TARN_SHAPE_CATALOG,   /* decided from the table's columns alone */
    TARN_SHAPE_QUERY,     /* a query whose rows are all unexpected */
};

struct tarn_expectation_type {
    const char *name;    /* short */
    const char *gx_name; /* Great Expectations' (for Tarn's own: in its manner) */
    const char *alias;   /* another name that people know, or NULL */
    enum tarn_check_shape shape;
    enum tarn_quality_kind kind;
    enum tarn_dimension dimension;
    struct tarn_parameter parameters[TARN_PARAMETER_MAX];
    /* Writes the check's SQL (see quality/check.h). */
    enum tarn_status (*build)(struct tarn_check *check, struct tarn_error *err);
};

enum tarn_severity { TARN_SEVERITY_ERROR, TARN_SEVERITY_WARN };
const char *tarn_severity_name(enum tarn_severity severity);

/* One line of a suite, for one column where the line lists several. */
struct tarn_expectation {
    const struct tarn_expectation_type *type;
    const struct tarn_yaml *node; /* where it stands */
    const struct tarn_yaml *args[TARN_PARAMETER_MAX];
    enum tarn_severity severity;
    enum tarn_quality_kind kind;
    double mostly;
    const char *rule;        /* name in results and in quarantine */
    const char *description; /* NULL when none */
    const char *where;       /* SQL, NULL when none */
    const char *as;          /* SQL type, NULL when none */
    const char *value;       /* SQL, NULL when none */
    const char **null_values;
    size_t null_value_count;
    const struct tarn_yaml *kwargs; /* as written, for results; NULL when it was a plain value */
    const struct tarn_yaml *meta;   /* NULL when none */
    bool is_gx1; /* written in Great Expectations' 1.x format: its defaults apply */
};

/* By short name, GX name or alias; NULL when there is none. */
const struct tarn_expectation_type *tarn_expectation_type_find(const char *name);
/* The name that comes nearest, NULL when none is near. */
const char *tarn_expectation_type_nearest(const char *name);
size_t tarn_expectation_type_count(void);
const struct tarn_expectation_type *tarn_expectation_type_at(size_t index);

size_t tarn_expectation_parameter_count(const struct tarn_expectation_type *type);
/* Position of a parameter by GX name or alias; -1 when there is none. */
int tarn_expectation_parameter(const struct tarn_expectation_type *type, const char *name);
/* The argument of that (GX) name, NULL when it was not given. */
const struct tarn_yaml *tarn_expectation_arg(const struct tarn_expectation *e, const char *name);

#endif
