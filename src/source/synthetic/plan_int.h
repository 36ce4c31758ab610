/* source/synthetic/plan_int.h -- private to plan*.c. */
#ifndef TARN_SOURCE_SYNTHETIC_PLAN_INT_H
#define TARN_SOURCE_SYNTHETIC_PLAN_INT_H

#include "source/synthetic/plan.h"

/* Cuts the entity's rows into files, chooses the late and the truncated ones, and places the rows
 * that come twice. */
CHECKED enum tarn_status tarn_synth_plan_files(struct tarn_synth_entity *entity,
                                               struct tarn_error *err);

#endif
