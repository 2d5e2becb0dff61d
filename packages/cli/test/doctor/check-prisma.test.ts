import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkPrisma } from '../../src/doctor/check-prisma.ts'

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
