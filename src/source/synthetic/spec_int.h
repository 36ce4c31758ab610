/* source/synthetic/spec_int.h -- private to spec*.c: the small readers that they share. */
#ifndef TARN_SOURCE_SYNTHETIC_SPEC_INT_H
#define TARN_SOURCE_SYNTHETIC_SPEC_INT_H

#include "source/synthetic/spec.h"

/* A number, INT or FLOAT. */
CHECKED enum tarn_status tarn_synth_node_number(const struct tarn_yaml *node, const char *what,
                                                double *ret, struct tarn_error *err);
/* 2026-10-31 as days since 1970. */
CHECKED enum tarn_status tarn_synth_node_date(const struct tarn_yaml *node, const char *what,
                                              int64_t *ret, struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_read_seasons(struct tarn_synth_spec *spec,
                                                 const struct tarn_yaml *map,
                                                 struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_read_machines(struct tarn_synth_spec *spec,
                                                  const struct tarn_yaml *map,
                                                  struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_read_streams(struct tarn_synth_entity *entity,
                                                 struct tarn_error *err);
/* Their conditions, once every entity has its streams. */
CHECKED enum tarn_status tarn_synth_resolve_streams(struct tarn_synth_entity *entity,
                                                    struct tarn_error *err);
/* "file:line: 'x' is no <what>; did you mean 'y'?" */
enum tarn_status tarn_synth_unknown(const struct tarn_yaml *node, const char *what,
                                    const char *name, const char *const *names, size_t count,
                                    struct tarn_error *err);

#endif
