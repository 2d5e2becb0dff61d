// One of several processes that serve the app on one database and one Redis. Started by `startAppProcess`.
import { Redis } from 'ioredis'
import { createApp } from './app.ts'
import type { AppProcessPlan } from './app-process-handle.ts'
import { openClients } from './clients.ts'
import { listen } from './listen.ts'
import { createSluicedApp } from './sluice.ts'
import { StatementCounter } from './statement-counter.ts'

const { target, redisUrl, namespace, consistency } = JSON.parse(process.argv[2] ?? '{}') as AppProcessPlan

const redis = new Redis(redisUrl, { lazyConnect: true })
const sluiced = createSluicedApp({
  kind: target.kind,
  mode: 'optimize',
  report: false,
  shared: { redis, namespace, consistency },
})
const clients = openClients(target, new StatementCounter(), sluiced.plugin)
const server = await listen(createApp({ ...clients, middleware: sluiced.middleware }), 0)

process.once('disconnect', async () => {
  await server.close()
  await clients.close()
  await sluiced.sluice.close()
  redis.disconnect()
})
// Ctrl-C goes to all processes of the terminal; this one ends when its parent does.
process.on('SIGINT', () => {})
process.send?.(server.origin)
