import t from 'tap'
import { mock } from 'node:test'
import { recallShape, rememberShape } from '../../../src/client/shapes.ts'
import { MemoryLog } from '../../support/memory-log.ts'

const shape = { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionCount: 3 }

t.test('what is known of a topic is known for a second, to those who dispatch to the same engine', async t => {
  mock.timers.enable({ apis: ['Date'], now: 1000 })
  t.teardown(() => mock.timers.reset())
  const { dispatch } = new MemoryLog()
  t.equal(recallShape(dispatch, 't'), null)
  rememberShape(dispatch, 't', shape)
  t.equal(recallShape(dispatch, 't'), shape)
  t.equal(recallShape(dispatch, 'u'), null)
  t.equal(recallShape(new MemoryLog().dispatch, 't'), null)
  mock.timers.tick(999)
  t.equal(recallShape(dispatch, 't'), shape)
  mock.timers.tick(1)
  t.equal(recallShape(dispatch, 't'), null)
})

t.test('of a thousand topics, and no more', async t => {
  const { dispatch } = new MemoryLog()
  for (let i = 0; i <= 1000; i++) rememberShape(dispatch, `t${i}`, shape)
  t.equal(recallShape(dispatch, 't0'), null, 'the oldest is forgotten')
  t.equal(recallShape(dispatch, 't1'), shape)
  t.equal(recallShape(dispatch, 't1000'), shape)
})
