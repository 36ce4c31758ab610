/* broker/protocol/error_code.h -- Kafka's error codes, as of release 4.1: code, name, whether a
 * client may simply try again, and words for a person. */
#ifndef TARN_BROKER_PROTOCOL_ERROR_CODE_H
#define TARN_BROKER_PROTOCOL_ERROR_CODE_H

#include <stdbool.h>
#include <stdint.h>

// clang-format off
#define TARN_KAFKA_ERROR_MAP(X)                                                                    \
    X(-1, UNKNOWN_SERVER_ERROR, false, "the broker failed in a way it did not expect")             \
    X(0, NONE, false, "no error")                                                                  \
    X(1, OFFSET_OUT_OF_RANGE, false, "the partition does not hold that offset")                    \
    X(2, CORRUPT_MESSAGE, true, "a batch is damaged, or has no key on a compacted topic")          \
    X(3, UNKNOWN_TOPIC_OR_PARTITION, true, "there is no such topic or partition")                  \
    X(4, INVALID_FETCH_SIZE, false, "the fetch size is not valid")                                 \
    X(5, LEADER_NOT_AVAILABLE, true, "the partition has no leader yet")                            \
    X(6, NOT_LEADER_OR_FOLLOWER, true, "this broker does not lead the partition")                  \
    X(7, REQUEST_TIMED_OUT, true, "the request timed out")                                         \
    X(8, BROKER_NOT_AVAILABLE, false, "the broker is not available")                               \
    X(9, REPLICA_NOT_AVAILABLE, true, "the replica is not available")                              \
    X(10, MESSAGE_TOO_LARGE, false, "a batch is larger than the topic takes")                      \
    X(11, STALE_CONTROLLER_EPOCH, false, "the controller has moved")                               \
    X(12, OFFSET_METADATA_TOO_LARGE, false, "the metadata of the offset is too long")              \
    X(13, NETWORK_EXCEPTION, true, "the connection was lost before the answer")                    \
    X(14, COORDINATOR_LOAD_IN_PROGRESS, true, "the coordinator is still loading")                  \
    X(15, COORDINATOR_NOT_AVAILABLE, true, "the coordinator is not available")                     \
    X(16, NOT_COORDINATOR, true, "this broker does not coordinate that group or transaction")      \
    X(17, INVALID_TOPIC_EXCEPTION, false, "the topic's name is not valid, or it takes no writes")  \
    X(18, RECORD_LIST_TOO_LARGE, false, "the batch is larger than a segment")                      \
    X(19, NOT_ENOUGH_REPLICAS, true, "fewer replicas are in sync than required")                   \
    X(20, NOT_ENOUGH_REPLICAS_AFTER_APPEND, true, "written, but to too few replicas")              \
    X(21, INVALID_REQUIRED_ACKS, false, "acks is none of -1, 0 and 1")                             \
    X(22, ILLEGAL_GENERATION, false, "the group is in another generation")                         \
    X(23, INCONSISTENT_GROUP_PROTOCOL, false, "the group's members share no such protocol")        \
    X(24, INVALID_GROUP_ID, false, "the group id is not valid")                                    \
    X(25, UNKNOWN_MEMBER_ID, false, "the group has no such member")                                \
    X(26, INVALID_SESSION_TIMEOUT, false, "the session timeout is outside the broker's limits")    \
    X(27, REBALANCE_IN_PROGRESS, false, "the group is rebalancing: join again")                    \
    X(28, INVALID_COMMIT_OFFSET_SIZE, false, "the committed offset's data is too large")           \
    X(29, TOPIC_AUTHORIZATION_FAILED, false, "not allowed on this topic")                          \
    X(30, GROUP_AUTHORIZATION_FAILED, false, "not allowed on this group")                          \
    X(31, CLUSTER_AUTHORIZATION_FAILED, false, "not allowed on the cluster")                       \
    X(32, INVALID_TIMESTAMP, false, "a record's timestamp is outside the topic's limits")          \
    X(33, UNSUPPORTED_SASL_MECHANISM, false, "the SASL mechanism is not offered")                  \
    X(34, ILLEGAL_SASL_STATE, false, "the request does not fit the state of authentication")       \
    X(35, UNSUPPORTED_VERSION, false, "this version of the request is not supported")              \
    X(36, TOPIC_ALREADY_EXISTS, false, "a topic with this name exists")                            \
    X(37, INVALID_PARTITIONS, false, "the number of partitions is not valid")                      \
    X(38, INVALID_REPLICATION_FACTOR, false, "the replication factor is not valid")                \
    X(39, INVALID_REPLICA_ASSIGNMENT, false, "the replica assignment is not valid")                \
    X(40, INVALID_CONFIG, false, "a configuration value is not valid")                             \
    X(41, NOT_CONTROLLER, true, "this broker is not the controller")                               \
    X(42, INVALID_REQUEST, false, "the request is not valid")                                      \
    X(43, UNSUPPORTED_FOR_MESSAGE_FORMAT, false, "the message format does not support this")       \
    X(44, POLICY_VIOLATION, false, "the request breaks a policy")                                  \
    X(45, OUT_OF_ORDER_SEQUENCE_NUMBER, false, "the producer's sequence numbers have a gap")       \
    X(46, DUPLICATE_SEQUENCE_NUMBER, false, "the producer's sequence number came before")          \
    X(47, INVALID_PRODUCER_EPOCH, false, "the producer's epoch is an old one")                     \
    X(48, INVALID_TXN_STATE, false, "the transaction is not in a state that allows this")          \
    X(49, INVALID_PRODUCER_ID_MAPPING, false, "the transactional id has another producer id")      \
    X(50, INVALID_TRANSACTION_TIMEOUT, false, "the transaction timeout is above the limit")        \
    X(51, CONCURRENT_TRANSACTIONS, true, "the transaction is being changed by another request")    \
    X(52, TRANSACTION_COORDINATOR_FENCED, false, "the transaction has a newer coordinator")        \
    X(53, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, false, "not allowed with this transactional id")  \
    X(54, SECURITY_DISABLED, false, "the broker runs without an authorizer")                       \
    X(55, OPERATION_NOT_ATTEMPTED, false, "not tried, because another part of the request failed") \
    X(56, KAFKA_STORAGE_ERROR, true, "the disk failed")                                            \
    X(57, LOG_DIR_NOT_FOUND, false, "the broker has no such log folder")                           \
    X(58, SASL_AUTHENTICATION_FAILED, false, "the user or the password is wrong")                  \
    X(59, UNKNOWN_PRODUCER_ID, false, "the broker knows nothing of this producer id")              \
    X(60, REASSIGNMENT_IN_PROGRESS, false, "the partition is being moved")                         \
    X(61, DELEGATION_TOKEN_AUTH_DISABLED, false, "delegation tokens are not offered")              \
    X(62, DELEGATION_TOKEN_NOT_FOUND, false, "there is no such delegation token")                  \
    X(63, DELEGATION_TOKEN_OWNER_MISMATCH, false, "the delegation token is somebody else's")       \
    X(64, DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, false, "no tokens over this connection")           \
    X(65, DELEGATION_TOKEN_AUTHORIZATION_FAILED, false, "not allowed with delegation tokens")      \
    X(66, DELEGATION_TOKEN_EXPIRED, false, "the delegation token has expired")                     \
    X(67, INVALID_PRINCIPAL_TYPE, false, "the type of principal is not supported")                 \
    X(68, NON_EMPTY_GROUP, false, "the group has members")                                         \
    X(69, GROUP_ID_NOT_FOUND, false, "there is no such group")                                     \
    X(70, FETCH_SESSION_ID_NOT_FOUND, true, "there is no such fetch session")                      \
    X(71, INVALID_FETCH_SESSION_EPOCH, true, "the fetch session is at another epoch")              \
    X(72, LISTENER_NOT_FOUND, true, "the leader has no listener of that name")                     \
    X(73, TOPIC_DELETION_DISABLED, false, "topics may not be deleted")                             \
    X(74, FENCED_LEADER_EPOCH, true, "the leader epoch is an old one")                             \
    X(75, UNKNOWN_LEADER_EPOCH, true, "the leader epoch is not known yet")                         \
    X(76, UNSUPPORTED_COMPRESSION_TYPE, false, "the client cannot read this compression")          \
    X(77, STALE_BROKER_EPOCH, false, "the broker's epoch has changed")                             \
    X(78, OFFSET_NOT_AVAILABLE, true, "the offset cannot be vouched for yet")                      \
    X(79, MEMBER_ID_REQUIRED, false, "join again with the member id of this answer")               \
    X(80, PREFERRED_LEADER_NOT_AVAILABLE, true, "the preferred leader is not available")           \
    X(81, GROUP_MAX_SIZE_REACHED, false, "the group is full")                                      \
    X(82, FENCED_INSTANCE_ID, false, "another member has taken this group instance id")            \
    X(83, ELIGIBLE_LEADERS_NOT_AVAILABLE, true, "no eligible leader is available")                 \
    X(84, ELECTION_NOT_NEEDED, true, "the partition has its leader already")                       \
    X(85, NO_REASSIGNMENT_IN_PROGRESS, false, "the partition is not being moved")                  \
    X(86, GROUP_SUBSCRIBED_TO_TOPIC, false, "the group is subscribed to the topic")                \
    X(87, INVALID_RECORD, false, "a record is not valid")                                          \
    X(88, UNSTABLE_OFFSET_COMMIT, true, "a transaction with this offset is still open")            \
    X(89, THROTTLING_QUOTA_EXCEEDED, true, "over the quota")                                       \
    X(90, PRODUCER_FENCED, false, "a newer producer has this transactional id")                    \
    X(91, RESOURCE_NOT_FOUND, false, "there is no such resource")                                  \
    X(92, DUPLICATE_RESOURCE, false, "the request names the same thing twice")                     \
    X(93, UNACCEPTABLE_CREDENTIAL, false, "the credential is not acceptable")                      \
    X(94, INCONSISTENT_VOTER_SET, false, "the voters differ")                                      \
    X(95, INVALID_UPDATE_VERSION, false, "the version to update to is not valid")                  \
    X(96, FEATURE_UPDATE_FAILED, false, "the features could not be updated")                       \
    X(97, PRINCIPAL_DESERIALIZATION_FAILURE, false, "the forwarded principal cannot be read")      \
    X(98, SNAPSHOT_NOT_FOUND, false, "there is no such snapshot")                                  \
    X(99, POSITION_OUT_OF_RANGE, false, "the position is outside the snapshot")                    \
    X(100, UNKNOWN_TOPIC_ID, true, "there is no topic with this id")                               \
    X(101, DUPLICATE_BROKER_REGISTRATION, false, "the broker id is taken")                         \
    X(102, BROKER_ID_NOT_REGISTERED, false, "there is no broker with this id")                     \
    X(103, INCONSISTENT_TOPIC_ID, true, "the log has another topic id")                            \
    X(104, INCONSISTENT_CLUSTER_ID, false, "the request is for another cluster")                   \
    X(105, TRANSACTIONAL_ID_NOT_FOUND, false, "there is no such transactional id")                 \
    X(106, FETCH_SESSION_TOPIC_ID_ERROR, true, "the fetch session mixes topic ids and names")      \
    X(107, INELIGIBLE_REPLICA, false, "a replica may not be in sync")                              \
    X(108, NEW_LEADER_ELECTED, false, "changed, and the leader with it")                           \
    X(109, OFFSET_MOVED_TO_TIERED_STORAGE, false, "the offset has moved to tiered storage")        \
    X(110, FENCED_MEMBER_EPOCH, false, "the member has to give up its partitions and join again")  \
    X(111, UNRELEASED_INSTANCE_ID, false, "another member still has this instance id")             \
    X(112, UNSUPPORTED_ASSIGNOR, false, "the group does not support this assignor")                \
    X(113, STALE_MEMBER_EPOCH, false, "the member's epoch is an old one")                          \
    X(114, MISMATCHED_ENDPOINT_TYPE, false, "the request came to the wrong kind of endpoint")      \
    X(115, UNSUPPORTED_ENDPOINT_TYPE, false, "this kind of endpoint is not supported")             \
    X(116, UNKNOWN_CONTROLLER_ID, false, "there is no controller with this id")                    \
    X(117, UNKNOWN_SUBSCRIPTION_ID, false, "the telemetry subscription is not known")              \
    X(118, TELEMETRY_TOO_LARGE, false, "the telemetry is too large")                               \
    X(119, INVALID_REGISTRATION, false, "the broker's registration is not valid")                  \
    X(120, TRANSACTION_ABORTABLE, false, "the transaction has to be aborted")                      \
    X(121, INVALID_RECORD_STATE, false, "the record cannot be acknowledged in its state")          \
    X(122, SHARE_SESSION_NOT_FOUND, true, "there is no such share session")                        \
    X(123, INVALID_SHARE_SESSION_EPOCH, true, "the share session is at another epoch")             \
    X(124, FENCED_STATE_EPOCH, false, "the share group's state is at another epoch")               \
    X(125, INVALID_VOTER_KEY, false, "the voter's key does not match")                             \
    X(126, DUPLICATE_VOTER, false, "the voter is one already")                                     \
    X(127, VOTER_NOT_FOUND, false, "there is no such voter")                                       \
    X(128, INVALID_REGULAR_EXPRESSION, false, "the regular expression is not valid")               \
    X(129, REBOOTSTRAP_REQUIRED, false, "the client has to start from its bootstrap servers")      \
    X(130, STREAMS_INVALID_TOPOLOGY, false, "the topology is not valid")                           \
    X(131, STREAMS_INVALID_TOPOLOGY_EPOCH, false, "the topology's epoch is not valid")             \
    X(132, STREAMS_TOPOLOGY_FENCED, false, "the topology's epoch is an old one")                   \
    X(133, SHARE_SESSION_LIMIT_REACHED, true, "there are too many share sessions")
// clang-format on

enum tarn_kafka_error {
#define X(code, name, retriable, text) TARN_KAFKA_##name = (code),
    TARN_KAFKA_ERROR_MAP(X)
#undef X
};

/* "UNKNOWN_TOPIC_OR_PARTITION"; "UNKNOWN_SERVER_ERROR" for a code that is not in the list. */
const char *tarn_kafka_error_name(int16_t code);
/* In words for a person, without a full stop. */
const char *tarn_kafka_error_text(int16_t code);
/* A client that sees it may send the same request again. */
bool tarn_kafka_error_retriable(int16_t code);

#endif
