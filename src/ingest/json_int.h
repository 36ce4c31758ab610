/* ingest/json_int.h -- private to json_cut.c and json_record.c: crossing elements. */
#ifndef TARN_INGEST_JSON_INT_H
#define TARN_INGEST_JSON_INT_H

#include "ingest/json_record.h"

const char *tarn_json_skip_space(const char *p, const char *end);
/* Behind the element at p (brackets counted outside strings, nothing else checked); NULL when the
 * text ends inside it. */
const char *tarn_json_skip_element(const char *p, const char *end, bool in_array);

#endif
