/**
 * `GET /client.js`: the browser client, as it stands in the file beside this one.
 */
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Contract } from './contract.ts'
import type { HttpDoor } from './door.ts'

export function browserClient (app: FastifyInstance, _door: HttpDoor, contract: Contract): void {
  app.register(async scope => {
    const text = await readFile(new URL('./client.js', import.meta.url))
    scope.route({
      ...contract.route('getBrowserClient'),
      handler: async (_request, reply) => {
        reply.headers({
          // Pages of other origins import it too; whether they may connect is decided at /ws.
          'access-control-allow-origin': '*',
          'cross-origin-resource-policy': 'cross-origin',
          // A page and its server speak the same version.
          'cache-control': 'no-cache'
        })
        return reply.type('text/javascript; charset=utf-8').send(text)
      }
    })
  })
}
