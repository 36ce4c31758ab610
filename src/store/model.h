/* store/model.h -- what runs have made of models, seeds and snapshots, as rows of the state file.
 */
#ifndef TARN_STORE_MODEL_H
#define TARN_STORE_MODEL_H

#include "store/state.h"

struct tarn_model_run_row {
    const char *run_id, *unique_id;
    const char *status;  /* "success" */
    int64_t rows;        /* below 0: not known */
    int64_t snapshot_id; /* 0: none, as for a view */
    int64_t started_us, ended_us;
};

/* Joins the caller's transaction: called where a table's pointer moves. */
CHECKED enum tarn_status tarn_model_run_put(struct tarn_state *state,
                                            const struct tarn_model_run_row *row,
                                            struct tarn_error *err);
/* *ret_rows is -1 when it is not known; *ret_found is false when the run did not make the node. */
CHECKED enum tarn_status tarn_model_run_find(struct tarn_state *state, const char *run_id,
                                             const char *unique_id, bool *ret_found,
                                             int64_t *ret_rows, struct tarn_error *err);

#endif
