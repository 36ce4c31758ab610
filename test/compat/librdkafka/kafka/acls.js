// Stands in for Apache Kafka's tool of this name, as far as librdkafka's tests call it: add and remove one rule.
import kafkajs from 'kafkajs';
import { readArguments, withAdmin } from './admin.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const options = readArguments(
  ['bootstrap-server', 'topic', 'operation', 'allow-principal', 'allow-host', 'deny-principal', 'deny-host'],
  ['add', 'remove', 'force']);
const allows = options['allow-principal'] !== undefined;
const kind = allows ? 'allow' : 'deny';
const rule = {
  resourceType: AclResourceTypes.TOPIC,
  resourceName: options.topic[0],
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: options[`${kind}-principal`][0],
  host: options[`${kind}-host`]?.[0] ?? '*',
  operation: AclOperationTypes[options.operation[0].toUpperCase()],
  permissionType: allows ? AclPermissionTypes.ALLOW : AclPermissionTypes.DENY,
};

await withAdmin(options['bootstrap-server'][0], async (admin) => {
  if (options.add) await admin.createAcls({ acl: [rule] });
  else await admin.deleteAcls({ filters: [rule] });
});
