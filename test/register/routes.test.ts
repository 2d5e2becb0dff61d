import { expect, it } from 'vitest'
import { countOf, REGISTER, run } from './run-app.ts'
import { programOf } from './run-program.ts'

async function expectNames(program: string, env: Readonly<Record<string, string>>, names: readonly string[]) {
  const app = programOf(program)
  const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
  expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('200 emma 189\n') })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  for (const name of names) expect(registered.stderr).toContain(`N+1  GET ${name}   20 queries → 1 possible`)
  expect(countOf(registered.stderr, 'N+1')).toBe(names.length)
}

const KOA = ['/api/books/:id', '/mounted/:id/books/:id', '/none/emma']

it.each([
  ['koa', 'esm', KOA],
  ['koa', 'commonjs', KOA],
  ['koa-router', 'esm', KOA],
  ['hono', 'esm', ['/api/*', '/api/books/:id', '/mounted/:shelf/books/:id', '/none/emma']],
  ['hono', 'commonjs', ['/api/*', '/api/books/:id', '/mounted/:shelf/books/:id', '/none/emma']],
])('names requests after their routes in nested routers: %s, %s', async (framework, modules, names) => {
  await expectNames('routers', { APP_FRAMEWORK: framework, APP_MODULES: modules }, names)
})

it.each(['express', 'fastify'])('names requests after the routes of Nest on %s', async (framework) => {
  await expectNames('nest', { APP_FRAMEWORK: framework }, ['/api/books/:id'])
})

it.each([
  ['request', ['GET /shelves/:id']],
  ['stream', ['GET /shelves/:id']],
  ['koa', ['GET /shelves/:id']],
  ['secure', ['GET /shelves/:id', 'GET /old/:id']],
])('opens one scope for each request of a server of http2: %s', async (server, names) => {
  const app = programOf('http2')
  const env = { APP_SERVER: server, NODE_NO_WARNINGS: '1' }
  const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
  expect(bare).toMatchObject({ code: 0, stdout: '189\n'.repeat(names.length) })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  for (const name of names) expect(registered.stderr).toContain(`N+1  ${name}   20 queries → 1 possible`)
  expect(countOf(registered.stderr, 'N+1')).toBe(names.length)
})
