import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Finding, formatCallSite, formatFinding } from '@sluice/core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { openStack, type Stack, seed } from '../support/stack.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-app-')))
afterAll(() => rmSync(folder, { recursive: true }))

/** Creates an npm package, and imports it. */
function install<TExports>(
  name: string,
  peerDependencies: object,
  code: string,
  under = 'node_modules',
): Promise<TExports> {
  const root = join(folder, under, name)
  mkdirSync(root, { recursive: true })
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name, type: 'module', peerDependencies }))
  writeFileSync(join(root, 'index.js'), code)
  return import(join(root, 'index.js')) as Promise<TExports>
}

const LOOPS = `
export async function inTurn(ids) {
  for (const id of ids) await find(id)
}
export async function together(ids) {
  await Promise.all(ids.map((id) => find(id)))
}
export async function afterTimer(ids) {
  for (const id of ids) {
    await new Promise((resolve) => setTimeout(resolve))
    await find(id)
  }
}
export async function generated(ids) {
  async function* rows() {
    for (const id of ids) yield await find(id)
  }
  for await (const _ of rows()) continue
}
/** The function that awaits this does not await the loop: no frame of the app is left. */
export function detached(ids) {
  return new Promise((resolve, reject) => {
    setTimeout(async () => {
      for (const id of ids) await find(id)
      resolve()
    })
  })
}
let find
export const use = (given) => (find = given)
`
interface Library extends Readonly<Record<string, (ids: readonly number[]) => Promise<void>>> {
  use(find: unknown): never
}

const USES = { '@prisma/client': '>=6', knex: '3' }
/** The package has its own function that queries, as a repository class would. */
const REPOSITORY = `${LOOPS}
let client
export const connect = (given) => {
  client = given
  find = async (id) => (client.comment === undefined ? byKnex(id) : byPrisma(id))
}
const byKnex = async (id) => await client('comments').where('post_id', id)
const byPrisma = async (id) => await client.comment.findMany({ where: { postId: id } })
`
type Repository = Library & { connect(client: unknown): void }
const library = await install<Repository>('@acme/library', USES, REPOSITORY)
const PNPM = 'node_modules/.pnpm/@acme+library@1.0.0/node_modules'
const linked = await install<Repository>('@acme/library', USES, REPOSITORY, PNPM)
/** It never queries: it calls and awaits the app's functions, as a web framework does. */
const framework = await install<Library>('framework', {}, LOOPS)

const IDS = [1, 2, 3, 4, 5, 6]
const THROUGH = /^test\/integration\/package-call-sites\.test\.ts:\d+:\d+ \(through @acme\/library\)$/
const IN = /^node_modules\/@acme\/library\/index\.js:\d+:\d+ \(in @acme\/library\)$/
const OWN = /^test\/integration\/package-call-sites\.test\.ts:\d+:\d+$/

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).reverse()) await close()
})

describe.each(['development', 'production'])('in %s, findings in a package', (environment) => {
  const open = async (ignore: string[] = []) => {
    // Prisma reads it when a client is created.
    vi.stubEnv('NODE_ENV', environment)
    const detection = { ignore: ignore.map((callSite) => ({ callSite })) }
    const stack = await openStack('sqlite', { mode: 'observe', cache: false, detection })
    closing.push(() => stack.close())
    await seed(stack.bare)
    const findings: Finding[] = []
    stack.sluice.on('finding', (finding) => findings.push(finding))
    return { ...stack, findings }
  }
  const textsOf = (findings: Finding[]) =>
    findings
      .splice(0)
      .map(
        ({ callSite }) =>
          callSite && formatCallSite(callSite, callSite.file.startsWith(folder) ? folder : undefined),
      )

  it.each<[string, (stack: Stack) => unknown, (stack: Stack) => (id: number) => PromiseLike<unknown>]>([
    [
      'Knex',
      ({ db }) => db,
      ({ db }) =>
        (id) =>
          db('comments').where('post_id', id),
    ],
    [
      'Prisma',
      ({ prisma }) => prisma,
      ({ prisma }) =>
        (id) =>
          prisma.comment.findMany({ where: { postId: id } }),
    ],
  ])('name the package and the call of the app: %s', async (_orm, clientOf, findOf) => {
    const stack = await open()
    const { sluice, findings } = stack
    library.connect(clientOf(stack))
    for (const name of ['inTurn', 'together', 'afterTimer', 'generated']) {
      await sluice.run(async () => await library[name]?.(IDS), { name })
      expect(textsOf(findings), name).toEqual([expect.stringMatching(THROUGH)])
    }
    await sluice.run(async () => await library.detached?.(IDS), { name: 'detached' })
    expect(findings.map((finding) => formatFinding(finding))).toEqual([
      expect.stringContaining('(in @acme/library)'),
    ])
    expect(textsOf(findings)).toEqual([expect.stringMatching(IN)])

    // The package is only a caller.
    framework.use(findOf(stack))
    await sluice.run(async () => await framework.detached?.(IDS), { name: 'called by a package' })
    const [site] = textsOf(findings)
    if (site !== undefined) expect(site).toMatch(OWN)
    framework.use(async (id: number) => await findOf(stack)(id))
    await sluice.run(async () => await framework.detached?.(IDS), { name: 'called by a package, async' })
    expect(textsOf(findings)).toEqual([expect.stringMatching(OWN)])
  })

  it('are ignored by the path of the package', async () => {
    const { sluice, db, findings } = await open(['node_modules/@acme/*'])
    library.connect(db)
    await sluice.run(async () => await library.detached?.(IDS))
    expect(findings).toEqual([])
  })

  it('have an ID that does not depend on the package manager', async () => {
    const { sluice, db, findings } = await open()
    for (const { connect, detached } of [library, linked]) {
      connect(db)
      await sluice.run(async () => await detached?.(IDS))
    }
    const [first, second] = findings.map(({ id, callSite }) => ({ id, file: callSite?.file }))
    expect(second?.file).toContain('/.pnpm/')
    expect(second?.id).toBe(first?.id)
  })

  it('have the call site of raw SQL of Prisma', async () => {
    const { sluice, prisma, findings } = await open()
    await sluice.run(async () => {
      for (const id of IDS) await prisma.$queryRaw`SELECT * FROM comments WHERE post_id = ${id}`
    })
    expect(textsOf(findings)).toEqual([expect.stringMatching(OWN)])
  })
})

it.each([0, 3])('the call site does not depend on a limit of %s stack frames', async (limit) => {
  const stack = await openStack('sqlite', { mode: 'observe', cache: false })
  closing.push(() => stack.close())
  await seed(stack.bare)
  const sites: unknown[] = []
  stack.sluice.on('finding', ({ callSite }) => sites.push(callSite?.file))
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = limit
  await stack.sluice.run(async () => {
    for (const id of IDS) await stack.prisma.comment.findMany({ where: { postId: id } })
    for (const id of IDS) await stack.db('comments').where('post_id', id)
  })
  Error.stackTraceLimit = before
  expect(sites).toEqual([import.meta.filename, import.meta.filename])
})
