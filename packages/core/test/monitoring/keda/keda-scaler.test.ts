import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { InvalidOptionError, MonitoringAndAutoScalingEngine } from '@sluice/core'
import {
  type KedaMetricsOptions,
  type KedaScalerOptions,
  kedaMetricsHandler,
  type ScalingSignals,
  startKedaScaler,
} from '@sluice/core/keda'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  authority,
  nodeCertificate,
  nodeKey,
  proxyCertificate,
  proxyKey,
} from '../../../../../test/support/certificates.ts'
import { SOON, TEST_MS } from '../../../../../test/support/patience.ts'
import { ManualClock } from '../manual-clock.ts'

// Read from the official protocol file, like the client of KEDA, to be independent of Sluice.
const loaded = loadSync(fileURLToPath(new URL('./externalscaler.proto', import.meta.url)), {
  keepCase: true,
  longs: Number,
  defaults: true,
})
const { externalscaler } = grpc.loadPackageDefinition(loaded) as unknown as {
  readonly externalscaler: { readonly ExternalScaler: grpc.ServiceClientConstructor }
}

type Unary = (request: object, done: (error: grpc.ServiceError | null, answer: unknown) => void) => void

async function setUp(options: KedaScalerOptions = {}) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine({}, { clock })
  onTestFinished(() => monitor.close())
  const scaler = await startKedaScaler(monitor, { port: 0, host: '127.0.0.1', ...options })
  onTestFinished(() => scaler.close())
  const client = new externalscaler.ExternalScaler(
    `127.0.0.1:${scaler.port}`,
    grpc.credentials.createInsecure(),
  )
  onTestFinished(() => client.close())
  const call = (method: string, request: object) =>
    new Promise<unknown>((resolve, reject) => {
      const run = (client as unknown as Record<string, Unary>)[method]?.bind(client)
      run?.(request, (error, answer) => (error === null ? resolve(answer) : reject(error)))
    })
  const object = (scalerMetadata: Record<string, string>) => ({
    name: 'web',
    namespace: 'shop',
    scalerMetadata,
  })
  return { clock, monitor, scaler, client, call, object }
}

describe('KEDA external scaler with a gRPC client', () => {
  it('returns the load and its forecast, each with the target per replica', async () => {
    const { monitor, call, object } = await setUp()
    monitor.recordMetric('requests', 150.5, 'a')
    monitor.recordMetric('requests', 100, 'b')
    const web = object({ target: '80.5' })
    expect(await call('GetMetricSpec', web)).toEqual({
      metricSpecs: [
        { metricName: 'requests', targetSize: 81, targetSizeFloat: 80.5 },
        { metricName: 'requests_forecast', targetSize: 81, targetSizeFloat: 80.5 },
      ],
    })
    expect(await call('GetMetrics', { scaledObjectRef: web, metricName: 'requests' })).toEqual({
      metricValues: [{ metricName: 'requests', metricValue: 251, metricValueFloat: 250.5 }],
    })
    const { p90 = 0, value = 0 } = monitor.predictLoad('requests', 5) ?? {}
    expect(p90).toBeGreaterThan(value)
    const expected = p90 <= 2 * value ? p90 : value
    const forecast = await call('GetMetrics', { scaledObjectRef: web, metricName: 'requests_forecast' })
    expect(forecast).toEqual({
      metricValues: [
        { metricName: 'requests_forecast', metricValue: Math.ceil(expected), metricValueFloat: expected },
      ],
    })
  })

  it('reports whether at least one replica is required', async () => {
    const { monitor, call, object } = await setUp()
    monitor.recordMetric('requests', 0, 'a')
    expect(await call('IsActive', object({ target: '80' }))).toEqual({ result: false })
    monitor.recordMetric('connections', 5, 'a')
    expect(await call('IsActive', object({ target: '80', metric: 'connections', activation: '3' }))).toEqual({
      result: true,
    })
  })

  it('streams changes of the activity while a client listens', { timeout: TEST_MS }, async () => {
    const { clock, monitor, client, object } = await setUp()
    monitor.recordMetric('requests', 0, 'a')
    const stream = (
      client as unknown as Record<string, (request: object) => grpc.ClientReadableStream<{ result: boolean }>>
    ).StreamIsActive?.(object({ target: '80', minutes: '60' }))
    const told: boolean[] = []
    stream?.on('data', ({ result }: { result: boolean }) => told.push(result))
    const ended = new Promise((resolve) => stream?.on('error', resolve))
    await expect.poll(() => told, SOON).toEqual([false])
    clock.advance(1_000)
    monitor.recordMetric('requests', 500, 'a')
    await expect.poll(() => told, SOON).toEqual([false, true])
    stream?.cancel()
    expect(await ended).toMatchObject({ code: grpc.status.CANCELLED })
  })

  it('ends streams and releases its port on close', async () => {
    const { monitor, client, object, scaler, call } = await setUp()
    monitor.recordMetric('requests', 1, 'a')
    const stream = (
      client as unknown as Record<string, (request: object) => grpc.ClientReadableStream<unknown>>
    ).StreamIsActive?.(object({ target: '80' }))
    await new Promise((resolve) => stream?.once('data', resolve))
    const ended = new Promise((resolve) => stream?.on('end', resolve))
    await scaler.close()
    await ended
    await expect(call('IsActive', object({ target: '80' }))).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    })
  })

  it('does not report a missing value as zero', async () => {
    const { clock, monitor, call, object } = await setUp()
    const web = object({ target: '80' })
    const asking = [
      call('IsActive', web),
      call('GetMetrics', { scaledObjectRef: web, metricName: 'requests' }),
    ]
    for (const asked of asking) await expect(asked).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE })
    monitor.recordMetric('requests', 100, 'a')
    clock.advance(60_000)
    const late = call('GetMetrics', { scaledObjectRef: web, metricName: 'requests' })
    await expect(late).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: expect.stringContaining('has no current value'),
    })
  })

  it('describes the problem of an invalid trigger', async () => {
    const { monitor, call, object } = await setUp()
    monitor.recordMetric('requests', 100, 'a')
    for (const [metadata, words] of [
      [{}, '"target"'],
      [{ target: '0' }, '"target"'],
      [{ target: '80', minutes: '90' }, '"minutes"'],
      [{ target: '80', activation: 'never' }, '"activation"'],
      [{ target: '80', metric: 'speed' }, 'Unknown metric "speed"'],
    ] as const) {
      const asked = call('IsActive', object(metadata as Record<string, string>))
      await expect(asked).rejects.toMatchObject({
        code: grpc.status.INVALID_ARGUMENT,
        details: expect.stringContaining(words),
      })
    }
    const other = call('GetMetrics', { scaledObjectRef: object({ target: '80' }), metricName: 'cpu' })
    await expect(other).rejects.toMatchObject({ code: grpc.status.INVALID_ARGUMENT })
  })

  it('rejects a port in use and invalid options', async () => {
    const { scaler, monitor } = await setUp()
    await expect(startKedaScaler(monitor, { port: scaler.port, host: '127.0.0.1' })).rejects.toThrow(
      'cannot listen',
    )
    await expect(startKedaScaler(monitor, { port: -1 })).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
    })
    await expect(startKedaScaler(monitor, { tls: { key: '', cert: '' } })).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
    })
    await expect(startKedaScaler(undefined as never)).rejects.toMatchObject({
      code: 'SLUICE_INVALID_ARGUMENT',
    })
  })
})

/** Signals with fixed values. */
function fixed(
  load: number | undefined,
  forecast: { readonly value: number; readonly p90: number } | undefined,
): ScalingSignals {
  return { currentLoad: () => load, predictLoad: () => forecast }
}

describe('KEDA external scaler with fixed signals', () => {
  const minutesAsked: number[] = []
  async function ask(
    load: number | undefined,
    forecast: { readonly value: number; readonly p90: number } | undefined,
  ) {
    const scaler = await startKedaScaler(
      {
        ...fixed(load, forecast),
        predictLoad: (_, minutes) => {
          minutesAsked.push(minutes)
          return forecast
        },
      },
      { port: 0, host: '127.0.0.1' },
    )
    onTestFinished(() => scaler.close())
    const client = new externalscaler.ExternalScaler(
      `127.0.0.1:${scaler.port}`,
      grpc.credentials.createInsecure(),
    )
    onTestFinished(() => client.close())
    return (method: string, metadata: Record<string, string>, more: object = {}) =>
      new Promise<unknown>((resolve, reject) => {
        const object = { name: 'web', namespace: 'shop', scalerMetadata: { target: '80', ...metadata } }
        const request = method === 'GetMetrics' ? { scaledObjectRef: object, ...more } : object
        const run = (client as unknown as Record<string, Unary>)[method]?.bind(client)
        run?.(request, (error, answer) => (error === null ? resolve(answer) : reject(error)))
      })
  }

  it('is active if either the load or the forecast exceeds the activation', async () => {
    const is = async (load: number | undefined, forecast: number | undefined) => {
      const call = await ask(load, forecast === undefined ? undefined : { value: forecast, p90: forecast })
      return call('IsActive', { activation: '10' })
    }
    expect(await is(11, 0)).toEqual({ result: true })
    expect(await is(0, 11)).toEqual({ result: true })
    expect(await is(10, 10)).toEqual({ result: false })
    // One of them is sufficient.
    expect(await is(11, undefined)).toEqual({ result: true })
    expect(await is(undefined, 11)).toEqual({ result: true })
    await expect(is(undefined, undefined)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE })
  })

  it('reports the 90th percentile of the forecast, or the median if the percentile is more than twice as high', async () => {
    const told = async (value: number, p90: number) =>
      (await ask(1, { value, p90 }))('GetMetrics', {}, { metricName: 'requests_forecast' })
    expect(await told(100, 200)).toMatchObject({ metricValues: [{ metricValueFloat: 200 }] })
    expect(await told(100, 200.5)).toMatchObject({ metricValues: [{ metricValueFloat: 100 }] })
  })

  it('forecasts 5 minutes ahead by default, and at most 1 hour', async () => {
    const call = await ask(1, { value: 1, p90: 1 })
    minutesAsked.length = 0
    for (const metadata of [{}, { minutes: '' }, { minutes: '60' }, { minutes: '0.5' }, { metric: '' }])
      await call('IsActive', metadata as Record<string, string>)
    expect(minutesAsked).toEqual([5, 5, 60, 0.5, 5])
    for (const minutes of ['0', '-1', '60.1', 'NaN'])
      await expect(call('IsActive', { minutes })).rejects.toMatchObject({
        code: grpc.status.INVALID_ARGUMENT,
      })
    expect(await call('GetMetricSpec', { metric: '' })).toMatchObject({
      metricSpecs: [{ metricName: 'requests' }, {}],
    })
  })
})

describe('a stream of the KEDA external scaler', () => {
  type Stream = (request: object) => grpc.ClientReadableStream<{ result: boolean }>
  const listen = (client: grpc.Client, request: object) => {
    const stream = (client as unknown as Record<string, Stream>).StreamIsActive?.(
      request,
    ) as grpc.ClientReadableStream<{ result: boolean }>
    const told: boolean[] = []
    stream.on('data', ({ result }) => told.push(result))
    const error = new Promise<grpc.ServiceError>((resolve) => stream.on('error', resolve))
    return { stream, told, error }
  }

  it('sends only changes', { timeout: TEST_MS }, async () => {
    const { monitor, client, object } = await setUp()
    monitor.recordMetric('requests', 5, 'a')
    const { stream, told, error } = listen(client, object({ target: '80' }))
    await expect.poll(() => told, SOON).toEqual([true])
    await new Promise((resolve) => {
      setTimeout(resolve, 2_500)
    })
    expect(told).toEqual([true])
    stream.cancel()
    await error
  })

  it('waits while no value is known, and describes the problem of an invalid trigger', {
    timeout: TEST_MS,
  }, async () => {
    const { monitor, client, object } = await setUp()
    const { stream, told, error } = listen(client, object({ target: '80' }))
    for (const metadata of [{ target: '80', metric: 'speed' }, { target: 'many' }] as const)
      expect(await listen(client, object(metadata)).error).toMatchObject({
        code: grpc.status.INVALID_ARGUMENT,
      })
    expect(told).toEqual([])
    monitor.recordMetric('requests', 5, 'a')
    await expect.poll(() => told, SOON).toEqual([true])
    stream.cancel()
    await error
  })

  it('clears its timer when the client disconnects, and does not keep the process alive', async () => {
    const set = vi.spyOn(globalThis, 'setInterval')
    const cleared = vi.spyOn(globalThis, 'clearInterval')
    onTestFinished(() => {
      set.mockRestore()
      cleared.mockRestore()
    })
    const { monitor, client, object } = await setUp()
    monitor.recordMetric('requests', 5, 'a')
    set.mockClear()
    const { stream, told, error } = listen(client, object({ target: '80' }))
    await expect.poll(() => told, SOON).toEqual([true])
    const looking = set.mock.results.flatMap(({ value }, at) =>
      set.mock.calls[at]?.[1] === 1_000 ? [value as NodeJS.Timeout] : [],
    )
    expect(looking).toHaveLength(1)
    expect(looking[0]?.hasRef()).toBe(false)
    stream.cancel()
    await error
    await expect.poll(() => cleared.mock.calls.some(([timer]) => timer === looking[0]), SOON).toBe(true)
  })
})

describe('KEDA external scaler with TLS', () => {
  const local = { 'grpc.ssl_target_name_override': 'node.test' }
  async function connect(tls: NonNullable<KedaScalerOptions['tls']>, credentials: grpc.ChannelCredentials) {
    const scaler = await startKedaScaler(fixed(5, undefined), { port: 0, host: '127.0.0.1', tls })
    onTestFinished(() => scaler.close())
    const client = new externalscaler.ExternalScaler(`127.0.0.1:${scaler.port}`, credentials, local)
    onTestFinished(() => client.close())
    const object = { name: 'web', namespace: 'shop', scalerMetadata: { target: '80' } }
    return new Promise<unknown>((resolve, reject) => {
      ;(client as unknown as Record<string, Unary>).IsActive?.bind(client)(object, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      )
    })
  }
  const tls = { key: nodeKey, cert: nodeCertificate }
  const root = Buffer.from(authority)

  it('accepts clients that trust its authority, and no plaintext connections', async () => {
    expect(await connect(tls, grpc.credentials.createSsl(root))).toEqual({ result: true })
    await expect(connect(tls, grpc.credentials.createInsecure())).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    })
  })

  it('requires a client certificate if an authority is configured', async () => {
    const mutual = { ...tls, ca: authority }
    const known = grpc.credentials.createSsl(root, Buffer.from(proxyKey), Buffer.from(proxyCertificate))
    expect(await connect(mutual, known)).toEqual({ result: true })
    await expect(connect(mutual, grpc.credentials.createSsl(root))).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    })
  })

  it.each([
    { key: nodeKey, cert: '' },
    { key: '', cert: nodeCertificate },
    { ...tls, ca: '' },
    { ...tls, ca: undefined },
    { ...tls, caa: authority },
    { key: nodeKey },
    undefined,
  ])('throws for incomplete options: %#', async (incomplete) => {
    await expect(startKedaScaler(fixed(5, undefined), { tls: incomplete as never })).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
    })
  })
})

describe('the address of the KEDA external scaler', () => {
  it('can be an IPv6 address', async () => {
    const scaler = await startKedaScaler(fixed(5, undefined), { port: 0, host: '::1' }).catch(
      (error: Error) => error,
    )
    // The machine may not support IPv6.
    if (scaler instanceof Error) expect(scaler.message).toMatch(/EADDRNOTAVAIL|EAFNOSUPPORT|No address added/)
    else await scaler.close()
  })
})

describe('kedaMetricsHandler', () => {
  async function serve(options: KedaMetricsOptions = {}) {
    const monitor = new MonitoringAndAutoScalingEngine()
    onTestFinished(() => monitor.close())
    const server = createServer(kedaMetricsHandler(monitor, options))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => void server.close())
    const get = async (query: string, headers: Record<string, string> = {}) => {
      const response = await fetch(
        `http://127.0.0.1:${(server.address() as AddressInfo).port}/keda${query}`,
        { headers },
      )
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    return { monitor, get }
  }

  it('responds with numbers in the fields that a trigger reads', async () => {
    const { monitor, get } = await serve()
    monitor.recordMetric('connections', 40, 'a')
    const { status, body } = await get('?metric=connections&minutes=15')
    expect(status).toBe(200)
    expect(body).toEqual({ metric: 'connections', minutes: 15, load: 40, forecast: expect.any(Number) })
  })

  it('responds with 503 if one of the two numbers is missing', async () => {
    const forecast = { value: 1, p90: 1 }
    for (const [signals, status] of [
      [fixed(1, undefined), 503],
      [fixed(undefined, forecast), 503],
      [fixed(1, forecast), 200],
    ] as const) {
      const writeHead = vi.fn().mockReturnValue({ end: () => {} })
      kedaMetricsHandler(signals, { token: false })(
        { url: '/', headers: {} } as never,
        { writeHead } as never,
      )
      expect(writeHead).toHaveBeenCalledExactlyOnceWith(
        status,
        expect.objectContaining({ 'cache-control': 'no-store' }),
      )
    }
  })

  it('responds with 500 if a signal throws', () => {
    const writeHead = vi.fn().mockReturnValue({ end: () => {} })
    const broken = {
      ...fixed(1, undefined),
      predictLoad: () => {
        throw new Error('no')
      },
    }
    kedaMetricsHandler(broken, { token: false })({ url: '/', headers: {} } as never, { writeHead } as never)
    expect(writeHead).toHaveBeenCalledWith(500, expect.anything())
  })

  it('responds with errors for missing values and invalid queries', async () => {
    const { get } = await serve()
    expect((await get('')).status).toBe(503)
    expect((await get('?metric=speed')).status).toBe(404)
    expect((await get('?minutes=never')).status).toBe(400)
  })

  it('responds only to clients with the token', async () => {
    const { monitor, get } = await serve({ token: 's3cret' })
    monitor.recordMetric('requests', 40, 'a')
    expect((await get('')).status).toBe(401)
    expect((await get('', { authorization: 'Bearer s3cre' })).status).toBe(401)
    expect((await get('', { authorization: 'Bearer s3cret' })).status).toBe(200)
  })

  it.each([undefined, ''])('throws for the token %j: its environment variable is not set', (token) => {
    const create = () => kedaMetricsHandler(fixed(1, undefined), { token } as never)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow('Check that its environment variable is set.')
  })

  it('requires a token, or false, in production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    onTestFinished(() => void vi.unstubAllEnvs())
    const signals = fixed(1, undefined)
    expect(() => kedaMetricsHandler(signals)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_AUTHORIZE_REQUIRED',
        message: expect.stringContaining('Pass `token`'),
      }),
    )
    expect(kedaMetricsHandler(signals, { token: false })).toBeTypeOf('function')
    expect(kedaMetricsHandler(signals, { token: 's3cret' })).toBeTypeOf('function')
  })

  it('responds without a token to requests of this machine only, unless the token is false', () => {
    const signals = fixed(1, { value: 1, p90: 1 })
    const statusOf = (remoteAddress: string, options?: KedaMetricsOptions) => {
      const writeHead = vi.fn().mockReturnValue({ end: () => {} })
      const request = { url: '/', headers: { host: 'localhost' }, socket: { remoteAddress } }
      kedaMetricsHandler(signals, options)(request as never, { writeHead } as never)
      return writeHead.mock.calls[0]?.[0]
    }
    expect(statusOf('127.0.0.1')).toBe(200)
    expect(statusOf('10.0.0.7')).toBe(403)
    expect(statusOf('10.0.0.7', { token: false })).toBe(200)
  })
})
