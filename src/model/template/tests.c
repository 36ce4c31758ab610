/* model/template/tests.c -- see tests.h. */
#include "model/template/tests.h"

#include "model/template/call.h"
#include "model/template/filters.h"
#include "model/template/operator.h"
#include "model/template/text_ops.h"

static struct tarn_value subject(const struct tarn_call *call)
{
    return call->args[0];
}

static enum tarn_status need_args(const struct tarn_call *call, size_t count,
                                  struct tarn_error *err)
{
    if (call->kwarg_count > 0)
        return tarn_fail(err, TARN_INVALID, "the test '%s' takes no keyword arguments", call->name);
    if (call->arg_count == count + 1)
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "the test '%s' takes %zu argument(s), got %zu", call->name,
                     count, call->arg_count - 1);
}

/* --- what kind of value it is
 * ---------------------------------------------------------------------------------------------------
 */

#define KIND_TEST(name, expression)                                                                \
    CALLABLE(name)                                                                                 \
    {                                                                                              \
        struct tarn_value value = subject(call);                                                   \
        TARN_TRY(need_args(call, 0, err));                                                         \
        *ret = tarn_value_bool(expression);                                                        \
        return TARN_OK;                                                                            \
    }

static bool is_mapping(struct tarn_value value)
{
    return value.kind == TARN_VALUE_DICT ||
           (value.kind == TARN_VALUE_OBJECT && value.as.object->type->is_mapping);
}

/* Has len() and subscripts, as far as jinja2 asks. */
static bool is_sequence(struct tarn_value value)
{
    size_t length;
    if (value.kind == TARN_VALUE_OBJECT)
        return value.as.object->type->get_item && tarn_value_length(value, &length);
    return value.kind == TARN_VALUE_STRING || value.kind == TARN_VALUE_LIST ||
           value.kind == TARN_VALUE_TUPLE || value.kind == TARN_VALUE_DICT ||
           value.kind == TARN_VALUE_RANGE || value.kind == TARN_VALUE_UNDEFINED;
}

static bool is_bool(struct tarn_value value, bool wanted)
{
    return value.kind == TARN_VALUE_BOOL && value.as.boolean == wanted;
}

KIND_TEST(test_defined, value.kind != TARN_VALUE_UNDEFINED)
KIND_TEST(test_undefined, value.kind == TARN_VALUE_UNDEFINED)
KIND_TEST(test_none, value.kind == TARN_VALUE_NONE)
KIND_TEST(test_boolean, value.kind == TARN_VALUE_BOOL)
KIND_TEST(test_true, is_bool(value, true))
KIND_TEST(test_false, is_bool(value, false))
KIND_TEST(test_integer, value.kind == TARN_VALUE_INT)
KIND_TEST(test_float, value.kind == TARN_VALUE_FLOAT)
KIND_TEST(test_number, value_is_number(value))
KIND_TEST(test_string, value.kind == TARN_VALUE_STRING)
KIND_TEST(test_mapping, is_mapping(value))
KIND_TEST(test_sequence, is_sequence(value))
KIND_TEST(test_iterable, value_is_iterable(value))
KIND_TEST(test_callable, value_is_callable(value))
KIND_TEST(test_escaped, ((void)value, false))

/* --- numbers
 * ----------------------------------------------------------------------------------------------------------------------
 */

/* value % divisor == remainder */
static enum tarn_status remainder_is(struct tarn_call *call, struct tarn_value divisor,
                                     int64_t remainder, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    struct tarn_value left;
    TARN_TRY(value_binary(call->heap, TARN_OP_MOD, subject(call), divisor, &left, err));
    *ret = tarn_value_bool(tarn_value_equal(left, tarn_value_int(remainder)));
    return TARN_OK;
}

CALLABLE(test_odd)
{
    TARN_TRY(need_args(call, 0, err));
    return remainder_is(call, tarn_value_int(2), 1, ret, err);
}

CALLABLE(test_even)
{
    TARN_TRY(need_args(call, 0, err));
    return remainder_is(call, tarn_value_int(2), 0, ret, err);
}

CALLABLE(test_divisibleby)
{
    struct tarn_value divisor = tarn_call_arg(call, 1, "num");
    if (call->arg_count + call->kwarg_count != 2)
        return need_args(call, 1, err);
    return remainder_is(call, divisor, 0, ret, err);
}

/* --- text
 * ---------------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status case_is(struct tarn_call *call, bool upper, struct tarn_value *ret,
                                struct tarn_error *err)
{
    TARN_TRY(need_args(call, 0, err));
    struct tarn_value text = tarn_value_to_string(call->heap, subject(call));
    *ret = tarn_value_bool(text_is_case(tarn_value_text(text), upper));
    return TARN_OK;
}

CALLABLE(test_upper)
{
    return case_is(call, true, ret, err);
}

CALLABLE(test_lower)
{
    return case_is(call, false, ret, err);
}

CALLABLE(test_filter)
{
    TARN_TRY(need_args(call, 0, err));
    *ret = tarn_value_bool(filter_find(tarn_value_text(subject(call))) != NULL);
    return TARN_OK;
}

CALLABLE(test_test)
{
    TARN_TRY(need_args(call, 0, err));
    *ret = tarn_value_bool(test_find(tarn_value_text(subject(call))) != NULL);
    return TARN_OK;
}

/* --- comparisons
 * --------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status compare(struct tarn_call *call, enum compare_op op, struct tarn_value *ret,
                                struct tarn_error *err)
{
    bool holds;
    TARN_TRY(need_args(call, 1, err));
    TARN_TRY(value_compare_op(call->heap, op, subject(call), call->args[1], &holds, err));
    *ret = tarn_value_bool(holds);
    return TARN_OK;
}

#define COMPARE_TEST(name, op)                                                                     \
    CALLABLE(name)                                                                                 \
    {                                                                                              \
        return compare(call, op, ret, err);                                                        \
    }

COMPARE_TEST(test_eq, COMPARE_EQ)
COMPARE_TEST(test_ne, COMPARE_NE)
COMPARE_TEST(test_lt, COMPARE_LT)
COMPARE_TEST(test_le, COMPARE_LE)
COMPARE_TEST(test_gt, COMPARE_GT)
COMPARE_TEST(test_ge, COMPARE_GE)
COMPARE_TEST(test_in, COMPARE_IN)

static bool same_value(struct tarn_value a, struct tarn_value b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == TARN_VALUE_NONE)
        return true;
    if (a.kind == TARN_VALUE_BOOL)
        return a.as.boolean == b.as.boolean;
    if (a.kind == TARN_VALUE_INT || a.kind == TARN_VALUE_STRING || a.kind == TARN_VALUE_FLOAT)
        return tarn_value_equal(a, b);
    if (a.kind == TARN_VALUE_OBJECT)
        return a.as.object->data == b.as.object->data;
    return a.as.list == b.as.list;
}

CALLABLE(test_sameas)
{
    TARN_TRY(need_args(call, 1, err));
    *ret = tarn_value_bool(same_value(subject(call), call->args[1]));
    return TARN_OK;
}

static const struct test tests[] = {
    {"none", test_none},
    {"defined", test_defined},
    {"undefined", test_undefined},
    {"string", test_string},
    {"mapping", test_mapping},
    {"iterable", test_iterable},
    {"sequence", test_sequence},
    {"number", test_number},
    {"boolean", test_boolean},
    {"integer", test_integer},
    {"float", test_float},
    {"true", test_true},
    {"false", test_false},
    {"callable", test_callable},
    {"odd", test_odd},
    {"even", test_even},
    {"divisibleby", test_divisibleby},
    {"upper", test_upper},
    {"lower", test_lower},
    {"in", test_in},
    {"sameas", test_sameas},
    {"escaped", test_escaped},
    {"filter", test_filter},
    {"test", test_test},
    {"==", test_eq},
    {"eq", test_eq},
    {"equalto", test_eq},
    {"!=", test_ne},
    {"ne", test_ne},
    {"<", test_lt},
    {"lt", test_lt},
    {"lessthan", test_lt},
    {"<=", test_le},
    {"le", test_le},
    {">", test_gt},
    {"gt", test_gt},
    {"greaterthan", test_gt},
    {">=", test_ge},
    {"ge", test_ge},
};

const struct test *test_find(struct tarn_text name)
{
    for (size_t i = 0; i < TARN_COUNT(tests); i++)
        if (tarn_text_is(name, tests[i].name))
            return &tests[i];
    return NULL;
}
