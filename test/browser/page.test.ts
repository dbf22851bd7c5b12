/**
 * The example page in a real browser, over the real server: records appear while they are appended, and after a restart of
 * the server exactly those that were missed follow.
 */
import t from 'tap'
import { chromium } from 'playwright-core'
import { needsHttp } from '../interop/support/against.ts'
import { startServer } from '../interop/support/server.ts'
import { Background } from '../interop/support/run.ts'

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

t.test('a page sees records live, and after a restart exactly the missing ones', { timeout: 120_000, ...needsHttp }, async t => {
  const server = await startServer(t)
  const post = async (text: string): Promise<void> => {
    const { status } = await fetch(`${server.http}/topics/greetings`, { method: 'POST', body: text })
    t.equal(status, 201)
  }
  const files = new Background(t, process.execPath, [new URL('../../examples/browser/serve.js', import.meta.url).pathname, '0'])
  const [origin] = await files.until(/http:\S+/)

  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(String(error)))

  /** The offsets and values that the page shows, oldest first, once there are `count`. */
  const shown = async (count: number): Promise<string[]> => {
    await page.waitForFunction(`document.querySelectorAll('#records tr').length >= ${count}`)
    return page.$$eval('#records tr', rows => rows.reverse().map(row => `${row.cells[1].textContent} ${row.cells[4].textContent}`))
  }

  await page.goto(`${origin}/?gateway=${server.http}`)
  await page.getByText('There is no topic greetings').waitFor()
  await page.getByLabel('value').fill('from the page')
  await page.getByRole('button').click()
  t.strictSame(await shown(1), ['0 from the page'])
  await post('{"from":"curl"}')
  t.strictSame(await shown(2), ['0 from the page', '1 {"from":"curl"}'])

  // In between, the page is kept away and the log goes on.
  t.equal(await server.stop(), 0)
  await page.context().setOffline(true)
  await server.start()
  await post('missed')
  await post('missed too')
  await page.context().setOffline(false)
  t.strictSame((await shown(4)).slice(2), ['2 missed', '3 missed too'])
  await post('live again')
  t.strictSame(await shown(5), ['0 from the page', '1 {"from":"curl"}', '2 missed', '3 missed too', '4 live again'])

  await server.kill()
  await server.start()
  await post('after a crash')
  t.strictSame((await shown(6)).at(-1), '5 after a crash')
  t.strictSame(faults, [])
})
