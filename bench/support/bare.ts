/**
 * The ceiling for the registry: a bare Fastify route that answers the bytes it was given.
 *
 *   node bench/support/bare.ts TEXT
 */
import { fastify } from 'fastify'

const [text = ''] = process.argv.slice(2)
const app = fastify()
app.get('/schemas/ids/:id', (_request, reply) => {
  reply.header('content-type', 'application/vnd.schemaregistry.v1+json').send(text)
})
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as { port: number }
process.stdout.write(`http://127.0.0.1:${port}\n`)
