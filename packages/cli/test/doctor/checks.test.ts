import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { attempt } from '../../src/doctor/check.ts'
import { checkCopies, checkNode, checkWrapped, SUPPORTED } from '../../src/doctor/check-packages.ts'
import { checkPrisma } from '../../src/doctor/check-prisma.ts'
import { isInRange } from '../../src/doctor/installed-package.ts'

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

describe('isInRange', () => {
  it.each([
    ['7.10.0', '>=6.16', true],
    ['6.16.0', '>=6.16', true],
    ['6.15.9', '>=6.16', false],
    ['7.0.0-dev.3', '>=6.16', true],
    ['3.1.0', '^3.0.0', true],
    ['4.0.0', '^3.0.0', false],
    ['5.4.0', '^5.4.0 || ^6.0.0', true],
    ['5.3.2', '^5.4.0 || ^6.0.0', false],
    ['6.0.1', '^5.4.0 || ^6.0.0', true],
    ['6.7.2', '~6.7.0', true],
    ['6.8.0', '~6.7.0', false],
    ['6.6.9', '~6.7.0', false],
    ['0.45.4', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', true],
    ['0.46.0', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', false],
    ['0.43.9', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', false],
    ['1.0.0-rc.5', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', true],
    ['2.0.0', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', false],
    ['1.0.0-rc.2', '>=0.44.0 <0.46.0 || ^1.0.0-rc.1', true],
    ['8.0.0-rc.10', '>=8.0.0-rc.10 <8.0.0', true],
    ['8.0.0-rc.9-dev.13', '>=8.0.0-rc.10 <8.0.0', false],
    ['8.0.0-rc.20', '>=8.0.0-rc.10 <8.0.0', true],
    ['8.0.0', '>=8.0.0-rc.10 <8.0.0', false],
    ['8.0.0-rc.20', '>=8.0.0-rc.10 <8.0.0-rc.1000', true],
    ['8.0.0-rc.9', '>=8.0.0-rc.10 <8.0.0-rc.1000', false],
    ['8.0.0-rc.9-dev.13', '>=8.0.0-rc.10 <8.0.0-rc.1000', false],
    ['8.0.0-rc.13-dev.1', '>=8.0.0-rc.10 <8.0.0-rc.1000', false],
    ['8.0.0', '>=8.0.0-rc.10 <8.0.0-rc.1000', false],
  ])('checks %s against %s: %s', (version, range, expected) => {
    expect(isInRange(version, range)).toBe(expected)
  })

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

describe('checkPrisma', () => {
  const path = 'prisma/schema.prisma'
  const block =
    'generator sluice {\n  provider = "sluice-prisma-generator"\n  output   = "../src/generated/sluice"\n}\n'

  async function check(content: string) {
    write(path, content)
    return checkPrisma(root, { schemaFiles: [{ path, content }] })
  }

  it('reports nothing when @sluice/prisma is not installed', async () => {
    expect(await check('')).toEqual([])
  })

  it('warns when the generator is missing or commented out', async () => {
    install('@sluice/prisma', '1.0.0')
    expect(await check('generator client {\n  provider = "prisma-client"\n}\n')).toMatchObject([
      { level: 'warn' },
    ])
    expect(await check(block.replaceAll(/^/gm, '// '))).toMatchObject([{ level: 'warn' }])
  })

  it('fails when the generator never ran', async () => {
    install('@sluice/prisma', '1.0.0')
    expect(await check(block)).toMatchObject([
      { level: 'fail', text: 'src/generated/sluice was not generated', fix: 'npx prisma generate' },
    ])
  })

  it.each(['index.ts', 'index.js'])('warns when the schema changed after %s was written', async (name) => {
    install('@sluice/prisma', '1.0.0')
    write(`src/generated/sluice/${name}`, '')
    await check(block)
    utimesSync(join(root, 'src/generated/sluice', name), 1_000, 1_000)
    const schemaFiles = [{ path, content: block }]
    expect(await checkPrisma(root, { schemaFiles })).toMatchObject([
      { level: 'warn', text: expect.stringContaining('changed after') },
    ])
    utimesSync(join(root, path), 500, 500)
    expect(await checkPrisma(root, { schemaFiles })).toMatchObject([{ level: 'ok' }])
  })
})

describe('attempt', () => {
  it('returns a warning when a check throws', async () => {
    const broken = () => Promise.reject(new Error('it broke\nat length'))
    expect(await attempt('this', broken)).toEqual([
      { level: 'warn', text: 'this could not be checked', fix: 'it broke' },
    ])
  })
})
