import Fastify from 'fastify'
import t from 'tap'
import { createLogger, type LoggerOptions } from '../../src/logger.ts'

/** A logger that writes into a list of lines. */
async function logged (options: Partial<LoggerOptions> = {}): Promise<{ logger: Awaited<ReturnType<typeof createLogger>>, lines: string[] }> {
  const lines: string[] = []
  const logger = await createLogger({ logLevel: 'info', logFormat: 'json', color: false, ...options }, { write: line => { lines.push(line) } })
  return { logger, lines }
}

const parsed = (line: string | undefined): Record<string, unknown> => JSON.parse(line!) as Record<string, unknown>

t.test('a line is JSON with a time that people and machines read, and the name of its level', async t => {
  const { logger, lines } = await logged()
  logger.warn({ topic: 'greetings' }, 'something')
  logger.debug('too unimportant')
  t.equal(lines.length, 1)
  t.match(parsed(lines[0]), { level: 'warn', time: /^\d{4}-\d\d-\d\dT.*Z$/, topic: 'greetings', msg: 'something' })
})

t.test('an error keeps its stack and its cause', async t => {
  const { logger, lines } = await logged()
  logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  t.match(parsed(lines[0]), { err: { type: 'Error', message: /outer.*inner/, stack: /logger\.test/ } })
})

t.test('what is named like a secret is never written, wherever it stands', async t => {
  const { logger, lines } = await logged()
  const secret = 'hunter2'
  logger.info({ password: secret, accessToken: secret, api_key: secret, apiKey: secret, clientSecret: secret }, 'flat')
  logger.info({ sasl: { password: secret, authBytes: secret, mechanism: 'PLAIN' }, headers: { Authorization: secret, cookie: secret } }, 'deeper')
  logger.info({ headers: { 'set-cookie': secret, 'x-api-key': secret, 'sec-websocket-protocol': secret, 'proxy-authorization': secret } }, 'headers')
  logger.info({ list: [{ user: 'a', password: secret }, 'text', null] }, 'list')
  logger.info({ req: { method: 'GET', url: '/', headers: { authorization: secret } } }, 'request')
  logger.error({ err: Object.assign(new Error('no'), { password: secret, request: { headers: { authorization: secret } } }) }, 'error')
  logger.error({ err: Object.assign(new Error('Parse Error'), { rawPacket: Buffer.from(secret) }) }, 'what is not HTTP')
  logger.child({ secret }).info('child')
  logger.child({ door: 'http' }).child({ token: secret }).info('grandchild')
  t.equal(lines.length, 9)
  for (const line of lines) t.notMatch(line, secret)
  t.notMatch(lines.join(''), Buffer.from(secret).join(','), 'nor as the bytes that came')
  t.match(parsed(lines[1]), { sasl: { password: '[redacted]', mechanism: 'PLAIN' } })
  t.match(parsed(lines[3]), { list: [{ user: 'a', password: '[redacted]' }, 'text', null] })
})

t.test('what was logged is not changed by it', async t => {
  const { logger } = await logged()
  const fields = { sasl: { password: 'hunter2' } }
  logger.info(fields, 'something')
  t.same(fields, { sasl: { password: 'hunter2' } })
})

t.test('pretty is one line for people, without JSON and without colours unless they are wanted', async t => {
  const { logger, lines } = await logged({ logFormat: 'pretty' })
  logger.info({ topic: 'greetings' }, 'something')
  t.match(lines[0], /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: something \{"topic":"greetings"\}\n$/)
})

t.test('auto is JSON where the log does not go to a terminal', async t => {
  const { logger, lines } = await logged({ logFormat: 'auto' })
  logger.info('something')
  t.match(parsed(lines[0]), { msg: 'something' })
})

t.test('Fastify takes the instance, and logs paths without their queries', async t => {
  const { logger, lines } = await logged()
  const app = Fastify({ loggerInstance: logger })
  t.teardown(async () => await app.close())
  app.get('/here', async () => 'ok')
  await app.inject({ url: '/here?access_token=hunter2', headers: { authorization: 'Bearer hunter2' } })
  t.match(parsed(lines[0]), { req: { method: 'GET', path: '/here', address: '127.0.0.1' }, msg: 'incoming request' })
  t.match(parsed(lines[1]), { res: { status: 200 }, msg: 'request completed' })
  t.notMatch(lines.join(''), 'hunter2')
})

t.test('what a terminal would obey or not show is written as what it is', async t => {
  const { logger, lines } = await logged()
  const name = 'a\u009b2K\u202eb\u2028c\u007f\u001b[1Gd\ne'
  logger.info({ name }, 'somebody')
  t.match(lines[0], 'a\\u009b2K\\u202eb\\u2028c\\u007f\\u001b[1Gd\\ne')
  t.equal(parsed(lines[0])['name'], name, 'and is read as what it was')
})

t.test('silent says nothing', async t => {
  const { logger, lines } = await logged({ logLevel: 'silent' })
  logger.fatal('nothing')
  t.same(lines, [])
})
