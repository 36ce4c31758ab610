/* source/synthetic/link.h -- what the plan and the writers know of the generators that join rows.
 */
#ifndef TARN_SOURCE_SYNTHETIC_LINK_H
#define TARN_SOURCE_SYNTHETIC_LINK_H

#include "source/synthetic/pick.h"
#include "source/synthetic/spec.h"

/* field->own of a field made by tarn_synth_reference; the plan prepares `pick` once the target's
 * rows are known. */
struct tarn_synth_reference {
    struct tarn_synth_entity *target;
    double zipf;
    const struct tarn_synth_field
        *alive_until; /* of the target: not chosen after this time; NULL: for ever */
    double together;  /* siblings choose the companion of what the first of them chose, so often */
    struct tarn_pick pick;
};

/* The entity that holds the rows of a list field. */
const struct tarn_synth_entity *tarn_synth_list_inner(const struct tarn_synth_field *field);

#endif
