// An app with data for every page, for development of the dashboard. Run it in the root of the repository:
// `npx tsx --conditions=@sluice/source packages/dashboard/dev/server.ts [port]`. It is not part of the
// package.
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { createSluice } from '@sluice/core'
import { createDashboard } from '@sluice/dashboard'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express from 'express'
import knexFactory from 'knex'

const port = Number(process.argv[2] ?? 4600)
/** Requests per second that the app sends to itself. */
const rate = Number(process.argv[3] ?? 12)

let workers = 2
const sluice = createSluice({
  mode: 'optimize',
  rollout: 0.5,
  cache: { ttl: 2 },
  balancer: { region: { local: 'eu-west', rttMs: { 'us-east': 80 } } },
  detection: { budget: { 'GET /report': 20 } },
  monitor: {
    collect: {},
    scaling: {
      minWorkers: 1,
      maxWorkers: 8,
      target: {
        current: async () => workers,
        scaleTo: async (count: number) => {
          workers = count
        },
      },
    },
  },
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
await db.schema.createTable('city', (table) => {
  table.increments('id')
  table.integer('region_id').references('region.id')
  table.string('name')
  table.integer('population')
})
for (let region = 1; region <= 40; region += 1) await db('region').insert({ name: `Region ${region}` })
const cities = Array.from({ length: 4_000 }, (_, at) => ({
  region_id: 1 + (at % 40),
  name: `City ${at}`,
  population: (at * 7919) % 1_000_000,
}))
for (let at = 0; at < cities.length; at += 200) await db('city').insert(cities.slice(at, at + 200))

const app = express()
process.env.NODE_ENV ??= 'development'
const dashboard = createDashboard(sluice, { name: 'atlas', origin: `http://localhost:${port}` })
app.use('/_sluice', dashboard.handler)
app.use(sluiceMiddleware(sluice, { report: false }))

app.get('/cities', async (_request, response) => {
  const list = await db('city').orderBy('population', 'desc').limit(40)
  for (const city of list) city.region = await db('region').where({ id: city.region_id }).first()
  response.json(list)
})
app.get('/cities/together', async (_request, response) => {
  const list = await db('city').orderBy('id').limit(25)
  const regions = await Promise.all(list.map((city) => db('region').where({ id: city.region_id }).first()))
  response.json(list.map((city, at) => ({ ...city, region: regions[at] })))
})
app.get('/regions/:id', async (request, response) => {
  const region = await db('region')
    .where({ id: Number(request.params.id) })
    .first()
  for (let again = 0; again < 4; again += 1) await db('region').where({ id: 1 }).first()
  response.json({
    ...region,
    cities: await db('city')
      .where({ region_id: Number(request.params.id) })
      .orderBy('name')
      .limit(20),
  })
})
app.get('/regions', async (_request, response) => {
  response.json(await db('region').orderBy('name'))
})
app.get('/search', async (request, response) => {
  response.json(
    await db('city')
      .where('name', 'like', `%${String(request.query.q ?? '7')}%`)
      .orderBy('population')
      .limit(10),
  )
})
app.get('/report', async (_request, response) => {
  for (let region = 1; region <= 24; region += 1)
    await db('city').where({ region_id: region }).sum('population as total').first()
  await db.raw(
    'SELECT count(*) FROM city a, city b WHERE a.population = b.population AND a.name < b.name AND a.region_id < 3',
  )
  response.json({ done: true })
})
app.get('/broken', async (_request, response) => {
  try {
    await db.raw('SELECT nothing FROM city WHERE id = ?', [1])
  } catch {
    response.status(500).json({ error: 'broken' })
  }
})
app.post('/cities/:id/rename', async (request, response) => {
  await db('city')
    .where({ id: Number(request.params.id) })
    .update({ name: `City ${Date.now()}` })
  response.status(204).end()
})

const server = createServer(app)
server.listen(port, '127.0.0.1', () => process.stderr.write(`App: http://localhost:${port}\n`))

const { jobs, monitor, balancer } = sluice
jobs?.createQueue('mail', 4)
jobs?.createQueue('thumbnails', 2)
jobs?.createQueue('idle')
jobs?.registerProcessor('mail', async ({ to }: { to: string }) => {
  await pause(20)
  if (to.includes('7@')) throw new Error(`SMTP 550: mailbox "${to}" unavailable`)
  if (to.includes('3@')) throw new Error(`Timed out after ${1000 + Math.floor(Math.random() * 900)} ms`)
})
jobs?.registerProcessor('thumbnails', async ({ city }: { city: number }) => {
  await db('city').where({ id: city }).first()
  await pause(700)
})
jobs?.start()

monitor?.registerMetric('orders', {
  unit: 'orders/min',
  warning: 90,
  critical: 140,
  across: 'sum',
  description: 'Orders',
})
monitor?.createScalingPolicy('busy', 'orders', 110, 'up', 50, 20)
monitor?.createScalingPolicy('calm', 'orders', 50, 'down', 25, 20)

for (const [at, region] of ['eu-west', 'eu-west', 'us-east'].entries())
  balancer?.registerNode('10.0.0.1', 8081 + at, { weight: at + 1, region })
const leases = setInterval(() => {
  const lease = balancer?.acquire()
  const node = lease?.node.id
  if (lease === null || lease === undefined || node === undefined) return
  setTimeout(() => {
    const isBad = node.endsWith('3') && Math.random() < 0.3
    lease.release()
    balancer?.recordRequest(node, 10 + Math.random() * 60, isBad ? 503 : 200)
  }, 200).unref()
}, 40)

const paths = [
  '/cities',
  '/cities/together',
  '/regions/3',
  '/regions/17',
  '/regions',
  '/regions',
  '/regions',
  '/search?q=9',
  '/report',
  '/broken',
  '/nowhere',
]
let sent = 0
const load = setInterval(() => {
  sent += 1
  const path = paths[Math.floor(Math.random() * paths.length)] as string
  const asked =
    sent % 40 === 0
      ? fetch(`http://localhost:${port}/cities/${sent % 4000}/rename`, { method: 'POST' })
      : fetch(`http://localhost:${port}${path}`)
  asked.then((response) => response.arrayBuffer()).catch(() => {})
  const wave = 90 + 60 * Math.sin(Date.now() / 30_000)
  monitor?.recordMetric('orders', Math.max(0, wave + Math.random() * 20), 'shop')
  if (sent % 3 === 0)
    void jobs?.enqueueTask({ to: `somebody${sent}@example.com` }, 'normal', 'mail', {
      maxRetries: 1,
      backoff: 200,
    })
  if (sent % 6 === 0) void jobs?.enqueueTask({ city: sent % 4_000 }, 'low', 'thumbnails')
}, 1_000 / rate)

const stop = async () => {
  clearInterval(load)
  clearInterval(leases)
  dashboard.close()
  server.close()
  server.closeAllConnections()
  await sluice.close()
  await db.destroy()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
