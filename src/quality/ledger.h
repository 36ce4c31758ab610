/* quality/ledger.h -- how good the checks are: what quarantine and rejects hold, compared with the
 * ledger of faults that the synthetic source injected.
 *
 * Recall is counted per entity, kind and fault; precision per entity and kind of finding. */
#ifndef TARN_QUALITY_LEDGER_H
#define TARN_QUALITY_LEDGER_H

#include "base/json_writer.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "store/state.h"

struct tarn_ledger_recall {
    const char *entity, *kind, *fault;
    bool structural; /* null, type, duplicate, orphan, range, format; not the soft faults */
    int64_t injected, found;
};

struct tarn_ledger_precision {
    const char *entity, *kind;
    int64_t findings, true_findings;
};

/* One missed fault or one false alarm. */
struct tarn_ledger_example {
    const char *entity, *file, *column, *kind, *what; /* what: the fault, or the rule */
    int64_t line;
    const char *value;
};

struct tarn_ledger_score {
    struct tarn_ledger_recall *recall;
    size_t recall_count;
    struct tarn_ledger_precision *precision;
    size_t precision_count;
    int64_t structural_injected, structural_found;
    int64_t findings, true_findings;
    struct tarn_ledger_example *misses; /* structural ones first */
    size_t miss_count;
    struct tarn_ledger_example *alarms;
    size_t alarm_count;
};

enum { TARN_LEDGER_EXAMPLES = 50 };

/* Reads `faults_path` (ledger/faults.parquet) and the lake's quarantine and reject tables, which it
 * attaches. NOT_FOUND when there is no ledger. */
CHECKED enum tarn_status tarn_ledger_compare(struct tarn_session *session, struct tarn_lake *lake,
                                             const char *faults_path, struct tarn_arena *arena,
                                             struct tarn_ledger_score *ret_score,
                                             struct tarn_error *err);
/* Keeps the score in the state file, in one transaction. */
CHECKED enum tarn_status tarn_ledger_keep(struct tarn_state *state,
                                          const struct tarn_ledger_score *score,
                                          struct tarn_error *err);
/* Of the structural faults; 1 when there are none. */
double tarn_ledger_recall(const struct tarn_ledger_score *score);
/* Of all findings; 1 when there are none. */
double tarn_ledger_precision(const struct tarn_ledger_score *score);
void tarn_ledger_write_json(const struct tarn_ledger_score *score, struct tarn_json_writer *w);
void tarn_ledger_write_text(const struct tarn_ledger_score *score, bool show_misses,
                            bool show_alarms, struct tarn_buffer *out);

#endif
