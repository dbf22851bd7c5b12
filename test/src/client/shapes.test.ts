import t from 'tap'
import { mock } from 'node:test'
import { anonymous } from '../../../protocol/rpc.ts'
import { recallShape, rememberShape } from '../../../src/client/shapes.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const shape = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionCount: 3 }

t.test('what is known of a topic is known for a second, to those who dispatch to the same engine', async t => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const { dispatch } = new MemoryLog()
  t.equal(recallShape(dispatch, anonymous, 't'), null)
  rememberShape(dispatch, anonymous, 't', shape)
  t.equal(recallShape(dispatch, anonymous, 't'), shape)
  t.equal(recallShape(dispatch, anonymous, 'u'), null)
  t.equal(recallShape(new MemoryLog().dispatch, anonymous, 't'), null)
  t.equal(recallShape(dispatch, { type: 'User', name: 'alice' }, 't'), null, 'nor to anyone else, who may not be allowed to know')
  mock.timers.tick(999)
  t.equal(recallShape(dispatch, anonymous, 't'), shape)
  mock.timers.tick(1)
  t.equal(recallShape(dispatch, anonymous, 't'), null)
})

t.test('of a thousand topics, and no more', async t => {
  const { dispatch } = new MemoryLog()
  for (let i = 0; i <= 1000; i++) rememberShape(dispatch, anonymous, `t${i}`, shape)
  t.equal(recallShape(dispatch, anonymous, 't0'), null, 'the oldest is forgotten')
  t.equal(recallShape(dispatch, anonymous, 't1'), shape)
  t.equal(recallShape(dispatch, anonymous, 't1000'), shape)
})
