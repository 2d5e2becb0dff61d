import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  consoleNotifier,
  InvalidArgumentError,
  InvalidOptionError,
  isSignedWebhook,
  MonitoringAndAutoScalingEngine,
  webhookNotifier,
} from '@sluice/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../../../test/support/patience.ts'
import type { WebhookNotifierOptions } from '../../../src/monitoring/alerts/notifier.ts'
import { ManualClock } from '../manual-clock.ts'
import { alertWith } from './alert.ts'

const never = new AbortController().signal

describe('consoleNotifier', () => {
  const lines: string[] = []
  const { notify } = consoleNotifier((line) => lines.push(line))
  const line = (...[some, change]: [Parameters<typeof alertWith>[0], Parameters<typeof notify>[1]]) => {
    lines.length = 0
    void notify(alertWith(some), change, never)
    expect(lines).toHaveLength(1)
    return lines[0]
  }

  it('writes a line for each change', () => {
    expect(line({}, 'raised')).toBe('▲ warning raised: cpu of a is 75%, above 70%')
    expect(line({ severity: 'critical' }, 'escalated')).toBe(
      '▲▲ critical escalated: cpu of a is 75%, above 70%',
    )
    expect(line({}, 'downgraded')).toBe('▽ warning downgraded: cpu of a is 75%, above 70%')
  })

  it('includes the actor of an acknowledgment or a resolution', () => {
    const acknowledgedBy = 'ann'
    expect(line({ acknowledgedBy }, 'acknowledged')).toMatch(/^· warning acknowledged: .*, by ann$/)
    expect(line({ acknowledgedBy }, 'downgraded')).toMatch(/above 70%$/)
    expect(line({ acknowledgedBy }, 'resolved')).toMatch(/^✓ warning resolved: .*above 70%$/)
    expect(line({ acknowledgedBy, resolvedBy: 'bob' }, 'resolved')).toMatch(/, by bob$/)
  })

  it('writes one line for a source with line breaks, and no control characters', () => {
    expect(line({ message: 'cpu of a\nb\u001b[2J is 75' }, 'raised')).toBe(
      '▲ warning raised: cpu of a b is 75',
    )
  })

  it('writes to stderr by default', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => write.mockRestore())
    void consoleNotifier().notify(alertWith(), 'raised', never)
    expect(write).toHaveBeenCalledExactlyOnceWith('▲ warning raised: cpu of a is 75%, above 70%\n')
  })
})

describe('webhookNotifier', () => {
  interface Post {
    readonly method: string | undefined
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }

  /** A server that responds with these statuses sequentially, and with 204 afterwards; `0`: never. */
  async function hook(...statuses: number[]) {
    const posts: Post[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      posts.push({ method: request.method, headers: request.headers, body })
      const status = statuses[posts.length - 1] ?? 204
      if (status === 0) return
      response
        .writeHead(status, { location: '/elsewhere' })
        .end(status === 204 ? undefined : 'x'.repeat(100_000))
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return { posts, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts` }
  }

  const send = (url: string, options?: WebhookNotifierOptions, signal = never) =>
    webhookNotifier(url, { allowPrivateAddresses: true, ...options }).notify(
      alertWith({ updatedAt: 12_345 }),
      'escalated',
      signal,
    )

  it('posts the alert and its change', async () => {
    const { posts, url } = await hook()
    await send(url, { headers: { 'x-team': 'shop', 'content-type': 'text/plain' } })
    const [post] = posts
    expect(post?.method).toBe('POST')
    expect(JSON.parse(post?.body ?? '')).toEqual({
      event: 'alert:escalated',
      alert: alertWith({ updatedAt: 12_345 }),
    })
    expect(post?.headers).toMatchObject({ 'x-team': 'shop', 'content-type': 'application/json' })
    expect(post?.headers).not.toHaveProperty('webhook-signature')
  })

  it('signs its ID, the send time and the body with the scheme of Standard Webhooks', async () => {
    const { posts, url } = await hook()
    const before = Math.floor(Date.now() / 1000)
    const secret = 'a secret of some length'
    await send(url, { secret, headers: { 'Webhook-Signature': 'forged' } })
    const { headers, body } = posts[0] as Post
    const timestamp = String(headers['webhook-timestamp'])
    expect(Number(timestamp)).toBeGreaterThanOrEqual(before)
    expect(Number(timestamp)).toBeLessThanOrEqual(Date.now() / 1000)
    const mac = createHmac('sha256', secret)
      .update(`${headers['webhook-id']}.${timestamp}.${body}`)
      .digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${mac}`)
    expect(isSignedWebhook(secret, headers, body)).toBe(true)
  })

  it('uses the same idempotency key for a retry, and a different one for any other change', async () => {
    const { posts, url } = await hook()
    const { notify } = webhookNotifier(url, { allowPrivateAddresses: true })
    await notify(alertWith(), 'raised', never)
    await notify(alertWith(), 'raised', never)
    await notify(alertWith(), 'resolved', never)
    await notify(alertWith({ updatedAt: 3_000 }), 'raised', never)
    await notify(alertWith({ id: 'alert-2' }), 'raised', never)
    const keys = posts.map(({ headers }) => headers['webhook-id'])
    expect(keys[0]).toBe(keys[1])
    expect(new Set(keys).size).toBe(4)
  })

  it('treats only a 2xx response as success', async () => {
    const { posts, url } = await hook(200, 404, 500, 302)
    await send(url)
    await expect(send(url)).rejects.toThrow('responded with status 404')
    await expect(send(url)).rejects.toThrow('responded with status 500')
    // It does not follow redirects, which could lead to another host.
    await expect(send(url)).rejects.toThrow()
    expect(posts).toHaveLength(4)
  })

  it('stops when its signal is aborted', async () => {
    const { url } = await hook(0)
    const giving = new AbortController()
    const sending = send(url, {}, giving.signal)
    giving.abort(new Error('too late'))
    await expect(sending).rejects.toThrow('too late')
  })

  it.each(['hooks.example', 'ftp://hooks.example', 'https://ann:s3cret@hooks.example/', ''])(
    'throws for the address %j',
    (url) => {
      expect(() => webhookNotifier(url)).toThrow(InvalidArgumentError)
    },
  )

  it.each([{ secret: '' }, { secret: 'short' }, { secret: 5 }, { headers: 'x' }, { retries: 3 }])(
    'throws for options %j',
    (options) => {
      expect(() => webhookNotifier('https://hooks.example', options as never)).toThrow(InvalidOptionError)
    },
  )

  it('includes the host in its name, but not the path, which is a secret', () => {
    expect(webhookNotifier('https://hooks.example:8443/T0/s3cret').name).toBe('webhook hooks.example:8443')
  })
})

describe('notifiers of an engine', () => {
  function open() {
    const told: string[] = []
    const pager = {
      name: 'pager',
      notify: ({ metric }: { metric: string }, change: string) => void told.push(`${metric} ${change}`),
    }
    return { told, pager }
  }

  it('receive all changes of alerts', async () => {
    const { told, pager } = open()
    const monitor = new MonitoringAndAutoScalingEngine(
      { alerts: { notifiers: [pager] } },
      { clock: new ManualClock() },
    )
    onTestFinished(() => monitor.close())
    monitor.recordMetric('cpu', 75, 'a')
    const id = monitor.getActiveAlerts()[0]?.id ?? ''
    monitor.acknowledgeAlert(id, 'ann')
    monitor.resolveAlert(id)
    await expect.poll(() => told, SOON).toEqual(['cpu raised', 'cpu acknowledged', 'cpu resolved'])
  })

  it('are added and removed', async () => {
    const { told, pager } = open()
    const monitor = new MonitoringAndAutoScalingEngine({}, { clock: new ManualClock() })
    onTestFinished(() => monitor.close())
    const remove = monitor.addNotifier(pager)
    monitor.recordMetric('cpu', 75, 'a')
    await expect.poll(() => told, SOON).toEqual(['cpu raised'])
    remove()
    monitor.recordMetric('cpu', 95, 'a')
    monitor.recordMetric('memory', 95, 'a')
    await new Promise(setImmediate)
    expect(told).toEqual(['cpu raised'])
    expect(() => monitor.addNotifier({ name: 'nobody' } as never)).toThrow(InvalidArgumentError)
  })

  it('emit their errors as events, and have a timeout of 10 s', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const stuck = { name: 'stuck', notify: () => new Promise<void>(() => {}) }
    const monitor = new MonitoringAndAutoScalingEngine(
      { alerts: { notifiers: [stuck] } },
      { clock: new ManualClock() },
    )
    onTestFinished(() => monitor.close())
    const errors: string[] = []
    monitor.on('error', ({ error }) => errors.push((error as Error).message))
    monitor.recordMetric('cpu', 75, 'a')
    await vi.advanceTimersByTimeAsync(10_001)
    expect(errors).toEqual(['The notifier "stuck" did not finish within 10000 ms.'])
    monitor.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(errors).toHaveLength(1)
  })
})
