/* broker/handler/cluster.h -- what Metadata and DescribeCluster both say. */
#ifndef TARN_BROKER_HANDLER_CLUSTER_H
#define TARN_BROKER_HANDLER_CLUSTER_H

#include "broker/server/request.h"

/* The bits of AclOperation that this client may do on the cluster. */
int32_t tarn_cluster_operations(struct tarn_request *request);

#endif
