/* model/template/filters.c -- finds filters; attribute paths and sorting, which several of them
 * share. See filters.h. */
#include "model/template/filters.h"

#include "model/template/operator.h"
#include "model/template/runtime.h"
#include "model/template/text_ops.h"

const struct filter *filter_find(struct tarn_text name)
{
    static const struct filter *const tables[] = {text_filters, number_filters, sequence_filters,
                                                  lazy_filters};
    for (size_t t = 0; t < TARN_COUNT(tables); t++)
        for (const struct filter *filter = tables[t]; filter->name; filter++)
            if (tarn_text_is(name, filter->name))
                return filter;
    return NULL;
}

static enum tarn_status path_step(struct tarn_call *call, struct tarn_value part,
                                  struct tarn_value *item, struct tarn_error *err)
{
    if (item->kind != TARN_VALUE_UNDEFINED)
        *item = value_subscript(call->heap, *item, part);
    else if (!call->run || !call->run->options.lenient_undefined)
        return fail_undefined(*item, err);
    return TARN_OK;
}

enum tarn_status path_get(struct tarn_call *call, const struct attribute_path *path,
                          struct tarn_value item, struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_text rest = tarn_value_text(path->attribute), part;
    int64_t index;
    bool has_fallback = !is_absent(path->fallback);
    if (path->attribute.kind != TARN_VALUE_STRING && !is_absent(path->attribute))
        TARN_TRY(path_step(call, path->attribute, &item, err));
    while (path->attribute.kind == TARN_VALUE_STRING && tarn_text_split(&rest, '.', &part)) {
        bool is_index = part.len > 0 && part.data[0] != '-' && tarn_text_to_int64(part, &index);
        TARN_TRY(path_step(call, is_index ? tarn_value_int(index) : tarn_value_text_ref(part),
                           &item, err));
        if (has_fallback && item.kind == TARN_VALUE_UNDEFINED)
            item = path->fallback;
    }
    if (has_fallback && item.kind == TARN_VALUE_UNDEFINED && !is_absent(path->attribute))
        item = path->fallback;
    if (path->ignore_case && item.kind == TARN_VALUE_STRING)
        item = text_case(call->heap, tarn_value_text(item), CASE_LOWER);
    *ret = item;
    return TARN_OK;
}

struct sort_job {
    struct tarn_value *items;
    struct tarn_value *keys;
    struct tarn_value *other_items;
    struct tarn_value *other_keys;
    bool reverse;
};

/* True when b must come before a, which stands in front of it. */
static enum tarn_status comes_first(const struct sort_job *job, struct tarn_value a,
                                    struct tarn_value b, bool *ret, struct tarn_error *err)
{
    int order;
    TARN_TRY(job->reverse ? tarn_value_compare(a, b, &order, err)
                          : tarn_value_compare(b, a, &order, err));
    *ret = order == -1;
    return TARN_OK;
}

static enum tarn_status merge(struct sort_job *job, size_t start, size_t middle, size_t end,
                              struct tarn_error *err)
{
    size_t left = start, right = middle;
    for (size_t i = start; i < end; i++) {
        bool take_right = left == middle;
        if (left < middle && right < end)
            TARN_TRY(comes_first(job, job->keys[left], job->keys[right], &take_right, err));
        size_t from = take_right ? right++ : left++;
        job->other_items[i] = job->items[from];
        job->other_keys[i] = job->keys[from];
    }
    memcpy(job->items + start, job->other_items + start, (end - start) * sizeof *job->items);
    memcpy(job->keys + start, job->other_keys + start, (end - start) * sizeof *job->keys);
    return TARN_OK;
}

enum tarn_status sort_by_keys(struct tarn_value *items, struct tarn_value *keys, size_t count,
                              bool reverse, struct tarn_error *err)
{
    TARN_AUTO_FREE struct tarn_value *other_items = tarn_alloc_array(count + 1, sizeof *items);
    TARN_AUTO_FREE struct tarn_value *other_keys = tarn_alloc_array(count + 1, sizeof *keys);
    struct sort_job job = {items, keys, other_items, other_keys, reverse};
    for (size_t width = 1; width < count; width *= 2)
        for (size_t start = 0; start + width < count; start += 2 * width) {
            size_t end = start + 2 * width;
            TARN_TRY(merge(&job, start, start + width, end < count ? end : count, err));
        }
    return TARN_OK;
}
