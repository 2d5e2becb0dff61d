// An app with a dashboard, connected with other processes. Usage: `node app.main.ts cluster <workers>`, or
// `local <directory> [<file of jobs>]`, or `redis <url> <namespace>`. Each process prints its port and pid to
// stdout, and ends after SIGTERM.
import cluster from 'node:cluster'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type JobsOptions } from '@sluice/core'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import type { ProcessLink } from '@sluice/core/siblings'
import { createDashboard, localProcesses } from '@sluice/dashboard'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import { redisProcesses } from '@sluice/redis'
import express from 'express'
import { Redis } from 'ioredis'
import knexFactory from 'knex'

const [kind = 'cluster', place = '3', name] = process.argv.slice(2)

if (kind === 'cluster' && cluster.isPrimary) {
  for (let worker = 0; worker < Number(place); worker += 1) cluster.fork()
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM')
  })
} else await app()

async function app(): Promise<void> {
  const sluice = createSluice({
    mode: 'optimize',
    cache: { ttl: 60 },
    monitor: { collect: { intervalMs: 500 } },
    jobs: jobsOf(),
  })
  const db = withSluice(
    knexFactory({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    }),
    sluice,
  )
  await db.schema.createTable('region', (table) => {
    table.increments('id')
    table.string('name')
  })
  for (let id = 1; id <= 8; id += 1) await db('region').insert({ id, name: `Region ${id}` })
  sluice.jobs?.createQueue('mail')
  sluice.jobs?.registerProcessor('mail', () => {
    throw new Error('The mail server is unavailable.')
  })
  sluice.jobs?.start()
  const { link, end } = linkOf()
  const dashboard = createDashboard(sluice, {
    name: 'joined',
    announce: false,
    ...(link === undefined ? {} : { processes: link }),
  })
  // An app can have one Sluice instance for each database.
  const second = createSluice({ jobs: false })
  const other = createDashboard(second, { path: '/_other', announce: false })
  const server = express()
    .use('/_sluice', dashboard.handler)
    .use(other.handler)
    .use(sluiceMiddleware(sluice, { report: false }))
    // Sequential queries, which are not batched.
    .get('/regions', async (_, response) => {
      const names: string[] = []
      for (let id = 1; id <= 8; id += 1)
        names.push(
          (
            await db('region')
              .where({ id })
              .whereNot({ name: String(Math.random()) })
              .first()
          ).name,
        )
      response.json(names)
    })
    .get('/quick', (_, response) => {
      response.send('quick')
    })
    .get('/kept/:id', async (request, response) => {
      response.json(
        await db('region')
          .where({ id: Number(request.params.id) })
          .first(),
      )
    })
    .post('/alarm', (_, response) => {
      sluice.monitor?.recordMetric('disk', 99, 'here')
      response.end()
    })
    .post('/mail', async (_, response) => {
      await sluice.jobs?.enqueueTask({ to: 'a@example.invalid' }, 'normal', 'mail', { maxRetries: 0 })
      response.end()
    })
  const listening = createServer(server)
  listening.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
    process.stdout.write(
      `${JSON.stringify({ port: (listening.address() as AddressInfo).port, pid: process.pid, url: dashboard.url })}\n`,
    )
  })
  process.once('SIGTERM', async () => {
    listening.close()
    listening.closeAllConnections()
    await dashboard.close()
    await other.close()
    end()
    await db.destroy()
    await sluice.close()
    await second.close()
    if (cluster.isWorker) process.disconnect()
  })
}

function jobsOf(): Pick<JobsOptions, 'backend'> {
  return kind === 'local' && name !== undefined ? { backend: sqliteJobBackend(name) } : {}
}

function linkOf(): { readonly link: ProcessLink | undefined; readonly end: () => void } {
  if (kind === 'local')
    return { link: localProcesses({ group: 'joined', directory: place }), end: () => undefined }
  if (kind !== 'redis') return { link: undefined, end: () => undefined }
  const redis = new Redis(place)
  redis.on('error', () => {})
  return { link: redisProcesses(redis, { namespace: name ?? 'test' }), end: () => redis.disconnect() }
}
