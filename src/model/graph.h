/* model/graph.h -- names resolved: ref and source to nodes, nodes to their parents and children. */
#ifndef TARN_MODEL_GRAPH_H
#define TARN_MODEL_GRAPH_H

#include "model/node.h"

/* The node that a ref in `package` means: one of the same package, else the project's, else any.
 * CONFIG names the nearest model. */
CHECKED enum tarn_status tarn_model_find_ref(const struct tarn_model_project *project,
                                             const struct tarn_model_package *package,
                                             const struct tarn_model_ref *ref,
                                             struct tarn_model_node **ret_node,
                                             struct tarn_error *err);
CHECKED enum tarn_status tarn_model_find_source(const struct tarn_model_project *project,
                                                const struct tarn_model_source_ref *ref,
                                                struct tarn_model_node **ret_node,
                                                struct tarn_error *err);
/* The graph's node of all parents' and children's lists. */
void tarn_model_add_parent(struct tarn_model_node *node, struct tarn_model_node *parent);

#endif
