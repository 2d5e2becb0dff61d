import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })

/** What in a text of JSON is not as `packages/cli/schemas` has it, each a line; empty where all is. */
export function schemaProblems(name: string, json: string): string[] {
  const validate =
    ajv.getSchema(name) ??
    ajv.addSchema(JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.json`), 'utf8')), name).getSchema(name)
  if (validate === undefined) throw new Error(`There is no schema ${name}.`)
  validate(JSON.parse(json))
  return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
}
