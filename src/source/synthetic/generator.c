/* source/synthetic/generator.c -- the table of generators. */
#include "source/synthetic/generator.h"

#include <stdio.h>

#include "base/text.h"
#include "source/synthetic/spec_int.h"

static const struct tarn_synth_generator *const generators[] = {
    &tarn_synth_sequence,  &tarn_synth_uuid,
    &tarn_synth_choice,    &tarn_synth_words_generator,
    &tarn_synth_template,  &tarn_synth_expression,
    &tarn_synth_map,       &tarn_synth_arrival,
    &tarn_synth_reference, &tarn_synth_machine_generator,
    &tarn_synth_list,      &tarn_synth_state,
    &tarn_synth_at,        &tarn_synth_constant,
    &tarn_synth_digits,
};

enum tarn_status tarn_synth_generator_find(const struct tarn_yaml *field, const char *name,
                                           const struct tarn_synth_generator **ret,
                                           const struct tarn_yaml **ret_value,
                                           struct tarn_error *err)
{
    const char *names[TARN_COUNT(generators) + TARN_DISTRIBUTION_COUNT];
    size_t count = 0, found = 0;
    for (size_t i = 0; i < TARN_COUNT(generators); i++) {
        names[count++] = generators[i]->name;
        const struct tarn_yaml *value = tarn_yaml_get(field, generators[i]->name);
        if (value) {
            found++;
            *ret = generators[i];
            *ret_value = value;
        }
    }
    for (size_t i = 0; tarn_distribution_names[i]; i++) {
        names[count++] = tarn_distribution_names[i];
        const struct tarn_yaml *value = tarn_yaml_get(field, tarn_distribution_names[i]);
        if (value) {
            found++;
            *ret = &tarn_synth_number;
            *ret_value = value;
        }
    }
    if (found == 1)
        return TARN_OK;
    if (found > 1)
        return tarn_yaml_fail(field, err, "the field %s has more than one way to make its values",
                              name);
    if (field->count > 0) {
        const char *first = tarn_yaml_key(field, 0);
        return tarn_synth_unknown(field->keys[0], "generator", first, names, count, err);
    }
    return tarn_yaml_fail(field, err, "the field %s says nothing about its values", name);
}
