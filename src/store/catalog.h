/* store/catalog.h -- pointers to the current metadata of every lake table and view: the tables of
 * Iceberg's JDBC catalog under the catalog name "tarn".
 *
 * A namespace is one text; other clients read dots in it as levels, as that catalog does. */
#ifndef TARN_STORE_CATALOG_H
#define TARN_STORE_CATALOG_H

#include "store/state.h"

struct tarn_catalog_entry {
    const char *ns;
    const char *name;
    const char *location; /* metadata_location as stored: a URI */
    bool is_view;
};

/* *ret_found says whether there is one; the entry lives in `arena`. */
CHECKED enum tarn_status tarn_catalog_get(struct tarn_state *state, const char *ns,
                                          const char *name, struct tarn_arena *arena,
                                          bool *ret_found, struct tarn_catalog_entry *ret_entry,
                                          struct tarn_error *err);
/* Of one namespace, or of all when `ns` is NULL; by namespace and name. */
CHECKED enum tarn_status tarn_catalog_list(struct tarn_state *state, const char *ns,
                                           struct tarn_arena *arena,
                                           struct tarn_catalog_entry **ret_entries,
                                           size_t *ret_count, struct tarn_error *err);
/* EXISTS when the name is taken by a table or view. Adds the namespace when it is not there. */
CHECKED enum tarn_status tarn_catalog_insert(struct tarn_state *state,
                                             const struct tarn_catalog_entry *entry,
                                             struct tarn_error *err);
/* Moves the pointer when it still is `old_location`; *ret_swapped says so. */
CHECKED enum tarn_status tarn_catalog_swap(struct tarn_state *state,
                                           const struct tarn_catalog_entry *entry,
                                           const char *old_location, bool *ret_swapped,
                                           struct tarn_error *err);
/* Missing is fine. */
CHECKED enum tarn_status tarn_catalog_delete(struct tarn_state *state, const char *ns,
                                             const char *name, struct tarn_error *err);
/* NOT_FOUND or EXISTS. */
CHECKED enum tarn_status tarn_catalog_rename(struct tarn_state *state, const char *ns,
                                             const char *name, const char *new_ns,
                                             const char *new_name, struct tarn_error *err);
CHECKED enum tarn_status tarn_catalog_add_namespace(struct tarn_state *state, const char *ns,
                                                    struct tarn_error *err);
CHECKED enum tarn_status tarn_catalog_namespaces(struct tarn_state *state, struct tarn_arena *arena,
                                                 const char ***ret_names, size_t *ret_count,
                                                 struct tarn_error *err);

#endif
