import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type WebhookTargetOptions,
  webhookTarget,
} from '../../../../src/monitoring/scaling/targets/webhook-target.ts'
import { isSignedWebhook } from '../../../../src/shared/webhook.ts'

const secret = 'a secret of some length'
const closing: (() => void)[] = []

interface Told {
  readonly headers: IncomingMessage['headers']
  readonly method: string | undefined
  readonly path: string
  readonly body: string
}

/** A server with these responses, sequentially, and then successful ones. */
async function hookOf(answers: readonly ((response: ServerResponse) => void)[] = []) {
  const told: Told[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    told.push({ headers: request.headers, method: request.method, path: request.url ?? '', body })
    const answer = answers[told.length - 1]
    if (answer === undefined) response.end('ok')
    else answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { told, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scale?app=1` }
}

function targetOf(url: string, options: Partial<WebhookTargetOptions> = {}) {
  return webhookTarget(url, { secret, current: () => 2, retryMs: 1, allowPrivateAddresses: true, ...options })
}

const status = (code: number) => (response: ServerResponse) => {
  response.statusCode = code
  response.end()
}
const never = new AbortController().signal

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

describe('webhookTarget', () => {
  it('sends the requested number with a signature', async () => {
    const { told, url } = await hookOf()
    await targetOf(url).scaleTo(5, 'because', never)
    const [{ headers, method, path, body } = { headers: {}, method: '', path: '', body: '' }] = told
    expect(told).toHaveLength(1)
    expect(JSON.parse(body)).toEqual({ desired: 5, reason: 'because', requestedAt: expect.any(Number) })
    expect([method, path, headers['content-type']]).toEqual(['POST', '/scale?app=1', 'application/json'])
    expect(isSignedWebhook(secret, headers, body)).toBe(true)
    expect(isSignedWebhook(secret, headers, body.replace('5', '6'))).toBe(false)
    expect(Object.keys(headers).filter((name) => name.includes('signature'))).toEqual(['webhook-signature'])
  })

  it('retries with the same idempotency key, and uses a new key for the next request', async () => {
    const { told, url } = await hookOf([status(503), status(429)])
    const target = targetOf(url)
    await target.scaleTo(5, 'a', never)
    await target.scaleTo(5, 'b', never)
    const keys = told.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(4)
    expect(new Set(keys.slice(0, 3)).size).toBe(1)
    expect(keys[3]).not.toBe(keys[0])
    const times = told.map(({ body }) => JSON.parse(body).requestedAt)
    expect(times[1]).toBe(times[0])
    expect(times[3]).toBeGreaterThan(times[0])
  })

  it('fails when all attempts fail', async () => {
    const { told, url } = await hookOf([status(500), status(500), status(500)])
    await expect(targetOf(url).scaleTo(5, 'a', never)).rejects.toMatchObject({
      code: 'SLUICE_SCALING_FAILED',
      message: expect.stringMatching(
        /^The request for 5 workers to http:\/\/127\.0\.0\.1:\d+ failed 3 times: it responded with status 500\.$/,
      ),
    })
    expect(told).toHaveLength(3)
  })

  it('does not retry a rejected request', async () => {
    const { told, url } = await hookOf([status(403)])
    await expect(targetOf(url).scaleTo(5, 'a', never)).rejects.toThrow('it responded with status 403')
    expect(told).toHaveLength(1)
  })

  it('does not follow redirects', async () => {
    const other = await hookOf()
    const { url } = await hookOf([
      (response) => {
        response.writeHead(307, { location: other.url }).end()
      },
    ])
    await expect(targetOf(url, { attempts: 1 }).scaleTo(5, 'a', never)).rejects.toThrow()
    expect(other.told).toEqual([])
  })

  it('stops waiting for a response that never arrives', async () => {
    const { told, url } = await hookOf([() => {}])
    await targetOf(url, { timeoutMs: 500 }).scaleTo(5, 'a', never)
    expect(told).toHaveLength(2)
  })

  it('stops when its signal is aborted, even during a wait', async () => {
    const stop = new AbortController()
    const { told, url } = await hookOf([
      (response) => {
        status(500)(response)
        setImmediate(() => stop.abort(new Error('enough')))
      },
    ])
    await expect(targetOf(url, { retryMs: 60_000 }).scaleTo(5, 'a', stop.signal)).rejects.toThrow('enough')
    const hanging = new AbortController()
    const silent = await hookOf([() => hanging.abort(new Error('enough, too'))])
    await expect(targetOf(silent.url).scaleTo(5, 'a', hanging.signal)).rejects.toThrow('enough, too')
    expect([told.length, silent.told.length]).toEqual([1, 1])
  })

  it('fails when the server is not listening', async () => {
    const { url, server } = await hookOf()
    await new Promise((resolve) => server.close(resolve))
    await expect(targetOf(url).scaleTo(5, 'a', never)).rejects.toMatchObject({
      code: 'SLUICE_SCALING_FAILED',
      cause: expect.any(Error),
    })
  })

  it.each(['no address', 'ftp://example.com', ''])('throws for the address "%s"', (url) => {
    expect(() => targetOf(url)).toThrow('Argument "url": expected an http or https URL')
  })

  it.each([
    [{ secret: 'short' }, 'secret'],
    [{ secret: undefined }, 'secret'],
    [{ current: undefined }, 'current'],
    [{ attempts: 0 }, 'attempts'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ other: 1 }, 'other'],
  ])('throws for the options %j', (options, name) => {
    expect(() => targetOf('http://localhost', options as Partial<WebhookTargetOptions>)).toThrow(
      expect.objectContaining({ option: name }),
    )
  })

  it('does not include a secret that is too short in its error', () => {
    expect(() => targetOf('http://localhost', { secret: 'hunter2' })).toThrow(/^(?!.*hunter2)/)
  })
})
