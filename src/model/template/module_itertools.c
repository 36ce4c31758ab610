/* model/template/module_itertools.c -- itertools, over lists that are read at once; what is endless
 * in Python is left out. */
#include "model/template/modules.h"
#include "model/template/operator.h"
#include "model/template/template.h"

enum { RESULTS_MAX = TARN_TEMPLATE_RANGE_MAX };

static enum tarn_status add_result(struct tarn_value results, struct tarn_value item,
                                   struct tarn_error *err)
{
    if (tarn_list_count(results) >= RESULTS_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "more than %d results", RESULTS_MAX);
    tarn_list_append(results, item);
    return TARN_OK;
}

CALLABLE(chain)
{
    struct tarn_value results = tarn_value_list(call->heap), items;
    for (size_t a = 0; a < call->arg_count; a++) {
        TARN_TRY(tarn_value_to_list(call->heap, call->args[a], &items, err));
        for (size_t i = 0; i < tarn_list_count(items); i++)
            TARN_TRY(add_result(results, tarn_list_at(items, i), err));
    }
    *ret = tarn_value_iterator(call->heap, results);
    return TARN_OK;
}

/* Every argument as a list. */
static enum tarn_status read_lists(struct tarn_call *call, struct tarn_list **ret_lists,
                                   size_t *ret_longest, size_t *ret_shortest,
                                   struct tarn_error *err)
{
    struct tarn_list *lists = list_new(call->heap, call->arg_count);
    *ret_longest = 0;
    *ret_shortest = call->arg_count ? SIZE_MAX : 0;
    for (size_t a = 0; a < call->arg_count; a++) {
        TARN_TRY(tarn_value_to_list(call->heap, call->args[a], &lists->items[a], err));
        size_t count = tarn_list_count(lists->items[a]);
        *ret_longest = count > *ret_longest ? count : *ret_longest;
        *ret_shortest = count < *ret_shortest ? count : *ret_shortest;
        lists->count++;
    }
    *ret_lists = lists;
    return TARN_OK;
}

CALLABLE(zip_longest)
{
    struct tarn_list *lists;
    size_t longest, shortest;
    struct tarn_value results = tarn_value_list(call->heap);
    struct tarn_value fill = tarn_call_arg(call, SIZE_MAX, "fillvalue");
    if (fill.kind == TARN_VALUE_UNDEFINED)
        fill = TARN_NONE;
    TARN_TRY(read_lists(call, &lists, &longest, &shortest, err));
    for (size_t row = 0; row < longest; row++) {
        struct tarn_list *tuple = list_new(call->heap, lists->count);
        for (size_t a = 0; a < lists->count; a++) {
            bool has = row < tarn_list_count(lists->items[a]);
            tuple->items[tuple->count++] = has ? tarn_list_at(lists->items[a], row) : fill;
        }
        TARN_TRY(add_result(results, tuple_value(tuple), err));
    }
    *ret = tarn_value_iterator(call->heap, results);
    return TARN_OK;
}

/* Counts through the indexes like an odometer; false after the last. */
static bool next_indexes(size_t *indexes, const struct tarn_list *lists)
{
    for (size_t a = lists->count; a-- > 0;) {
        if (++indexes[a] < tarn_list_count(lists->items[a]))
            return true;
        indexes[a] = 0;
    }
    return false;
}

static struct tarn_list *repeat_lists(struct tarn_heap *heap, struct tarn_list *lists,
                                      int64_t times)
{
    struct tarn_list *repeated = list_new(heap, 0);
    for (int64_t i = 0; i < times; i++)
        for (size_t a = 0; a < lists->count; a++)
            tarn_list_append(list_value(repeated), lists->items[a]);
    return repeated;
}

CALLABLE(product)
{
    struct tarn_list *lists;
    size_t longest, shortest;
    int64_t repeat = 1;
    struct tarn_value results = tarn_value_list(call->heap);
    TARN_TRY(read_lists(call, &lists, &longest, &shortest, err));
    (void)value_to_int64(tarn_call_arg(call, SIZE_MAX, "repeat"), &repeat); /* one when not given */
    if (repeat < 0 || repeat > 64)
        return tarn_fail(err, TARN_INVALID, "product: repeat must be between 0 and 64");
    lists = repeat_lists(call->heap, lists, repeat);
    TARN_AUTO_FREE size_t *indexes = tarn_alloc_array(lists->count + 1, sizeof *indexes);
    bool more = lists->count == 0 || shortest > 0;
    while (more) {
        struct tarn_list *tuple = list_new(call->heap, lists->count);
        for (size_t a = 0; a < lists->count; a++)
            tuple->items[tuple->count++] = tarn_list_at(lists->items[a], indexes[a]);
        TARN_TRY(add_result(results, tuple_value(tuple), err));
        more = next_indexes(indexes, lists);
    }
    *ret = tarn_value_iterator(call->heap, results);
    return TARN_OK;
}

struct choice {
    struct tarn_call *call;
    struct tarn_value items;
    size_t size;
    bool ordered; /* permutations, not combinations */
    size_t *chosen;
    struct tarn_value results;
};

static bool is_chosen(const struct choice *choice, size_t depth, size_t index)
{
    for (size_t i = 0; i < depth; i++)
        if (choice->chosen[i] == index)
            return true;
    return false;
}

static enum tarn_status choose(struct choice *choice, size_t depth, struct tarn_error *err)
{
    if (depth == choice->size) {
        struct tarn_list *tuple = list_new(choice->call->heap, choice->size);
        for (size_t i = 0; i < choice->size; i++)
            tuple->items[tuple->count++] = tarn_list_at(choice->items, choice->chosen[i]);
        return add_result(choice->results, tuple_value(tuple), err);
    }
    size_t from = choice->ordered || depth == 0 ? 0 : choice->chosen[depth - 1] + 1;
    for (size_t i = from; i < tarn_list_count(choice->items); i++) {
        if (choice->ordered && is_chosen(choice, depth, i))
            continue;
        choice->chosen[depth] = i;
        TARN_TRY(choose(choice, depth + 1, err));
    }
    return TARN_OK;
}

static enum tarn_status all_choices(struct tarn_call *call, bool ordered, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    static const char *const names[] = {"iterable", "r", NULL};
    enum { CHOICE_DEPTH_MAX = 100 };
    struct tarn_value values[2];
    TARN_TRY(tarn_call_bind(call, names, ordered ? 1 : 2, values, err));
    struct choice choice = {
        .call = call, .ordered = ordered, .results = tarn_value_list(call->heap)};
    TARN_TRY(tarn_value_to_list(call->heap, values[0], &choice.items, err));
    int64_t size = (int64_t)tarn_list_count(choice.items);
    if (!value_to_int64(values[1], &size) && !tarn_value_is_nothing(values[1]))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(values[1]));
    if (size < 0 || size > CHOICE_DEPTH_MAX)
        return tarn_fail(err, TARN_INVALID, "r must be between 0 and %d", CHOICE_DEPTH_MAX);
    choice.size = (size_t)size;
    TARN_AUTO_FREE size_t *chosen = tarn_alloc_array(choice.size + 1, sizeof *chosen);
    choice.chosen = chosen;
    if (choice.size <= tarn_list_count(choice.items))
        TARN_TRY(choose(&choice, 0, err));
    *ret = tarn_value_iterator(call->heap, choice.results);
    return TARN_OK;
}

CALLABLE(combinations)
{
    return all_choices(call, false, ret, err);
}

CALLABLE(permutations)
{
    return all_choices(call, true, ret, err);
}

CALLABLE(islice)
{
    struct walk walk;
    int64_t bounds[3] = {0, 0, 1};
    if (call->arg_count < 2 || call->arg_count > 4)
        return tarn_fail(err, TARN_INVALID, "islice expected 2 to 4 arguments, got %zu",
                         call->arg_count);
    for (size_t i = 1; i < call->arg_count; i++)
        if (!value_to_int64(call->args[i], &bounds[call->arg_count == 2 ? 1 : i - 1]) ||
            bounds[2] < 1)
            return tarn_fail(err, TARN_INVALID,
                             "Indices for islice() must be non-negative integers");
    struct tarn_value results = tarn_value_list(call->heap);
    TARN_TRY(walk_begin(&walk, call->heap, call->args[0], err));
    for (int64_t i = 0; i < bounds[1]; i++) {
        struct tarn_value item;
        bool done;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            break;
        if (i >= bounds[0] && (i - bounds[0]) % bounds[2] == 0)
            TARN_TRY(add_result(results, item, err));
    }
    *ret = tarn_value_iterator(call->heap, results);
    return TARN_OK;
}

CALLABLE(accumulate)
{
    struct tarn_value items, results = tarn_value_list(call->heap), sum = TARN_NONE;
    if (call->arg_count != 1)
        return tarn_fail(err, TARN_INVALID, "accumulate takes one iterable");
    TARN_TRY(tarn_value_to_list(call->heap, call->args[0], &items, err));
    for (size_t i = 0; i < tarn_list_count(items); i++) {
        if (i == 0)
            sum = tarn_list_at(items, i);
        else
            TARN_TRY(value_binary(call->heap, TARN_OP_ADD, sum, tarn_list_at(items, i), &sum, err));
        TARN_TRY(add_result(results, sum, err));
    }
    *ret = tarn_value_iterator(call->heap, results);
    return TARN_OK;
}

struct tarn_value module_itertools(struct tarn_heap *heap)
{
    static const struct module_function functions[] = {
        {"chain", chain},
        {"zip_longest", zip_longest},
        {"product", product},
        {"combinations", combinations},
        {"permutations", permutations},
        {"islice", islice},
        {"accumulate", accumulate},
        {NULL, NULL},
    };
    return module_new(heap, functions);
}
