/* model/template/filters_number.c -- filters that make numbers. */
#include <math.h>
#include <stdio.h>

#include "model/template/filters.h"
#include "model/template/operator.h"
#include "model/template/text_ops.h"

/* int(value) for a float; false for what Python refuses. */
static bool real_to_int(double real, int64_t *ret)
{
    if (!isfinite(real) || fabs(real) >= 9.2e18)
        return false;
    *ret = (int64_t)real;
    return true;
}

static bool convert_to_int(struct tarn_value value, int base, int64_t *ret)
{
    double real;
    if (value_to_int64(value, ret))
        return true;
    if (value.kind == TARN_VALUE_FLOAT)
        return real_to_int(value.as.real, ret);
    if (value.kind != TARN_VALUE_STRING)
        return false;
    struct tarn_text text = tarn_value_text(value);
    return text_to_int(text, base, ret) || (text_to_real(text, &real) && real_to_int(real, ret));
}

CALLABLE(filter_int)
{
    static const char *const names[] = {"value", "default", "base", NULL};
    struct tarn_value values[3];
    int64_t base = 10, integer;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (!is_absent(values[2]) && !value_to_int64(values[2], &base))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(values[2]));
    bool base_is_valid = base == 0 || (base >= 2 && base <= 36);
    if (base_is_valid && convert_to_int(values[0], (int)base, &integer))
        *ret = tarn_value_int(integer);
    else
        *ret = values[1].kind == TARN_VALUE_UNDEFINED ? tarn_value_int(0) : values[1];
    return TARN_OK;
}

CALLABLE(filter_float)
{
    static const char *const names[] = {"value", "default", NULL};
    struct tarn_value values[2];
    double real;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (value_is_number(values[0]))
        *ret = tarn_value_float(value_real(values[0]));
    else if (values[0].kind == TARN_VALUE_STRING && text_to_real(tarn_value_text(values[0]), &real))
        *ret = tarn_value_float(real);
    else
        *ret = values[1].kind == TARN_VALUE_UNDEFINED ? tarn_value_float(0) : values[1];
    return TARN_OK;
}

CALLABLE(filter_abs)
{
    static const char *const names[] = {"x", NULL};
    struct tarn_value value;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    if (!value_is_number(value))
        return tarn_fail(err, TARN_INVALID, "bad operand type for abs(): '%s'",
                         tarn_value_type_name(value));
    if (value.kind == TARN_VALUE_FLOAT)
        *ret = tarn_value_float(fabs(value.as.real));
    else if (value_real(value) < 0)
        return value_negate(call->heap, value, ret, err);
    else
        *ret = tarn_value_int((int64_t)value_real(value));
    if (value.kind == TARN_VALUE_INT && value.as.integer >= 0)
        *ret = value;
    return TARN_OK;
}

/* round(value, precision): half to even, exact in decimal. */
static double round_real(double value, int64_t precision)
{
    char text[800];
    if (!isfinite(value) || precision > 320)
        return value;
    if (precision < -310)
        return 0.0;
    if (precision >= 0) {
        (void)snprintf(text, sizeof text, "%.*f", (int)precision, value); /* 310 + 320 digits fit */
        return strtod(text, NULL);
    }
    double scale = pow(10.0, (double)-precision);
    return rint(value / scale) * scale;
}

static int64_t round_int(int64_t value, int64_t precision)
{
    if (precision >= 0)
        return value;
    if (precision < -18)
        return 0;
    int64_t scale = 1;
    for (int64_t i = precision; i < 0; i++)
        scale *= 10;
    int64_t rest = value % scale, base = value - rest;
    int64_t doubled = rest < 0 ? -rest * 2 : rest * 2;
    bool up = doubled > scale || (doubled == scale && (base / scale) % 2 != 0);
    return up ? base + (rest < 0 ? -scale : scale) : base;
}

CALLABLE(filter_round)
{
    static const char *const names[] = {"value", "precision", "method", NULL};
    struct tarn_value values[3];
    int64_t precision = 0, integer;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    bool common = values[2].kind == TARN_VALUE_UNDEFINED || tarn_value_text_is(values[2], "common");
    bool ceiling = tarn_value_text_is(values[2], "ceil");
    if (!common && !ceiling && !tarn_value_text_is(values[2], "floor"))
        return tarn_fail(err, TARN_INVALID, "method must be common, ceil or floor");
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (!value_is_number(values[0]))
        return tarn_fail(err, TARN_INVALID, "type %s doesn't define __round__ method",
                         tarn_value_type_name(values[0]));
    bool whole = values[1].kind == TARN_VALUE_NONE;
    if (!is_absent(values[1]) && !value_to_int64(values[1], &precision))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(values[1]));
    if (common && value_to_int64(values[0], &integer)) {
        *ret = tarn_value_int(round_int(integer, precision));
    } else if (common) {
        double rounded = round_real(values[0].as.real, precision);
        *ret = whole ? tarn_value_int((int64_t)rounded) : tarn_value_float(rounded);
    } else {
        double scale = pow(10.0, (double)precision);
        double scaled = value_real(values[0]) * scale;
        *ret = tarn_value_float((ceiling ? ceil(scaled) : floor(scaled)) / scale);
    }
    return TARN_OK;
}

const struct filter number_filters[] = {
    {"int", filter_int}, {"float", filter_float}, {"abs", filter_abs}, {"round", filter_round},
    {NULL, NULL},
};
