/* source/synthetic/expression_int.h -- the tree that expression.c builds and expression_draw.c
 * evaluates. */
#ifndef TARN_SOURCE_SYNTHETIC_EXPRESSION_INT_H
#define TARN_SOURCE_SYNTHETIC_EXPRESSION_INT_H

#include "source/synthetic/expression.h"

enum { TARN_EXPRESSION_ARGS_MAX = 16 };

enum tarn_expression_op {
    OP_LITERAL,
    OP_NULL,
    OP_FIELD,  /* of the same entity */
    OP_PARENT, /* the parent's key; stands for the parent's row */
    OP_LOOKUP, /* field of the row that args[0] points to */
    OP_OUTER,  /* args[0] in the entity that holds the list */
    OP_ROW,
    OP_STREAM,
    OP_SLOT,
    OP_ORDINAL,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_NEGATE,
    OP_EQUAL,
    OP_LESS,
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_IS_NULL,
    OP_IF,
    OP_COALESCE,
    OP_MIN,
    OP_MAX,
    OP_ABS,
    OP_ROUND,
    OP_FLOOR,
    OP_REAL, /* exp, log, sqrt, pow */
    OP_TEXT, /* lower, upper, title, slug */
    OP_DURATION,
    OP_DATE_OF,
    OP_TIME_PART,
    OP_CHANCE,
    OP_NORMAL,
    OP_UNIFORM,
    OP_SEASON,
    OP_SUM,
    OP_COUNT,
};

struct tarn_expression {
    enum tarn_expression_op op;
    enum tarn_synth_type type;
    uint8_t scale;
    bool plain;
    int variant; /* which of the functions that share an op */
    size_t arg_count;
    const struct tarn_expression **args;
    int64_t integer;
    double real;
    struct tarn_text text;
    const struct tarn_synth_field *field;
    const struct tarn_synth_entity *target; /* what the value points to: references and parents */
    const struct tarn_synth_entity *child;  /* SUM, COUNT */
    const struct tarn_season *season;
    uint64_t key; /* CHANCE, NORMAL, UNIFORM */
};

enum tarn_text_function { TEXT_LOWER, TEXT_UPPER, TEXT_TITLE, TEXT_SLUG };
enum tarn_real_function { REAL_EXP, REAL_LOG, REAL_SQRT, REAL_POW };
enum tarn_time_part { PART_YEAR, PART_MONTH, PART_DAY, PART_WEEKDAY, PART_HOUR };

/* Writes the text changed by the function; room for len bytes (no function makes text longer). */
char *tarn_expression_put_text(char *at, struct tarn_text text, enum tarn_text_function function);

#endif
