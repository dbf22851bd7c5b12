import t from 'tap'
import { apis } from '../../../protocol/apis.ts'
import { errors, KafkaError, Throttled } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DescribeAcls } from '../../../protocol/messages/29-describe-acls.ts'
import { operations, resourceTypes } from '../../../src/access/model.ts'
import { failure, mutationError, topicError } from '../../../src/client/failures.ts'

t.test('a refusal says what was missing', async t => {
  t.match(failure(Fetch, errors.TOPIC_AUTHORIZATION_FAILED, 't'), {
    code: 'TOPIC_AUTHORIZATION_FAILED',
    message: 'Not authorised: this needs READ on the topic t.',
    missing: { operation: 'READ', resourceType: 'TOPIC', resourceName: 't' }
  })
  t.match(failure(DescribeAcls, errors.CLUSTER_AUTHORIZATION_FAILED, 'ignored'), {
    message: 'Not authorised: this needs DESCRIBE on the cluster kafka-cluster.', missing: { resourceName: 'kafka-cluster' }
  })
  for (const api of apis) {
    for (const code of [errors.TOPIC_AUTHORIZATION_FAILED, errors.CLUSTER_AUTHORIZATION_FAILED]) {
      const { missing } = failure(api, code, 't')
      if (missing !== null) t.ok(missing.operation in operations && missing.resourceType in resourceTypes, `${api.name}: ${missing.operation}`)
    }
  }
})

t.test('other errors are as they came, or name the topic', async t => {
  t.match(failure(Fetch, errors.OFFSET_OUT_OF_RANGE, 't', 'gone'), { message: 'gone', missing: null })
  t.equal(topicError(Fetch, errors.UNKNOWN_TOPIC_OR_PARTITION, 't').message, 'There is no topic t.')
  t.match(topicError(Fetch, errors.INVALID_TOPIC_EXCEPTION, 'a b').message, /^Topic a b: /)
})

t.test('too many changes are an error that says when to ask again', async t => {
  const throttled = mutationError(CreateTopics, errors.THROTTLING_QUOTA_EXCEEDED, 't', 1500)
  t.ok(throttled instanceof Throttled)
  t.match(throttled, { quota: 'controller_mutation_rate', retryAfterMs: 1500 })
  const other = mutationError(CreateTopics, errors.TOPIC_ALREADY_EXISTS, 't', 0, 'it is there')
  t.ok(other instanceof KafkaError && !(other instanceof Throttled))
  t.equal(other.message, 'it is there')
})
