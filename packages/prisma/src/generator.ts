import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import generatorHelper, { type GeneratorOptions } from '@prisma/generator-helper'
import { schemaDataFromDmmf } from './schema/from-dmmf.ts'

const DECLARATIONS = `import type { PrismaSchemaData } from '@sluice/prisma'

export declare const schema: PrismaSchemaData
`

generatorHelper.generatorHandler({
  onManifest: () => ({ prettyName: 'Sluice schema', defaultOutput: './generated/sluice' }),
  onGenerate: generate,
})

/** Writes `index.js`, which exports the `schema` to pass to `withSluice`, and its types. */
async function generate(options: GeneratorOptions): Promise<void> {
  const folder = options.generator.output?.value
  if (!folder) throw new Error('sluice-prisma-generator: expected an output folder, got none.')
  const schema = schemaDataFromDmmf(options)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'index.js'), `export const schema = ${JSON.stringify(schema, undefined, 2)}\n`)
  await writeFile(join(folder, 'index.d.ts'), DECLARATIONS)
}
