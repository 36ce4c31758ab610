/* store/migrations.h -- the state file's schema as steps; PRAGMA user_version says how far a file
 * has come.
 *
 * A step that has been released is never changed: add the next one. Private to state.c. */
#ifndef TARN_STORE_MIGRATIONS_H
#define TARN_STORE_MIGRATIONS_H

#include "migrations_sql.h"

struct tarn_migration {
    int version;
    const char *name;
    const char *sql;
};

static const struct tarn_migration tarn_migrations[] = {
    {1, "001_catalog", sql_001_catalog_sql}, {2, "002_load", sql_002_load_sql},
    {3, "003_run", sql_003_run_sql},         {4, "004_quality", sql_004_quality_sql},
    {5, "005_model", sql_005_model_sql},     {6, "006_quality_input", sql_006_quality_input_sql},
};

#endif
