/* model/template/operator.c -- arithmetic, containment and comparison as Python does them. See
 * operator.h.
 *
 * Integers are 64 bits; where Python would grow a number there is an error instead. */
#include "model/template/operator.h"

#include <math.h>

#include "model/template/format.h"
#include "model/template/template.h"

static const char *const op_signs[] = {
    [TARN_OP_ADD] = "+",           [TARN_OP_SUB] = "-",       [TARN_OP_MUL] = "*",
    [TARN_OP_DIV] = "/",           [TARN_OP_FLOORDIV] = "//", [TARN_OP_MOD] = "%",
    [TARN_OP_POW] = "** or pow()",
};

static enum tarn_status fail_operands(enum tarn_binary_op op, struct tarn_value left,
                                      struct tarn_value right, struct tarn_error *err)
{
    return tarn_fail(err, TARN_INVALID, "unsupported operand type(s) for %s: '%s' and '%s'",
                     op_signs[op], tarn_value_type_name(left), tarn_value_type_name(right));
}

static enum tarn_status fail_overflow(struct tarn_error *err)
{
    return tarn_fail(err, TARN_TOO_LARGE, "the integer result does not fit into 64 bits");
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - ((a % b != 0) && ((a < 0) != (b < 0)));
}

static enum tarn_status int_power(int64_t base, int64_t exponent, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    if (exponent < 0) {
        if (base == 0)
            return tarn_fail(err, TARN_INVALID, "0.0 cannot be raised to a negative power");
        *ret = tarn_value_float(pow((double)base, (double)exponent));
        return TARN_OK;
    }
    int64_t result = 1;
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(result, base, &result))
            return fail_overflow(err);
        if (base == 1 || base == 0)
            break;
        if (base == -1) {
            result = exponent % 2 ? -1 : 1;
            break;
        }
    }
    *ret = tarn_value_int(result);
    return TARN_OK;
}

static enum tarn_status int_binary(enum tarn_binary_op op, int64_t a, int64_t b,
                                   struct tarn_value *ret, struct tarn_error *err)
{
    int64_t result = 0;
    bool overflow = false;
    bool divides = op == TARN_OP_DIV || op == TARN_OP_FLOORDIV || op == TARN_OP_MOD;
    if (divides && b == 0)
        return tarn_fail(err, TARN_INVALID, "%s",
                         op == TARN_OP_DIV ? "division by zero"
                                           : "integer division or modulo by zero");
    switch (op) {
    case TARN_OP_ADD:
        overflow = __builtin_add_overflow(a, b, &result);
        break;
    case TARN_OP_SUB:
        overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case TARN_OP_MUL:
        overflow = __builtin_mul_overflow(a, b, &result);
        break;
    case TARN_OP_DIV:
        *ret = tarn_value_float((double)a / (double)b);
        return TARN_OK;
    case TARN_OP_FLOORDIV:
        if (b == -1)
            overflow = __builtin_sub_overflow(0, a, &result);
        else
            result = floor_divide(a, b);
        break;
    case TARN_OP_MOD:
        result = b == -1 ? 0 : a - floor_divide(a, b) * b;
        break;
    case TARN_OP_POW:
        return int_power(a, b, ret, err);
    }
    if (overflow)
        return fail_overflow(err);
    *ret = tarn_value_int(result);
    return TARN_OK;
}

static double real_modulo(double a, double b)
{
    double result = fmod(a, b);
    if (result == 0)
        return copysign(0.0, b);
    return (result < 0) != (b < 0) ? result + b : result;
}

/* CPython's float_floor_div: by the remainder, so that it fits with %. */
static double real_floor_divide(double a, double b)
{
    double remainder = fmod(a, b);
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (b < 0) != (remainder < 0))
        quotient -= 1.0;
    if (quotient == 0)
        return copysign(0.0, a / b);
    double floored = floor(quotient);
    return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

static enum tarn_status real_power(double a, double b, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    if (a == 0 && b < 0)
        return tarn_fail(err, TARN_INVALID, "0.0 cannot be raised to a negative power");
    if (a < 0 && b != floor(b))
        return tarn_fail(err, TARN_UNSUPPORTED, "complex numbers are not supported");
    double result = pow(a, b);
    if (isinf(result) && !isinf(a) && !isinf(b))
        return tarn_fail(err, TARN_TOO_LARGE, "(34, 'Numerical result out of range')");
    *ret = tarn_value_float(result);
    return TARN_OK;
}

static enum tarn_status real_binary(enum tarn_binary_op op, double a, double b,
                                    struct tarn_value *ret, struct tarn_error *err)
{
    bool divides = op == TARN_OP_DIV || op == TARN_OP_FLOORDIV || op == TARN_OP_MOD;
    if (divides && b == 0)
        return tarn_fail(err, TARN_INVALID, "%s",
                         op == TARN_OP_DIV   ? "float division by zero"
                         : op == TARN_OP_MOD ? "float modulo"
                                             : "float floor division by zero");
    double result = 0;
    switch (op) {
    case TARN_OP_ADD:
        result = a + b;
        break;
    case TARN_OP_SUB:
        result = a - b;
        break;
    case TARN_OP_MUL:
        result = a * b;
        break;
    case TARN_OP_DIV:
        result = a / b;
        break;
    case TARN_OP_FLOORDIV:
        result = real_floor_divide(a, b);
        break;
    case TARN_OP_MOD:
        result = real_modulo(a, b);
        break;
    case TARN_OP_POW:
        return real_power(a, b, ret, err);
    }
    *ret = tarn_value_float(result);
    return TARN_OK;
}

static bool is_list_like(struct tarn_value value)
{
    return value.kind == TARN_VALUE_LIST || value.kind == TARN_VALUE_TUPLE;
}

static enum tarn_status check_size(struct tarn_heap *heap, size_t size_bytes,
                                   struct tarn_error *err)
{
    size_t max = TARN_TEMPLATE_TEXT_BYTES_MAX;
    if (heap->max_bytes < max)
        max = heap->max_bytes;
    if (size_bytes > max)
        return tarn_fail(err, TARN_TOO_LARGE, "the result would need %zu bytes (limit %zu)",
                         size_bytes, max);
    return TARN_OK;
}

static enum tarn_status add_texts(struct tarn_heap *heap, struct tarn_value left,
                                  struct tarn_value right, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    size_t len = (size_t)left.len + right.len;
    TARN_TRY(check_size(heap, len, err));
    char *text = tarn_heap_alloc(heap, len + 1);
    memcpy(text, left.as.chars, left.len);
    memcpy(text + left.len, right.as.chars, right.len);
    *ret = tarn_value_text_ref((struct tarn_text){text, len});
    return TARN_OK;
}

static enum tarn_status add_lists(struct tarn_heap *heap, struct tarn_value left,
                                  struct tarn_value right, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    size_t count = left.as.list->count + right.as.list->count;
    TARN_TRY(check_size(heap, tarn_size_mul(count, sizeof left), err));
    struct tarn_list *list = list_new(heap, count);
    for (size_t i = 0; i < left.as.list->count; i++)
        list->items[list->count++] = left.as.list->items[i];
    for (size_t i = 0; i < right.as.list->count; i++)
        list->items[list->count++] = right.as.list->items[i];
    *ret = (struct tarn_value){.kind = left.kind, .as.list = list};
    return TARN_OK;
}

static enum tarn_status repeat(struct tarn_heap *heap, struct tarn_value value, int64_t times,
                               struct tarn_value *ret, struct tarn_error *err)
{
    size_t count = times > 0 ? (size_t)times : 0;
    bool is_text = value.kind == TARN_VALUE_STRING;
    size_t unit = is_text ? value.len : value.as.list->count * sizeof value;
    size_t size;
    if (__builtin_mul_overflow(unit, count, &size))
        size = SIZE_MAX / 2;
    TARN_TRY(check_size(heap, size, err));
    if (is_text) {
        char *text = tarn_heap_alloc(heap, size + 1);
        for (size_t i = 0; size > 0 && i < count; i++)
            memcpy(text + i * value.len, value.as.chars, value.len);
        *ret = tarn_value_text_ref((struct tarn_text){text, size});
        return TARN_OK;
    }
    struct tarn_list *list = list_new(heap, size / sizeof value);
    for (size_t i = 0; size > 0 && i < count; i++)
        for (size_t k = 0; k < value.as.list->count; k++)
            list->items[list->count++] = value.as.list->items[k];
    *ret = (struct tarn_value){.kind = value.kind, .as.list = list};
    return TARN_OK;
}

static enum tarn_status add_containers(struct tarn_heap *heap, struct tarn_value left,
                                       struct tarn_value right, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    if (left.kind != right.kind)
        return tarn_fail(err, TARN_INVALID, "can only concatenate %s (not \"%s\") to %s",
                         tarn_value_type_name(left), tarn_value_type_name(right),
                         tarn_value_type_name(left));
    return left.kind == TARN_VALUE_STRING ? add_texts(heap, left, right, ret, err)
                                          : add_lists(heap, left, right, ret, err);
}

static struct tarn_value subtract_sets(struct tarn_heap *heap, struct tarn_value left,
                                       struct tarn_value right)
{
    struct tarn_value set = tarn_value_set(heap), ignored;
    for (size_t i = 0; i < left.as.dict->count; i++)
        if (!tarn_dict_find(right, left.as.dict->entries[i].key, &ignored))
            tarn_dict_put(set, left.as.dict->entries[i].key, TARN_NONE);
    return set;
}

static bool object_binary(struct tarn_heap *heap, enum tarn_binary_op op, struct tarn_value left,
                          struct tarn_value right, struct tarn_value *ret)
{
    const struct tarn_object *a = left.kind == TARN_VALUE_OBJECT ? left.as.object : NULL;
    const struct tarn_object *b = right.kind == TARN_VALUE_OBJECT ? right.as.object : NULL;
    if (a && a->type->binary && a->type->binary(heap, op, left, right, ret))
        return true;
    return b && b->type->binary && b->type->binary(heap, op, left, right, ret);
}

static enum tarn_status other_binary(struct tarn_heap *heap, enum tarn_binary_op op,
                                     struct tarn_value left, struct tarn_value right,
                                     struct tarn_value *ret, struct tarn_error *err)
{
    int64_t times;
    bool left_sequence = left.kind == TARN_VALUE_STRING || is_list_like(left);
    bool right_sequence = right.kind == TARN_VALUE_STRING || is_list_like(right);
    if (op == TARN_OP_MOD && left.kind == TARN_VALUE_STRING)
        return percent_format(heap, tarn_value_text(left), right, ret, err);
    if (object_binary(heap, op, left, right, ret))
        return TARN_OK;
    if (left.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(left, err);
    if (right.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(right, err);
    if (op == TARN_OP_ADD && left_sequence)
        return add_containers(heap, left, right, ret, err);
    if (op == TARN_OP_MUL && left_sequence && value_to_int64(right, &times))
        return repeat(heap, left, times, ret, err);
    if (op == TARN_OP_MUL && right_sequence && value_to_int64(left, &times))
        return repeat(heap, right, times, ret, err);
    if (op == TARN_OP_MUL && (left_sequence || right_sequence))
        return tarn_fail(err, TARN_INVALID, "can't multiply sequence by non-int of type '%s'",
                         tarn_value_type_name(left_sequence ? right : left));
    if (op == TARN_OP_SUB && left.kind == TARN_VALUE_SET && right.kind == TARN_VALUE_SET) {
        *ret = subtract_sets(heap, left, right);
        return TARN_OK;
    }
    return fail_operands(op, left, right, err);
}

enum tarn_status value_binary(struct tarn_heap *heap, enum tarn_binary_op op,
                              struct tarn_value left, struct tarn_value right,
                              struct tarn_value *ret, struct tarn_error *err)
{
    int64_t a, b;
    if (value_to_int64(left, &a) && value_to_int64(right, &b))
        return int_binary(op, a, b, ret, err);
    if (value_is_number(left) && value_is_number(right))
        return real_binary(op, value_real(left), value_real(right), ret, err);
    return other_binary(heap, op, left, right, ret, err);
}

enum tarn_status value_negate(struct tarn_heap *heap, struct tarn_value value,
                              struct tarn_value *ret, struct tarn_error *err)
{
    int64_t integer;
    if (value.kind == TARN_VALUE_FLOAT) {
        *ret = tarn_value_float(-value.as.real);
        return TARN_OK;
    }
    if (value_to_int64(value, &integer))
        return int_binary(TARN_OP_SUB, 0, integer, ret, err);
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, err);
    if (object_binary(heap, TARN_OP_MUL, value, tarn_value_int(-1), ret))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "bad operand type for unary -: '%s'",
                     tarn_value_type_name(value));
}

static enum tarn_status contains_text(struct tarn_value container, struct tarn_value item,
                                      bool *ret, struct tarn_error *err)
{
    if (item.kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "'in <string>' requires string as left operand, not %s",
                         tarn_value_type_name(item));
    *ret =
        item.len == 0 || memmem(container.as.chars, container.len, item.as.chars, item.len) != NULL;
    return TARN_OK;
}

static enum tarn_status contains_by_walking(struct tarn_heap *heap, struct tarn_value container,
                                            struct tarn_value item, bool *ret,
                                            struct tarn_error *err)
{
    struct walk walk;
    if (!value_is_iterable(container))
        return tarn_fail(err, TARN_INVALID, "argument of type '%s' is not iterable",
                         tarn_value_type_name(container));
    TARN_TRY(walk_begin(&walk, heap, container, err));
    for (;;) {
        struct tarn_value each;
        bool done;
        TARN_TRY(walk_next(&walk, &each, &done, err));
        if (done)
            break;
        if (tarn_value_equal(each, item)) {
            *ret = true;
            return TARN_OK;
        }
    }
    *ret = false;
    return TARN_OK;
}

enum tarn_status value_contains(struct tarn_heap *heap, struct tarn_value container,
                                struct tarn_value item, bool *ret, struct tarn_error *err)
{
    struct tarn_value ignored;
    if (container.kind == TARN_VALUE_STRING)
        return contains_text(container, item, ret, err);
    if (container.kind == TARN_VALUE_DICT || container.kind == TARN_VALUE_SET) {
        if (!tarn_value_is_hashable(item))
            return tarn_fail(err, TARN_INVALID, "unhashable type: '%s'",
                             tarn_value_type_name(item));
        *ret = tarn_dict_find(container, item, &ignored);
        return TARN_OK;
    }
    if (container.kind == TARN_VALUE_OBJECT && container.as.object->type->contains) {
        *ret = container.as.object->type->contains(container.as.object->data, item);
        return TARN_OK;
    }
    return contains_by_walking(heap, container, item, ret, err);
}

static enum tarn_status compare_order(enum compare_op op, struct tarn_value left,
                                      struct tarn_value right, bool *ret, struct tarn_error *err)
{
    static const char *const signs[] = {
        [COMPARE_LT] = "<", [COMPARE_LE] = "<=", [COMPARE_GT] = ">", [COMPARE_GE] = ">="};
    int order;
    struct tarn_error problem;
    if (tarn_value_compare(left, right, &order, &problem) != TARN_OK) {
        if (left.kind == TARN_VALUE_UNDEFINED || right.kind == TARN_VALUE_UNDEFINED ||
            left.kind == right.kind)
            return tarn_fail(err, TARN_INVALID, "%s", problem.text);
        return tarn_fail(err, TARN_INVALID, "'%s' not supported between instances of '%s' and '%s'",
                         signs[op], tarn_value_type_name(left), tarn_value_type_name(right));
    }
    if (order == ORDER_NONE)
        *ret = false;
    else if (op == COMPARE_LT)
        *ret = order < 0;
    else if (op == COMPARE_LE)
        *ret = order <= 0;
    else
        *ret = op == COMPARE_GT ? order > 0 : order >= 0;
    return TARN_OK;
}

enum tarn_status value_compare_op(struct tarn_heap *heap, enum compare_op op,
                                  struct tarn_value left, struct tarn_value right, bool *ret,
                                  struct tarn_error *err)
{
    if (op == COMPARE_EQ || op == COMPARE_NE) {
        *ret = tarn_value_equal(left, right) == (op == COMPARE_EQ);
        return TARN_OK;
    }
    if (op != COMPARE_IN && op != COMPARE_NOT_IN)
        return compare_order(op, left, right, ret, err);
    TARN_TRY(value_contains(heap, right, left, ret, err));
    if (op == COMPARE_NOT_IN)
        *ret = !*ret;
    return TARN_OK;
}
