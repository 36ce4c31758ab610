/* model/template/modules.h -- the parts of dbt's `modules`; see tarn_template_modules in
 * template.h. */
#ifndef TARN_MODEL_TEMPLATE_MODULES_H
#define TARN_MODEL_TEMPLATE_MODULES_H

#include "model/template/value_int.h"

struct tarn_value module_re(struct tarn_heap *heap);
struct tarn_value module_datetime(struct tarn_heap *heap);
struct tarn_value module_pytz(struct tarn_heap *heap);
struct tarn_value module_itertools(struct tarn_heap *heap);

/* A namespace-like object that holds the names of a module. */
struct module_function {
    const char *name;
    tarn_function_fn *fn;
};
struct tarn_value module_new(struct tarn_heap *heap, const struct module_function *functions);

#endif
