/* ingest/infer.c -- see infer.h. */
#include "ingest/infer.h"

#include <limits.h>
#include <strings.h>

#include "base/clock.h"

enum { DECIMAL_DIGITS = 18, DECIMAL_SCALE = 9, MONEY_SCALE = 2, BIGINT_DIGITS = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "-12.50": digits with at most one point. Returns false when it is anything else. */
static bool plain_number(struct tarn_text text, int *ret_whole, int *ret_scale, bool *ret_zeros)
{
    size_t i = text.len > 0 && text.data[0] == '-';
    size_t from = i;
    while (i < text.len && is_digit(text.data[i]))
        i++;
    size_t whole = i - from;
    *ret_zeros = whole > 1 && text.data[from] == '0';
    if (whole == 0 || whole > INT_MAX)
        return false;
    size_t scale = 0;
    if (i < text.len && text.data[i] == '.') {
        size_t point = i++;
        while (i < text.len && is_digit(text.data[i]))
            i++;
        scale = i - point - 1;
        if (scale == 0 || scale > INT_MAX)
            return false;
    }
    *ret_whole = (int)whole;
    *ret_scale = (int)scale;
    return i == text.len;
}

static enum tarn_value_class classify_number(struct tarn_text text, int *whole, int *scale)
{
    bool zeros = false;
    double value;
    int64_t integer;
    if (plain_number(text, whole, scale, &zeros)) {
        if (zeros)
            return TARN_CLASS_TEXT;
        if (*scale == 0 && tarn_text_to_int64(text, &integer))
            return TARN_CLASS_BIGINT;
        if (*whole + *scale <= DECIMAL_DIGITS && *scale <= DECIMAL_SCALE && *scale > 0)
            return TARN_CLASS_DECIMAL;
        return *scale > 0 ? TARN_CLASS_DOUBLE
                          : TARN_CLASS_TEXT; /* 20 digits: an id, not a number */
    }
    *whole = *scale = 0;
    bool digits = false, exponent = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        digits |= is_digit(c);
        exponent |= i > 0 && (c == 'e' || c == 'E');
        if (!is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
            return TARN_CLASS_TEXT;
    }
    return digits && exponent && text.data[0] != '+' && tarn_text_to_double(text, &value)
               ? TARN_CLASS_DOUBLE
               : TARN_CLASS_TEXT;
}

static bool is_word(struct tarn_text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

enum tarn_value_class tarn_value_classify(struct tarn_text text, int *ret_whole_digits,
                                          int *ret_scale)
{
    enum { DATE_LEN = 10, TIME_LEN_MAX = 32 };
    int whole = 0, scale = 0;
    int64_t time_us;
    text = tarn_text_trim(text);
    enum tarn_value_class found = TARN_CLASS_TEXT;
    if (text.len == 0)
        found = TARN_CLASS_EMPTY;
    else if (text.len >= DATE_LEN && text.len <= TIME_LEN_MAX && is_digit(text.data[0]) &&
             text.data[4] == '-' && tarn_time_parse(text, &time_us))
        found = text.len == DATE_LEN ? TARN_CLASS_DATE : TARN_CLASS_TIMESTAMP;
    else if (is_digit(text.data[0]) || text.data[0] == '-')
        found = classify_number(text, &whole, &scale);
    else if (is_word(text, "true") || is_word(text, "false"))
        found = TARN_CLASS_BOOLEAN;
    if (ret_whole_digits)
        *ret_whole_digits = whole;
    if (ret_scale)
        *ret_scale = scale;
    return found;
}

void tarn_guess_add(struct tarn_guess *guess, struct tarn_text text)
{
    int whole, scale;
    enum tarn_value_class found = tarn_value_classify(text, &whole, &scale);
    guess->counts[found]++;
    if (found == TARN_CLASS_BIGINT || found == TARN_CLASS_DECIMAL) {
        guess->whole_digits = whole > guess->whole_digits ? whole : guess->whole_digits;
        guess->scale = scale > guess->scale ? scale : guess->scale;
    }
}

void tarn_guess_merge(struct tarn_guess *into, const struct tarn_guess *from)
{
    for (int i = 0; i < TARN_CLASS_COUNT; i++)
        into->counts[i] += from->counts[i];
    into->whole_digits =
        from->whole_digits > into->whole_digits ? from->whole_digits : into->whole_digits;
    into->scale = from->scale > into->scale ? from->scale : into->scale;
}

const char *tarn_guess_type(const struct tarn_guess *guess, struct tarn_arena *arena)
{
    const int64_t *n = guess->counts;
    int64_t total = 0;
    for (int i = TARN_CLASS_EMPTY + 1; i < TARN_CLASS_COUNT; i++)
        total += n[i];
    const int64_t needed = total - total / 100;
    const int64_t decimals = n[TARN_CLASS_BIGINT] + n[TARN_CLASS_DECIMAL];
    if (total == 0)
        return "VARCHAR";
    if (n[TARN_CLASS_BOOLEAN] >= needed)
        return "BOOLEAN";
    if (n[TARN_CLASS_BIGINT] >= needed)
        return "BIGINT";
    int scale = guess->scale < MONEY_SCALE ? MONEY_SCALE : guess->scale;
    if (decimals >= needed && guess->whole_digits + scale <= DECIMAL_DIGITS)
        return tarn_arena_format(arena, "DECIMAL(%d,%d)", DECIMAL_DIGITS, scale);
    if (decimals + n[TARN_CLASS_DOUBLE] >= needed)
        return "DOUBLE";
    if (n[TARN_CLASS_DATE] >= needed)
        return "DATE";
    if (n[TARN_CLASS_DATE] + n[TARN_CLASS_TIMESTAMP] >= needed)
        return "TIMESTAMP";
    return "VARCHAR";
}

/* ---- values
 * ---------------------------------------------------------------------------------------------- */

static bool store_integer(struct tarn_vector *v, size_t row, int64_t value)
{
    switch ((int)v->type->id) {
    case TARN_TYPE_SMALLINT:
        ((int16_t *)v->data)[row] = (int16_t)value;
        return value >= INT16_MIN && value <= INT16_MAX;
    case TARN_TYPE_INTEGER:
        ((int32_t *)v->data)[row] = (int32_t)value;
        return value >= INT32_MIN && value <= INT32_MAX;
    default:
        ((int64_t *)v->data)[row] = value;
        return true;
    }
}

/* The unscaled integer of a plain number at the type's scale; false when digits would be lost. */
static bool unscaled(struct tarn_text text, const struct tarn_type *type, int64_t *ret)
{
    int whole, scale;
    bool zeros;
    if (!plain_number(text, &whole, &scale, &zeros) || zeros ||
        whole + type->scale > DECIMAL_DIGITS + (text.data[0] == '0'))
        return false;
    int64_t value = 0;
    int behind = -1;
    for (size_t i = text.data[0] == '-'; i < text.len; i++) {
        if (text.data[i] == '.') {
            behind = 0;
            continue;
        }
        if (behind >= type->scale && text.data[i] != '0')
            return false;
        if (behind >= type->scale)
            continue;
        value = value * 10 + (text.data[i] - '0');
        behind += behind >= 0;
    }
    for (behind = behind < 0 ? 0 : behind; behind < type->scale; behind++)
        value *= 10;
    *ret = text.data[0] == '-' ? -value : value;
    return true;
}

static bool store_decimal(struct tarn_vector *v, size_t row, struct tarn_text text)
{
    int64_t value, limit = 1;
    if (!unscaled(text, v->type, &value))
        return false;
    for (int i = 0; i < v->type->width; i++)
        limit *= 10;
    if (value <= -limit || value >= limit)
        return false;
    if (v->type->width <= 4)
        ((int16_t *)v->data)[row] = (int16_t)value;
    else if (v->type->width <= 9)
        ((int32_t *)v->data)[row] = (int32_t)value;
    else
        ((int64_t *)v->data)[row] = value;
    return true;
}

static bool store_double(struct tarn_vector *v, size_t row, struct tarn_text text)
{
    double value;
    enum tarn_value_class found = tarn_value_classify(text, NULL, NULL);
    bool is_number =
        found == TARN_CLASS_BIGINT || found == TARN_CLASS_DECIMAL || found == TARN_CLASS_DOUBLE;
    if (!is_number || !tarn_text_to_double(text, &value))
        return false;
    if (v->type->id == TARN_TYPE_FLOAT)
        ((float *)v->data)[row] = (float)value;
    else
        ((double *)v->data)[row] = value;
    return true;
}

static bool store_time(struct tarn_vector *v, size_t row, struct tarn_text text)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t time_us;
    enum tarn_value_class found = tarn_value_classify(text, NULL, NULL);
    if ((found != TARN_CLASS_DATE && found != TARN_CLASS_TIMESTAMP) ||
        !tarn_time_parse(text, &time_us))
        return false;
    if (v->type->id == TARN_TYPE_TIMESTAMP || v->type->id == TARN_TYPE_TIMESTAMP_TZ) {
        ((int64_t *)v->data)[row] = time_us;
        return true;
    }
    int64_t day = time_us / day_us - (time_us % day_us < 0);
    ((int32_t *)v->data)[row] = (int32_t)day;
    return time_us == day * day_us; /* a time of day would be lost */
}

static bool store_boolean(struct tarn_vector *v, size_t row, struct tarn_text text)
{
    ((uint8_t *)v->data)[row] = is_word(text, "true");
    return is_word(text, "true") || is_word(text, "false");
}

static bool store_bigint(struct tarn_vector *v, size_t row, struct tarn_text text)
{
    int64_t value;
    return tarn_value_classify(text, NULL, NULL) == TARN_CLASS_BIGINT &&
           tarn_text_to_int64(text, &value) && store_integer(v, row, value);
}

typedef bool store_function(struct tarn_vector *v, size_t row, struct tarn_text text);

static store_function *store_for(const struct tarn_type *type)
{
    switch ((int)type->id) {
    case TARN_TYPE_BOOLEAN:
        return store_boolean;
    case TARN_TYPE_SMALLINT:
    case TARN_TYPE_INTEGER:
    case TARN_TYPE_BIGINT:
        return store_bigint;
    case TARN_TYPE_DECIMAL:
        return type->width <= DECIMAL_DIGITS ? store_decimal : NULL;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return store_double;
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMP_TZ:
        return store_time;
    default:
        return NULL;
    }
}

bool tarn_value_storable(const struct tarn_type *type)
{
    return store_for(type) != NULL;
}

bool tarn_value_store(struct tarn_vector *vector, size_t row, struct tarn_text text)
{
    text = tarn_text_trim(text);
    store_function *store = store_for(vector->type);
    bool fits = text.len == 0 || (store && store(vector, row, text));
    if (text.len == 0 || !fits)
        tarn_vector_set_null(vector, row);
    return fits;
}
