/**
 * The ceiling for the HTTP door: a bare Fastify server that takes the same body, checks the same parameter and answers the
 * same shape, and does nothing else.
 */
import { fastify } from 'fastify'

const app = fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
let offset = 0
app.post('/topics/:topic', {
  schema: {
    params: { type: 'object', properties: { topic: { type: 'string', minLength: 1, maxLength: 249 } }, required: ['topic'] },
    response: {
      201: {
        type: 'object',
        properties: { topic: { type: 'string' }, partition: { type: 'integer' }, offset: { type: 'integer' }, timestamp: { type: 'string' } }
      }
    }
  }
}, (request, reply) => {
  const { topic } = request.params as { topic: string }
  reply.code(201).send({ topic, partition: 0, offset: offset++, timestamp: new Date().toISOString() })
})
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as { port: number }
process.stdout.write(`http://127.0.0.1:${port}\n`)
