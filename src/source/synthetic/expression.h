/* source/synthetic/expression.h -- small typed expressions over the fields of a row, its parent and
 * its children.
 *
 *   round(quantity * unit_price * (1 - discount), 2)      numbers: INT, DECIMAL (exact), REAL
 *   customer_id.country = 'DE' and chance(0.3)            a reference's field; draws of its own
 *   orders.order_date + hours(2)                          the parent's field; times
 *   sum(order_items, quantity * unit_price)               over the children of the row
 *   if(a > b, a, b)  coalesce(a, b)  min max abs floor exp log sqrt pow lower upper slug date month
 * weekday hour row  stream  slot  ordinal  normal()  uniform()
 */
#ifndef TARN_SOURCE_SYNTHETIC_EXPRESSION_H
#define TARN_SOURCE_SYNTHETIC_EXPRESSION_H

#include "source/synthetic/batch.h"

/* Parses and types `text` in the scope of `entity`; draws inside it take keys from `key_name`
 * within the entity. CONFIG names the node's file:line and the place in the text. */
CHECKED enum tarn_status tarn_expression_parse(struct tarn_text text, const struct tarn_yaml *node,
                                               struct tarn_synth_entity *entity,
                                               const char *key_name,
                                               const struct tarn_expression **ret,
                                               struct tarn_error *err);
enum tarn_synth_type tarn_expression_type(const struct tarn_expression *expression);
uint8_t tarn_expression_scale(const struct tarn_expression *expression);
/* False for text that may need quoting. */
bool tarn_expression_plain(const struct tarn_expression *expression);
/* The entity whose row the value points to, NULL when it is no reference. */
const struct tarn_synth_entity *tarn_expression_target(const struct tarn_expression *expression);
/* The field that a bare reference to a field names, otherwise NULL. */
const struct tarn_synth_field *tarn_expression_field(const struct tarn_expression *expression);
struct tarn_synth_vector *tarn_expression_draw(const struct tarn_expression *expression,
                                               struct tarn_synth_batch *batch);
/* out[i]: whether row i gives true (null counts as false). */
void tarn_expression_test(const struct tarn_expression *expression, struct tarn_synth_batch *batch,
                          uint8_t *out);

#endif
