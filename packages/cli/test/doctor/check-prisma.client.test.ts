import { describe, expect, it } from 'vitest'
import { checkPrismaClient } from '../../src/doctor/check-prisma.ts'
import { appFolder } from '../support/app-folder.ts'
import { PRISMA_SCHEMA } from '../support/sqlite-project.ts'

const path = 'prisma/schema.prisma'
const generated = (schema: string) =>
  `const config = {\n  "clientVersion": "7.10.0",\n  "inlineSchema": ${JSON.stringify(schema)},\n}\n`

async function check(schema: string, files: Readonly<Record<string, string>>) {
  const { folder, remove } = appFolder(files)
  try {
    return await checkPrismaClient(folder, [{ path, content: schema }])
  } finally {
    remove()
  }
}

describe('checkPrismaClient', () => {
  it('passes when the client has the same schema, regardless of formatting', async () => {
    const laidOut = PRISMA_SCHEMA.replaceAll('  ', '    ').replace(
      'model City',
      '// Of GeoNames.\nmodel City',
    )
    expect(await check(laidOut, { 'prisma/generated/internal/class.ts': generated(PRISMA_SCHEMA) })).toEqual([
      { level: 'ok', text: 'prisma/generated was generated from this Prisma schema' },
    ])
  })

  it('names the changed models', async () => {
    const schema = `${PRISMA_SCHEMA.replace('population Int', 'population BigInt')}\nenum Kind {\n  town\n}\n`
    expect(await check(schema, { 'prisma/generated/internal/class.ts': generated(PRISMA_SCHEMA) })).toEqual([
      {
        level: 'warn',
        text: 'prisma/generated was generated from a different schema: model City, enum Kind changed',
        fix: 'npx prisma generate',
      },
    ])
  })

  it('fails when the client was not generated', async () => {
    expect(await check(PRISMA_SCHEMA, {})).toEqual([
      { level: 'fail', text: 'prisma/generated was not generated', fix: 'npx prisma generate' },
    ])
  })

  it('finds the client of prisma-client-js next to its package', async () => {
    const schema = PRISMA_SCHEMA.replace('"prisma-client"', '"prisma-client-js"').replace(
      / {2}output.*\n/,
      '',
    )
    const files = {
      'node_modules/@prisma/client/package.json': '{"name":"@prisma/client","version":"6.16.0"}',
      'node_modules/.prisma/client/index.js': generated(schema.replace('name   String', 'name   String?')),
    }
    expect(await check(schema, files)).toMatchObject([
      {
        level: 'warn',
        text: expect.stringMatching(/^node_modules\/\.prisma\/client.*model Region changed$/),
      },
    ])
  })

  it('reports nothing for a client that does not contain its schema', async () => {
    expect(await check(PRISMA_SCHEMA, { 'prisma/generated/client.ts': 'export {}' })).toEqual([])
  })
})
