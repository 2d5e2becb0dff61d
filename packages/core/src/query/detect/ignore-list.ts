import { portableFileOf } from '../../pipeline/call-site.ts'
import type { Shape } from '../../pipeline/operation.ts'
import { compileGlob } from '../../shared/glob.ts'
import type { IgnoreRule } from './detection-options.ts'
import type { UnratedFinding } from './finding-book.ts'

type Test = (finding: UnratedFinding, shape: Shape | undefined) => boolean

/** The findings that are not reported. */
export class IgnoreList {
  readonly #tests: readonly Test[]

  constructor(rules: readonly (string | IgnoreRule)[]) {
    this.#tests = rules.map(testOf)
  }

  /** @param shape - Normalized query of the finding; the finding of a budget has none. */
  has(finding: UnratedFinding, shape?: Shape): boolean {
    return this.#tests.some((test) => test(finding, shape))
  }
}

function testOf(rule: string | IgnoreRule): Test {
  if (typeof rule === 'string') return ({ id, fingerprint }) => id === rule || fingerprint === rule
  const tests: Test[] = []
  const { table, model, callSite, fingerprint } = rule
  if (fingerprint !== undefined) tests.push((finding) => finding.fingerprint === fingerprint)
  if (callSite !== undefined) {
    const matches = compileGlob(callSite)
    tests.push(
      ({ callSite: site }) => site !== undefined && (matches(site.file) || matches(portableFileOf(site))),
    )
  }
  // The label of a model's query begins with the model: `City.findMany where regionId`.
  if (model !== undefined) tests.push((_finding, shape) => shape?.label.startsWith(`${model}.`) === true)
  if (table !== undefined)
    tests.push((_finding, shape) => shape !== undefined && isTable(tableOf(shape), table))
  return (finding, shape) => tests.every((test) => test(finding, shape))
}

const FROM = /\bfrom\s+([^\s,()]+)/i

/**
 * Returns the main table of a query: the one that the adapter reports, otherwise the first one in its SQL.
 */
function tableOf({ table, label }: Shape): string | undefined {
  return table ?? FROM.exec(label)?.[1]?.replace(/["`[\]]/g, '')
}

/** Whether a name, with or without its schema, identifies a table. */
function isTable(table: string | undefined, name: string): boolean {
  const [full, expected] = [table?.toLowerCase(), name.toLowerCase()]
  return full === expected || full?.slice(full.lastIndexOf('.') + 1) === expected
}
