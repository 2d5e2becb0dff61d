// Checks declared names: they use the words of the docs. Also finds spreads of a literal inside a literal.
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import ts from 'typescript'

/** Words that the docs replaced, with their terms. `left` (a side) and `hand` (of a clock) are in use. */
const REPLACED = new Map(
  Object.entries({
    'ask asks asked asking': 'query, request, send',
    'tell tells told say says said': 'report, notify, emit, write',
    'hear hears heard unheard unheeded': 'receive',
    'kept keeps': 'cache, store, retain',
    'give gives gave given giving gone goes came comes': 'pass, return; options; removed, closed',
    'handed handing': 'pass, return, release',
    'ahead stray strays strayed landed lands takeoff': 'prefetch; forecast',
    'owed owes': 'pending',
    'spare spares spared': 'saved',
    'gathered gathers': 'collected',
    'wants wanted': 'expected, requested, target',
    'made making': 'created',
    'turn turns': 'tick, rotate, round, order',
    'harmless faithful honest lone twin twins': 'safe, exact, single, duplicate',
    'anew alike trouble overtaken asunder afield': 'again, equal, failure, discarded',
    'lapse lapses lapsed': 'expire',
    'patiently whoever whatever nobody anybody somebody': 'the actor or the condition',
  }).flatMap(([words, terms]) => words.split(' ').map((word) => [word, terms])),
)

/** Names that the specification sets. */
const SPECIFIED = new Set(['minutesAhead'])

/** Fields and parameters of the dashboard's protocol. */
const PROTOCOL = new Set(['ahead', 'goneRoutes', 'spared', 'sparedShare'])
const speaksProtocol = (path) => /^packages\/(dashboard|cli)\//.test(path)

/** Folders, without those in them, that are not clean yet. Remove an entry once they are, and add none. */
const NAMES_TO_REPLACE = []

/** The same for spreads of literals. */
const SPREADS_TO_REPLACE = []

const QUICK_NAMES = new RegExp([...REPLACED.keys()].join('|'), 'i')
const QUICK_SPREADS = /\.\.\.\s*[[{]/

const wordsOf = (name) =>
  name
    .replace(/takeOff/gi, (found) => `${found[0]}akeoff`)
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

function termsFor(name, path) {
  if (SPECIFIED.has(name) || (PROTOCOL.has(name) && speaksProtocol(path))) return undefined
  const word = wordsOf(name).find((one) => REPLACED.has(one))
  return word === undefined ? undefined : REPLACED.get(word)
}

/** A name where it is declared. Imports, exports and accesses follow their declaration. */
const isDeclared = (node) =>
  (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) &&
  node.parent?.name === node &&
  !ts.isPropertyAccessExpression(node.parent) &&
  !ts.isShorthandPropertyAssignment(node.parent) &&
  !ts.isImportSpecifier(node.parent) &&
  !ts.isExportSpecifier(node.parent)

/** `{ ...{ a, b } }` or `[...[a, b]]`: plain properties and elements read better. */
const isSpreadOfLiteral = (node) =>
  (ts.isSpreadAssignment(node) && ts.isObjectLiteralExpression(node.expression)) ||
  (ts.isSpreadElement(node) &&
    ts.isArrayLiteralExpression(node.parent) &&
    ts.isArrayLiteralExpression(node.expression))

/** Names and spreads to replace in a source file, `{ line, kind, text }`, each name once. */
export function namesIn(path, source) {
  const found = []
  const fileTerms = termsFor(basename(path).replace(/\..*$/, ''), path)
  if (fileTerms !== undefined)
    found.push({ line: 1, kind: 'name', text: `the file's name: use ${fileTerms}` })
  if (!QUICK_NAMES.test(source) && !QUICK_SPREADS.test(source)) return found
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const seen = new Set()
  const lineOf = (node) => file.getLineAndCharacterOfPosition(node.getStart()).line + 1
  const visit = (node) => {
    if (isSpreadOfLiteral(node))
      found.push({ line: lineOf(node), kind: 'spread', text: 'write the properties without the spread' })
    if (isDeclared(node) && !seen.has(node.text)) {
      const terms = termsFor(node.text, path)
      if (terms !== undefined)
        found.push({ line: lineOf(node), kind: 'name', text: `${node.text}: use ${terms}` })
      seen.add(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

const isSource = (path) => /^packages\/.*\/src\/.*\.tsx?$/.test(path)
const isCode = (path) => /\.(tsx?|m?js)$/.test(path)

/**
 * Problems of these files, as lines to print. A listed folder may have them, and must: an entry without any
 * is a problem as well, so that the lists only shrink.
 */
export function badNames(root, paths, toReplace = { name: NAMES_TO_REPLACE, spread: SPREADS_TO_REPLACE }) {
  const used = { name: new Set(), spread: new Set() }
  const problems = paths.filter(isCode).flatMap((path) =>
    namesIn(path, readFileSync(join(root, path), 'utf8')).flatMap(({ line, kind, text }) => {
      if (kind === 'name' && !isSource(path)) return []
      if (!toReplace[kind].includes(dirname(path))) return [`${path}:${line}: ${text}`]
      used[kind].add(dirname(path))
      return []
    }),
  )
  const stale = Object.entries(toReplace).flatMap(([kind, folders]) =>
    folders
      .filter((folder) => !used[kind].has(folder))
      .map((folder) => `scripts/voice/names.mjs: "${folder}" has no ${kind} to replace: remove the entry`),
  )
  return [...problems, ...stale]
}
