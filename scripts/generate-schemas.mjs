// Generates the JSON Schemas of the output of `sluice <command> --json`, and of its files, from the types of
// the command line. With `--check`, it writes nothing, and fails if the schemas are not up to date.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator } from 'ts-json-schema-generator'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'packages/cli/schemas')
const types = {
  analyze: 'AnalyzeJson',
  baseline: 'BaselineJson',
  bench: 'BenchJson',
  'bench-baseline': 'BenchBaselineJson',
  doctor: 'DoctorJson',
  explain: 'ExplainJson',
  ignore: 'IgnoreJson',
  relay: 'RelayJson',
  top: 'TopJson',
  triggers: 'TriggersJson',
  yield: 'YieldJson',
}

const generator = createGenerator({
  path: join(root, 'packages/cli/src/report/json-output.ts'),
  tsconfig: join(root, 'tsconfig.json'),
  expose: 'all',
  topRef: false,
  additionalProperties: false,
  // `pnpm run typecheck` does.
  skipTypeCheck: true,
})

/** Converts the generator's draft 7. The types contain no tuples, whose schema differs. */
function toDraft2020(value, name) {
  if (Array.isArray(value)) return value.map((one) => toDraft2020(one))
  if (typeof value === 'string')
    return name === 'description' ? inJson(value) : value.replace(/^#\/definitions\//, '#/$defs/')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name === 'definitions' ? '$defs' : name,
      toDraft2020(one, name),
    ]),
  )
}

/** Inlines types that have no name in TypeScript (`Pick<…>`). */
function withoutUnnamed(value, definitions) {
  if (Array.isArray(value)) return value.map((one) => withoutUnnamed(one, definitions))
  if (typeof value !== 'object' || value === null) return value
  const name =
    typeof value.$ref === 'string' ? decodeURIComponent(value.$ref.replace('#/definitions/', '')) : ''
  if (isUnnamed(name)) {
    const { $ref: _replaced, ...beside } = value
    return withoutUnnamed({ ...definitions[name], ...beside }, definitions)
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withoutUnnamed(one, definitions)]),
  )
}

const isUnnamed = (name) => /\W/.test(name)

/** JSON omits properties that are `undefined` in TypeScript. */
function inJson(text) {
  return text.replace(/(^|\. )`undefined`/g, '$1Omitted').replaceAll('`undefined`', 'omitted')
}

function schemaOf(name, type) {
  const { definitions = {}, ...draft7 } = generator.createSchema(type)
  const named = Object.fromEntries(
    Object.entries(definitions).filter(([definition]) => !isUnnamed(definition)),
  )
  const {
    $schema: _draft7,
    description,
    $defs,
    ...schema
  } = toDraft2020(withoutUnnamed({ ...draft7, definitions: named }, definitions))
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `sluice ${name}`,
    description,
  }
  return `${JSON.stringify({ ...head, ...schema, ...(Object.keys($defs).length === 0 ? {} : { $defs }) }, undefined, 2)}\n`
}

const isCheck = process.argv.includes('--check')
const written = new Map(Object.entries(types).map(([name, type]) => [`${name}.json`, schemaOf(name, type)]))
const present = existsSync(folder) ? readdirSync(folder) : []
const stale = [...written]
  .filter(([name, text]) => !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== text)
  .map(([name]) => name)
const extra = present.filter((name) => !written.has(name))
if (isCheck) {
  for (const name of stale)
    console.error(
      `packages/cli/schemas/${name}: is not what the types say. pnpm run generate:schemas writes it.`,
    )
  for (const name of extra) console.error(`packages/cli/schemas/${name}: there is no such output.`)
  if (stale.length + extra.length > 0) process.exit(1)
} else {
  mkdirSync(folder, { recursive: true })
  for (const name of extra) rmSync(join(folder, name))
  for (const name of stale) writeFileSync(join(folder, name), written.get(name) ?? '')
}
console.log(`${written.size} JSON Schemas`)
