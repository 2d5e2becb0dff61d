import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })

/** Differences between a JSON string and a schema of `packages/cli/schemas`; empty if it is valid. */
export function schemaProblems(name: string, json: string): string[] {
  const validate =
    ajv.getSchema(name) ??
    ajv
      .addSchema(
        JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.json`), 'utf8')),
        name,
      )
      .getSchema(name)
  if (validate === undefined) throw new Error(`Unknown schema ${name}.`)
  validate(JSON.parse(json))
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}
