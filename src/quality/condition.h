/* quality/condition.h -- Great Expectations' row conditions as SQL.
 *
 * GX knows three dialects: pandas' query strings (`x == "a" and y > 3`), its own parser
 * (`col("x").notNull()`, `col("x") >= 5`) and plain SQL. All three read as SQL once the few tokens
 * that differ are replaced, which is what this does: == becomes =, col("x") an identifier,
 * .notNull() IS NOT NULL, .isNull() IS NULL, "text" a literal, & and | and and or. */
#ifndef TARN_QUALITY_CONDITION_H
#define TARN_QUALITY_CONDITION_H

#include "base/memory.h"

/* `parser` is GX's condition_parser: "pandas", "great_expectations" (with any suffix), "spark",
 * "sqlalchemy" or NULL. SQL dialects are returned as they are. */
const char *tarn_condition_sql(struct tarn_arena *arena, const char *condition, const char *parser);

#endif
