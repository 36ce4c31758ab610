/* model/template/text_ops.h -- what string methods and text filters do to text. */
#ifndef TARN_MODEL_TEMPLATE_TEXT_OPS_H
#define TARN_MODEL_TEMPLATE_TEXT_OPS_H

#include "model/template/value_int.h"

enum text_case { CASE_UPPER, CASE_LOWER, CASE_TITLE, CASE_CAPITALIZE, CASE_SWAP };
struct tarn_value text_case(struct tarn_heap *heap, struct tarn_text text, enum text_case to);
/* Python's isupper() and islower(): at least one letter with case, and all of those in this one. */
bool text_is_case(struct tarn_text text, bool upper);

/* `chars` NULL: white space. */
struct tarn_text text_strip(struct tarn_text text, const struct tarn_text *chars, bool left,
                            bool right);
const char *text_find_last(struct tarn_text text, struct tarn_text wanted);
/* Lists of the parts; at most `most` cuts, all when it is negative. */
struct tarn_value text_split_space(struct tarn_heap *heap, struct tarn_text text, int64_t most,
                                   bool from_right);
struct tarn_value text_split_on(struct tarn_heap *heap, struct tarn_text text,
                                struct tarn_text separator, int64_t most, bool from_right);
struct tarn_value text_split_lines(struct tarn_heap *heap, struct tarn_text text, bool keep_ends);
CHECKED enum tarn_status text_replace(struct tarn_heap *heap, struct tarn_text text,
                                      struct tarn_text old_text, struct tarn_text new_text,
                                      int64_t most, struct tarn_value *ret, struct tarn_error *err);
enum pad_side { PAD_LEFT, PAD_RIGHT, PAD_BOTH };
CHECKED enum tarn_status text_pad(struct tarn_heap *heap, struct tarn_text text, int64_t width,
                                  struct tarn_text fill, enum pad_side side, struct tarn_value *ret,
                                  struct tarn_error *err);

/* Python's int(text, base) and float(text). */
bool text_to_int(struct tarn_text text, int base, int64_t *ret);
bool text_to_real(struct tarn_text text, double *ret);

#endif
