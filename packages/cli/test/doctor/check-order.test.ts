import { describe, expect, it } from 'vitest'
import { checkSource } from '../../src/doctor/check-source.ts'
import { appFolder } from '../support/app-folder.ts'

const IMPORTS = `import express, { Router } from 'express'
import knex from 'knex'
import { sluiceMiddleware } from '@sluice/express'
import { createSluice } from '@sluice/core'
import { prisma } from './prisma.js'
const sluice = createSluice()
const app = express()
`
const DRIZZLE = "import { drizzle } from 'drizzle-orm/node-postgres'\nconst db = drizzle({ client })\n"
const LATE = 'app.use(sluiceMiddleware(sluice))\n'
const ASKS = "app.get('/cities', async (req, res) => res.json(await prisma.city.findMany()))\n"

async function check(app: string, files: Readonly<Record<string, string>> = {}, name = 'src/app.ts') {
  const { folder, remove } = appFolder({ [name]: app, ...files })
  try {
    return await checkSource(folder)
  } finally {
    remove()
  }
}
const express = (body: string, files?: Readonly<Record<string, string>>) => check(IMPORTS + body, files)

const isLate = [{ level: 'fail', text: expect.stringMatching(/^scope: middleware registered after routes/) }]
const isFine = [
  { level: 'ok', text: expect.stringMatching(/^scope: the middleware comes before the routes/) },
]

describe('checkOrder with Express', () => {
  it('names the first route that comes before the middleware, and where to move it', async () => {
    expect(await express(`${ASKS}${ASKS.replace('get', 'post')}${LATE}`)).toEqual([
      {
        level: 'fail',
        text: 'scope: middleware registered after routes: GET /cities and 1 more have no scope',
        fix: 'Move app.use(sluiceMiddleware(sluice)) of src/app.ts:10 above src/app.ts:8',
      },
    ])
  })

  it('passes when the middleware comes before the routes', async () => {
    expect(await express(`${LATE}${ASKS}`)).toEqual([
      { level: 'ok', text: 'scope: the middleware comes before the routes (src/app.ts:8)' },
    ])
  })

  it.each([
    ['in a variable', `const opened = sluiceMiddleware(sluice)\n${ASKS}app.use(opened)\n`],
    ['among other middleware', `${ASKS}app.use(express.json(), sluiceMiddleware(sluice))\n`],
    [
      'in a function with the app as a parameter',
      `export function set(server) {\nserver.get('/a', async () => prisma.a.findFirst())\nserver.use(sluiceMiddleware())\n}\n`,
    ],
    [
      'with handlers that are functions in the file',
      `async function list(req, res) { res.json(await prisma.city.findMany()) }\napp.get('/a', list)\n${LATE}`,
    ],
    [
      'with wrapped handlers',
      `const wrap = (fn) => fn\nconst list = wrap(async () => prisma.city.findMany())\napp.get('/a', list)\n${LATE}`,
    ],
    ['with app.route', `app.route('/a').get(async () => prisma.city.findMany())\n${LATE}`],
    [
      'with Knex',
      `const db = knex({ client: 'pg' })\napp.get('/a', async (q, r) => r.json(await db('city')))\n${LATE}`,
    ],
    [
      'with Kysely',
      `app.get('/a', async (q, r) => r.json(await db.selectFrom('city').selectAll().execute()))\n${LATE}`,
    ],
    [
      'with Drizzle',
      `${DRIZZLE}app.get('/a', async (q, r) => r.json(await db.select().from(city)))\n${LATE}`,
    ],
    [
      "with Drizzle's relational queries",
      `${DRIZZLE}app.get('/a', async () => db.query.city.findMany())\n${LATE}`,
    ],
    [
      'with a router in the file',
      `const router = Router()\nrouter.get('/a', async () => prisma.city.findMany())\napp.use('/r', router)\n${LATE}`,
    ],
    [
      'with types',
      `${ASKS.replace('res)', 'res: Response)').replace('prisma.city', '(prisma as Client).city')}${LATE}`,
    ],
  ])('finds late middleware %s', async (_how, body) => {
    expect(await express(body)).toMatchObject(isLate)
  })

  it('follows handlers and routers in other files', async () => {
    const files = {
      'src/list.ts':
        "import { cities } from './cities.js'\nexport const list = async (req, res) => res.json(await cities())\n",
      'src/cities.ts':
        "import { db } from './db.js'\nexport async function cities() { return db('city').select() }\n",
      'src/db.ts':
        "import knex from 'knex'\nimport { withSluice } from '@sluice/knex'\nexport const db = withSluice(knex({ client: 'pg' }))\n",
      'src/routes.ts':
        "import express from 'express'\nexport default function routes(prisma) {\nconst router = express.Router()\nrouter.get('/', async () => prisma.a.findMany())\nreturn router\n}\n",
    }
    expect(
      await express(`import { list } from './list.js'\napp.get('/a', list)\n${LATE}`, files),
    ).toMatchObject(isLate)
    expect(
      await express(`import routes from './routes.js'\napp.use(routes(prisma))\n${LATE}`, files),
    ).toMatchObject(isLate)
    expect(
      await express(`import * as lists from './list.js'\napp.get('/a', lists.list)\n${LATE}`, files),
    ).toMatchObject(isLate)
  })

  it('resolves imports of CommonJS modules', async () => {
    const app = `const express = require('express')\nconst { sluiceMiddleware } = require('@sluice/express')\nconst { list } = require('./list')\nconst app = express()\napp.get('/a', list)\napp.use(sluiceMiddleware())\n`
    const list = `const { prisma } = require('./prisma')\nmodule.exports = { list: async (req, res) => res.json(await prisma.city.findMany()) }\n`
    expect(await check(app, { 'list.js': list }, 'app.js')).toMatchObject(isLate)
  })

  it.each([
    ['a route without queries', `app.get('/version', (req, res) => res.json(version))\n${LATE}`],
    ['a health check', `app.get('/healthz', async () => prisma.city.findFirst())\n${LATE}`],
    [
      'data that was loaded at startup',
      `const all = await prisma.city.findMany()\napp.get('/a', (q, r) => r.json(all))\n${LATE}`,
    ],
    [
      'other middleware',
      `app.use(express.json())\napp.use(async (q, r, next) => { await prisma.log.createMany(); next() })\n${LATE}`,
    ],
    [
      'a router without queries',
      `const router = Router()\nrouter.get('/a', (q, r) => r.end())\napp.use(router)\n${LATE}`,
    ],
    [
      'a route of another app',
      `const other = express()\nother.get('/a', async () => prisma.a.findMany())\n${LATE}`,
    ],
    ['a route in another function', `function later() { ${ASKS} }\n${LATE}`],
    [
      'a member without queries',
      `const c = { list: async () => prisma.a.findMany(), page: () => 1 }\napp.get('/a', c.page)\n${LATE}`,
    ],
    ["another library's findMany", `app.get('/a', async () => drizzle.query.cities.findMany())\n${LATE}`],
    ['a second middleware', `${LATE}${ASKS}${LATE}`],
  ])('permits %s before the middleware', async (_what, body) => {
    expect(await express(body)).toMatchObject(isFine)
  })

  it.each([
    ['a middleware for one path', `${ASKS}app.use('/api', sluiceMiddleware(sluice))\n`],
    [
      'a router whose app can have middleware',
      `const router = Router()\nrouter.get('/a', async () => prisma.a.findMany())\nrouter.use(sluiceMiddleware(sluice))\n`,
    ],
    [
      'a middleware that is a parameter',
      `export function createApp(app, middleware) {\n${ASKS}app.use(middleware)\n}\n`,
    ],
    [
      'a name with two definitions',
      `function a() { const opened = 1; ${ASKS}app.use(opened) }\nfunction b() { const opened = sluiceMiddleware() }\n`,
    ],
    ['a call in a comment', `${ASKS}// app.use(sluiceMiddleware(sluice))\n`],
  ])('reports nothing for %s', async (_what, body) => {
    expect(await express(body)).toEqual([])
  })

  it('reports nothing for tests and build output', async () => {
    const files = Object.fromEntries(
      ['test/app.ts', 'dist/app.js', 'src/app.test.ts', 'node_modules/a/app.js'].map((path) => [
        path,
        `${IMPORTS}${ASKS}${LATE}`,
      ]),
    )
    expect(await check('', files)).toEqual([])
  })

  it('skips a file that it cannot parse', async () => {
    expect(await express('const = 1\n')).toEqual([
      { level: 'skip', text: expect.stringContaining('src/app.ts could not be read: Unexpected token') },
    ])
  })
})

describe('checkOrder with Fastify', () => {
  const start = `import fastify from 'fastify'\nimport { sluicePlugin } from '@sluice/fastify'\nconst app = fastify()\n`

  it('permits routes before the plugin, because hooks apply to them', async () => {
    expect(
      await check(
        `${start}app.get('/a', async () => prisma.a.findMany())\nawait app.register(sluicePlugin, { sluice })\n`,
      ),
    ).toEqual([{ level: 'ok', text: 'scope: the plugin opens a scope per request (src/app.ts:5)' }])
  })

  it('warns of a hook that queries the database before the scope opens', async () => {
    const hook = (event: string) =>
      `app.addHook('${event}', async (request) => { request.user = await prisma.user.findUnique({}) })\n`
    const plugin = 'await app.register(sluicePlugin, { sluice })\n'
    expect(await check(`${start}${hook('onRequest')}${plugin}`)).toEqual([
      {
        level: 'warn',
        text: 'scope: the onRequest hook of src/app.ts:4 queries the database before the scope opens',
        fix: 'Move app.register(sluicePlugin, { sluice }) of src/app.ts:5 above src/app.ts:4',
      },
    ])
    expect(await check(`${start}${hook('preHandler')}${plugin}`)).toMatchObject([{ level: 'ok' }])
    expect(await check(`${start}${plugin}${hook('onRequest')}`)).toMatchObject([{ level: 'ok' }])
  })
})

describe('checkOrder with Nest', () => {
  const app = (...lines: string[]) =>
    check(`import { NestFactory } from '@nestjs/core'
import { sluiceMiddleware } from '@sluice/express'
async function start() {
  const app = await NestFactory.create(AppModule)
${lines.join('\n')}
}
`)

  it('fails when the middleware comes after Nest has registered its routes', async () => {
    expect(await app('app.use(sluiceMiddleware())', 'await app.listen(3000)')).toMatchObject(isFine)
    expect(await app('await app.listen(3000)', 'app.use(sluiceMiddleware())')).toEqual([
      {
        level: 'fail',
        text: "scope: middleware registered after app.listen(), which registers Nest's routes",
        fix: 'Move app.use(sluiceMiddleware()) of src/app.ts:6 above src/app.ts:5',
      },
    ])
  })

  it('permits an Express app to listen first', async () => {
    expect(await express(`app.listen(3000)\n${LATE}${ASKS}`)).toMatchObject(isFine)
  })
})
