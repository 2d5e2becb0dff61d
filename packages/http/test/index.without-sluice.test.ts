import { createServer } from 'node:http'
import {
  createHealth,
  createMetricsHandler,
  createResponseCache,
  gracefulShutdown,
  RequestScopes,
} from '@sluice/http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

describe.each(['test', 'production'])('a handler without a Sluice, with NODE_ENV %s', (environment) => {
  it.each([
    ['createHealth', () => createHealth(undefined as never)],
    ['createMetricsHandler', () => createMetricsHandler(undefined as never)],
    ['createResponseCache', () => createResponseCache(undefined as never)],
    ['gracefulShutdown', () => gracefulShutdown(createServer(), undefined as never)],
    ['RequestScopes', () => new RequestScopes(undefined as never)],
  ])('is not created by %s', (_name, create) => {
    vi.stubEnv('NODE_ENV', environment)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(create).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT', argument: 'sluice' }))
  })
})
