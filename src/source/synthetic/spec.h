/* source/synthetic/spec.h -- a synthetic source as the project declares it, checked and with every
 * name resolved.
 *
 * A source has entities (tables); an entity has streams (where its rows come from), fields (what a
 * row holds), files (how it lands) and faults (what is damaged on purpose). A field's value is a
 * pure function of (seed, entity, field, row), so rows can be drawn in any order on any thread.
 * Read-only once it is read, apart from what plan.h adds. */
#ifndef TARN_SOURCE_SYNTHETIC_SPEC_H
#define TARN_SOURCE_SYNTHETIC_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "project/yaml.h"
#include "source/synthetic/distribution.h"
#include "source/synthetic/season.h"
#include "source/synthetic/words.h"

enum tarn_synth_type {
    TARN_SYNTH_INT,
    TARN_SYNTH_DECIMAL,
    TARN_SYNTH_REAL,
    TARN_SYNTH_BOOL,
    TARN_SYNTH_DATE, /* days since 1970 */
    TARN_SYNTH_TIME, /* UTC microseconds */
    TARN_SYNTH_TEXT,
    TARN_SYNTH_LIST, /* of rows of an inner entity */
};

enum { TARN_SYNTH_FIELDS_MAX = 200, TARN_SYNTH_STREAMS_MAX = 8, TARN_SYNTH_LIST_MAX = 64 };

struct tarn_synth_entity;
struct tarn_synth_generator;
struct tarn_expression;

struct tarn_synth_field {
    const char *name;
    const struct tarn_yaml *node;
    struct tarn_synth_entity *entity;
    size_t index;
    uint64_t key; /* of its draws; set from the seed */
    enum tarn_synth_type type;
    uint8_t scale;   /* DECIMAL */
    bool hidden;     /* a helper that is not written */
    bool plain;      /* text that never needs quoting */
    bool kept;       /* other entities look it up: its values stay in memory ... */
    bool kept_early; /* ... from the moment that its entity is planned */
    double null_share;
    const struct tarn_expression *when; /* NULL where it is false; may be absent */
    const struct tarn_synth_generator *generator;
    void *own;                        /* the generator's */
    struct tarn_synth_entity *target; /* a reference: the entity whose key it holds */
    enum { TARN_SYNTH_UNRESOLVED, TARN_SYNTH_RESOLVING, TARN_SYNTH_RESOLVED } state;
};

struct tarn_synth_machine_state {
    const char *name;
    struct tarn_distribution dwell; /* in microseconds */
    size_t next_count;              /* 0: an end */
    const uint32_t *next;
    struct tarn_alias next_alias;
};

struct tarn_synth_machine {
    const char *name;
    uint32_t start;
    size_t count;
    struct tarn_synth_machine_state *states;
};

enum tarn_synth_rows {
    TARN_SYNTH_ROWS_COUNT,
    TARN_SYNTH_ROWS_PER,
    TARN_SYNTH_ROWS_OF,
    TARN_SYNTH_ROWS_EVERY
};

struct tarn_synth_stream {
    const char *name;
    const struct tarn_yaml *node;
    enum tarn_synth_rows kind;
    double count;                       /* COUNT: rows at scale 1; EVERY: rows a day */
    bool grows;                         /* COUNT: multiplied by the scale */
    struct tarn_synth_entity *other;    /* PER: whose rows it counts; OF: the parent */
    double ratio;                       /* PER */
    struct tarn_distribution children;  /* OF: how many a parent has */
    const struct tarn_expression *when; /* OF: parents that have any; over the parent's fields */
    bool has_gap;                       /* OF: own times, `gap` microseconds after the parent's */
    struct tarn_distribution gap;
    bool before; /* the gap counts backwards */
    const struct tarn_season *season;
    double existing_share; /* rows that are there before the period starts */
    int64_t existing_days;
};

enum tarn_synth_format { TARN_SYNTH_CSV, TARN_SYNTH_JSON, TARN_SYNTH_NDJSON, TARN_SYNTH_PARQUET };
enum tarn_synth_period { TARN_SYNTH_DAY, TARN_SYNTH_WEEK, TARN_SYNTH_MONTH, TARN_SYNTH_ALL };

struct tarn_synth_files {
    enum tarn_synth_format format;
    enum tarn_synth_period by;
    int64_t daily_last; /* the last days of the period get a file each */
};

struct tarn_synth_fault;
struct tarn_synth_plan;

struct tarn_synth_entity {
    const char *name;
    const struct tarn_yaml *node;
    struct tarn_synth_spec *spec;
    size_t index;
    uint64_t key;
    struct tarn_synth_entity *outer; /* an inner entity (a list's rows): the entity that holds it */
    size_t field_count;
    struct tarn_synth_field *fields;
    struct tarn_synth_field *key_field;
    size_t stream_count;
    struct tarn_synth_stream *streams;
    struct tarn_synth_files files;
    size_t fault_count;
    struct tarn_synth_fault *faults;
    uint64_t fault_key;
    uint64_t fault_below; /* rows whose draw is not below this are sound */
    struct tarn_synth_plan *plan;
};

struct tarn_synth_spec {
    const char *name; /* of the source: the folder below landing/ */
    const char *file;
    uint64_t seed;
    int64_t from_day, to_day; /* the period: days since 1970, the second not included */
    double scale;
    size_t entity_count;
    struct tarn_synth_entity *entities;
    size_t machine_count;
    struct tarn_synth_machine *machines;
    size_t season_count;
    struct tarn_season *seasons;
    const char **season_names;
    size_t words_count;
    struct tarn_words **words;
    struct tarn_arena *arena;
    const char *folder; /* the YAML file's, for word lists */
    const struct tarn_yaml *words_node;
};

struct tarn_synth_options {
    const uint64_t *seed;   /* NULL: as the file says */
    double scale;           /* 1 */
    int64_t days;           /* 0: as the file says */
    const char *set_entity; /* NULL: none; --set orders=N */
    double set_rows;
};

/* Reads and checks one source file. Everything lives in `arena`. */
CHECKED enum tarn_status tarn_synth_spec_read(const char *path,
                                              const struct tarn_synth_options *options,
                                              struct tarn_arena *arena,
                                              struct tarn_synth_spec **ret_spec,
                                              struct tarn_error *err);
/* The same from memory. */
CHECKED enum tarn_status tarn_synth_spec_parse(struct tarn_text yaml, const char *name,
                                               const struct tarn_synth_options *options,
                                               struct tarn_arena *arena,
                                               struct tarn_synth_spec **ret_spec,
                                               struct tarn_error *err);

/* For the parts that read pieces of the file. All return CONFIG with file:line and the nearest
 * valid name. */
CHECKED enum tarn_status tarn_synth_find_entity(struct tarn_synth_spec *spec,
                                                const struct tarn_yaml *node, const char *name,
                                                struct tarn_synth_entity **ret,
                                                struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_find_field(struct tarn_synth_entity *entity,
                                               const struct tarn_yaml *node, const char *name,
                                               struct tarn_synth_field **ret,
                                               struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_find_machine(struct tarn_synth_spec *spec,
                                                 const struct tarn_yaml *node, const char *name,
                                                 const struct tarn_synth_machine **ret,
                                                 struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_find_season(struct tarn_synth_spec *spec,
                                                const struct tarn_yaml *node, const char *name,
                                                const struct tarn_season **ret,
                                                struct tarn_error *err);
CHECKED enum tarn_status tarn_synth_find_words(struct tarn_synth_spec *spec,
                                               const struct tarn_yaml *node, const char *name,
                                               const struct tarn_words **ret,
                                               struct tarn_error *err);
/* Resolves a field's generator, and with it its type, once. */
CHECKED enum tarn_status tarn_synth_field_resolve(struct tarn_synth_field *field,
                                                  struct tarn_error *err);
/* Adds the rows of a list as an entity of their own. */
CHECKED enum tarn_status tarn_synth_add_inner(struct tarn_synth_field *list,
                                              const struct tarn_yaml *fields,
                                              struct tarn_synth_entity **ret,
                                              struct tarn_error *err);
/* A distribution: a number, or {normal: {mean: 1, sd: 2}, min: 0, max: 9}. `unit` multiplies its
 * values. */
CHECKED enum tarn_status tarn_synth_read_distribution(struct tarn_synth_spec *spec,
                                                      const struct tarn_yaml *node, double unit,
                                                      struct tarn_distribution *ret,
                                                      struct tarn_error *err);
/* True when the map has a key that names a distribution. */
bool tarn_synth_has_distribution(const struct tarn_yaml *map);
/* A weight map {a: 3, b: 1} or a list [a, b] as node arrays and an alias table. */
CHECKED enum tarn_status tarn_synth_read_weights(struct tarn_synth_spec *spec,
                                                 const struct tarn_yaml *node,
                                                 const struct tarn_yaml ***ret_values,
                                                 struct tarn_alias *ret_alias,
                                                 struct tarn_error *err);
/* "hours" and the like in microseconds, from the map's key `unit`; `otherwise` when it is missing.
 */
CHECKED enum tarn_status tarn_synth_read_unit(const struct tarn_yaml *map, double otherwise,
                                              double *ret, struct tarn_error *err);
/* FNV-1a: names become draw keys, so adding a field changes no other. */
uint64_t tarn_synth_name_hash(const char *name);

#endif
