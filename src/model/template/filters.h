/* model/template/filters.h -- the filters: a table of names and functions.
 *
 * A filter is called like a function whose first argument is the value in front of the pipe. */
#ifndef TARN_MODEL_TEMPLATE_FILTERS_H
#define TARN_MODEL_TEMPLATE_FILTERS_H

#include "model/template/value_int.h"

struct filter {
    const char *name;
    tarn_function_fn *fn;
};

/* NULL when there is no such filter. */
const struct filter *filter_find(struct tarn_text name);

extern const struct filter text_filters[]; /* each ended by {NULL} */
extern const struct filter number_filters[];
extern const struct filter sequence_filters[];
extern const struct filter lazy_filters[];

/* What the attribute argument of many filters means: a dotted path or an index, asked of each item.
 * None and undefined: the item itself. */
struct attribute_path {
    struct tarn_value attribute;
    struct tarn_value fallback; /* for undefined on the way; none or undefined: nothing does */
    bool ignore_case;           /* text is compared in lower case */
};
CHECKED enum tarn_status path_get(struct tarn_call *call, const struct attribute_path *path,
                                  struct tarn_value item, struct tarn_value *ret,
                                  struct tarn_error *err);
/* Stable sort by key, as Python's sorted(); keys[i] belongs to items[i]. */
CHECKED enum tarn_status sort_by_keys(struct tarn_value *items, struct tarn_value *keys,
                                      size_t count, bool reverse, struct tarn_error *err);
/* "not given" for an optional argument: also None where Python's default is None. */
static inline bool is_absent(struct tarn_value value)
{
    return value.kind == TARN_VALUE_NONE ||
           (value.kind == TARN_VALUE_UNDEFINED && !value.as.undefined);
}

#endif
