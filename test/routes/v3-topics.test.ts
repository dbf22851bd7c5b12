import t from 'tap'
import { openDoor } from '../support/http-door.ts'

const root = 'http://localhost:80/v3/clusters'
const cluster = `${root}/memory-cluster`
const json = { 'content-type': 'application/json' }

t.test('there is one cluster', async t => {
  const { inject } = await openDoor(t)
  const expected = {
    kind: 'KafkaCluster',
    metadata: { self: cluster, resource_name: 'crn:///kafka=memory-cluster' },
    cluster_id: 'memory-cluster',
    controller: { related: `${cluster}/brokers/1` },
    topics: { related: `${cluster}/topics` }
  }
  const list = await inject('/v3/clusters')
  t.match(list.headers['content-type'], 'application/json')
  t.match(list.json(), { kind: 'KafkaClusterList', metadata: { self: root, next: null }, data: [expected] })
  t.match((await inject('/v3/clusters/memory-cluster')).json(), expected)
})

t.test('topics and partitions', async t => {
  const { inject, log } = await openDoor(t)
  log.create('b', 2)
  log.create('a')
  const topic = {
    kind: 'KafkaTopic',
    metadata: { self: `${cluster}/topics/b`, resource_name: 'crn:///kafka=memory-cluster/topic=b' },
    cluster_id: 'memory-cluster',
    topic_name: 'b',
    is_internal: false,
    replication_factor: 1,
    partitions_count: 2,
    partitions: { related: `${cluster}/topics/b/partitions` }
  }
  const partition = (id: number) => ({
    kind: 'KafkaPartition',
    metadata: { self: `${cluster}/topics/b/partitions/${id}`, resource_name: `crn:///kafka=memory-cluster/topic=b/partition=${id}` },
    cluster_id: 'memory-cluster',
    topic_name: 'b',
    partition_id: id,
    leader: { related: `${cluster}/topics/b/partitions/${id}/replicas/1` }
  })
  t.match((await inject('/v3/clusters/memory-cluster/topics')).json(), {
    kind: 'KafkaTopicList', metadata: { self: `${cluster}/topics`, next: null }, data: [{ topic_name: 'a' }, topic]
  })
  t.match((await inject('/v3/clusters/memory-cluster/topics/b')).json(), topic)
  t.match((await inject('/v3/clusters/memory-cluster/topics/b/partitions')).json(), {
    kind: 'KafkaPartitionList', metadata: { self: `${cluster}/topics/b/partitions`, next: null }, data: [partition(0), partition(1)]
  })
  t.match((await inject('/v3/clusters/memory-cluster/topics/b/partitions/1')).json(), partition(1))
})

t.test('a topic is created and deleted', async t => {
  const { inject, log } = await openDoor(t)
  const url = '/v3/clusters/memory-cluster/topics'
  const payload = { topic_name: 'new', partitions_count: 3, replication_factor: 1, configs: [{ name: 'retention.ms', value: '1000' }] }
  const validated = await inject({ method: 'POST', url, headers: json, payload: { ...payload, validate_only: true } })
  t.equal(validated.statusCode, 200)
  t.match(validated.json(), { topic_name: 'new', partitions_count: 3 })
  t.equal(log.topics.size, 0)
  const created = await inject({ method: 'POST', url, headers: json, payload })
  t.equal(created.statusCode, 201)
  t.equal(created.headers.location, `${cluster}/topics/new`)
  t.match(created.json(), { kind: 'KafkaTopic', topic_name: 'new', partitions_count: 3, replication_factor: 1 })
  t.same([...log.topics.get('new')!.configs], [['retention.ms', '1000']])
  const again = await inject({ method: 'POST', url, headers: json, payload })
  t.equal(again.statusCode, 400)
  t.match(again.json(), { error_code: 40002 })
  t.equal((await inject({ method: 'DELETE', url: `${url}/new` })).statusCode, 204)
  t.equal(log.topics.size, 0)
  const nulls = { topic_name: 'plain', partitions_count: null, replication_factor: null, configs: null, validate_only: null }
  t.equal((await inject({ method: 'POST', url, headers: json, payload: nulls })).statusCode, 201)
})

t.test('errors are Confluent\'s', async t => {
  const { inject, log } = await openDoor(t)
  log.create('t')
  const wrong: [method: 'GET' | 'POST' | 'DELETE', url: string, status: number, body: object, payload?: object][] = [
    ['GET', '/v3/clusters/other', 404, { error_code: 404, message: /^Cluster other cannot be found/ }],
    ['GET', '/v3/clusters/other/topics', 404, { error_code: 404 }],
    ['POST', '/v3/clusters/other/topics', 404, { error_code: 404 }, { topic_name: 'x' }],
    ['DELETE', '/v3/clusters/other/topics/t', 404, { error_code: 404 }],
    ['GET', '/v3/clusters/memory-cluster/topics/nope', 404, { error_code: 40403, message: 'There is no topic nope.' }],
    ['GET', '/v3/clusters/memory-cluster/topics/nope/partitions', 404, { error_code: 40403 }],
    ['GET', '/v3/clusters/memory-cluster/topics/t/partitions/1', 404, { error_code: 40402 }],
    ['GET', '/v3/clusters/memory-cluster/topics/t/partitions/x', 400, { error_code: 400 }],
    ['DELETE', '/v3/clusters/memory-cluster/topics/nope', 404, { error_code: 40403 }],
    ['POST', '/v3/clusters/memory-cluster/topics', 422, { error_code: 42203, message: /topic_name/ }, {}],
    ['POST', '/v3/clusters/memory-cluster/topics', 422, { error_code: 42203, message: /partitions_count/ }, { topic_name: 'x', partitions_count: 'three' }],
    ['POST', '/v3/clusters/memory-cluster/topics', 422, { error_code: 42203 }],
    ['POST', '/v3/clusters/memory-cluster/topics', 400, { error_code: 40002 }, { topic_name: 'not good' }],
    ['POST', '/v3/clusters/memory-cluster/topics', 400, { error_code: 40002 }, { topic_name: 'x', replication_factor: 3 }],
    ['GET', '/v3/clusters/memory-cluster/nothing', 404, { error_code: 404 }],
    ['POST', '/v3/clusters', 405, { error_code: 405 }]
  ]
  for (const [method, url, status, body, payload] of wrong) {
    const response = await inject({ method, url, ...payload !== undefined && { payload, headers: json } })
    t.equal(response.statusCode, status, `${method} ${url}`)
    t.match(response.json(), body, `${method} ${url}`)
    t.match(response.headers['content-type'], 'application/json')
  }
  t.same([...log.topics.keys()], ['t'])
})
