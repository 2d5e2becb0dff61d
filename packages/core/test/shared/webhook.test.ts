import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSignedWebhook, PrivateAddressError, webhookNotifier, webhookTarget } from '@sluice/core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { checkBatchJobOptions } from '../../src/jobs/job-options.ts'
import {
  type AddressGuard,
  type AddressLookup,
  addressGuard,
  guarded,
} from '../../src/shared/public-address.ts'
import { isWebhookUrl, postWebhook } from '../../src/shared/webhook.ts'

const signal = new AbortController().signal

async function serve() {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, requests: () => requests }
}

const post = (url: string, allowPrivateAddresses = false) =>
  postWebhook({ url: new URL(url), body: '{}', id: 'id', secret: undefined, allowPrivateAddresses, signal })

describe('postWebhook', () => {
  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'rejects %s and does not connect',
    async (host) => {
      const { port, requests } = await serve()
      await expect(post(`http://${host}:${port}/`)).rejects.toThrow(PrivateAddressError)
      expect(requests()).toBe(0)
    },
  )

  it('sends to a private address if that is allowed, and does not follow redirects', async () => {
    const { port, requests } = await serve()
    expect(await post(`http://127.0.0.1:${port}/`, true)).toBe(302)
    expect(await post(`http://localhost:${port}/`, true)).toBe(302)
    expect(requests()).toBe(2)
  })
})

describe('guarded lookup of a webhook', () => {
  let guard: AddressGuard
  beforeAll(async () => {
    guard = await addressGuard()
  })

  it.each([
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
  ])('treats %s as reserved', (address) => {
    expect(guard.isReserved(address)).toBe(true)
  })

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])(
    'treats %s as public',
    (address) => {
      expect(guard.isReserved(address)).toBe(false)
    },
  )

  /** Resolves a name to these addresses, to the next list with each lookup. */
  const resolving = (...answers: readonly string[][]): AddressLookup => {
    let nth = 0
    const rebinding: AddressLookup = (_, options, callback) => {
      const found = (answers[nth++] ?? []).map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }))
      expect(options.all).toBe(true)
      callback(null, found)
    }
    return guarded(rebinding, guard.isReserved)
  }
  const look = (lookup: AddressLookup, all = false) =>
    new Promise((resolve, reject) =>
      lookup('hooks.example', { all }, (error, address) =>
        error === null ? resolve(address) : reject(error),
      ),
    )

  it('returns the address that the socket connects to', async () => {
    expect(await look(resolving(['1.1.1.1', '2606:4700::1111']))).toBe('1.1.1.1')
    expect(await look(resolving(['1.1.1.1']), true)).toEqual([{ address: '1.1.1.1', family: 4 }])
  })

  it('rejects a name with one private address among others', async () => {
    await expect(look(resolving(['1.1.1.1', '127.0.0.1']))).rejects.toThrow(PrivateAddressError)
  })

  it('checks each lookup, so that a rebound name is rejected', async () => {
    const lookup = resolving(['1.1.1.1'], ['169.254.169.254'])
    expect(await look(lookup)).toBe('1.1.1.1')
    await expect(look(lookup)).rejects.toThrow(PrivateAddressError)
  })
})

describe('isSignedWebhook', () => {
  const secret = 'a secret of some length'
  const headersOf = (key: string | Buffer, timestamp = 1_000, body = '{}') => ({
    'webhook-id': 'id',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${createHmac('sha256', key).update(`id.${timestamp}.${body}`).digest('base64')}`,
  })

  it('accepts recent signatures of any of the secrets', () => {
    expect(isSignedWebhook([secret, 'another one of 16'], headersOf('another one of 16'), '{}', 1_299)).toBe(
      true,
    )
    const whsec = `whsec_${Buffer.from(secret).toString('base64')}`
    expect(isSignedWebhook(whsec, headersOf(secret), '{}', 1_000)).toBe(true)
  })

  it('rejects a different body, id or secret, and old signatures', () => {
    expect(isSignedWebhook(secret, headersOf(secret), '{ }', 1_000)).toBe(false)
    expect(isSignedWebhook(secret, { ...headersOf(secret), 'webhook-id': 'other' }, '{}', 1_000)).toBe(false)
    expect(isSignedWebhook(secret, headersOf('x'.repeat(20)), '{}', 1_000)).toBe(false)
    expect(isSignedWebhook(secret, headersOf(secret), '{}', 1_301)).toBe(false)
    expect(isSignedWebhook(secret, {}, '{}', 1_000)).toBe(false)
  })
})

describe('the address of a webhook', () => {
  const url = 'https://ann:s3cret@hooks.example/T0/t0ken?key=t0ken'

  it('contains no credentials, and is not shown in the error when it is rejected', () => {
    expect(isWebhookUrl(url)).toBe(false)
    const options = { secret: 'a secret of some length', current: () => 1 }
    for (const use of [
      () => webhookNotifier(url),
      () => webhookTarget(url, options),
      () => checkBatchJobOptions({ webhook: 'https://ann:s3cret@a/' }),
      () => webhookNotifier('ftp://ann:s3cret@a/'),
      () => webhookNotifier('ann:s3cret@hooks'),
    ]) {
      expect(use).toThrow(/an http or https URL without credentials/)
      expect(use).not.toThrow(/s3cret|t0ken/)
    }
  })
})
