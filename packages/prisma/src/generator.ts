import generatorHelper, { type GeneratorOptions } from '@prisma/generator-helper'
import { readDatamodelText, schemaDataFromDmmf } from './schema/from-dmmf.ts'
import { writeSchema } from './schema/write-schema.ts'

generatorHelper.generatorHandler({
  onManifest: () => ({ prettyName: 'Sluice schema', defaultOutput: './generated/sluice' }),
  onGenerate: generate,
})

/** Writes the `schema` to pass to `withSluice`, in the language of the schema's client. */
async function generate(options: GeneratorOptions): Promise<void> {
  const folder = options.generator.output?.value
  if (!folder) throw new Error('sluice-prisma-generator: expected an output folder, got none.')
  // `otherGenerators` is empty with `prisma generate --generator sluice`.
  const { typescript } = readDatamodelText(options.datamodel)
  await writeSchema(folder, schemaDataFromDmmf(options), { typescript })
}
