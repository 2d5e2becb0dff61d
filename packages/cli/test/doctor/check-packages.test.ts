import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkCopies, checkNode, checkWrapped, SUPPORTED } from '../../src/doctor/check-packages.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-doctor-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

function install(name: string, version: string, at = 'node_modules'): void {
  write(`${at}/${name}/package.json`, JSON.stringify({ name, version }))
}

describe('SUPPORTED', () => {
  it.each(['prisma', 'prisma8', 'knex', 'drizzle', 'kysely', 'redis', 'express', 'fastify', 'graphql'])(
    'matches the peer dependencies of @sluice/%s',
    (name) => {
      const file = join(import.meta.dirname, `../../../${name}/package.json`)
      const { peerDependencies } = JSON.parse(readFileSync(file, 'utf8'))
      expect(SUPPORTED).toMatchObject(peerDependencies)
    },
  )
})

describe('checkNode', () => {
  it('fails below 20.19', () => {
    expect(checkNode('20.19.0')).toMatchObject([{ level: 'ok' }])
    expect(checkNode('20.18.3')).toMatchObject([{ level: 'fail', fix: 'Sluice needs 20.19 or later.' }])
    expect(checkNode('22.1.0')).toMatchObject([{ level: 'ok' }])
  })
})

describe('checkWrapped', () => {
  it('distinguishes supported and unsupported versions, including in a parent folder', async () => {
    install('@prisma/client', '7.10.0')
    install('knex', '2.5.1')
    mkdirSync(join(root, 'apps/web'), { recursive: true })
    expect(await checkWrapped(join(root, 'apps/web'))).toEqual([
      { level: 'ok', text: '@prisma/client 7.10.0' },
      { level: 'fail', text: 'knex 2.5.1 is not supported', fix: 'npm install knex@"^3.0.0"' },
    ])
  })

  it('warns when Prisma generates for a different version', async () => {
    install('@prisma/client', '7.10.0')
    install('prisma', '7.9.0')
    expect((await checkWrapped(root)).at(-1)).toMatchObject({
      level: 'warn',
      fix: 'npm install --save-dev prisma@7.10.0',
    })
  })
})

describe('checkWrapped with Sluice installed', () => {
  it('skips packages that no installed Sluice package wraps', async () => {
    install('@sluice/core', '1.0.0')
    install('@sluice/express', '1.0.0')
    install('express', '4.17.1')
    install('graphql', '17.0.0')
    install('bullmq', '5.1.0')
    expect(await checkWrapped(root)).toMatchObject([
      { level: 'fail', text: 'express 4.17.1 is not supported' },
    ])
  })

  it('warns of an ORM when no adapter is installed', async () => {
    write('package.json', '{ "dependencies": { "drizzle-orm": "0.45.4", "kysely": "0.29.9" } }')
    install('@sluice/core', '1.0.0')
    const kysely = {
      level: 'warn',
      text: 'kysely is used without @sluice/kysely: Sluice sees none of its queries',
      fix: 'npm install @sluice/kysely',
    }
    expect(await checkWrapped(root)).toMatchObject([{ fix: 'npm install @sluice/drizzle' }, kysely])
    install('@sluice/drizzle', '1.0.0')
    expect(await checkWrapped(root)).toEqual([])
  })

  it('only warns of an optional package', async () => {
    install('@sluice/redis', '1.0.0')
    install('ioredis', '5.4.1')
    install('bullmq', '5.1.0')
    expect(await checkWrapped(root)).toEqual([
      { level: 'ok', text: 'ioredis 5.4.1' },
      {
        level: 'warn',
        text: 'bullmq 5.1.0 is not supported by bullmqJobBackend',
        fix: 'If you use it: npm install bullmq@"~6.7.0"',
      },
    ])
  })
})

describe('checkCopies', () => {
  it('counts one copy once, regardless of links', async () => {
    install('@sluice/core', '1.0.0', 'store')
    install('@sluice/knex', '1.0.0')
    symlinkSync(join(root, 'store/@sluice/core'), join(root, 'node_modules/@sluice/core'))
    mkdirSync(join(root, 'node_modules/@sluice/knex/node_modules/@sluice'), { recursive: true })
    symlinkSync(
      join(root, 'store/@sluice/core'),
      join(root, 'node_modules/@sluice/knex/node_modules/@sluice/core'),
    )
    expect(await checkCopies(root)).toMatchObject([{ level: 'ok' }])
  })

  it('fails for two copies, with their paths', async () => {
    install('@sluice/core', '1.1.0')
    install('@sluice/knex', '1.0.0')
    install('@sluice/core', '1.0.0', 'node_modules/@sluice/knex/node_modules')
    const [check] = await checkCopies(root)
    expect(check).toMatchObject({
      level: 'fail',
      text: expect.stringMatching(/2 copies.*1\.1\.0.*1\.0\.0 in .*knex/),
    })
  })

  it('finds a copy of a transitive dependency', async () => {
    install('@sluice/core', '1.1.0')
    write('package.json', JSON.stringify({ dependencies: { shop: '1' }, devDependencies: { sluice: '1' } }))
    write(
      'node_modules/shop/package.json',
      JSON.stringify({ name: 'shop', version: '1.0.0', dependencies: { stock: '1' } }),
    )
    write(
      'node_modules/stock/package.json',
      JSON.stringify({ name: 'stock', version: '1.0.0', dependencies: { '@sluice/core': '^1.0.0' } }),
    )
    expect(await checkCopies(root)).toMatchObject([{ level: 'ok' }])
    install('@sluice/core', '1.0.0', 'node_modules/stock/node_modules')
    expect(await checkCopies(root)).toMatchObject([
      {
        level: 'fail',
        text: expect.stringMatching(
          /^2 copies.*1\.0\.0 in node_modules.stock.node_modules.@sluice.core, for stock$/,
        ),
      },
    ])
  })

  it.each(['sluice', '@sluice/cli'])(
    'ignores the copy of the command line (%s), which is a separate process',
    async (name) => {
      install('@sluice/core', '1.1.0')
      write('package.json', JSON.stringify({ dependencies: { [name]: '1' } }))
      write(
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, version: '1.0.0', dependencies: { '@sluice/core': '^1.0.0' } }),
      )
      install('@sluice/core', '1.0.0', `node_modules/${name}/node_modules`)
      expect(await checkCopies(root)).toMatchObject([{ level: 'ok' }])
    },
  )

  it('warns when Sluice is not installed', async () => {
    expect(await checkCopies(root)).toMatchObject([{ level: 'warn', fix: 'npm install @sluice/core' }])
  })
})
