// An app on a web framework, with routers inside of routers. Prints its responses.
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import * as nodeServer from '@hono/node-server'
import KoaRouter from '@koa/router'
import * as hono from 'hono'
import Koa from 'koa'
import mount from 'koa-mount'
import { endWork, readInLoop } from './job-work.ts'

const require = createRequire(import.meta.url)
const { APP_FRAMEWORK = 'koa', APP_MODULES } = process.env
const isCommonJs = APP_MODULES === 'commonjs'

function koaListener(): RequestListener {
  const Router: typeof KoaRouter = APP_FRAMEWORK === 'koa-router' ? require('koa-router') : KoaRouter
  const App: typeof Koa = isCommonJs ? require('koa') : Koa
  const books = new Router({ prefix: '/books' })
  books.use(async (_, next) => await next())
  books.get('/:id', async (context) => {
    context.body = `${context.params.id} ${(await readInLoop()).length}`
  })
  const api = new Router({ prefix: '/api' })
  api.use(async (context, next) => {
    if (context.query.denied === undefined) return await next()
    await readInLoop()
    context.status = 401
  })
  api.use(books.routes())
  const app = new App()
  app.use(async (context, next) => {
    await next()
    if (context.status === 404) await readInLoop()
  })
  app.use(api.routes())
  app.use(mount('/mounted', mount('/7', new App().use(books.routes()))))
  return app.callback()
}

function honoListener(): RequestListener {
  const { Hono }: typeof hono = isCommonJs ? require('hono') : hono
  const { getRequestListener }: typeof nodeServer = isCommonJs ? require('@hono/node-server') : nodeServer
  const books = new Hono()
  books.get('/:id', async (context) =>
    context.text(`${context.req.param('id')} ${(await readInLoop()).length}`),
  )
  const api = new Hono().route('/books', books)
  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    if (context.res.status === 404) await readInLoop()
  })
  app.use('/api/*', async (context, next) => {
    if (context.req.query('denied') === undefined) return await next()
    await readInLoop()
    return context.text('denied', 401)
  })
  app.route('/api', api)
  app.mount('/mounted/:shelf', new Hono().route('/books', books).fetch)
  return getRequestListener(app.fetch)
}

const server = createServer(APP_FRAMEWORK === 'hono' ? honoListener() : koaListener())
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
for (const path of ['/api/books/emma?denied', '/api/books/emma', '/mounted/7/books/emma', '/none/emma'])
  await fetch(`http://127.0.0.1:${port}${path}`).then(async (one) =>
    console.log(one.status, await one.text()),
  )
server.close()
server.closeAllConnections()
await endWork()
