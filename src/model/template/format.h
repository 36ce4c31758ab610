/* model/template/format.h -- Python's three ways to put values into text: %, str.format and format
 * specs. */
#ifndef TARN_MODEL_TEMPLATE_FORMAT_H
#define TARN_MODEL_TEMPLATE_FORMAT_H

#include "model/template/value_int.h"

/* text % value */
CHECKED enum tarn_status percent_format(struct tarn_heap *heap, struct tarn_text text,
                                        struct tarn_value value, struct tarn_value *ret,
                                        struct tarn_error *err);
/* text.format(*args, **kwargs) */
CHECKED enum tarn_status brace_format(struct tarn_call *call, struct tarn_text text,
                                      struct tarn_value *ret, struct tarn_error *err);
/* format(value, spec), appended. */
CHECKED enum tarn_status spec_format(struct tarn_heap *heap, struct tarn_value value,
                                     struct tarn_text spec, struct tarn_buffer *out,
                                     struct tarn_error *err);

#endif
