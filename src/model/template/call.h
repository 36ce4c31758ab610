/* model/template/call.h -- what other files need to know of callables. */
#ifndef TARN_MODEL_TEMPLATE_CALL_H
#define TARN_MODEL_TEMPLATE_CALL_H

#include "model/template/value_int.h"

/* "<Macro 'name'>" */
void macro_print_repr(const struct tarn_macro *macro, struct tarn_buffer *out);
/* name, arguments, catch_kwargs, catch_varargs, caller. */
bool macro_attribute(struct tarn_heap *heap, const struct tarn_macro *macro, struct tarn_text name,
                     struct tarn_value *ret);
bool value_is_callable(struct tarn_value value);

#endif
