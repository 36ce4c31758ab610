/* model/template/string_literal.h -- the escapes of Python string literals. */
#ifndef TARN_MODEL_TEMPLATE_STRING_LITERAL_H
#define TARN_MODEL_TEMPLATE_STRING_LITERAL_H

#include "model/template/value.h"

/* The text between the quotes as a string; returns NULL, or what is wrong with it. Text without a
 * backslash is not copied: it must live as long as the value. */
const char *string_literal_read(struct tarn_heap *heap, struct tarn_text inside,
                                struct tarn_value *ret);

#endif
