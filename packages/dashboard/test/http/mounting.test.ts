import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSluice } from '@sluice/core'
import { createDashboard, type Dashboard, type DashboardOptions } from '@sluice/dashboard'
import express from 'express'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { nextOrigin } from '../../src/http/mounting.ts'

function open(options: DashboardOptions = {}): { readonly dashboard: Dashboard; readonly told: string[] } {
  const told: string[] = []
  const sluice = createSluice()
  const dashboard = createDashboard(sluice, { announce: (text) => void told.push(text), ...options })
  onTestFinished(async () => {
    await dashboard.close()
    await sluice.close()
  })
  return { dashboard, told }
}

async function listening(
  server: Server,
  ...at: [port: number, host?: string] | [path: string]
): Promise<number> {
  server.listen(...(at as [number]))
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? 0 : address.port
}

describe('the URL that a dashboard prints at startup', () => {
  it('contains the host and port of an Express app', async () => {
    const { dashboard, told } = open()
    const app = express()
    app.use('/_sluice', dashboard.handler)
    expect(told).toEqual([])
    const port = await listening(createServer(app), 0)
    expect(told).toEqual([
      `Dashboard: http://localhost:${port}${dashboard.url.slice(dashboard.url.indexOf('/_'))}`,
    ])
    const [, url = ''] = told[0]?.split(': ') ?? []
    expect((await fetch(url, { redirect: 'manual' })).status).toBeLessThan(400)
  })

  it('contains the prefix of a Fastify plugin', async () => {
    const { dashboard, told } = open()
    await dashboard.fastify({
      prefix: '/admin',
      all: () => {},
      removeAllContentTypeParsers: () => {},
      addContentTypeParser: () => {},
    })
    const port = await listening(createServer(), 0, '127.0.0.1')
    expect(told[0]).toMatch(`Dashboard: http://127.0.0.1:${port}/admin/?key=`)
  })

  it('is announced once, for the first server with a port', async () => {
    const { told } = open()
    await listening(createServer(), join(tmpdir(), `sluice-${process.pid}-${Date.now()}.sock`))
    expect(told).toEqual([])
    await listening(createServer(), 0)
    await listening(createServer(), 0)
    expect(told).toHaveLength(1)
  })

  it('contains the option `origin` without a server', () => {
    const { told } = open({ origin: 'https://app.example' })
    expect(told[0]).toMatch(/^Dashboard: https:\/\/app\.example\/_sluice\/\?key=/)
  })

  it('is not announced after the dashboard was closed', async () => {
    const { dashboard, told } = open()
    await dashboard.close()
    await listening(createServer(), 0)
    expect(told).toEqual([])
  })
})

describe('nextOrigin', () => {
  it('returns no origin if no server listens in time', async () => {
    const found = vi.fn()
    nextOrigin(found, 5)
    await vi.waitFor(() => expect(found).toHaveBeenCalledExactlyOnceWith(undefined), SOON)
  })
})
