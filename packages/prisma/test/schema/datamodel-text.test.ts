import { describe, expect, it } from 'vitest'
import { readDatamodelText } from '../../src/schema/from-dmmf.ts'

describe('readDatamodelText', () => {
  it('finds views and ignores comments', () => {
    const text =
      'model A {\n  id Int @id // view B {\n}\n/* \nview C {\n*/\n// view D {\nview Real {\n  id Int\n}\n  view  Other{\n}'
    expect([...readDatamodelText(text).views]).toEqual(['Real', 'Other'])
  })

  it('ignores comment markers in a string', () => {
    const text =
      'model A {\n  url String @default("http://x /* ")\n}\nview V {\n  note String @default("*/")\n}'
    expect([...readDatamodelText(text).views]).toEqual(['V'])
  })

  it('reads relationMode of the datasource', () => {
    expect(
      readDatamodelText('datasource db {\n  provider     = "mysql"\n  relationMode = "prisma"\n}')
        .relationMode,
    ).toBe('prisma')
    expect(
      readDatamodelText('datasource db {\n  provider = "mysql"\n  // relationMode = "prisma"\n}')
        .relationMode,
    ).toBe('foreignKeys')
    expect(
      readDatamodelText('generator g {\n  relationMode = "prisma"\n}\ndatasource db {\n}').relationMode,
    ).toBe('foreignKeys')
  })

  it.each([
    ['prisma-client', true],
    ['prisma-client-js', false],
    ['./custom-client', false],
  ])('determines the language of the client of %s', (provider, typescript) => {
    const text = `generator client {\n  output   = "../out"\n  provider = "${provider}"\n}\ngenerator sluice {\n  provider = "sluice-prisma-generator"\n}\n`
    expect(readDatamodelText(text)).toMatchObject({ typescript })
  })

  it('ignores a client in a comment', () => {
    const text =
      'generator client {\n  // provider = "prisma-client"\n  provider = "prisma-client-js"\n}\n// generator b {\n//   provider = "prisma-client"\n// }\n'
    expect(readDatamodelText(text)).toMatchObject({ typescript: false })
  })
})
