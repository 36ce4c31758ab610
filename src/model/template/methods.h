/* model/template/methods.h -- Python's methods of str, list, tuple, dict and set. */
#ifndef TARN_MODEL_TEMPLATE_METHODS_H
#define TARN_MODEL_TEMPLATE_METHODS_H

#include "model/template/value_int.h"

/* The method of that type, or NULL. */
const struct method *method_find(enum tarn_value_kind kind, struct tarn_text name);

extern const struct method string_methods[]; /* each ended by {NULL} */
extern const struct method list_methods[];
extern const struct method tuple_methods[];
extern const struct method dict_methods[];
extern const struct method set_methods[];
extern const struct method float_methods[];

static inline struct tarn_value call_receiver(const struct tarn_call *call)
{
    return *(const struct tarn_value *)call->userdata;
}

#endif
