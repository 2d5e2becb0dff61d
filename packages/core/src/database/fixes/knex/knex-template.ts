import type { DatabaseFacts } from '../database-facts.ts'
import { helpersOf } from './knex-helpers.ts'

export type KnexLanguage = 'ts' | 'esm' | 'cjs'

/** The text of a migration around the lines of its two functions. */
export function knexTemplate(
  product: DatabaseFacts['product'],
  language: KnexLanguage,
  up: readonly string[],
  down: readonly string[],
): string {
  const helpers = helpersOf(product, [...up, ...down])
  const exported = language === 'cjs' ? 'exports.config =' : 'export const config ='
  const config =
    product === 'postgresql' ? `// Nothing is built CONCURRENTLY in a transaction.\n${exported} { transaction: false }\n\n` : ''
  const head = language === 'ts' ? "import type { Knex } from 'knex'\n\n" : ''
  const functions = [
    ['up', up],
    ['down', down],
  ] as const
  const body = functions.map(([name, lines]) => exportedFunction(name, lines, language)).join('\n')
  return `${head}${config}${[body, ...helpers].map((part) => typed(part, language)).join('\n')}`
}

function exportedFunction(name: string, lines: readonly string[], language: KnexLanguage): string {
  const opening = language === 'cjs' ? `exports.${name} = async function ${name}(` : `export async function ${name}(`
  const inside = lines.map((line) => `    ${line}\n`).join('')
  return `${opening}knex/*: Knex*/)/*: Promise<void>*/ {\n  await onOneConnection(knex, async (run) => {\n${inside}  })\n}\n`
}

/** Types stand in comments, and become types in TypeScript. */
function typed(text: string, language: KnexLanguage): string {
  return text.replace(/\/\*(: [^*]+|type [^*]+)\*\//g, (_, type: string) => (language === 'ts' ? type : ''))
}
