/* model/template/modules.c -- dbt's `modules`, put together. */
#include "model/template/modules.h"

#include "model/template/template.h"

struct tarn_value module_new(struct tarn_heap *heap, const struct module_function *functions)
{
    struct tarn_value module = tarn_value_namespace(heap);
    for (; functions && functions->name; functions++)
        tarn_dict_put_str(module, functions->name,
                          tarn_value_function(heap, functions->name, functions->fn, NULL));
    return module;
}

struct tarn_value tarn_template_modules(struct tarn_heap *heap)
{
    struct tarn_value modules = tarn_value_namespace(heap);
    tarn_dict_put_str(modules, "re", module_re(heap));
    tarn_dict_put_str(modules, "datetime", module_datetime(heap));
    tarn_dict_put_str(modules, "pytz", module_pytz(heap));
    tarn_dict_put_str(modules, "itertools", module_itertools(heap));
    return modules;
}
