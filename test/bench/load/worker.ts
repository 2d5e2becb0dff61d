// One of the workers that serve atlas under load. Started by `WorkerPair`; each message requests its counts.
import { createApp } from '@sluice/example-atlas/app'
import { openClients } from '@sluice/example-atlas/clients'
import { createSluicedApp } from '@sluice/example-atlas/sluice'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'
import { sluiceResponseCache } from '@sluice/express'
import { createResponseCache } from '@sluice/http'
import type { RequestHandler } from 'express'
import { Redis } from 'ioredis'
import { PLAN, type WorkerCounts, type WorkerPlan } from './worker-plan.ts'

const BACKLOG = 2_048

const { file, port, shared } = JSON.parse(process.env[PLAN] ?? '{}') as WorkerPlan
const target = { kind: 'sqlite', file } as const
const counter = new StatementCounter()

let requests = 0
const count: RequestHandler = (_request, _response, next) => {
  requests += 1
  next()
}

function openSluiced({ redisUrl, ...others }: NonNullable<WorkerPlan['shared']>) {
  const redis = new Redis(redisUrl)
  const sluiced = createSluicedApp({
    kind: 'sqlite',
    mode: 'optimize',
    report: false,
    shared: { redis, ...others },
  })
  const close = async () => {
    await sluiced.sluice.close()
    redis.disconnect()
  }
  return { ...sluiced, close }
}

const sluiced = shared && openSluiced(shared)
const clients = openClients(target, counter, sluiced?.plugin)
const app = createApp({
  ...clients,
  operations: count,
  ...(sluiced && { middleware: sluiced.middleware, keptResponses: sluiceResponseCache(sluiced.sluice) }),
})
const responses = sluiced && createResponseCache(sluiced.sluice)

function counts(): WorkerCounts {
  const { hits = 0, coalesced = 0, misses = 0 } = responses?.getStats() ?? {}
  const { user, system } = process.cpuUsage()
  return {
    requests,
    hits: hits + coalesced,
    misses,
    statements: counter.statements,
    cpuMs: (user + system) / 1_000,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  }
}

const server = app.listen({ port, host: '127.0.0.1', backlog: BACKLOG }, (error?: Error) => {
  if (error !== undefined) throw error
  process.on('message', () => process.send?.(counts()))
  process.send?.('ready')
})
process.once('disconnect', async () => {
  server.closeAllConnections()
  server.close()
  await clients.close()
  await sluiced?.close()
})
// Ctrl-C goes to all processes of the terminal; this one ends when its parent does.
process.on('SIGINT', () => {})
