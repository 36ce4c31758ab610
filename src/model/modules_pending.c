/* stands in until the template modules are there */
#include "model/template/template.h"
__attribute__((weak)) struct tarn_value tarn_template_modules(struct tarn_heap *heap);
__attribute__((weak)) struct tarn_value tarn_template_modules(struct tarn_heap *heap)
{
    return tarn_value_dict(heap);
}
__attribute__((weak)) struct tarn_value tarn_value_datetime(struct tarn_heap *heap, int64_t t,
                                                            bool utc)
{
    (void)t;
    (void)utc;
    return tarn_value_str(heap, "x");
}
