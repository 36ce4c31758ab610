/* model/template/operator.h -- Python's operators, subscripts, slices and attributes on values. */
#ifndef TARN_MODEL_TEMPLATE_OPERATOR_H
#define TARN_MODEL_TEMPLATE_OPERATOR_H

#include "model/template/ast.h"
#include "model/template/value_int.h"

CHECKED enum tarn_status value_binary(struct tarn_heap *heap, enum tarn_binary_op op,
                                      struct tarn_value left, struct tarn_value right,
                                      struct tarn_value *ret, struct tarn_error *err);
CHECKED enum tarn_status value_negate(struct tarn_heap *heap, struct tarn_value value,
                                      struct tarn_value *ret, struct tarn_error *err);
CHECKED enum tarn_status value_contains(struct tarn_heap *heap, struct tarn_value container,
                                        struct tarn_value item, bool *ret, struct tarn_error *err);
CHECKED enum tarn_status value_compare_op(struct tarn_heap *heap, enum compare_op op,
                                          struct tarn_value left, struct tarn_value right,
                                          bool *ret, struct tarn_error *err);
/* value[key] without a fall back to attributes; false when there is no such item. */
bool value_get_item(struct tarn_heap *heap, struct tarn_value value, struct tarn_value key,
                    struct tarn_value *ret);
/* jinja2's value[key]: the item, then the attribute of that name, then undefined. */
struct tarn_value value_subscript(struct tarn_heap *heap, struct tarn_value value,
                                  struct tarn_value key);
/* jinja2's value.name: the attribute or method, then the item, then undefined. */
struct tarn_value value_attribute(struct tarn_heap *heap, struct tarn_value value,
                                  struct tarn_value name);
/* Only attributes and methods, no items; false when there is none. */
bool value_own_attribute(struct tarn_heap *heap, struct tarn_value value, struct tarn_text name,
                         struct tarn_value *ret);
/* Missing parts are none. */
CHECKED enum tarn_status value_slice(struct tarn_heap *heap, struct tarn_value value,
                                     const struct tarn_value parts[3], struct tarn_value *ret,
                                     struct tarn_error *err);
/* The part of `text` from code point `start` (inclusive) to `stop`. */
struct tarn_text text_slice(struct tarn_text text, size_t start, size_t stop);

#endif
