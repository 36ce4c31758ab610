/* model/relation.h -- dbt's Relation and Column, the values behind ref(), source(), this and
 * adapter.get_columns_in_relation().
 *
 * A relation prints as "schema"."name": the database is left out because there is one, and because
 * the SQL of a view must mean the same in a process that gives its catalog another name. */
#ifndef TARN_MODEL_RELATION_H
#define TARN_MODEL_RELATION_H

#include "model/node.h"

struct tarn_relation {
    const char *database, *schema, *identifier; /* any may be NULL */
    const char *type;                           /* "table", "view", "cte", or NULL when not known */
    bool with_database, with_schema, with_identifier;
    bool quoted;
    bool database_asked; /* include(database=true): print it */
    const char *filter;  /* SQL: as a value it prints as a subquery of such rows; or NULL */
};

struct tarn_value tarn_relation_value(struct tarn_heap *heap, const struct tarn_relation *relation);
/* NULL when the value is no relation. */
const struct tarn_relation *tarn_relation_of(struct tarn_value value);
struct tarn_relation tarn_relation_of_node(const struct tarn_model_node *node);
/* An ephemeral model: __dbt__cte__name. */
struct tarn_value tarn_relation_cte(struct tarn_heap *heap, const char *name);
void tarn_relation_print(const struct tarn_relation *relation, struct tarn_buffer *out);

struct tarn_model_column_value {
    const char *name, *type;
};
struct tarn_value tarn_column_value(struct tarn_heap *heap, const char *name, const char *type);
const struct tarn_model_column_value *tarn_column_of(struct tarn_value value);

/* dbt's `api`: Relation and Column. */
struct tarn_value tarn_relation_api(struct tarn_heap *heap);

#endif
