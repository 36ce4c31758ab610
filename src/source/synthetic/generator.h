/* source/synthetic/generator.h -- how a field's values come about: one struct per kind, one table
 * of all of them. */
#ifndef TARN_SOURCE_SYNTHETIC_GENERATOR_H
#define TARN_SOURCE_SYNTHETIC_GENERATOR_H

#include "source/synthetic/batch.h"

struct tarn_synth_generator {
    const char *name;    /* the key that selects it: `uniform: {from: 1, to: 6}` */
    const char *keys[6]; /* further keys of the field that it reads; NULL behind the last one,
                            unless there are six */
    bool cheap;          /* looked up by drawing again rather than by keeping it */
    /* Reads field->node and sets type, scale, plain, own. */
    enum tarn_status (*resolve)(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                struct tarn_error *err);
    struct tarn_synth_vector *(*draw)(struct tarn_synth_batch *batch,
                                      const struct tarn_synth_field *field);
};

/* The generator that the field's map selects; CONFIG lists the kinds when there is none or more
 * than one. */
CHECKED enum tarn_status tarn_synth_generator_find(const struct tarn_yaml *field, const char *name,
                                                   const struct tarn_synth_generator **ret,
                                                   const struct tarn_yaml **ret_value,
                                                   struct tarn_error *err);

extern const struct tarn_synth_generator tarn_synth_sequence, tarn_synth_uuid, tarn_synth_number,
    tarn_synth_choice, tarn_synth_words_generator, tarn_synth_template, tarn_synth_expression,
    tarn_synth_map, tarn_synth_arrival, tarn_synth_reference, tarn_synth_machine_generator,
    tarn_synth_list, tarn_synth_state, tarn_synth_at, tarn_synth_constant, tarn_synth_digits;

#endif
